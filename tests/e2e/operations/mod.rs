//! cfn/operations.yaml and cfn/alarms.yaml, deployed beside the function and a binding: the alarms watch the metrics
//! that these publish, and the queries find what they log.

mod query;

use crate::support::{SHORT_MINUTE, TIMEOUT, binary, make_target_group};
use anyhow::{Context, Result};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudwatch::types::{Dimension, DimensionFilter, MetricAlarm};
use lab::package::{CODE_PARAMETERS, upload};
use lab::stack::{self, SettledStack};
use lab::{AlbAndNlb, AlbSpec, DnsFailure, FUNCTION_NAME, Lab, NlbSpec, REGION};
use query::{field_of, fields, finds};
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

const QUERIES: [&str; 3] = ["ChangesOfAddresses", "FailedTicks", "UncertainLists"];

/// The function and a binding, by their stacks, with three addresses in DNS.
struct DeployedBinding {
    lab: Lab,
    pair: AlbAndNlb,
    client: Client,
    binding: SettledStack,
}

impl DeployedBinding {
    async fn new() -> Result<Self> {
        let lab = Lab::start_with_minutes_of(SHORT_MINUTE).await?;
        // The ARN of an NLB with this name has the word `loadbalancer` in it twice.
        let (alb, nlb) = (AlbSpec::new("orders"), NlbSpec::new("a-loadbalancer"));
        let pair = lab.load_balancers(&alb, &nlb).await?;
        lab.dns().set("orders", pair.alb.addresses(3));
        upload(&lab, Path::new(&binary())).await?;
        let client = Client::new(&lab.aws());
        deploy(&client, FUNCTION_NAME, "provider.yaml", &CODE_PARAMETERS).await?;
        let parameters = [
            ("AlbArn", pair.alb.arn.as_str()),
            ("NlbArn", &pair.nlb.arn),
            ("MaxLookupsPerInvocation", "5"),
            ("InvocationsBeforeDeregistration", "1"),
        ];
        let binding = deploy(&client, "orders-binding", "binding.yaml", &parameters).await?;
        Ok(Self {
            lab,
            pair,
            client,
            binding,
        })
    }

    async fn deploy_operations(&self) -> Result<SettledStack> {
        deploy(&self.client, "operations", "operations.yaml", &[]).await
    }

    fn cloudwatch(&self) -> aws_sdk_cloudwatch::Client {
        aws_sdk_cloudwatch::Client::new(&self.lab.aws())
    }

    async fn alarm(&self, stack: &str, name: &str) -> Result<MetricAlarm> {
        let described = self.cloudwatch().describe_alarms();
        let described = described.alarm_name_prefix(format!("{stack}-{name}-"));
        let mut alarms = described.send().await?.metric_alarms.unwrap_or_default();
        assert!(alarms.len() < 2, "{alarms:?}");
        alarms.pop().with_context(|| format!("{stack} has {name}"))
    }

    /// Waits until an alarm is in a state.
    async fn wait_for_state(&self, stack: &str, name: &str, state: &str) -> Result<()> {
        let gone = async {
            while self.alarm(stack, name).await?.state_value() != Some(&state.into()) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        };
        let gone = tokio::time::timeout(TIMEOUT, gone).await;
        gone.with_context(|| format!("{name} has not gone to {state}"))?
    }

    /// Whether somebody has published the very metric that an alarm watches.
    async fn is_published(&self, alarm: &MetricAlarm) -> Result<bool> {
        let filters = alarm.dimensions().iter().map(|dimension| {
            let filter = DimensionFilter::builder().set_name(dimension.name.clone());
            filter.set_value(dimension.value.clone()).build()
        });
        let listed = self.cloudwatch().list_metrics();
        let listed = listed
            .set_namespace(alarm.namespace.clone())
            .set_metric_name(alarm.metric_name.clone())
            .set_dimensions(Some(filters.collect()));
        let metrics = listed.send().await?.metrics.unwrap_or_default();
        let dimensions =
            |metric: &aws_sdk_cloudwatch::types::Metric| metric.dimensions() == alarm.dimensions();
        Ok(metrics.iter().any(dimensions))
    }

    /// What the function has logged, each line as text and as JSON, without the lines of Lambda itself.
    async fn read_log(&self) -> Result<Vec<(String, Value)>> {
        let lines = self.lab.logs(FUNCTION_NAME).await?.into_iter();
        let read = |line: String| Some((line.clone(), serde_json::from_str(&line).ok()?));
        Ok(lines.filter_map(read).collect())
    }

