//! In which of its roles an event calls the function.
//!
//! The error about any other event names its fields and never their values, which may hold a ResponseURL. No I/O.

use crate::clock::Timestamp;
use crate::first_aid::{Action, ActionError};
use crate::record::RuleEvent;
use serde_json::Value;

/// One invocation's event.
#[derive(Debug)]
pub enum Event {
    /// From CloudFormation. It is not parsed here, because a malformed request must be answered too.
    CloudFormation(Value),
    /// From a binding's own rule.
    Tick(Box<RuleEvent>),
    /// From a person, who asks a question.
    FirstAid(Action),
    /// From EventBridge, if the rule gives no input: a tick by environment variables.
    Scheduled {
        /// The event's own id, which an event from elsewhere may lack.
        id: Option<String>,
        /// The scheduled time.
        time: Option<Timestamp>,
    },
}

/// An event for which this function has no role.
#[derive(Debug, thiserror::Error)]
pub enum EventError {
    #[error("the rule's input is not what this function wrote into it; update the stack")]
    Tick(#[source] serde_json::Error),
    #[error(transparent)]
    Action(#[from] ActionError),
    #[error("the scheduled event has the time {given:?}, which is no time in UTC")]
    Time { given: String },
    #[error(
        "expected an event of CloudFormation (with RequestType), the input of a binding's rule (with \
         AlbNlbBinding), EventBridge's scheduled event (with the detail-type Scheduled Event) or a person's \
         question (with Action: Check, Plan or Status), but was given {given}"
    )]
    Unknown { given: String },
}

impl Event {
    /// Finds out the role: each has a field that no other has.
    ///
    /// # Errors
    /// If there is none of these fields, or if a tick's input or a person's question is malformed.
    pub fn parse(event: Value) -> Result<Self, EventError> {
        if event.get("RequestType").is_some() {
            return Ok(Self::CloudFormation(event));
        }
        if event.get("AlbNlbBinding").is_some() {
            let input = serde_json::from_value(event).map_err(EventError::Tick)?;
            return Ok(Self::Tick(Box::new(input)));
        }
        if event.get("Action").is_some() {
            return Ok(Self::FirstAid(Action::parse(&event)?));
        }
        if event.get("detail-type").and_then(Value::as_str) == Some("Scheduled Event") {
            let text = |name| event.get(name).and_then(Value::as_str).map(str::to_owned);
            let time = text("time").map(|given| {
                let time = Timestamp::parse(&given);
                time.ok_or(EventError::Time { given })
            });
            return Ok(Self::Scheduled {
                id: text("id"),
                time: time.transpose()?,
            });
        }
        Err(EventError::Unknown {
            given: describe(&event),
        })
    }
}

/// The event's type and the names of its fields.
fn describe(event: &Value) -> String {
    match event {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(_) => "a text".to_owned(),
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(fields) if fields.is_empty() => "an empty object".to_owned(),
        Value::Object(fields) => {
            let names: Vec<_> = fields.keys().take(20).map(String::as_str).collect();
            format!("an object with {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_of_no_role_is_named_by_its_fields_and_not_by_its_values() {
        let error = Event::parse(json!({"Records": ["secret"], "x": 1})).expect_err("no role");
        let text = error.to_string();
        assert!(text.contains("an object with Records, x"), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }

    #[test]
    fn a_bare_scheduled_event_is_known_by_its_detail_type_and_keeps_its_id() {
        for id in [None, Some("cdc73f9d-aea9-11e3-9d5a-835b769c0d9c")] {
            let mut event = json!({"source": "aws.events", "detail-type": "Scheduled Event"});
            if let Some(id) = id {
                event["id"] = json!(id);
            }
            let Ok(Event::Scheduled { id: kept, .. }) = Event::parse(event) else {
                panic!("a scheduled event");
            };
            assert_eq!(kept.as_deref(), id);
        }
    }

    #[test]
    fn a_rule_input_that_lacks_a_field_is_an_error_that_names_it() {
        let error = Event::parse(json!({"AlbNlbBinding": "alb-nlb-binding-0123456789abcdef"}))
            .expect_err("incomplete");
        assert!(
            crate::log::chain(&error).contains("missing field"),
            "{error}"
        );
    }
}
