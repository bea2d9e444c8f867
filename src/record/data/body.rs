//! The JSON of the state object: a record, or the stub that says in which bucket the record is now.
//!
//! An object that cannot be read is an error and never an empty record. No I/O.

use super::record::Record;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Written into every record, so that a later version knows what it reads.
const VERSION: u32 = 2;

/// What an object of the record's key may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    Record(Box<Record>),
    /// The record is in another bucket.
    Stub {
        to: String,
    },
}

/// A record that is there and cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
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

impl Body {
    /// Reads the record of `owner`.
    pub fn parse(body: &[u8], owner: &str) -> Result<Self, BodyError> {
        let mut value: Value = serde_json::from_slice(body)?;
        let version = value
            .get_mut("version")
            .map(Value::take)
            .unwrap_or_default();
        if version != VERSION {
            return Err(BodyError::Version { found: version });
        }
        let (found, body) = if value.get("moved_to").is_some() {
            let stub: Stub = serde_json::from_value(value)?;
            (stub.owner, Self::Stub { to: stub.moved_to })
        } else {
            let record: Record = serde_json::from_value(value)?;
            (record.owner.clone(), Self::Record(Box::new(record)))
        };
        if found != owner {
            return Err(BodyError::Foreign { found });
        }
        Ok(body)
    }

    pub fn stub(owner: &str, to: &str) -> Result<Vec<u8>, serde_json::Error> {
        written(&Stub {
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

fn written(body: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&Versioned {
        version: VERSION,
        body,
    })
}

impl Record {
    pub fn to_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        written(self)
    }
}
