//! The checks of EventBridge that MiniStack leaves out: the schedule of a rule, and the length of a target's input.

use anyhow::Result;
use serde_json::Value;

use super::call::Call;
use super::reply::{self, ApiReply};
use super::state::{ApiRequest, State};

/// EventBridge API, `Target` and `InputTransformer`: "Length Constraints".
const LONGEST_INPUT: usize = 8192;

impl State {
    pub(super) async fn put_targets(&self, request: &ApiRequest) -> Result<ApiReply> {
        if let Some(input) = too_long(&request.call) {
            let message = format!(
                "1 validation error detected: Value at '{input}' failed to satisfy constraint: \
                 Member must have length less than or equal to {LONGEST_INPUT}"
            );
            return Ok(reply::error(
                &request.call,
                400,
                "ValidationException",
                &message,
            ));
        }
        self.forward(request, None).await
    }

    pub(super) async fn put_rule(&self, request: &ApiRequest) -> Result<ApiReply> {
        if is_wrong_rate(request.call.param("ScheduleExpression")) {
            let message = "Parameter ScheduleExpression is not valid.";
            return Ok(reply::error(
                &request.call,
                400,
                "ValidationException",
                message,
            ));
        }
        self.forward(request, None).await
    }
}

/// The position of the first input that is too long.
fn too_long(call: &Call) -> Option<String> {
    let is_long = |text: &Value| {
        let text = text.as_str().unwrap_or_default();
        text.chars().count() > LONGEST_INPUT
    };
    let targets = call.params["Targets"].as_array().into_iter().flatten();
    targets.zip(1..).find_map(|(target, number)| {
        let input = match target {
            _ if is_long(&target["Input"]) => "input",
            _ if is_long(&target["InputTransformer"]["InputTemplate"]) => {
                "inputTransformer.inputTemplate"
            }
            _ => return None,
        };
        Some(format!("targets.{number}.member.{input}"))
    })
}

/// "If the value is equal to 1, then the unit must be singular. If the value is greater than 1, the
/// unit must be plural" (EventBridge user guide, "Rate expressions").
fn is_wrong_rate(schedule: &str) -> bool {
    let Some(rate) = schedule
        .strip_prefix("rate(")
        .and_then(|rest| rest.strip_suffix(')'))
    else {
        return false;
    };
    let Some((value, unit)) = rate.split_once(' ') else {
        return true;
    };
    let units = match value.parse::<u32>() {
        Ok(1) => ["minute", "hour", "day"],
        Ok(2..) => ["minutes", "hours", "days"],
        _ => return true,
    };
    !units.contains(&unit)
}

#[cfg(test)]
mod tests {
    use super::is_wrong_rate;

    #[test]
    fn one_is_singular_and_more_are_plural() {
        for right in [
            "rate(1 minute)",
            "rate(5 minutes)",
            "rate(1 day)",
            "cron(0/5 * * * ? *)",
        ] {
            assert!(!is_wrong_rate(right), "{right}");
        }
        for wrong in [
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(0 minutes)",
            "rate(5)",
            "rate(5 years)",
        ] {
            assert!(is_wrong_rate(wrong), "{wrong}");
        }
    }
}
