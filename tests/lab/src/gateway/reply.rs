//! Replies that do not come from MiniStack, in the protocol of the service that was called.
//! The forms are those of "Common errors" in the services' API references and of Smithy's protocols.

use anyhow::Result;
use bytes::Bytes;
use hyper::Response;
use serde_json::json;

use super::call::{Call, Protocol};
use super::cbor;
use crate::api::ApiError;
use crate::xml::{Element, escape};

const ELB_NAMESPACE: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
const CLOUDFORMATION_NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
const REQUEST_ID: &str = "1ab00000-0000-0000-0000-000000000000";

/// A reply, complete in memory.
pub(super) type ApiReply = Response<Bytes>;

fn reply(status: u16, kind: &str, body: impl Into<Bytes>) -> ApiReply {
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .header("x-amzn-requestid", REQUEST_ID)
        .body(body.into())
        .expect("a valid status and constant headers")
}

/// A success of an ELBv2 operation.
pub(super) fn elb(action: &str, result: &[Element]) -> ApiReply {
    query(ELB_NAMESPACE, action, result)
}

/// A success of a CloudFormation operation.
pub(super) fn cloudformation(action: &str, result: &[Element]) -> ApiReply {
    query(CLOUDFORMATION_NAMESPACE, action, result)
}

fn query(namespace: &str, action: &str, result: &[Element]) -> ApiReply {
    let result: String = result.iter().map(Element::write).collect();
    let body = format!(
        "<{action}Response xmlns=\"{namespace}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
    );
    reply(200, "text/xml", body)
}

/// A success with this body, whatever the operation.
pub(super) fn success(call: &Call, body: &str) -> ApiReply {
    let kind = match call.protocol {
        Protocol::Query => "text/xml",
        Protocol::S3 => "application/xml",
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::Cbor => "application/cbor",
    };
    reply(200, kind, body.to_owned())
}

pub(super) fn error(call: &Call, status: u16, code: &str, message: &str) -> ApiReply {
    let text = escape(message);
    let fault = if status < 500 { "Sender" } else { "Receiver" };
    match call.protocol {
        Protocol::Query => reply(
            status,
            "text/xml",
            format!(
                "<ErrorResponse><Error><Type>{fault}</Type><Code>{code}</Code><Message>{text}</Message></Error>\
                 <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
            ),
        ),
        Protocol::S3 => reply(
            status,
            "application/xml",
            format!(
                "<Error><Code>{code}</Code><Message>{text}</Message><RequestId>{REQUEST_ID}</RequestId></Error>"
            ),
        ),
        Protocol::Json => {
            let mut reply = reply(
                status,
                "application/x-amz-json-1.1",
                json!({"__type": code, "message": message}).to_string(),
            );
            // Of the services that speak JSON, those with a REST API name the error here.
            if let Ok(code) = code.parse() {
                reply.headers_mut().insert("x-amzn-errortype", code);
            }
            reply
        }
        Protocol::Cbor => {
            let mut reply = reply(
                status,
                "application/cbor",
                cbor::encode_texts(&[("__type", code), ("message", message)]),
            );
            let protocol = hyper::http::HeaderValue::from_static("rpc-v2-cbor");
            reply.headers_mut().insert("smithy-protocol", protocol);
            reply
        }
    }
}

/// The gateway asks MiniStack a question for a caller; if MiniStack refuses it, the caller gets the same refusal.
pub(super) fn refused(call: &Call, refusal: anyhow::Error) -> Result<ApiReply> {
    match refusal.downcast_ref::<ApiError>() {
        Some(known) => Ok(error(call, known.status, &known.code, &known.message)),
        None => Err(refusal),
    }
}
