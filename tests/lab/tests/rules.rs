//! EventBridge: what a rule gives to its target, by MiniStack and by the lab's own words.

mod python_function;

use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use aws_sdk_eventbridge::error::ProvideErrorMetadata;
use aws_sdk_eventbridge::types::{InputTransformer, RuleState, Target};
use lab::{ACCOUNT, Lab, REGION, rule_event, stack};
use python_function::{NAME, template};
use serde_json::{Value, json};

/// It prints what it is given.
const PYTHON_CODE: &str = "
import json
def handler(event, context):
    print(json.dumps(event))
";
const SHORT_MINUTE: Duration = Duration::from_secs(2);
/// This is as long as many of those minutes.
const FIRING_TIMEOUT: Duration = Duration::from_secs(60);

fn target(input_template: &str) -> Result<Target> {
    let transformer = InputTransformer::builder()
        .input_paths_map("time", "$.time")
        .input_template(input_template)
        .build()?;
    Ok(Target::builder()
        .id("function")
        .arn(format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{NAME}"))
        .input_transformer(transformer)
        .build()?)
}

#[tokio::test]
async fn a_rule_fires_what_its_transformer_makes_of_the_scheduled_time() -> Result<()> {
    let lab = Lab::start_with_minutes_of(SHORT_MINUTE).await?;
    let cloudformation = aws_sdk_cloudformation::Client::new(&lab.aws());
    let made = stack::create(&cloudformation, "stack", &template(PYTHON_CODE, ""), &[]).await?;
    made.expect("CREATE_COMPLETE")?;
    let input_template =
        r#"{"AlbNlbBinding":"it","Time":<time>,"Orders":{"Path":"/a?b=\"c\"","Ports":[80]}}"#;
    let wanted = target(input_template)?;
    let events = aws_sdk_eventbridge::Client::new(&lab.aws_as("someone"));
    let rule = events
        .put_rule()
        .name("rule")
        .schedule_expression("rate(1 minute)");
    rule.state(RuleState::Enabled).send().await?;
    let put = events.put_targets().rule("rule").targets(wanted.clone());
    assert_eq!(put.send().await?.failed_entry_count(), 0);
    let listed = events.list_targets_by_rule().rule("rule").send().await?;
    assert_eq!(listed.targets(), std::slice::from_ref(&wanted));

    let fired = async {
        loop {
            let lines = lab.logs(NAME).await?;
            let fired = lines
                .iter()
                .find_map(|line| serde_json::from_str::<Value>(line).ok());
            match fired {
                Some(fired) => return anyhow::Ok(fired),
                None => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let mut fired = tokio::time::timeout(FIRING_TIMEOUT, fired)
        .await
        .context("it never fires")??;
    let mut rendered = rule_event(&wanted, SystemTime::now())?;
    // Only the times differ, and each of them is a text of whole seconds.
    let times = [fired["Time"].take(), rendered["Time"].take()];
    assert_eq!(fired, rendered);
    for time in times {
        let shape: String = time
            .as_str()
            .context("a text")?
            .chars()
            .map(|char| if char.is_ascii_digit() { '0' } else { char })
            .collect();
        assert_eq!(shape, "0000-00-00T00:00:00Z");
    }
    assert_eq!(
        fired["Orders"],
        json!({"Path": "/a?b=\"c\"", "Ports": [80]})
    );
    Ok(())
}

#[tokio::test]
async fn an_input_of_more_characters_than_eventbridge_holds_is_refused() -> Result<()> {
    let lab = Lab::start().await?;
    let events = aws_sdk_eventbridge::Client::new(&lab.aws_as("someone"));
    let rule = events
        .put_rule()
        .name("rule")
        .schedule_expression("rate(1 minute)");
    rule.state(RuleState::Disabled).send().await?;
    for (length, is_taken) in [(8192, true), (8193, false)] {
        let text = format!("\"{}\"", "ä".repeat(length - 2));
        let plain = Target::builder()
            .id("function")
            .arn("arn:aws:lambda:us-east-1:1:function:any");
        for target in [target(&text)?, plain.input(&text).build()?] {
            let put = events
                .put_targets()
                .rule("rule")
                .targets(target)
                .send()
                .await;
            assert_eq!(put.is_ok(), is_taken, "{length}: {put:?}");
            let code = put.as_ref().err().and_then(|error| error.code());
            assert_eq!(
                code.is_some_and(|code| code == "ValidationException"),
                !is_taken
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn rules_are_listed_by_how_their_names_begin() -> Result<()> {
    let lab = Lab::start().await?;
    let events = aws_sdk_eventbridge::Client::new(&lab.aws_as("someone"));
    for name in ["alb-nlb-binding-1", "other", "alb-nlb-binding-2"] {
        let rule = events
            .put_rule()
            .name(name)
            .schedule_expression("rate(1 minute)");
        rule.state(RuleState::Disabled).send().await?;
    }
    let listed = events
        .list_rules()
        .name_prefix("alb-nlb-binding-")
        .send()
        .await?;
    let mut names: Vec<_> = listed
        .rules()
        .iter()
        .filter_map(|rule| rule.name())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["alb-nlb-binding-1", "alb-nlb-binding-2"]);
    Ok(())
}
