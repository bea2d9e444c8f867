//! First aid: the function answers a person who asks it, and changes nothing.

mod rehearsal;
mod status;

use crate::support::{Fixture, SentResponse, TIMEOUT};
use anyhow::Result;
use serde_json::{Value, json};

/// Asks the function, and asserts that it has changed nothing.
async fn ask(fixture: &Fixture, question: Value) -> Result<Value> {
    let before = fixture.changes().len();
    let answer = fixture
        .function
        .invoke(question, TIMEOUT)
        .await?
        .success()?;
    let changes = &fixture.changes()[before..];
    assert!(changes.is_empty(), "{changes:#?}");
    Ok(answer)
}

pub async fn status(fixture: &Fixture, made: &SentResponse) -> Result<Value> {
    ask(
        fixture,
        json!({"Action": "Status", "PhysicalResourceId": made.id()}),
    )
    .await
}

/// The texts of a list in an answer.
pub fn texts<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let list = answer[name].as_array();
    let list = list.unwrap_or_else(|| panic!("a list {name} in {answer:#}"));
    list.iter().filter_map(Value::as_str).collect()
}
