//! The gateway's HTTP server: its connections, and requests that are read to their ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::state::State;
use crate::response_url;

pub(super) async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Small answers are sent at once, for many calls are made one after the other.
        let _ = stream.set_nodelay(true);
        state.connections.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&state);
        let Some(tls) = tls.clone() else {
            tokio::spawn(connection(stream, state));
            continue;
        };
        tokio::spawn(async move {
            // An error is a client that does not trust the lab, or that went away.
            if let Ok(stream) = tls.accept(stream).await {
                connection(stream, state).await;
            }
        });
    }
}

async fn connection(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    state: Arc<State>,
) {
    let service = service_fn(move |request| handle(Arc::clone(&state), request));
    // An error is a client that went away, or a connection that a fault cuts.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Makes hyper close the connection without an answer.
#[derive(Debug, PartialEq)]
struct ConnectionCut;

impl std::fmt::Display for ConnectionCut {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for ConnectionCut {}

async fn handle(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, ConnectionCut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| ConnectionCut)?.to_bytes();
    if let Some(token) = response_url::token(parts.uri.path()) {
        return Ok(state.responses.take(token, &parts, &body).map(Full::new));
    }
    // It has a task of its own, as AWS carries a call out also when the caller hangs up meanwhile.
    let done = tokio::spawn(async move { state.answer(parts, body).await }).await;
    let reply = done.map_err(|_| ConnectionCut)?.ok_or(ConnectionCut)?;
    Ok(reply.map(Full::new))
}
