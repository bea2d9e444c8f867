//! A lab's beginning and end: nothing of it may be left behind.

mod python_function;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Result;
use lab::{AlbSpec, Lab, NlbSpec, stack};
use python_function::{NAME, template};

/// The processes that have this lab's endpoint in their environment: MiniStack, its guard, and
/// whatever they started.
fn processes_of(endpoint: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let wanted = format!("AWS_ENDPOINT_URL={endpoint}");
        if environment
            .split(|byte| *byte == 0)
            .any(|variable| variable == wanted.as_bytes())
        {
            found.push(entry.path().display().to_string());
        }
    }
    found
}

#[tokio::test]
async fn a_dropped_lab_leaves_no_process_and_no_file() -> Result<()> {
    let lab = Lab::start().await?;
    let (endpoint, log) = (lab.endpoint().to_owned(), lab.ministack_log());
    assert!(processes_of(&endpoint).len() >= 2);
    assert!(log.exists());
    drop(lab);
    assert_eq!(processes_of(&endpoint), Vec::<String>::new());
    assert!(!log.parent().is_some_and(Path::exists));
    Ok(())
}

#[tokio::test]
async fn a_killed_test_leaves_no_process_and_no_file() -> Result<()> {
    let mut test = Command::new(std::env::current_exe()?)
        .args([
            "--ignored",
            "--exact",
            "a_lab_that_waits_to_be_killed",
            "--nocapture",
        ])
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(test.stdout.take().expect("a pipe")).lines();
    let report = lines
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("lab: ").map(str::to_owned));
    let report = report.expect("the lab reports itself");
    let (endpoint, directory) = report.split_once(' ').expect("two words");
    assert!(processes_of(endpoint).len() >= 2);
    test.kill()?;
    test.wait()?;
    // The guard's end cannot be waited for: its parent is dead.
    let began = Instant::now();
    while !processes_of(endpoint).is_empty() && began.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!Path::new(directory).exists());
    assert_eq!(processes_of(endpoint), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
#[ignore = "a part of a_killed_test_leaves_no_process_and_no_file"]
async fn a_lab_that_waits_to_be_killed() -> Result<()> {
    let lab = Lab::start().await?;
    let directory = lab.ministack_log();
    // The line break ends the line that the test harness has begun.
    println!(
        "\nlab: {} {}",
        lab.endpoint(),
        directory.parent().expect("a directory").display()
    );
    std::future::pending().await
}

#[tokio::test]
async fn two_labs_side_by_side_know_nothing_of_each_other() -> Result<()> {
    let (one, other) = tokio::try_join!(Lab::start(), Lab::start())?;
    let made = one
        .load_balancers(&AlbSpec::new("orders"), &NlbSpec::new("front"))
        .await?;
    one.dns().set("orders", made.alb.addresses(3));
    let described = |lab: &Lab| {
        let client = aws_sdk_elasticloadbalancingv2::Client::new(&lab.aws());
        async move {
            client
                .describe_load_balancers()
                .send()
                .await
                .map(|found| found.load_balancers().len())
        }
    };
    assert_eq!(described(&one).await?, 2);
    assert_eq!(described(&other).await?, 0);
    assert_ne!(one.dns().server().address(), other.dns().server().address());
    drop(one);
    assert_eq!(described(&other).await?, 0);
    Ok(())
}

const PYTHON_CODE: &str = r#"
import json, os, urllib.request
def handler(event, context):
    print("answering", event["RequestType"])
    data = {name: os.environ[name] for name in ("AWS_ENDPOINT_URL", "DNS_SERVERS")}
    answer = {"Status": "SUCCESS", "PhysicalResourceId": "it", "Data": data}
    answer |= {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request).close()
"#;

const CUSTOM_RESOURCE: &str = "
  Custom:
    Type: Custom::Anything
    Properties:
      ServiceToken: !GetAtt Function.Arn
      ServiceTimeout: 30
Outputs:
  Endpoint:
    Value: !GetAtt Custom.AWS_ENDPOINT_URL
  Dns:
    Value: !GetAtt Custom.DNS_SERVERS
";

#[tokio::test]
async fn a_stacks_function_has_the_labs_environment_a_readable_log_and_ends_with_it() -> Result<()>
{
    let lab = Lab::start().await?;
    assert_eq!(lab.logs(NAME).await?, Vec::<String>::new());
    let cloudformation = aws_sdk_cloudformation::Client::new(&lab.aws());
    let template = template(PYTHON_CODE, CUSTOM_RESOURCE);
    let made = stack::create(&cloudformation, "stack", &template, &[]).await?;
    let made = made.expect("CREATE_COMPLETE")?;
    assert_eq!(made.output("Endpoint")?, lab.endpoint());
    let dns = lab.dns().server().address().to_string();
    assert_eq!(made.output("Dns")?, dns);
    let log = lab.logs(NAME).await?;
    assert!(log.iter().any(|line| line == "answering Create"), "{log:?}");
    let endpoint = lab.endpoint().to_owned();
    // MiniStack, its guard, and the function that it keeps warm.
    assert!(processes_of(&endpoint).len() >= 3);
    drop(lab);
    assert_eq!(processes_of(&endpoint), Vec::<String>::new());
    Ok(())
}
