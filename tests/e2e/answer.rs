//! The answer to CloudFormation: the function sends exactly one, in time, and logs no secret.

use crate::support::{ELB, Fixture, TIMEOUT};
use anyhow::{Context, Result};
use lab::{Fault, FaultKind, SIGNATURE};
use serde_json::json;
use std::net::Ipv4Addr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// The deadline of a function that tries until then.
const THREE_SECONDS: Duration = Duration::from_secs(3);

#[tokio::test]
async fn an_answer_is_one_put_without_content_type_and_of_at_most_4096_bytes() -> Result<()> {
    let fixture = Fixture::new().await?;
    let long = "x".repeat(200);
    let unknown: Vec<_> = (0..50)
        .map(|number| json!({ format!("P{number}{long}"): long }))
        .collect();
    let made = fixture.create(json!({ "Listeners": unknown })).await?;
    made.assert_failed(&["Listeners[0].Port", "See the log stream lab/[$LATEST]"]);
    let answers = made.url.puts();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].method, "PUT");
    assert!(answers[0].length <= 4096, "{}", answers[0].length);
    assert_eq!(
        answers[0].headers["content-length"],
        answers[0].length.to_string()
    );
    assert!(
        !answers[0].headers.contains_key("content-type"),
        "{:?}",
        answers[0].headers
    );
    Ok(())
}

#[tokio::test]
async fn a_response_address_that_fails_for_a_while_still_gets_the_answer() -> Result<()> {
    let fixture = Fixture::new().await?;
    let url = fixture.lab.response_url();
    url.refuse(3);
    let event =
        json!({"RequestType": "Create", "ResourceProperties": fixture.properties(json!({}))});
    let event = fixture.event(event, url.url());
    fixture.function.invoke(event, TIMEOUT).await?.success()?;
    assert_eq!(url.the_answer()?["Status"], "SUCCESS");
    Ok(())
}

/// The first two connections break, and the third one leads to the response URL.
#[tokio::test]
async fn a_connection_to_the_response_address_that_breaks_is_made_again() -> Result<()> {
    let fixture = Fixture::new().await?;
    let url = fixture.lab.response_url();
    let (_, rest) = url.url().split_once("://").context("an address")?;
    let (host, path) = rest.split_once('/').context("a path")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let broken = format!("http://{}/{path}", listener.local_addr()?);
    let relays = async {
        for _ in 0..2 {
            drop(listener.accept().await?);
        }
        let (mut client, _) = listener.accept().await?;
        let mut server = TcpStream::connect(host).await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        std::future::pending::<Result<()>>().await
    };
    let event =
        json!({"RequestType": "Create", "ResourceProperties": fixture.properties(json!({}))});
    let event = fixture.event(event, &broken);
    tokio::select! {
        done = fixture.function.invoke(event, TIMEOUT) => done?.success().map(drop),
        failed = relays => failed,
    }?;
    assert_eq!(url.the_answer()?["Status"], "SUCCESS");
    Ok(())
}

#[tokio::test]
async fn neither_the_response_url_nor_credentials_are_ever_logged() -> Result<()> {
    let fixture = Fixture::new().await?;
    let mut logs = Vec::new();
    let made = fixture.create(json!({})).await?;
    logs.extend(made.invocation.log.clone());
    logs.extend(fixture.create(json!({"Colour": 1})).await?.invocation.log);
    let refused = fixture.lab.response_url();
    refused.refuse(100);
    let event =
        json!({"RequestType": "Delete", "PhysicalResourceId": "x", "ResourceProperties": {}});
    let unanswered = fixture
        .function
        .invoke(fixture.event(event, refused.url()), THREE_SECONDS)
        .await?;
    logs.push(unanswered.result.expect_err("no answer got through"));
    logs.extend(unanswered.log);
    let nowhere =
        json!({"RequestType": "Create", "ResponseURL": format!("http://127.0.0.1:1/{SIGNATURE}")});
    let lost = fixture.function.invoke(nowhere, THREE_SECONDS).await?;
    logs.push(lost.result.expect_err("nobody listens there"));
    logs.extend(lost.log);
    assert!(logs.len() > 10);
    for line in logs {
        let line = line.to_string();
        assert!(
            !line.contains(SIGNATURE) && !line.contains("/_lab/response/"),
            "{line}"
        );
        assert!(!line.contains("AWS_SECRET"), "{line}");
    }
    Ok(())
}

#[tokio::test]
async fn a_call_that_hangs_is_answered_before_the_deadline() -> Result<()> {
    let fixture = Fixture::new().await?;
    let hang = FaultKind::Delay(Duration::from_secs(30));
    fixture
        .lab
        .gateway()
        .inject(Fault::new(ELB, "CreateTargetGroup", hang));
    let made = fixture
        .create_within(json!({}), Duration::from_secs(6))
        .await?;
    made.assert_failed(&["not done within", "See the log stream"]);
    fixture.lab.gateway().clear_faults();
    // The function goes on serving.
    fixture.create(json!({})).await?.assert_success();
    Ok(())
}

#[tokio::test]
async fn a_malformed_event_is_answered_where_it_can_be() -> Result<()> {
    let fixture = Fixture::new().await?;
    for mut event in [
        json!({"RequestType": "Create"}),
        json!({"RequestType": "Explode", "ResourceProperties": {}}),
        json!({"RequestType": 7, "ResourceProperties": {}}),
        json!({"RequestType": "Update", "ResourceProperties": fixture.properties(json!({}))}),
        json!({"RequestType": "Create", "ResourceProperties": "text"}),
    ] {
        let url = fixture.lab.response_url();
        event = fixture.event(event, url.url());
        let invocation = fixture.function.invoke(event.clone(), TIMEOUT).await?;
        assert!(invocation.result.is_ok(), "{event} {invocation:?}");
        let answer = url.the_answer()?;
        assert_eq!(answer["Status"], "FAILED", "{event}");
        assert_eq!(answer["RequestId"], event["RequestId"]);
        assert!(
            answer["PhysicalResourceId"]
                .as_str()
                .is_some_and(|id| !id.is_empty())
        );
    }
    let invocation = fixture
        .function
        .invoke(json!({"RequestType": "Create"}), TIMEOUT)
        .await?;
    let error = invocation
        .result
        .expect_err("nowhere to answer")
        .to_string();
    assert!(error.contains("no ResponseURL"), "{error}");
    Ok(())
}
