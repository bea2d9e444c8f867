//! The SDK's own HTTP client, one for all services.
//!
//! By itself the SDK makes one for each service: as many pools of connections, and as many lists
//! of trusted roots to load.

use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use std::time::Duration;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// HTTP and HTTPS, through a proxy where `HTTPS_PROXY` and its like say so. Reads the system's
/// trusted roots: most of the milliseconds that the function starts in, and spent before its first
/// invocation rather than in it, for every call needs them.
pub(super) fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
    let connector = Connector::builder()
        .connector_settings(settings.build())
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::rustls(CryptoMode::AwsLc))
        .build();
    SharedHttpConnector::new(connector)
}

/// For the services' clients.
pub(super) fn client(connector: &SharedHttpConnector) -> SharedHttpClient {
    let connector = connector.clone();
    http_client_fn(move |_, _| connector.clone())
}
