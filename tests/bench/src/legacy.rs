//! The function that AWS published in 2018, in the place of a binding with one listener. Its source is not ours, and
//! is measured only if it is at hand.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result};
use lab::{ACCOUNT, Alb, Lab, RunningFunction, scheduled_event};
use serde_json::Value;

use crate::binding::MadeBinding;
use crate::processor::{Processor, script};
use crate::settings::FIRST_PORT;

const RUNTIME: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/legacy.py");

pub struct LegacyFunction {
    script: PathBuf,
    variables: [(&'static str, String); 8],
}

impl LegacyFunction {
    /// The function for the load balancers, the target group and the bucket of a binding.
    pub fn new(
        lab: &Lab,
        source: &Path,
        alb: &Alb,
        binding: &MadeBinding,
        reserved: Option<&Processor>,
    ) -> Result<Self> {
        let python = lab::python()?;
        let command = [&python, Path::new(RUNTIME), source];
        let script = script(lab, "legacy", &command, reserved)?;
        let environment = lab.environment().iter();
        let trusted = environment
            .clone()
            .find(|(name, _)| name == "SSL_CERT_FILE");
        let (_, trusted) = trusted.context("the lab is called over TLS")?;
        let group = binding.target_groups.first().context("a target group")?;
        Ok(Self {
            script,
            // These are the defaults of its template.
            variables: [
                ("AWS_CA_BUNDLE", trusted.clone()),
                ("ALB_DNS_NAME", alb.dns_name.clone()),
                ("ALB_LISTENER", FIRST_PORT.to_string()),
                ("NLB_TG_ARN", group.clone()),
                ("S3_BUCKET", format!("{}-{ACCOUNT}", binding.id)),
                ("MAX_LOOKUP_PER_INVOCATION", "50".to_owned()),
                ("INVOCATIONS_BEFORE_DEREGISTRATION", "3".to_owned()),
                ("CW_METRIC_FLAG_IP_COUNT", "True".to_owned()),
            ],
        })
    }

    pub async fn function(&self, lab: &Lab) -> Result<RunningFunction> {
        let variables = self.variables.each_ref();
        let variables = variables.map(|(name, value)| (*name, value.as_str()));
        lab.function_with(&self.script, &variables).await
    }

    /// What a rule without an input of its own gives it.
    pub fn event(&self) -> Result<Value> {
        scheduled_event(SystemTime::now())
    }
}
