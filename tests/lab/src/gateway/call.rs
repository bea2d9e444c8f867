//! One call of an AWS API: who called what with which parameters, and its result.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::http::HeaderMap;
use hyper::http::request::Parts;
use serde_json::{Map, Value};

use super::{cbor, operation_names};
use crate::xml::Element;

/// Headers that change what a call means.
const HEADERS: [&str; 4] = [
    "content-encoding",
    "content-type",
    "if-match",
    "if-none-match",
];

#[derive(Clone, Debug)]
pub struct Call {
    /// As services are named in signatures: `elasticloadbalancing`, `s3`, `events`, `monitoring`.
    pub service: String,
    pub operation: String,
    /// The query API's parameters (`Targets.member.1.Id`), the JSON or CBOR body, or S3's `Bucket`,
    /// `Key`, query parameters, `Objects` of DeleteObjects, and `Tags` of CreateBucket.
    pub params: Value,
    /// `if-match`, `if-none-match`, `content-type` and `content-encoding`, if given.
    pub headers: BTreeMap<String, String>,
    /// The access key of the caller.
    pub source: String,
    /// `None` if the connection was cut before the call was carried out.
    pub status: Option<u16>,
    /// The error code if the call failed and the answer has one.
    pub error: Option<String>,
    /// The ARN of the listener that the call made: nothing else tells whose a listener is.
    pub made: Option<String>,
    /// From its arrival to its answer.
    pub took: Duration,
    pub(super) protocol: Protocol,
}

/// How a service writes its errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Protocol {
    Query,
    Json,
    Cbor,
    S3,
}

impl Call {
    pub(super) fn read(parts: &Parts, body: &Bytes) -> Self {
        let headers = &parts.headers;
        let query = pairs(parts.uri.query().unwrap_or_default().as_bytes());
        let (source, scope) = credential(headers, &query);
        let target = text(headers, "x-amz-target");
        let form = text(headers, "content-type").starts_with("application/x-www-form-urlencoded");
        let mut call = Self {
            service: scope,
            operation: String::new(),
            params: Value::Null,
            headers: HEADERS
                .iter()
                .filter(|name| headers.contains_key(**name))
                .map(|name| ((*name).to_owned(), text(headers, name).into_owned()))
                .collect(),
            source,
            status: None,
            error: None,
            made: None,
            took: Duration::ZERO,
            protocol: Protocol::Json,
        };
        if let Some(operation) = operation_names::cbor_operation(parts.uri.path()) {
            call.protocol = Protocol::Cbor;
            call.operation = operation.to_owned();
            call.params = cbor::decode(body).unwrap_or(Value::Null);
        } else if !target.is_empty() {
            call.operation = target.rsplit('.').next().unwrap_or_default().to_owned();
            call.params = serde_json::from_slice(body).unwrap_or(Value::Null);
        } else if form {
            call.protocol = Protocol::Query;
            call.params = object(pairs(body));
            call.operation = call.param("Action").to_owned();
        } else if call.service == "s3" || call.service.is_empty() {
            call.protocol = Protocol::S3;
            let (operation, bucket, key) =
                operation_names::s3_operation(&parts.method, parts.uri.path(), &query);
            call.operation = operation.map_or_else(|| unnamed(parts), str::to_owned);
            let named = [("Bucket", bucket), ("Key", key)];
            let named = named.into_iter().filter(|(_, value)| !value.is_empty());
            call.params = object(
                named
                    .map(|(name, value)| (name.to_owned(), value))
                    .chain(query)
                    .collect(),
            );
            match operation {
                Some("DeleteObjects") => call.params["Objects"] = members(body, "Delete"),
                Some("CreateBucket") => call.params["Tags"] = members(body, "Tags"),
                _ => {}
            }
        } else {
            call.operation = unnamed(parts);
            call.params = serde_json::from_slice(body).unwrap_or(Value::Null);
        }
        call
    }

