//! The Lambda Runtime API, from "Using the Lambda runtime API for custom runtimes" in the Lambda
//! developer guide: it hands events to the one process that asks here, and the process's reports to the code that
//! waits for them.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use crate::lock::lock;
use crate::names::{ACCOUNT, FUNCTION_NAME, REGION};

const RUNTIME_PATH: &str = "/2018-06-01/runtime/";

/// What a function reports: its answer, or its error.
pub type Report = Result<Value, Value>;

/// An event that is to be delivered.
struct Job {
    id: String,
    event: Value,
    deadline: SystemTime,
}

/// The API of one process. Every process has its own, so that a dying process takes no event of the next one.
pub struct RuntimeApi {
    pub address: String,
    jobs: mpsc::UnboundedSender<Job>,
    queue: Arc<EventQueue>,
    server: JoinHandle<()>,
}

/// What is shared by invocations that wait and the process that asks.
struct EventQueue {
    jobs: tokio::sync::Mutex<mpsc::UnboundedReceiver<Job>>,
    waiting: Mutex<HashMap<String, oneshot::Sender<Report>>>,
    /// When the process first asked for an event, which ends its start-up.
    asked: watch::Sender<Option<Instant>>,
}

impl RuntimeApi {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (jobs, queue) = mpsc::unbounded_channel();
        let queue = tokio::sync::Mutex::new(queue);
        let queue = Arc::new(EventQueue {
            jobs: queue,
            waiting: Mutex::default(),
            asked: watch::Sender::default(),
        });
        let server = tokio::spawn(serve(listener, Arc::clone(&queue)));
        Ok(Self {
            address,
            jobs,
            queue,
            server,
        })
    }

    /// Queues an event for the process. The process's report comes to the receiver.
    pub fn hand_out(
        &self,
        id: &str,
        event: Value,
        deadline: SystemTime,
    ) -> oneshot::Receiver<Report> {
        let (sender, reported) = oneshot::channel();
        let id = id.to_owned();
        lock(&self.queue.waiting).insert(id.clone(), sender);
        // It cannot fail: the queue holds the other end.
        let _ = self.jobs.send(Job {
            id,
            event,
            deadline,
        });
        reported
    }

    /// Waits until the process has asked for its first event, and tells when that was.
    pub async fn asked(&self) -> Instant {
        let mut asked = self.queue.asked.subscribe();
        let first = asked.wait_for(Option::is_some).await;
        // It cannot fail: the queue holds the sender.
        first
            .ok()
            .and_then(|first| *first)
            .unwrap_or_else(Instant::now)
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, queue: Arc<EventQueue>) {
    // All connections end when this is dropped.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let _ = stream.set_nodelay(true);
        let queue = Arc::clone(&queue);
        connections.spawn(async move {
            let service = service_fn(move |request| handle(Arc::clone(&queue), request));
            let connection = hyper::server::conn::http1::Builder::new();
            // An error is a process that was killed and hung up.
            let _ = connection
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn handle(
    queue: Arc<EventQueue>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let path = parts
        .uri
        .path()
        .strip_prefix(RUNTIME_PATH)
        .unwrap_or_default();
    let steps: Vec<&str> = path.split('/').collect();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let text = || Value::from(String::from_utf8_lossy(&body));
    let body = || serde_json::from_slice(&body).unwrap_or_else(|_| text());
    let status = match (&parts.method, steps.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => return Ok(queue.next().await),
        (&Method::POST, ["invocation", id, "response"]) => queue.report(Some(id), Ok(body())),
        (&Method::POST, ["invocation", id, "error"]) => queue.report(Some(id), Err(body())),
        (&Method::POST, ["init", "error"]) => queue.report(None, Err(body())),
        _ => 404,
    };
    let reply = Response::builder()
        .status(status)
        .body(Full::from(r#"{"status":"OK"}"#));
    Ok(reply.expect("a valid status"))
}

impl EventQueue {
    async fn next(&self) -> Response<Full<Bytes>> {
        self.asked.send_if_modified(|asked| {
            let is_first = asked.is_none();
            asked.get_or_insert_with(Instant::now);
            is_first
        });
        let Some(job) = self.jobs.lock().await.recv().await else {
            // The process is about to be killed.
            return Response::new(Full::default());
        };
        let unqualified = format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{FUNCTION_NAME}");
        // CloudFormation calls what the resource names, which may be an alias (CloudFormation guide,
        // "Custom resource property", ServiceToken).
        let token = &job.event["ResourceProperties"]["ServiceToken"];
        let arn = token.as_str().unwrap_or(&unqualified);
        let deadline = job
            .deadline
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let trace = "Root=1-00000000-000000000000000000000000;Sampled=0";
        Response::builder()
            .header("content-type", "application/json")
            .header("lambda-runtime-aws-request-id", job.id)
            .header("lambda-runtime-deadline-ms", deadline.to_string())
            .header("lambda-runtime-invoked-function-arn", arn)
            .header("lambda-runtime-trace-id", trace)
            .body(Full::from(job.event.to_string()))
            .expect("a request id that fits a header")
    }

    /// Hands a report to the invocation that waits for it. The result is the status of the answer to the process.
    fn report(&self, id: Option<&str>, report: Report) -> u16 {
        let mut waiting = lock(&self.waiting);
        // A process that fails to start knows no id; only one invocation waits for it.
        let id = id
            .map(str::to_owned)
            .or_else(|| waiting.keys().next().cloned());
        let receiver = id.and_then(|id| waiting.remove(&id));
        let received = receiver.is_some_and(|receiver| receiver.send(report).is_ok());
        if received { 202 } else { 400 }
    }
}
