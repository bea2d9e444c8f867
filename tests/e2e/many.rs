//! Many bindings of one stack at the same time, with ELBv2's request rates. The benchmark has a hundred bindings and
//! AWS's own rates; here both are smaller.

use crate::support::{Fixture, STACK_ID, SentResponse, binary};
use anyhow::Result;
use futures_util::future::try_join_all;
use lab::{AlbSpec, FakeStackView, Lab, NlbSpec};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

const BINDINGS: u16 = 6;
/// The share of AWS's rates: ten calls at once, and five every two seconds.
const SHARE: f64 = 0.25;
/// The timeout of the function in cfn/provider.yaml.
const PROVIDER_TIMEOUT: Duration = Duration::from_secs(300);

struct OneOfMany {
    fixture: Fixture,
    name: String,
    port: u16,
    made: Option<SentResponse>,
}

impl OneOfMany {
    fn properties(&self, ports: &[u16]) -> Value {
        let listeners = ports
            .iter()
            .map(|port| json!({"Port": port, "AlbPort": 80}));
        let listeners: Vec<_> = listeners.collect();
        self.fixture.properties(json!({"Listeners": listeners}))
    }

    async fn request(&mut self, kind: &str) -> Result<()> {
        let (one, two) = ([self.port], [self.port, self.port + 100]);
        let mut event = json!({
            "RequestType": kind,
            "LogicalResourceId": self.name,
            "ResourceProperties": self.properties(if kind == "Create" { &one } else { &two }),
        });
        if let Some(made) = &self.made {
            event["PhysicalResourceId"] = json!(made.id());
        }
        if kind == "Update" {
            event["OldResourceProperties"] = self.properties(&one);
        }
        let response = self.fixture.request_within(event, PROVIDER_TIMEOUT).await?;
        response.assert_success();
        self.made = Some(response);
        Ok(())
    }
}

#[tokio::test]
async fn many_bindings_at_once_wait_for_their_turn_and_all_of_them_succeed() -> Result<()> {
    let lab = Arc::new(Lab::start().await?);
    let pair = lab
        .load_balancers(&AlbSpec::new("orders"), &NlbSpec::new("front"))
        .await?;
    let mut bindings = Vec::new();
    for port in 8000..8000 + BINDINGS {
        let function = lab.function(binary()).await?;
        bindings.push(OneOfMany {
            fixture: Fixture::on(Arc::clone(&lab), function, pair.clone()),
            name: format!("Binding{port}"),
            port,
            made: None,
        });
    }
    let gateway = lab.gateway();
    gateway.limit_rates(SHARE);
    for kind in ["Create", "Update", "Delete"] {
        let status = format!("{}_IN_PROGRESS", kind.to_uppercase());
        let view = bindings
            .iter()
            .fold(FakeStackView::new(&status), |view, binding| {
                let id = binding.made.as_ref().map(SentResponse::id);
                view.with_resource(&binding.name, &status, id)
            });
        gateway.set_stack(STACK_ID, view);
        gateway.clear();
        try_join_all(bindings.iter_mut().map(|binding| binding.request(kind))).await?;
        let calls = gateway.calls();
        let throttled = calls
            .iter()
            .filter(|call| call.error.as_deref() == Some("Throttling"));
        assert!(
            throttled.count() > 0,
            "{kind}: nothing was held back, so nothing is shown"
        );
    }
    gateway.lift_rates();
    for binding in &bindings {
        let made = binding
            .made
            .as_ref()
            .map(SentResponse::id)
            .unwrap_or_default();
        assert_eq!(binding.fixture.leftovers(made).await?, Vec::<String>::new());
    }
    Ok(())
}
