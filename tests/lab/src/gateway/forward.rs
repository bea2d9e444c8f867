//! What the gateway asks of MiniStack: the caller's request as it is, or questions of its own.

use anyhow::{Context, Result};
use bytes::Bytes;
use hyper::header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use hyper::{Method, Response};

use super::call::Call;
use super::reply::ApiReply;
use super::state::{ApiRequest, State};
use crate::api::Api;

impl State {
    /// Hands a request to MiniStack, with another body if one is given.
    pub(super) async fn forward(
        &self,
        request: &ApiRequest,
        body: Option<String>,
    ) -> Result<ApiReply> {
        let path = request
            .parts
            .uri
            .path_and_query()
            .map_or("/", |path| path.as_str());
        let mut headers = request.parts.headers.clone();
        for name in [CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING] {
            headers.remove(name);
        }
        let answer = self
            .client
            .request(
                request.parts.method.clone(),
                format!("{}{path}", self.ministack),
            )
            .headers(headers)
            .body(body.map_or_else(|| request.body.clone(), Bytes::from))
            .send()
            .await
            .context("MiniStack does not answer")?;
        let mut reply = Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            // The answer to a HEAD tells the length of a body that does not come.
            let kept = *name != CONTENT_LENGTH || request.parts.method == Method::HEAD;
            if kept && *name != CONNECTION && *name != TRANSFER_ENCODING {
                reply = reply.header(name, value);
            }
        }
        Ok(reply.body(
            answer
                .bytes()
                .await
                .context("MiniStack's answer breaks off")?,
        )?)
    }

    /// A client for the gateway's own questions to MiniStack, in the account of the caller.
    pub(super) fn api(&self, call: &Call) -> Api {
        Api {
            client: self.client.clone(),
            endpoint: self.ministack.clone(),
            access_key: call.source.clone(),
        }
    }
}
