//! Reads what functions wrote to CloudWatch Logs, and how their log groups are set up.

use anyhow::Result;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::lab::Lab;
use crate::secrets;

impl Lab {
    /// The lines in the log group of a function that MiniStack runs; none if it never ran. A
    /// secret in them is an error.
    pub async fn logs(&self, function_name: &str) -> Result<Vec<String>> {
        let api = self.api()?;
        let mut request = json!({"logGroupName": format!("/aws/lambda/{function_name}")});
        let mut lines = Vec::new();
        loop {
            let page = match api
                .json("logs", "Logs_20140328.FilterLogEvents", &request)
                .await
            {
                Err(error)
                    if error.downcast_ref().is_some_and(|refusal: &ApiError| {
                        refusal.code == "ResourceNotFoundException"
                    }) =>
                {
                    return Ok(lines);
                }
                page => page?,
            };
            let events = page["events"].as_array().into_iter().flatten();
            lines.extend(
                events
                    .filter_map(|event| event["message"].as_str())
                    .map(|line| line.trim_end().to_owned()),
            );
            match &page["nextToken"] {
                Value::String(token) => request["nextToken"] = json!(token),
                _ => {
                    secrets::none_in(&lines)?;
                    return Ok(lines);
                }
            }
        }
    }
    /// How a log group is set up (CloudWatch Logs API, `DescribeLogGroups`).
    pub async fn log_group(&self, name: &str) -> Result<Value> {
        let request = json!({"logGroupNamePrefix": name});
        let target = "Logs_20140328.DescribeLogGroups";
        let answer = self.api()?.json("logs", target, &request).await?;
        Ok(answer["logGroups"][0].clone())
    }
}
