//! First aid: what the function tells a person who asks it, and that it changes nothing by that.

mod rehearsal;
mod status;

use crate::support::{Answer, Bench, TIMEOUT};
use anyhow::Result;
use serde_json::{Value, json};

/// The answer to a question; whatever it is, nothing may change by it.
async fn ask(bench: &Bench, question: Value) -> Result<Value> {
    let before = bench.changes().len();
    let answer = bench.function.invoke(question, TIMEOUT).await?.success()?;
    let changes = &bench.changes()[before..];
    assert!(changes.is_empty(), "{changes:#?}");
    Ok(answer)
}

pub async fn status(bench: &Bench, made: &Answer) -> Result<Value> {
    ask(
        bench,
        json!({"Action": "Status", "PhysicalResourceId": made.id()}),
    )
    .await
}

/// The elements of a list of texts.
pub fn texts<'a>(answer: &'a Value, name: &str) -> Vec<&'a str> {
    let list = answer[name].as_array();
    let list = list.unwrap_or_else(|| panic!("a list {name} in {answer:#}"));
    list.iter().filter_map(Value::as_str).collect()
}
