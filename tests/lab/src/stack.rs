//! CloudFormation stacks from the templates in cfn/, as a user makes, changes and deletes them.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::{Capability, Parameter, Stack, Tag};

use crate::names::TEMPLATES_FOLDER;

/// The time between two looks at a stack that CloudFormation works on.
const PAUSE: Duration = Duration::from_millis(100);

/// The text of a template in cfn/.
pub fn template(name: &str) -> Result<String> {
    let path = Path::new(TEMPLATES_FOLDER).join(name);
    std::fs::read_to_string(&path).with_context(|| path.display().to_string())
}

/// How CloudFormation left a stack.
#[derive(Debug)]
pub struct SettledStack {
    pub status: String,
    pub outputs: Vec<(String, String)>,
    /// Why resources failed, in CloudFormation's words.
    pub failures: Vec<String>,
}

impl SettledStack {
    pub fn output(&self, name: &str) -> Result<&str> {
        self.outputs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .with_context(|| format!("the stack has no output {name}: {:?}", self.outputs))
    }

    pub fn expect(self, status: &str) -> Result<Self> {
        if self.status != status {
            bail!(
                "the stack is {}, not {status}: {:#?}",
                self.status,
                self.failures
            );
        }
        Ok(self)
    }
}

/// CreateStack and UpdateStack take the same, but their requests have no type in common.
macro_rules! send {
    ($request:expr, $name:expr, $template:expr, $parameters:expr) => {
        $request
            .stack_name($name)
            .template_body($template)
            .set_parameters(Some(list($parameters)))
            .capabilities(Capability::CapabilityIam)
            .send()
            .await?
    };
}

pub async fn create(
    client: &Client,
    name: &str,
    template: &str,
    parameters: &[(&str, &str)],
) -> Result<SettledStack> {
    let tag = Tag::builder().key("team").value("orders").build();
    send!(client.create_stack().tags(tag), name, template, parameters);
    settle(client, name).await
}

pub async fn update(
    client: &Client,
    name: &str,
    template: &str,
    parameters: &[(&str, &str)],
) -> Result<SettledStack> {
    send!(client.update_stack(), name, template, parameters);
    settle(client, name).await
}

pub async fn delete(client: &Client, name: &str) -> Result<SettledStack> {
    let id = describe(client, name)
        .await?
        .and_then(|stack| stack.stack_id)
        .with_context(|| format!("there is no stack {name}"))?;
    client.delete_stack().stack_name(name).send().await?;
    // A deleted stack is only found by its id.
    settle(client, &id).await
}

fn list(parameters: &[(&str, &str)]) -> Vec<Parameter> {
    parameters
        .iter()
        .map(|(key, value)| {
            Parameter::builder()
                .parameter_key(*key)
                .parameter_value(*value)
                .build()
        })
        .collect()
}

async fn describe(client: &Client, name: &str) -> Result<Option<Stack>> {
    let answer = client.describe_stacks().stack_name(name).send().await;
    match answer {
        Ok(output) => Ok(output.stacks.unwrap_or_default().into_iter().next()),
        Err(error) => {
            let error = error.into_service_error();
            match error.meta().message() {
                Some(message) if message.contains("does not exist") => Ok(None),
                _ => Err(error.into()),
            }
        }
    }
}

async fn settle(client: &Client, name: &str) -> Result<SettledStack> {
    loop {
        let Some(stack) = describe(client, name).await? else {
            return Ok(SettledStack {
                status: "DELETE_COMPLETE".to_owned(),
                outputs: Vec::new(),
                failures: Vec::new(),
            });
        };
        let status = stack
            .stack_status()
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default();
        if !status.ends_with("IN_PROGRESS") {
            return Ok(SettledStack {
                status,
                outputs: stack
                    .outputs()
                    .iter()
                    .filter_map(|output| {
                        let (key, value) = (output.output_key()?, output.output_value()?);
                        Some((key.to_owned(), value.to_owned()))
                    })
                    .collect(),
                failures: failures(client, name).await?,
            });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn failures(client: &Client, name: &str) -> Result<Vec<String>> {
    let events = client
        .describe_stack_events()
        .stack_name(name)
        .send()
        .await?;
    Ok(events
        .stack_events()
        .iter()
        .filter(|event| {
            event
                .resource_status()
                .is_some_and(|status| status.as_str().ends_with("FAILED"))
        })
        .filter_map(|event| event.resource_status_reason().map(str::to_owned))
        .collect())
}
