//! The embedded AWS that the demo and the tests run on: MiniStack, the DNS of its load balancers,
//! and a gateway before it that answers as AWS does where MiniStack does not.
//!
//! A lab is complete in itself: its ports are chosen free, so that several run side by side, and
//! nothing of it is left behind. It never talks to AWS, nor to anything beyond this machine.

mod api;
pub mod bench;
mod dns;
mod gateway;
mod logs;
mod ministack;
mod network;
pub mod policy;
mod process;
mod response_url;
mod rule_event;
mod runtime;
mod runtime_api;
mod secrets;
mod spec;
pub mod story;
mod tasks;
mod usage;
mod xml;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

pub use dns::{Cache, Dns, DnsFailure, DnsServer};
pub use gateway::{
    Call, Fault, FaultId, Gateway, Hold, ResourceView, StackView, Target, TargetState, What,
};
pub use network::{Alb, LoadBalancers, Nlb, Subnet, Vpc};
pub use response_url::{Answer, ResponseUrl, SIGNATURE};
pub use rule_event::{rule_event, scheduled_event};
pub use runtime::{Function, Invocation};
pub use spec::{AlbSpec, NlbSpec, ZONES};
pub use usage::Usage;

use api::Api;
use ministack::Ministack;
use tasks::Tasks;

pub const REGION: &str = "us-east-1";
/// MiniStack's account for access keys that are not account numbers.
pub const ACCOUNT: &str = "000000000000";
/// The name of functions that run under `Lab::function`.
pub const FUNCTION_NAME: &str = "alb-nlb-binding";
/// The access key of the lab's own clients: `Call::source` tells their calls from those of
/// functions, and no fault hits them.
pub const LAB: &str = "lab";
/// The access key of functions.
pub const FUNCTION: &str = "function";

/// A lab. Dropping it ends all of it.
pub struct Lab {
    environment: Vec<(String, String)>,
    gateway: Gateway,
    dns: Dns,
    networks: AtomicUsize,
    ministack: Ministack,
    // Last, so that the servers answer until MiniStack is gone.
    tasks: Tasks,
}

impl Lab {
    /// Starts MiniStack, the DNS server and the gateway, and waits until they answer.
    pub async fn start() -> Result<Self> {
        Self::start_with_minutes_of(Duration::from_secs(60)).await
    }

    /// The same for functions that go over TLS, as they do to AWS. What the lab itself asks, and the answers to
    /// CloudFormation, go without.
    pub async fn start_over_tls() -> Result<Self> {
        let mut lab = Self::start().await?;
        let runtime = lab.runtime();
        let (address, trusted) = ("127.0.0.1", lab.directory().join("trusted.pem"));
        let acceptor = gateway::tls::acceptor(address, &trusted)?;
        let listener = runtime.spawn(TcpListener::bind((address, 0))).await??;
        let endpoint = format!("https://{}", listener.local_addr()?);
        lab.gateway.serve_over_tls(&runtime, listener, acceptor);
        lab.environment
            .retain(|(name, _)| name != "AWS_ENDPOINT_URL");
        lab.environment.extend([
            ("AWS_ENDPOINT_URL".to_owned(), endpoint),
            ("SSL_CERT_FILE".to_owned(), trusted.display().to_string()),
        ]);
        Ok(lab)
    }

    /// The same with other minutes for EventBridge's schedules to count.
    pub async fn start_with_minutes_of(minute: Duration) -> Result<Self> {
        let tasks = Tasks::new()?;
        let runtime = tasks.handle();
        let dns = Dns::start(runtime.clone()).await?;
        let listener = runtime.spawn(TcpListener::bind(("127.0.0.1", 0))).await??;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let environment = variables(&endpoint, &dns.server().address().to_string());
        let started = runtime.spawn(Ministack::start(environment.clone(), minute));
        let ministack = started.await??;
        let gateway = Gateway::start(&runtime, listener, endpoint, ministack.url.clone())?;
        let networks = AtomicUsize::new(0);
        Ok(Self {
            environment,
            gateway,
            dns,
            networks,
            ministack,
            tasks,
        })
    }

    /// The address of this AWS.
    pub fn endpoint(&self) -> &str {
        self.gateway.endpoint()
    }

    /// The environment variables of a function in this AWS.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// For clients that work against the gateway. Make clients anew in each test: they belong to
    /// the runtime that they are first used in.
    pub fn aws(&self) -> SdkConfig {
        self.aws_as(LAB)
    }

    /// The same as someone else, whom faults hit.
    pub fn aws_as(&self, access_key: &str) -> SdkConfig {
        let credentials = Credentials::new(access_key, secrets::KEY, None, None, "lab");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.endpoint())
            .build()
    }

    pub fn dns(&self) -> &Dns {
        &self.dns
    }

    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// What is registered in a target group, draining targets included.
    pub fn targets(&self, target_group_arn: &str) -> Vec<Target> {
        self.gateway.targets(target_group_arn)
    }

    /// As if the deregistration delay of all draining targets had passed.
    pub fn finish_draining(&self) {
        self.gateway.finish_draining();
    }

    /// A URL that takes a custom resource's answer.
    pub fn response_url(&self) -> ResponseUrl {
        self.gateway.response_url()
    }

    /// How a function that MiniStack runs is set up (Lambda API, `GetFunctionConfiguration`).
    pub async fn function_configuration(&self, function: &str) -> Result<serde_json::Value> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        self.api()?.get("lambda", &path).await
    }

    /// Where MiniStack writes its log. It is gone when the lab is.
    pub fn ministack_log(&self) -> PathBuf {
        self.ministack.log()
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.ministack.directory
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.tasks.handle()
    }

    pub(crate) fn next_network(&self) -> usize {
        self.networks.fetch_add(1, Ordering::Relaxed)
    }

    /// For what the lab itself asks of its AWS, through the gateway.
    pub(crate) fn api(&self) -> Result<Api> {
        let endpoint = self.endpoint().to_owned();
        Ok(Api {
            client: api::client()?,
            endpoint,
            access_key: LAB.to_owned(),
        })
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "MiniStack's last lines:\n{}",
                process::tail(&self.ministack_log())
            );
        }
    }
}

fn variables(endpoint: &str, dns_server: &str) -> Vec<(String, String)> {
    [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ACCESS_KEY_ID", FUNCTION),
        ("AWS_SECRET_ACCESS_KEY", secrets::KEY),
        ("AWS_SESSION_TOKEN", secrets::TOKEN),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("DNS_SERVERS", dns_server),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

/// Locks, also when another test panicked meanwhile: what it left is still readable.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shares what servers and their handles both need.
pub(crate) type Shared<T> = Arc<Mutex<T>>;
