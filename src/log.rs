//! JSON lines on standard output, which Lambda sends to CloudWatch Logs.
//!
//! Never logs a whole event: CloudFormation's holds the ResponseURL, which is a credential.

use serde::Serialize;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Starts logging. Other crates are logged from warnings on, because the Lambda runtime's traces show whole events.
pub fn start() {
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stdout);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        // The runtime repeats the errors that the function has logged itself.
        .with_target("lambda_runtime::layers", LevelFilter::OFF)
        .with_target(env!("CARGO_CRATE_NAME"), level());
    tracing_subscriber::registry()
        .with(lines)
        .with(targets)
        .init();
    std::panic::set_hook(Box::new(|panic| {
        tracing::error!(%panic, "the function panicked");
    }));
}

/// Lambda sets `AWS_LAMBDA_LOG_LEVEL` if its log format is JSON (Lambda guide, "Log-level filtering"). If it is
/// not, `LOG_LEVEL` may be set.
fn level() -> LevelFilter {
    ["LOG_LEVEL", "AWS_LAMBDA_LOG_LEVEL"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok()?.parse().ok())
        .unwrap_or(LevelFilter::INFO)
}

/// Writes one line with lists in it, which tracing's fields cannot hold, if the level INFO is logged.
pub fn record(message: &str, record: &impl Serialize) {
    if !tracing::enabled!(tracing::Level::INFO) {
        return;
    }
    #[derive(Serialize)]
    struct Line<'a, R> {
        timestamp: &'a str,
        level: &'static str,
        message: &'a str,
        #[serde(flatten)]
        record: &'a R,
    }
    let mut timestamp = String::new();
    if SystemTime
        .format_time(&mut Writer::new(&mut timestamp))
        .is_err()
    {
        timestamp.clear();
    }
    let line = Line {
        timestamp: &timestamp,
        level: "INFO",
        message,
        record,
    };
    match serde_json::to_string(&line) {
        Ok(line) => println!("{line}"),
        Err(error) => tracing::error!(%error, "a record could not be written"),
    }
}

/// The text of an error with all its sources, for logs and responses: `what: why: why`.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Some errors already repeat their source.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}
