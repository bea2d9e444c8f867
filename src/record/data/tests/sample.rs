//! What tests of the record share: a record in which every field is set.

use crate::clock::Timestamp;
use crate::model::TargetGroupPort;
use crate::record::data::{
    Claim, DeliveryId, Orders, Outcome, OwnTarget, Phase, PropertiesDigest, Record, RequestType,
    Response, ResponseStatus, Signed,
};
use std::time::Duration;

pub(super) const GROUP: &str = "arn:group";

pub(super) fn now() -> Timestamp {
    Timestamp::from_millis(10_000_000)
}

pub(super) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn claim(kind: RequestType, request: &str, runner: &str) -> Claim {
    Claim {
        delivery: DeliveryId {
            request: request.to_owned(),
            runner: runner.to_owned(),
        },
        kind,
        signed: Some(Signed::At(now())),
        at: now(),
        rolls_back: Some(true),
        goes_on: false,
        takes_back: false,
        wants: PropertiesDigest("new".to_owned()),
        wanted_before: PropertiesDigest("old".to_owned()),
        made: false,
        gives_up: [GROUP.to_owned()].into(),
        outcome: None,
    }
}

pub(super) fn answer() -> Response {
    Response {
        status: ResponseStatus::Failed,
        reason: "why".to_owned(),
        physical_id: "id".to_owned(),
        data: [("Name".to_owned(), "value".to_owned())].into(),
    }
}

/// Gives the request that is under way its answer.
pub(super) fn settle(record: &mut Record, answer: Response) {
    let quiet_from = now();
    let claim = record.claim.as_mut().expect("a request is under way");
    claim.outcome = Some(Outcome { answer, quiet_from });
}

pub(super) fn orders() -> Orders {
    Orders {
        nlb_arn: "arn:nlb".to_owned(),
        alb_arn: "arn:alb".to_owned(),
        alb_name: "alb".to_owned(),
        alb_dns_name: "alb.example".to_owned(),
        target_groups: vec![
            TargetGroupPort::new(GROUP, 80),
            TargetGroupPort::new("arn:other", 443),
        ],
        availability_zone: None,
        max_lookups: 50,
        invocations_before_deregistration: 3,
        ip_count_metric: true,
        dns_servers: vec!["10.0.0.2:53".parse().expect("a server")],
    }
}

pub(super) fn full() -> Record {
    let mut record = Record::new("binding", Phase::Serving);
    record.orders = Some(orders());
    record.properties = Some(serde_json::json!({"Listeners": [{"Port": "80"}]}));
    record.claim_for(claim(RequestType::Create, "first", "a"));
    settle(&mut record, answer());
    record.claim_for(claim(RequestType::Update, "second", "b"));
    let target = OwnTarget {
        missed: 2,
        draws: 1,
        former_dns_name: Some("alb.example".to_owned()),
        deregistered_at: Some(now()),
    };
    let endpoint = "10.0.0.1:80".parse().expect("an endpoint");
    record
        .own
        .insert(GROUP.to_owned(), [(endpoint, target)].into());
    record.found.insert(GROUP.to_owned(), [endpoint].into());
    record.count("tick");
    record.cached_until = now();
    record.arriving_from = Some("bucket".to_owned());
    record.elsewhere.insert("bucket".to_owned());
    record.note_replacement("arn:another");
    record
}