    /// A parameter that is text; empty if it is absent.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// The members of a list in the query protocol. Each maps the names of its parameters
    /// to their values; a plain value has the empty name.
    pub fn members(&self, list: &str) -> Vec<BTreeMap<String, String>> {
        let mut members: BTreeMap<u32, BTreeMap<String, String>> = BTreeMap::new();
        let prefix = format!("{list}.member.");
        for (name, value) in self.params.as_object().into_iter().flatten() {
            let Some(rest) = name.strip_prefix(&prefix) else {
                continue;
            };
            let (number, field) = rest.split_once('.').unwrap_or((rest, ""));
            if let (Ok(number), Some(value)) = (number.parse(), value.as_str()) {
                members
                    .entry(number)
                    .or_default()
                    .insert(field.to_owned(), value.to_owned());
            }
        }
        members.into_values().collect()
    }

    /// The members of a list of plain values.
    pub fn values(&self, list: &str) -> Vec<String> {
        self.members(list)
            .into_iter()
            .filter_map(|mut member| member.remove(""))
            .collect()
    }

    pub(super) fn answered(mut self, reply: Option<&Response<Bytes>>, took: Duration) -> Self {
        self.took = took;
        self.status = reply.map(|reply| reply.status().as_u16());
        self.error = reply
            .filter(|reply| reply.status().is_client_error() || reply.status().is_server_error())
            .and_then(error);
        if self.operation == "CreateListener" {
            let answer = reply.and_then(document);
            let arn = answer
                .as_ref()
                .and_then(|answer| answer.find("ListenerArn"));
            self.made = arn.map(|arn| arn.text.clone());
        }
        self
    }
}

/// The name of every operation that is not known here.
fn unnamed(parts: &Parts) -> String {
    format!("{} {}", parts.method, parts.uri)
}

/// The members of the list of that name in a body, each with its fields.
fn members(body: &[u8], list: &str) -> Value {
    let body = Element::parse(&String::from_utf8_lossy(body)).unwrap_or_default();
    let field = |field: &Element| (field.name.clone(), Value::from(field.text.clone()));
    // DeleteObjects has a plain field beside its objects.
    let members = body
        .list(list)
        .iter()
        .filter(|member| !member.children.is_empty());
    members
        .map(|member| Value::Object(member.children.iter().map(field).collect()))
        .collect()
}

fn document(reply: &Response<Bytes>) -> Option<Element> {
    Element::parse(&String::from_utf8_lossy(reply.body())).ok()
}

/// The error code of an answer, in whichever protocol it is. The answer to a HEAD has none.
fn error(reply: &Response<Bytes>) -> Option<String> {
    if let Some(xml) = document(reply) {
        return xml.find("Code").map(|code| code.text.clone());
    }
    let json = serde_json::from_slice(reply.body()).ok();
    let body: Value = json.or_else(|| cbor::decode(reply.body()))?;
    body["__type"]
        .as_str()?
        .rsplit('#')
        .next()
        .map(str::to_owned)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Cow<'a, str> {
    headers.get(name).map_or(Cow::Borrowed(""), |value| {
        String::from_utf8_lossy(value.as_bytes())
    })
}

/// The access key and the service that a request is signed for, in its header or its URL.
fn credential(headers: &HeaderMap, query: &[(String, String)]) -> (String, String) {
    let header = text(headers, "authorization");
    let signed = header
        .split_once("Credential=")
        .map(|(_, rest)| rest.split([',', ' ']).next().unwrap_or_default());
    let presigned = query
        .iter()
        .find(|(name, _)| name == "X-Amz-Credential")
        .map(|(_, value)| value.as_str());
    let mut scope = signed.or(presigned).unwrap_or_default().split('/');
    let source = scope.next().unwrap_or_default().to_owned();
    (source, scope.nth(2).unwrap_or_default().to_owned())
}

fn pairs(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

fn object(pairs: Vec<(String, String)>) -> Value {
    Value::Object(
        pairs
            .into_iter()
            .map(|(name, value)| (name, Value::String(value)))
            .collect::<Map<_, _>>(),
    )
}
