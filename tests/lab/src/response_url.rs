//! The place that a custom resource's answer is put to: it records every PUT, and may refuse some.
//! It replaces the pre-signed S3 URL of CloudFormation ("Custom resource request fields").

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Result, bail};
use bytes::Bytes;
use hyper::Response;
use hyper::http::request::Parts;
use serde_json::Value;

use crate::lock::{Shared, lock};

/// No bucket can have this name, so no object is hidden by it.
pub(crate) const RESPONSE_PATH: &str = "/_lab/response/";

/// The secret part of every URL, as pre-signed URLs have one: a log that shows the URL shows this.
pub const SIGNATURE: &str = "c2VjcmV0LW9mLXRoZS1sYWI";

/// A ResponseURL and what came to it.
#[derive(Clone)]
pub struct ResponseUrlServer {
    url: String,
    state: Shared<Puts>,
}

#[derive(Default)]
struct Puts {
    refusals: usize,
    puts: Vec<ReceivedPut>,
}

/// One PUT to a ResponseURL.
#[derive(Clone, Debug)]
pub struct ReceivedPut {
    /// The body; a string if it is not JSON.
    pub body: Value,
    pub length: usize,
    /// The headers by their names in lower case.
    pub headers: BTreeMap<String, String>,
    pub method: String,
    /// 200, or 503 if it was refused.
    pub status: u16,
}

impl ResponseUrlServer {
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Refuses the next PUTs with 503.
    pub fn refuse(&self, times: usize) {
        lock(&self.state).refusals = times;
    }

    /// Every PUT so far, refused PUTs included.
    pub fn puts(&self) -> Vec<ReceivedPut> {
        lock(&self.state).puts.clone()
    }

    /// The body of the one answer that was taken; an error if there are none or more.
    pub fn the_answer(&self) -> Result<Value> {
        let mut taken: Vec<ReceivedPut> = self
            .puts()
            .into_iter()
            .filter(|put| put.status == 200)
            .collect();
        match (taken.pop(), taken.len()) {
            (Some(put), 0) => Ok(put.body),
            (None, _) => bail!("no answer came"),
            (Some(_), more) => bail!("{} answers came instead of one", more + 1),
        }
    }
}

#[derive(Default)]
pub(crate) struct ResponseUrls {
    next: AtomicUsize,
    received: Mutex<HashMap<String, Shared<Puts>>>,
}

/// The token in a path that belongs to a ResponseURL.
pub(crate) fn token(path: &str) -> Option<&str> {
    path.strip_prefix(RESPONSE_PATH)
}

impl ResponseUrls {
    pub fn add(&self, endpoint: &str) -> ResponseUrlServer {
        let token = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        let state: Shared<Puts> = Arc::default();
        lock(&self.received).insert(token.clone(), Arc::clone(&state));
        ResponseUrlServer {
            url: format!("{endpoint}{RESPONSE_PATH}{token}?X-Amz-Signature={SIGNATURE}"),
            state,
        }
    }

    pub fn take(&self, token: &str, parts: &Parts, body: &Bytes) -> Response<Bytes> {
        let url = lock(&self.received).get(token).cloned();
        let mut reply = Response::new(Bytes::new());
        let Some(url) = url else {
            *reply.status_mut() = hyper::StatusCode::FORBIDDEN;
            return reply;
        };
        let mut received = lock(&url);
        if received.refusals > 0 {
            received.refusals -= 1;
            *reply.status_mut() = hyper::StatusCode::SERVICE_UNAVAILABLE;
        }
        let text = || Value::String(String::from_utf8_lossy(body).into_owned());
        let headers = parts.headers.iter();
        received.puts.push(ReceivedPut {
            body: serde_json::from_slice(body).unwrap_or_else(|_| text()),
            length: body.len(),
            headers: headers
                .map(|(name, value)| {
                    (
                        name.to_string(),
                        String::from_utf8_lossy(value.as_bytes()).into_owned(),
                    )
                })
                .collect(),
            method: parts.method.to_string(),
            status: reply.status().as_u16(),
        });
        reply
    }
}
