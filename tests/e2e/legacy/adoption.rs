//! What the published function left in the bucket: the function takes it over once, and never writes it.

use super::{ACCESS_KEY, BUCKET, LegacySetUp, active_list, function};
use crate::support::{ELB, TIMEOUT, as_targets};
use anyhow::Result;
use lab::{Fault, FaultKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The keys of the objects that the function called an operation for.
fn keys_of_calls(set_up: &LegacySetUp, operation: &str) -> Vec<String> {
    let calls = set_up.calls().into_iter();
    let calls = calls.filter(|call| call.operation == operation);
    calls.map(|call| call.param("Key").to_owned()).collect()
}

async fn read_file(set_up: &LegacySetUp, key: &str) -> Result<String> {
    let got = set_up.fixture.s3().get_object().bucket(BUCKET).key(key);
    let body = got.send().await?.body.collect().await?;
    Ok(String::from_utf8(body.to_vec())?)
}

/// The published function knew five addresses, which are registered. Three of them are in DNS. It took the fourth
/// for active, and had missed the fifth twice.
async fn set_up_left_by(python: u8) -> Result<(LegacySetUp, [(String, String); 2])> {
    let set_up = LegacySetUp::new().await?;
    set_up.register(5).await?;
    let alb = &set_up.fixture.alb.dns_name;
    let addresses = set_up.addresses(5);
    let active = active_list(alb, &addresses[..4]);
    let pending = json!({&addresses[4]: 2});
    let files = match python {
        3 => [
            (format!("{alb}/active_ip.json"), active.to_string()),
            (format!("{alb}/pending_ip.json"), pending.to_string()),
        ],
        // In Python 2 it put JSON into a JSON string, and its file names had this spelling.
        _ => [
            (
                format!("{alb}-active-registered-IPs/Active IP list of {alb}.json"),
                json!(active.to_string()).to_string(),
            ),
            (
                format!(
                    "{alb}-pending-deregisteration-IPs/\
                     Pending deregisteration IP list of {alb}.json"
                ),
                json!(pending.to_string()).to_string(),
            ),
        ],
    };
    for (key, body) in &files {
        set_up.leave_file(key, body).await?;
    }
    Ok((set_up, files))
}

#[tokio::test]
async fn what_the_published_function_knew_leaves_in_its_time_whichever_python_it_was() -> Result<()>
{
    for python in [2, 3] {
        let (set_up, _) = set_up_left_by(python).await?;
        // The fifth is missing for the third time, the fourth for the first.
        set_up.ticks(1).await?;
        assert_eq!(
            set_up.targets(),
            set_up.fixture.expected(4, 80),
            "Python {python}"
        );
        set_up.ticks(1).await?;
        assert_eq!(
            set_up.targets(),
            set_up.fixture.expected(4, 80),
            "Python {python}"
        );
        set_up.ticks(1).await?;
        assert_eq!(
            set_up.targets(),
            set_up.fixture.expected(3, 80),
            "Python {python}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_files_are_read_once_and_never_written() -> Result<()> {
    for python in [2, 3] {
        let (set_up, files) = set_up_left_by(python).await?;
        set_up.ticks(1).await?;
        let read = keys_of_calls(&set_up, "GetObject");
        for (key, _) in &files {
            assert!(read.contains(key), "{key} is not in {read:?}");
        }
        set_up.fixture.lab.gateway().clear();
        set_up.ticks(3).await?;
        let read = keys_of_calls(&set_up, "GetObject");
        assert!(
            read.iter().all(|key| key.ends_with("/state.json")),
            "{read:?}"
        );
        for (key, left) in &files {
            assert_eq!(read_file(&set_up, key).await?, *left, "{key}");
        }
        let written = keys_of_calls(&set_up, "PutObject");
        assert!(
            written.iter().all(|key| key.ends_with("/state.json")),
            "{written:?}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_later_python_counts_where_both_left_files() -> Result<()> {
    let (set_up, _) = set_up_left_by(2).await?;
    let addresses = set_up.addresses(4);
    set_up.leave_files_of_python3(&addresses, json!({})).await?;
    set_up.ticks(3).await?;
    // Only the file of Python 2 knew the fifth address, so it is a foreign target.
    let mut all = set_up.fixture.alb.addresses(3);
    all.push(set_up.fixture.alb.addresses(5)[4]);
    assert_eq!(set_up.targets(), as_targets(&all, 80));
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_read_fails_the_tick_until_it_is_mended() -> Result<()> {
    let (set_up, files) = set_up_left_by(3).await?;
    let [_, (pending, good)] = &files;
    set_up.leave_file(pending, r#"{"10.0.0.1": "#).await?;
    for _ in 0..2 {
        let tick = set_up.tick().await?;
        let error = tick.result.expect_err("no JSON").to_string();
        assert!(error.contains(pending), "{error}");
        assert!(error.contains("mend it or delete it"), "{error}");
    }
    set_up.assert_registered(5);
    set_up.leave_file(pending, good).await?;
    set_up.ticks(1).await?;
    set_up.assert_registered(4);
    Ok(())
}

/// Many who set it up with Terraform allowed GetObject and PutObject on the objects and nothing on
/// the bucket.
#[tokio::test]
async fn without_list_bucket_a_missing_file_is_refused_and_the_first_tick_works_all_the_same()
-> Result<()> {
    let hidden = || Fault::new("s3", "GetObject", FaultKind::HideMissing).by(ACCESS_KEY);
    let (set_up, _) = set_up_left_by(2).await?;
    set_up.fixture.lab.gateway().inject(hidden());
    set_up.ticks(3).await?;
    set_up.assert_registered(3);

    let fresh = LegacySetUp::new().await?;
    fresh.fixture.lab.gateway().inject(hidden());
    let first = fresh.tick().await?;
    assert!(first.mentions("taken for missing"), "{first:?}");
    first.success()?;
    fresh.assert_registered(3);
    let second = fresh.tick().await?;
    assert!(!second.mentions("taken for missing"), "{second:?}");
    second.success()?;
    Ok(())
}

#[tokio::test]
async fn a_record_that_may_not_be_read_is_no_first_tick() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up.ticks(1).await?;
    set_up.fixture.scale(2);
    let denied = Fault::new("s3", "GetObject", FaultKind::Deny).by(ACCESS_KEY);
    let fault = set_up.fixture.lab.gateway().inject(denied);
    for _ in 0..3 {
        let tick = set_up.tick().await?;
        let error = tick.result.expect_err("not readable").to_string();
        assert!(error.contains("allow s3:GetObject"), "{error}");
        assert!(error.contains("AccessDenied"), "{error}");
    }
    set_up.fixture.lab.gateway().remove_fault(fault);
    set_up.ticks(2).await?;
    set_up.assert_registered(3);
    set_up.ticks(1).await?;
    set_up.assert_registered(2);
    Ok(())
}

/// While S3 refuses every read, the tick fails; what the files say is adopted by the first tick that may read them.
#[tokio::test]
async fn what_could_not_be_read_at_first_is_adopted_when_it_can() -> Result<()> {
    let (set_up, _) = set_up_left_by(3).await?;
    let denied = Fault::new("s3", "GetObject", FaultKind::Deny).by(ACCESS_KEY);
    let fault = set_up.fixture.lab.gateway().inject(denied);
    assert!(set_up.tick().await?.result.is_err());
    set_up.assert_registered(5);
    set_up.fixture.lab.gateway().remove_fault(fault);
    set_up.ticks(3).await?;
    set_up.assert_registered(3);
    Ok(())
}

#[tokio::test]
async fn an_empty_list_is_nothing_to_adopt() -> Result<()> {
    let set_up = LegacySetUp::new().await?;
    set_up
        .leave_files_of_python3(&[], Value::Object(Default::default()))
        .await?;
    set_up.ticks(2).await?;
    set_up.assert_registered(3);
    Ok(())
}

/// Plays one first tick after the other, each with a group and a bucket of its own, and with another call that
/// fails.
#[tokio::test]
async fn whichever_call_of_the_first_tick_fails_the_next_ones_lose_nothing_and_adopt_all()
-> Result<()> {
    let set_up = LegacySetUp::new().await?;
    let refused = FaultKind::Answer {
        status: 400,
        code: "BadRequest".to_owned(),
        message: "as the test says".to_owned(),
    };
    let mut cases = vec![None];
    let mut number = 0;
    while let Some(fault) = cases.pop() {
        number += 1;
        let name = format!("case-{number}");
        let group = set_up.fixture.given_group(&name, 8000 + number).await?;
        for address in set_up.fixture.alb.addresses(5).into_iter().skip(1) {
            set_up.fixture.register(&group, address, 80).await?;
        }
        let s3 = set_up.fixture.s3();
        s3.create_bucket().bucket(&name).send().await?;
        let alb = &set_up.fixture.alb.dns_name;
        let known = set_up.addresses(5);
        for (file, body) in [
            ("active_ip.json", active_list(alb, &known[..4])),
            ("pending_ip.json", json!({&known[4]: 2})),
        ] {
            let put = s3.put_object().bucket(&name).key(format!("{alb}/{file}"));
            put.body(body.to_string().into_bytes().into())
                .send()
                .await?;
        }
        let function = function(&set_up.fixture, &group, &[("S3_BUCKET", &name)]).await?;
        let gateway = set_up.fixture.lab.gateway();
        gateway.clear();
        let is_first_case = fault.is_none();
        let injected = fault.clone().map(|fault| gateway.inject(fault));
        let first = function.invoke(set_up.event()?, TIMEOUT).await?;
        if is_first_case {
            first.success()?;
            let mut counts = BTreeMap::new();
            for call in set_up.calls() {
                let nth: &mut usize = counts.entry(call.operation.clone()).or_default();
                *nth += 1;
                for what in [refused.clone(), FaultKind::LoseAnswer] {
                    let fault = Fault::new(&call.service, &call.operation, what);
                    cases.push(Some(fault.nth(*nth).by(ACCESS_KEY)));
                }
            }
            assert!(cases.len() > 20, "{}", cases.len());
        } else if let Some(injected) = injected {
            assert_eq!(gateway.hits(injected), 1, "{fault:?}");
            gateway.remove_fault(injected);
        }
        for _ in 0..3 {
            let tick = function.invoke(set_up.event()?, TIMEOUT).await?;
            tick.success()?;
        }
        let targets = set_up.fixture.targets(&group);
        assert_eq!(targets, set_up.fixture.expected(3, 80), "{fault:?}");
        for call in gateway.calls_of(ELB, "DeregisterTargets") {
            for target in call.members("Targets") {
                assert!(!known[..3].contains(&target["Id"]), "{fault:?}: {target:?}");
            }
        }
    }
    Ok(())
}
