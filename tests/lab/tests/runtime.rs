//! Functions under the Runtime API, and the answers of custom resources.

use std::time::Duration;

use anyhow::Result;
use lab::Lab;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/function.py");
const LONG: Duration = Duration::from_secs(60);

static LAB: OnceCell<Lab> = OnceCell::const_new();

async fn lab() -> &'static Lab {
    LAB.get_or_try_init(Lab::start).await.expect("a lab")
}

#[tokio::test]
async fn one_process_serves_many_invocations() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    let first = function.invoke(json!({}), LONG).await?;
    let second = function
        .invoke_as(&first.request_id, json!({}), LONG)
        .await?;
    assert_eq!(
        second.log,
        [
            json!({"request": first.request_id}),
            json!("to standard error")
        ]
    );
    let (first, second) = (first.success()?, second.success()?);
    assert_eq!(first["pid"], second["pid"]);
    assert_eq!(first["region"], "us-east-1");
    Ok(())
}

#[tokio::test]
async fn what_a_function_uses_is_its_own_and_not_its_guards() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    assert!(function.usage().await.is_err(), "there is no process yet");
    function.get_ready().await?;
    let before = function.usage().await?;
    let busy = function.invoke(json!({"memory": 100_000_000}), LONG);
    busy.await?.success()?;
    let after = function.usage().await?;
    assert!(after.cpu > before.cpu);
    assert!(after.peak_memory >= 100_000_000, "{after:?}");
    assert!(before.peak_memory < 100_000_000, "{before:?}");
    Ok(())
}

#[tokio::test]
async fn a_function_has_the_variables_that_it_is_given() -> Result<()> {
    let function = lab()
        .await
        .function_with(SCRIPT, &[("AWS_REGION", "eu-west-1")])
        .await?;
    assert_eq!(
        function.invoke(json!({}), LONG).await?.success()?["region"],
        "eu-west-1"
    );
    Ok(())
}

#[tokio::test]
async fn an_error_that_a_function_reports_is_its_result() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    let result = function.invoke(json!({"error": "no"}), LONG).await?.result;
    assert_eq!(
        result,
        Err(json!({"errorType": "Error", "errorMessage": "no"}))
    );
    Ok(())
}

#[tokio::test]
async fn a_function_that_logs_or_reports_a_secret_is_an_error() -> Result<()> {
    let lab = lab().await;
    let function = lab.function(SCRIPT).await?;
    let reports = json!({"error": lab.response_url().url()});
    let error = function.invoke(reports, LONG).await.expect_err("a URL");
    assert!(error.to_string().contains("a secret"), "{error}");
    // It logs its request id.
    let logs = function.invoke_as(lab::SIGNATURE, json!({}), LONG).await;
    let error = logs.expect_err("a signature");
    assert!(error.to_string().contains("a secret"), "{error}");
    function.invoke(json!({}), LONG).await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_function_that_dies_is_reported_with_its_output_and_started_again() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    let error = function
        .invoke(json!({"exit": 3}), LONG)
        .await?
        .result
        .expect_err("it died");
    assert_eq!(error["errorType"], "Runtime.ExitError");
    let message = error["errorMessage"].as_str().unwrap_or_default();
    assert!(
        message.contains("exit status: 3") && message.contains("to standard error"),
        "{message}"
    );
    function.invoke(json!({}), LONG).await?.success()?;
    Ok(())
}

#[tokio::test]
async fn a_function_that_hangs_is_killed_at_its_deadline_and_started_again() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    let first = function.invoke(json!({}), LONG).await?.success()?;
    let error = function
        .invoke(json!({"hang": true}), Duration::from_millis(300))
        .await?;
    assert_eq!(
        error.result.expect_err("it hung")["errorType"],
        "Sandbox.Timedout"
    );
    let second = function.invoke(json!({}), LONG).await?.success()?;
    assert_ne!(first["pid"], second["pid"]);
    assert!(!std::path::Path::new(&format!("/proc/{}", first["pid"])).exists());
    Ok(())
}

#[tokio::test]
async fn a_dropped_function_is_gone() -> Result<()> {
    let function = lab().await.function(SCRIPT).await?;
    let pid = function.invoke(json!({}), LONG).await?.success()?["pid"].clone();
    drop(function);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
    Ok(())
}

#[tokio::test]
async fn an_answer_to_a_response_url_is_caught_with_its_headers() -> Result<()> {
    let lab = lab().await;
    let (function, url) = (lab.function(SCRIPT).await?, lab.response_url());
    assert!(url.the_answer().is_err());
    function
        .invoke(json!({"put": url.url()}), LONG)
        .await?
        .success()?;
    assert_eq!(url.the_answer()?, json!({"Status": "SUCCESS"}));
    let answers = url.puts();
    assert_eq!((answers[0].length, answers[0].method.as_str()), (20, "PUT"));
    // Python's client sets a content type by itself, but a provider must not send one.
    assert!(answers[0].headers.contains_key("content-type"));
    Ok(())
}

#[tokio::test]
async fn a_response_url_refuses_as_often_as_it_is_told() -> Result<()> {
    let lab = lab().await;
    let (function, url) = (lab.function(SCRIPT).await?, lab.response_url());
    url.refuse(2);
    let invocation = function
        .invoke(json!({"put": url.url(), "times": 3}), LONG)
        .await?;
    assert_eq!(
        invocation
            .log
            .iter()
            .filter(|line| line["status"] == 503)
            .count(),
        2
    );
    let statuses: Vec<u16> = url.puts().iter().map(|answer| answer.status).collect();
    assert_eq!(statuses, [503, 503, 200]);
    assert_ne!(url.the_answer()?, Value::Null);
    function.invoke(json!({"put": url.url()}), LONG).await?;
    assert!(url.the_answer().is_err());
    Ok(())
}
