//! Calls to AWS APIs for which there is no need of an SDK, in the query protocol and in JSON.
//! It signs nothing: the lab checks no signatures, it only reads who calls, and which service.

use std::fmt;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::xml::Element;

/// The endpoint to call, and the caller's credentials.
#[derive(Clone)]
pub(crate) struct Api {
    pub client: reqwest::Client,
    pub endpoint: String,
    pub access_key: String,
}

/// An error that the service answered.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub status: u16,
    pub code: String,
    pub message: String,
}

impl fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} ({}): {}",
            self.code, self.status, self.message
        )
    }
}

impl std::error::Error for ApiError {}

impl Api {
    pub async fn query(
        &self,
        service: &str,
        action: &str,
        params: &[(&str, &str)],
    ) -> Result<Element> {
        let version = match service {
            "cloudformation" => "2010-05-15",
            "ec2" => "2016-11-15",
            "elasticloadbalancing" => "2015-12-01",
            "iam" => "2010-05-08",
            _ => anyhow::bail!("the version of {service}'s query API is not known here"),
        };
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("Action", action)
            .append_pair("Version", version)
            .extend_pairs(params)
            .finish();
        let kind = "application/x-www-form-urlencoded";
        let (status, text) = self
            .post(service, kind, None, form)
            .await
            .context(action.to_owned())?;
        let answer =
            Element::parse(&text).with_context(|| format!("{action} answered {status} {text}"))?;
        if status < 400 {
            return Ok(answer);
        }
        let part = |name| {
            answer
                .find(name)
                .map(|found| found.text.clone())
                .unwrap_or_default()
        };
        Err(ApiError {
            status,
            code: part("Code"),
            message: part("Message"),
        })
        .context(action.to_owned())
    }

    pub async fn json(&self, service: &str, target: &str, body: &Value) -> Result<Value> {
        let kind = "application/x-amz-json-1.1";
        let (status, text) = self
            .post(service, kind, Some(target), body.to_string())
            .await
            .context(target.to_owned())?;
        let answer: Value = serde_json::from_str(&text)
            .with_context(|| format!("{target} answered {status} {text}"))?;
        if status < 400 {
            return Ok(answer);
        }
        let part = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        Err(ApiError {
            status,
            code: part("__type"),
            message: part("message"),
        })
        .context(target.to_owned())
    }

    /// For APIs whose operations are paths.
    pub async fn get(&self, service: &str, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.endpoint);
        let request = self.client.get(url);
        let request = request.header("authorization", self.authorization(service));
        let answer = request.send().await?.error_for_status()?;
        Ok(serde_json::from_str(&answer.text().await?)?)
    }

    fn authorization(&self, service: &str) -> String {
        format!(
            "AWS4-HMAC-SHA256 Credential={}/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.access_key
        )
    }

    async fn post(
        &self,
        service: &str,
        kind: &str,
        target: Option<&str>,
        body: String,
    ) -> Result<(u16, String)> {
        let mut request = self
            .client
            .post(format!("{}/", self.endpoint))
            .header("authorization", self.authorization(service))
            .header("content-type", kind)
            .body(body);
        if let Some(target) = target {
            request = request.header("x-amz-target", target);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

/// Keeps no connection: it may be used from many runtimes, and a kept one dies with its runtime.
pub(crate) fn client() -> Result<reqwest::Client> {
    Ok(reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .build()?)
}
