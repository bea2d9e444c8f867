//! What a request has just made: AWS may not know it for a moment, and then says so of it to the next calls.

use crate::capabilities::AwsError;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Names and ARNs, shared by all that one request works with.
#[derive(Debug, Clone, Default)]
pub struct Fresh(Rc<RefCell<BTreeSet<String>>>);

impl Fresh {
    /// Notes what was made.
    pub fn add(&self, name: &str) {
        self.0.borrow_mut().insert(name.to_owned());
    }

    /// From now on it may be gone, for it is taken away.
    pub fn clear(&self) {
        self.0.borrow_mut().clear();
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.borrow().contains(name)
    }

    /// Whether AWS says that something does not exist which was just made.
    pub fn is_not_shown(&self, error: &AwsError) -> bool {
        let names = self.0.borrow();
        error.is_not_found() && names.iter().any(|name| error.resource.contains(name))
    }
}
