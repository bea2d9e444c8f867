//! EventBridge's part: when a rule fires, and what it gives the function then.

use anyhow::Result;
use lab::Lab;
use serde_json::Value;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Scheduled times, none of them twice, for ticks with the same one count once. They are whole seconds,
/// and run ahead of the clock when a test's ticks come faster than that.
#[derive(Default)]
pub struct ScheduledTimes(AtomicU64);

impl ScheduledTimes {
    pub fn next(&self) -> SystemTime {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let now = now.expect("it is later than 1970").as_secs();
        let next = |last: u64| now.max(last + 1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        let last = self.0.fetch_update(set, fetch, |last| Some(next(last)));
        let time = next(last.expect("it always has a next"));
        SystemTime::UNIX_EPOCH + Duration::from_secs(time)
    }
}

/// What a rule gives the function at a scheduled time.
pub async fn rule_input(lab: &Lab, rule: &str, time: SystemTime) -> Result<Value> {
    let events = aws_sdk_eventbridge::Client::new(&lab.aws());
    let targets = events.list_targets_by_rule().rule(rule).send().await?;
    let [target] = targets.targets() else {
        anyhow::bail!("a rule with one target, not {:?}", targets.targets());
    };
    lab::rule_event(target, time)
}