    /// Waits until the function has logged a line.
    async fn wait_for_log(&self, what: &str, fits: impl Fn(&Value) -> bool) -> Result<()> {
        let logged = async {
            while !self.read_log().await?.iter().any(|(_, line)| fits(line)) {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        };
        let logged = tokio::time::timeout(TIMEOUT, logged).await;
        logged.with_context(|| format!("nothing logged {what}"))?
    }
}

/// A stack of a template in cfn. MiniStack refuses `AWS::Logs::QueryDefinition` before it makes anything, so the saved
/// queries are left out; the lints check their types, and the dashboard has the same.
async fn deploy(
    client: &Client,
    name: &str,
    file: &str,
    parameters: &[(&str, &str)],
) -> Result<SettledStack> {
    let mut template = stack::template(file)?;
    if let Some((before, rest)) = template.split_once("  # --- Saved queries") {
        let (queries, after) = rest.split_once("\nOutputs:").context("outputs")?;
        for query in QUERIES {
            let text = format!("QueryString: !FindInMap [Queries, {query}, Text]");
            assert!(queries.contains(&text), "{text}");
        }
        template = format!("{before}\nOutputs:{after}");
    }
    let made = stack::create(client, name, &template, parameters).await?;
    made.expect("CREATE_COMPLETE")
}

fn is_empty(line: &Value, list: &str) -> bool {
    line[list].as_array().is_none_or(Vec::is_empty)
}

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

#[tokio::test]
async fn the_alarms_watch_what_is_published_and_tell_the_topic() -> Result<()> {
    let deployed = DeployedBinding::new().await?;
    let operations = deployed.deploy_operations().await?;
    let topic = operations.output("TopicArn")?;
    let group = deployed.binding.output("TargetGroupArn")?;
    let second = make_target_group(&deployed.lab, &deployed.pair.nlb, "front-8080", 8080).await?;
    let nlb = &deployed.pair.nlb.arn;
    let parameters = [
        ("LoadBalancerName", "orders"),
        ("NlbArn", nlb),
        ("TargetGroupArn", group),
        ("TargetGroupArn2", &second),
        ("TopicArn", topic),
    ];
    deploy(&deployed.client, "alarms", "alarms.yaml", &parameters).await?;
    deployed.wait_for_state("alarms", "NotTicked", "OK").await?;
    deployed
        .wait_for_state("alarms", "TooFewAddresses", "OK")
        .await?;
    for name in ["NotTicked", "TooFewAddresses"] {
        let alarm = deployed.alarm("alarms", name).await?;
        assert!(deployed.is_published(&alarm).await?, "{alarm:?}");
        assert_eq!(alarm.alarm_actions(), [topic]);
        assert_eq!(alarm.ok_actions(), [topic]);
    }
    // MiniStack counts no invocations by events. Lambda does by the function's name (Lambda guide, "Types of metrics
    // for Lambda functions").
    for name in ["Errors", "Throttles"] {
        let alarm = deployed.alarm("operations", name).await?;
        assert_eq!(
            alarm.dimensions(),
            [dimension("FunctionName", FUNCTION_NAME)]
        );
        assert_eq!(alarm.metric_name(), Some(name));
        assert_eq!(alarm.alarm_actions(), [topic]);
    }
    // What a load balancer and a target group are in their metrics is the end of their ARNs (NLB guide, "CloudWatch
    // metrics for your Network Load Balancer").
    let (_, balancer) = nlb.split_once(":loadbalancer/").context("an NLB's ARN")?;
    for (name, group) in [
        ("UnhealthyTargets", group),
        ("UnhealthyTargets2", second.as_str()),
    ] {
        let alarm = deployed.alarm("alarms", name).await?;
        let (_, group) = group.rsplit_once(':').context("a target group's ARN")?;
        let of = [
            dimension("LoadBalancer", balancer),
            dimension("TargetGroup", group),
        ];
        assert_eq!(alarm.dimensions(), of);
        assert_eq!(alarm.metric_name(), Some("UnHealthyHostCount"));
        assert_eq!(alarm.alarm_actions(), [topic]);
    }
    assert!(deployed.alarm("alarms", "UnhealthyTargets3").await.is_err());

    let one = deployed.pair.alb.addresses(1);
    deployed.lab.dns().set("orders", one);
    deployed
        .wait_for_state("alarms", "TooFewAddresses", "ALARM")
        .await
}

#[tokio::test]
async fn alarms_of_a_binding_that_are_given_no_topic_make_their_own() -> Result<()> {
    let deployed = DeployedBinding::new().await?;
    let parameters = [
        ("LoadBalancerName", "orders"),
        ("NlbArn", deployed.pair.nlb.arn.as_str()),
        ("TargetGroupArn", deployed.binding.output("TargetGroupArn")?),
    ];
    let alarms = deploy(&deployed.client, "alarms", "alarms.yaml", &parameters).await?;
    let topic = alarms.output("TopicArn")?;
    assert!(topic.starts_with("arn:aws:sns:"), "{topic}");
    for name in ["NotTicked", "TooFewAddresses", "UnhealthyTargets"] {
        let alarm = deployed.alarm("alarms", name).await?;
        assert_eq!(alarm.alarm_actions(), [topic]);
    }
    let deleted = stack::delete(&deployed.client, "alarms").await?;
    deleted.expect("DELETE_COMPLETE")?;
    Ok(())
}

#[tokio::test]
async fn the_dashboard_names_the_function_and_its_queries_find_what_they_are_named_for()
-> Result<()> {
    let deployed = DeployedBinding::new().await?;
    let operations = deployed.deploy_operations().await?;
    let name = operations.output("DashboardName")?;
    assert_eq!(name, format!("{FUNCTION_NAME}-{REGION}"));
    let dashboard = deployed.cloudwatch().get_dashboard().dashboard_name(name);
    let body = dashboard.send().await?.dashboard_body.context("a body")?;
    let body: Value = serde_json::from_str(&body)?;
    let widgets = body["widgets"].as_array().context("widgets")?;
    let of = |kind: &'static str| {
        let widgets = widgets.iter().filter(move |widget| widget["type"] == kind);
        widgets.map(|widget| &widget["properties"])
    };
    for name in ["Errors", "Throttles"] {
        let alarm = deployed.alarm("operations", name).await?;
        let arn = alarm.alarm_arn().context("an ARN")?;
        assert!(of("alarm").any(|alarms| alarms.to_string().contains(arn)));
        let metric = format!(r#"["AWS/Lambda","{name}","FunctionName","{FUNCTION_NAME}"]"#);
        assert!(of("metric").any(|metrics| metrics.to_string().contains(&metric)));
    }
    let search = "{AlbNlbBinding,LoadBalancerName} MetricName=LoadBalancerIPCount";
    assert!(of("metric").any(|metrics| metrics.to_string().contains(search)));

    let is_list = |line: &Value| line["message"] == "addresses";
    let changed =
        |line: &Value| is_list(line) && !(is_empty(line, "added") && is_empty(line, "removed"));
    let failed = |line: &Value| line["level"] == "ERROR" && line["error"].is_string();
    let uncertain = |line: &Value| is_list(line) && line["certain"] == false;
    let removed = |line: &Value| is_list(line) && !is_empty(line, "removed");
    let fewer = deployed.pair.alb.addresses(2);
    deployed.lab.dns().set("orders", fewer);
    deployed.wait_for_log("a removal", removed).await?;
    // Five lookups cannot show them all.
    let many = deployed.pair.alb.addresses(28);
    deployed.lab.dns().set("orders", many);
    deployed
        .wait_for_log("an uncertain list", uncertain)
        .await?;
    deployed.lab.dns().fail("orders", DnsFailure::ServFail);
    deployed.wait_for_log("an error", failed).await?;
    let expected: [&dyn Fn(&Value) -> bool; 3] = [&changed, &failed, &uncertain];
    let log = deployed.read_log().await?;
    let source = format!("SOURCE '/aws/lambda/{FUNCTION_NAME}' | ");
    let queries = of("log").map(|widget| widget["query"].as_str());
    let queries: Vec<_> = queries.map(|query| query?.strip_prefix(&source)).collect();
    assert_eq!(queries.len(), QUERIES.len());
    for (query, expected) in queries.into_iter().zip(expected) {
        let query = query.context("the function's log")?;
        let mut found = 0;
        for (text, line) in &log {
            assert_eq!(finds(query, text, line), expected(line), "{query}: {text}");
            if expected(line) {
                found += 1;
                for field in fields(query) {
                    assert!(field_of(line, field).is_some(), "{field} is not in {text}");
                }
            }
        }
        assert!(
            0 < found && found < log.len(),
            "{found} of {}: {query}",
            log.len()
        );
    }
    Ok(())
}
