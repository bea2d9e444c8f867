//! The judge: watches every change as it is carried out, and ends the life at the first that is not as
//! the contract says.
//!
//! Knows the world and what CloudFormation was answered. Of the product's insides it knows where its record
//! is, who is named in it, whether the request has an outcome, and what marks a record that may be deleted.
//! It keeps a book for each binding.

mod book;
mod ending;
mod keeping;
mod looks;
mod misses;
mod ownership;
mod promises;
mod requests;
mod targets;
mod wiring;

pub use book::Notes;

use alb_nlb_binding::model::Endpoint;
use book::Book;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a request, as CloudFormation sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Success,
    Failed,
    GivenUp,
}

#[derive(Default)]
pub struct Judge {
    books: RefCell<BTreeMap<String, Book>>,
    /// First answers by request.
    answers: RefCell<BTreeMap<u64, requests::First>>,
    /// Targets that any binding has found in a given group: where its stack cannot be asked, or rolls
    /// back, they stay when it goes.
    was_found: RefCell<BTreeSet<(String, Endpoint)>>,
    /// Who last put a target out: the binding, and the order number of that invocation's last write.
    put_out: RefCell<BTreeMap<(String, Endpoint), (String, u64)>>,
    /// Numbers the reads and writes of all records.
    order: Cell<u64>,
}
