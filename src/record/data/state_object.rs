//! The JSON of the state object: a record, or the stub that says in which bucket the record is now.
//!
//! An object that cannot be read is an error and never an empty record. No I/O.

use super::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Every object holds it, so that a later version of this function knows what it reads.
const VERSION: u32 = 2;

/// What the state object may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateObject {
    Record(Box<Record>),
    /// Rule 10: the record is in another bucket.
    Stub {
        to: String,
    },
}

/// Why an object that exists cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateObjectError {
    #[error("it is not what a binding writes")]
    Unreadable(#[from] serde_json::Error),
    #[error("it has version {found}, this function knows version {VERSION}")]
    Version { found: Value },
    #[error("it is the record of {found}, and was put there by somebody else")]
    Foreign { found: String },
}

#[derive(Serialize, Deserialize)]
struct Stub {
    owner: String,
    moved_to: String,
}

impl StateObject {
    /// Reads the state object of `owner`.
    ///
    /// # Errors
    /// If it is damaged, of another version, or of another owner.
    pub fn parse(body: &[u8], owner: &str) -> Result<Self, StateObjectError> {
        let mut value: Value = serde_json::from_slice(body)?;
        let version = value
            .get_mut("version")
            .map(Value::take)
            .unwrap_or_default();
        if version != VERSION {
            return Err(StateObjectError::Version { found: version });
        }
        let (found, object) = if value.get("moved_to").is_some() {
            let stub: Stub = serde_json::from_value(value)?;
            (stub.owner, Self::Stub { to: stub.moved_to })
        } else {
            let record: Record = serde_json::from_value(value)?;
            (record.owner.clone(), Self::Record(Box::new(record)))
        };
        if found != owner {
            return Err(StateObjectError::Foreign { found });
        }
        Ok(object)
    }

    /// The stub that says that the record is in bucket `to`.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn stub(owner: &str, to: &str) -> Result<Vec<u8>, serde_json::Error> {
        to_json(&Stub {
            owner: owner.to_owned(),
            moved_to: to.to_owned(),
        })
    }
}

#[derive(Serialize)]
struct Versioned<'a, T> {
    version: u32,
    #[serde(flatten)]
    body: &'a T,
}

fn to_json(body: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Versioned {
        version: VERSION,
        body,
    })
}

impl Record {
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        to_json(self)
    }
}
