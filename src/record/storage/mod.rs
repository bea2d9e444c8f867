//! Where the record is: one object in one bucket, read by every invocation and written under its condition.

mod buckets;
mod relocation;
mod store;

pub use buckets::{Candidate, Contents, Located, StoredRecord, Unreadable};
pub use store::Store;
