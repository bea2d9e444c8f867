//! What no emulator can do to the function: a bug of its own in the middle of a request.

use super::*;
use crate::aws::api::{PutError, ResponseUrl};
use crate::aws::sdk::Sdk;
use crate::clock::Timestamp;
use crate::discovery::DnsClient;
use serde_json::json;
use std::cell::RefCell;

/// Keeps the body of each PUT.
#[derive(Default)]
struct Mailbox(RefCell<Vec<String>>);

impl Responder for Mailbox {
    async fn put(&self, _: &ResponseUrl, body: String, _: Duration) -> Result<u16, PutError> {
        self.0.borrow_mut().push(body);
        Ok(200)
    }
}

#[tokio::test]
async fn a_panic_in_the_middle_of_a_request_is_answered_and_the_next_request_too() {
    let mailbox = Mailbox::default();
    let provider = Provider {
        aws: &Sdk::broken(),
        // The first call of AWS comes before the first lookup.
        dns: &DnsClient::new(""),
        responder: &mailbox,
        region: "us-east-1",
        state_bucket: None,
        invocation: &Invocation {
            request_id: "invocation".to_owned(),
            function_arn: "arn:aws:lambda:us-east-1:123456789012:function:f".to_owned(),
            log_stream: "the-log-stream".to_owned(),
            remaining: Duration::from_secs(30),
        },
        clock: Clock::starting_at(Timestamp::from_millis(0)),
    };
    for request_type in ["Create", "Update", "Delete"] {
        let arn = |name| format!("arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/{name}/1");
        let event = json!({
            "RequestType": request_type,
            "ResponseURL": "https://secret",
            "StackId": "stack", "RequestId": "request", "LogicalResourceId": "Binding",
            "ResourceType": "Custom::AlbNlbBinding",
            "PhysicalResourceId": "alb-nlb-binding-0123456789abcdef",
            "ResourceProperties": {
                "AlbArn": arn("app/a"), "NlbArn": arn("net/n"), "Listeners": [{"Port": 80}],
            },
            "OldResourceProperties": {},
        });
        provider.handle(event).await.expect("answered");
        let bodies = mailbox.0.take();
        let [body] = bodies.as_slice() else {
            panic!("one PUT, not {bodies:?}");
        };
        for expected in ["FAILED", "the function panicked", "the-log-stream"] {
            assert!(body.contains(expected), "{expected} is not in {body}");
        }
    }
}
