//! What EventBridge gives to a rule's target when the rule's schedule fires. It knows scheduled events
//! only, and input transformers only as far as rules of bindings use them.
//!
//! User guide, "Input transformation": a path that does not resolve is an empty text, a text that
//! is in the place of a JSON value gets its quotes, and within a text nothing is quoted or escaped.
//! The event is that of "Scheduled Event" in the user guide; its time is in whole seconds.

use std::collections::HashMap;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};
use aws_sdk_eventbridge::primitives::{DateTime, DateTimeFormat};
use aws_sdk_eventbridge::types::{InputTransformer, Target};
use serde_json::{Value, json};

use crate::names::{ACCOUNT, REGION};

/// The event that a function gets from a rule that was to fire at this time.
///
/// # Errors
/// If the target's input is no JSON, because a function cannot be invoked with that.
pub fn rule_event(target: &Target, time: SystemTime) -> Result<Value> {
    let event = scheduled_event(time)?;
    let input = match (target.input_transformer(), target.input()) {
        (Some(transformer), _) => render(transformer, &event)?,
        (None, Some(input)) => input.to_owned(),
        (None, None) => return Ok(event),
    };
    serde_json::from_str(&input).with_context(|| format!("no JSON: {input}"))
}

/// The scheduled event of a target without an input of its own.
pub fn scheduled_event(time: SystemTime) -> Result<Value> {
    let seconds = DateTime::from_secs(DateTime::from(time).secs());
    Ok(json!({
        "version": "0",
        "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": seconds.fmt(DateTimeFormat::DateTime)?,
        "region": REGION,
        "resources": [format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/rule")],
        "detail": {},
    }))
}

fn render(transformer: &InputTransformer, event: &Value) -> Result<String> {
    let none = HashMap::new();
    let paths = transformer.input_paths_map().unwrap_or(&none);
    let mut rest = transformer.input_template();
    let mut out = String::new();
    let mut in_text = false;
    while let Some(next) = rest.chars().next() {
        let placeholder = match next {
            '<' => rest.split_once('>').map(|(name, _)| &rest[1..name.len()]),
            _ => None,
        };
        let taken = match (next, placeholder) {
            (_, Some(name)) => {
                let Some(path) = paths.get(name) else {
                    bail!("the template has a placeholder that no path is named after: {name}");
                };
                out.push_str(&written(value(event, path), in_text));
                name.len() + 2
            }
            ('\\', None) => rest.chars().take(2).map(char::len_utf8).sum(),
            _ => next.len_utf8(),
        };
        if placeholder.is_none() {
            in_text ^= next == '"';
            out.push_str(&rest[..taken]);
        }
        rest = &rest[taken..];
    }
    Ok(out)
}

/// What a path such as `$.detail.name` leads to.
fn value(event: &Value, path: &str) -> Value {
    let mut steps = path
        .trim_start_matches('$')
        .split('.')
        .filter(|step| !step.is_empty());
    let found = steps.try_fold(event, |value, step| value.get(step));
    found.cloned().unwrap_or_else(|| json!(""))
}

fn written(value: Value, in_text: bool) -> String {
    match value {
        Value::String(text) if in_text => text,
        value if in_text => value.to_string().replace('"', ""),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn transformed(template: &str) -> Result<Value> {
        let paths = [
            ("time", "$.time"),
            ("detail", "$.detail"),
            ("none", "$.a.b"),
        ];
        let mut transformer = InputTransformer::builder().input_template(template);
        for (name, path) in paths {
            transformer = transformer.input_paths_map(name, path);
        }
        let target = Target::builder().id("function").arn("arn");
        let target = target.input_transformer(transformer.build()?).build()?;
        rule_event(
            &target,
            SystemTime::UNIX_EPOCH + Duration::from_millis(1_790_000_000_900),
        )
    }

    #[test]
    fn a_text_gets_its_quotes_where_a_value_stands() -> Result<()> {
        let template =
            r#"{"Time": <time>, "Detail":<detail>, "Text": "at <time>, \"<none>\"", "N": <none>}"#;
        let expected = json!({
            "Time": "2026-09-21T14:13:20Z",
            "Detail": {},
            "Text": "at 2026-09-21T14:13:20Z, \"\"",
            "N": "",
        });
        assert_eq!(transformed(template)?, expected);
        Ok(())
    }

    #[test]
    fn what_is_no_json_or_has_an_unknown_name_is_an_error() {
        for template in [r#"{"Time": <other>}"#, r#"{"Time": <time>"#] {
            assert!(transformed(template).is_err(), "{template}");
        }
    }

    #[test]
    fn an_input_is_given_as_it_is_and_without_any_the_event() -> Result<()> {
        let target = Target::builder().id("function").arn("arn");
        let time = SystemTime::UNIX_EPOCH;
        let given = target.clone().input(r#"{"Time": "<time>"}"#).build()?;
        assert_eq!(rule_event(&given, time)?, json!({"Time": "<time>"}));
        let event = rule_event(&target.build()?, time)?;
        assert_eq!(event["time"], "1970-01-01T00:00:00Z");
        assert_eq!(event["detail-type"], "Scheduled Event");
        Ok(())
    }
}
