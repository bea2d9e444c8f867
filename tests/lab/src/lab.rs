//! A lab's beginning, its parts and its end.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use tokio::net::TcpListener;
use tokio::runtime::Handle;

use crate::api::{self, Api};
use crate::dns::DnsServers;
use crate::gateway::{Gateway, Target};
use crate::ministack::Ministack;
use crate::names::{FUNCTION_ACCESS_KEY, LAB_ACCESS_KEY, REGION};
use crate::response_url::ResponseUrlServer;
use crate::tasks::Tasks;
use crate::{process, secrets};

/// A lab. Dropping it ends all of it.
pub struct Lab {
    environment: Vec<(String, String)>,
    gateway: Gateway,
    dns: DnsServers,
    networks: AtomicUsize,
    ministack: Ministack,
    // It is dropped last, so that the servers answer until MiniStack is gone.
    tasks: Tasks,
}

impl Lab {
    /// Starts MiniStack, the DNS server and the gateway, and waits until they answer.
    pub async fn start() -> Result<Self> {
        Self::start_with_minutes_of(Duration::from_secs(60)).await
    }

    /// The same for functions that call AWS over TLS, as they do in production. The lab's own calls and the
    /// answers to CloudFormation go without TLS.
    pub async fn start_over_tls() -> Result<Self> {
        let mut lab = Self::start().await?;
        let trusted = lab.directory().join("trusted.pem");
        let endpoint = lab.gateway.serve_over_tls(&lab.runtime(), &trusted).await?;
        lab.environment
            .retain(|(name, _)| name != "AWS_ENDPOINT_URL");
        lab.environment.extend([
            ("AWS_ENDPOINT_URL".to_owned(), endpoint),
            ("SSL_CERT_FILE".to_owned(), trusted.display().to_string()),
        ]);
        Ok(lab)
    }

    /// The same, but EventBridge's schedules count minutes of this length.
    pub async fn start_with_minutes_of(minute: Duration) -> Result<Self> {
        let tasks = Tasks::new()?;
        let runtime = tasks.handle();
        let dns = DnsServers::start(runtime.clone()).await?;
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

    /// For clients that work against the gateway. Make new clients in each test: they belong to
    /// the runtime that they are first used in.
    pub fn aws(&self) -> SdkConfig {
        self.aws_as(LAB_ACCESS_KEY)
    }

    /// The same for a caller with another access key, whose calls faults may hit.
    pub fn aws_as(&self, access_key: &str) -> SdkConfig {
        let credentials =
            Credentials::new(access_key, secrets::SECRET_ACCESS_KEY, None, None, "lab");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static(REGION))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(self.endpoint())
            .build()
    }

    pub fn dns(&self) -> &DnsServers {
        &self.dns
    }

    pub fn gateway(&self) -> &Gateway {
        &self.gateway
    }

    /// What is registered in a target group, draining targets included.
    pub fn targets(&self, target_group_arn: &str) -> Vec<Target> {
        self.gateway.targets(target_group_arn)
    }

    /// Removes all draining targets, as if their deregistration delay had passed.
    pub fn finish_draining(&self) {
        self.gateway.finish_draining();
    }

    /// A URL that takes a custom resource's answer.
    pub fn response_url(&self) -> ResponseUrlServer {
        self.gateway.response_url()
    }

    /// How a function that MiniStack runs is set up (Lambda API, `GetFunctionConfiguration`).
    pub async fn function_configuration(&self, function: &str) -> Result<serde_json::Value> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        self.api()?.get("lambda", &path).await
    }

    /// The file of MiniStack's log. It is gone when the lab is.
    pub fn ministack_log(&self) -> PathBuf {
        self.ministack.log()
    }

    /// A directory for files that only this lab needs. It is removed with the lab.
    pub fn directory(&self) -> &Path {
        &self.ministack.directory
    }

    pub(crate) fn runtime(&self) -> Handle {
        self.tasks.handle()
    }

    pub(crate) fn next_network(&self) -> usize {
        self.networks.fetch_add(1, Ordering::Relaxed)
    }

    /// A client for the lab's own calls through the gateway.
    pub(crate) fn api(&self) -> Result<Api> {
        let endpoint = self.endpoint().to_owned();
        Ok(Api {
            client: api::client()?,
            endpoint,
            access_key: LAB_ACCESS_KEY.to_owned(),
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
        ("AWS_ACCESS_KEY_ID", FUNCTION_ACCESS_KEY),
        ("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY),
        ("AWS_SESSION_TOKEN", secrets::SESSION_TOKEN),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("DNS_SERVERS", dns_server),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}
