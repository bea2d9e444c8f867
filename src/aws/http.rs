//! The one HTTP client: of all calls to AWS, and of the answer to CloudFormation.
//!
//! One pool of connections and one list of trusted roots. Never shows an address that it was
//! given: it may be a credential.

use aws_sdk_s3::config::http::{HttpRequest, HttpResponse};
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use std::time::Duration;

pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// How often one PUT goes on to where it is sent: S3 does so once, if at all.
const REDIRECTIONS: usize = 3;

/// HTTP and HTTPS, through a proxy where `HTTPS_PROXY` and its like say so.
#[derive(Debug, Clone)]
pub struct Http(SharedHttpConnector);

/// A PUT that had no answer.
#[derive(Debug, thiserror::Error)]
pub enum PutError {
    #[error("the address is none that anything can be sent to")]
    Address,
    #[error("no answer in time")]
    Timeout,
    #[error("the request did not get through")]
    Network(#[source] ConnectorError),
}

impl Default for Http {
    fn default() -> Self {
        Self::new()
    }
}

impl Http {
    pub fn new() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
        let connector = Connector::builder()
            .connector_settings(settings.build())
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::rustls(CryptoMode::AwsLc))
            .build();
        Self(SharedHttpConnector::new(connector))
    }

    /// The same for the SDK, which by itself would make one for each service.
    pub(super) fn client(&self) -> SharedHttpClient {
        let connector = self.0.clone();
        http_client_fn(move |_, _| connector.clone())
    }

    /// Sends a body with its length and without a type, and gives the status that is answered.
    ///
    /// # Errors
    /// Where no status came, within `timeout` at most.
    pub async fn put(&self, url: &str, body: &str, timeout: Duration) -> Result<u16, PutError> {
        tokio::time::timeout(timeout, self.put_where_sent(url, body))
            .await
            .map_err(|_| PutError::Timeout)?
    }

    /// S3 sends a request on while the name of a new bucket is not known everywhere (S3 guide,
    /// "Request redirection").
    async fn put_where_sent(&self, url: &str, body: &str) -> Result<u16, PutError> {
        let mut url = url.to_owned();
        let mut redirections = 0;
        loop {
            let mut request = HttpRequest::new(body.into());
            let method = request.set_method("PUT");
            method
                .and_then(|()| request.set_uri(url))
                .map_err(|_| PutError::Address)?;
            let answer = self.0.call(request).await.map_err(PutError::Network)?;
            match location(&answer) {
                Some(location) if redirections < REDIRECTIONS => url = location.to_owned(),
                _ => return Ok(answer.status().as_u16()),
            }
            redirections += 1;
        }
    }
}

fn location(answer: &HttpResponse) -> Option<&str> {
    matches!(answer.status().as_u16(), 307 | 308)
        .then(|| answer.headers().get("location"))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// Answers one request with these lines, and gives what it was sent.
    async fn server(answer: String) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/secret", listener.local_addr().expect("bound"));
        let taken = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = String::new();
            while !request.ends_with("body") {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).await.expect("a request");
                request.push_str(std::str::from_utf8(&some[..read]).expect("text"));
            }
            let answer = format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("sent");
            request.to_lowercase()
        });
        (url, taken)
    }

    async fn put(url: &str) -> Result<u16, PutError> {
        Http::new().put(url, "body", Duration::from_secs(10)).await
    }

    #[tokio::test]
    async fn a_put_has_its_length_and_no_type_and_gives_the_status() {
        let (url, taken) = server("503 Slow Down".to_owned()).await;
        assert_eq!(put(&url).await.expect("a status"), 503);
        let request = taken.await.expect("one request");
        assert!(request.starts_with("put /secret http/1.1\r\n"), "{request}");
        assert!(request.contains("content-length: 4\r\n"), "{request}");
        assert!(!request.contains("content-type"), "{request}");
        assert!(!request.contains("transfer-encoding"), "{request}");
    }

    #[tokio::test]
    async fn a_put_goes_on_to_where_it_is_sent() {
        let (there, taken) = server("200 OK".to_owned()).await;
        let (here, _) = server(format!("307 Temporary Redirect\r\nLocation: {there}")).await;
        assert_eq!(put(&here).await.expect("a status"), 200);
        assert!(taken.await.expect("one request").ends_with("body"));
    }

    #[tokio::test]
    async fn no_failure_shows_the_address() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let closed = listener.local_addr().expect("bound");
        drop(listener);
        for url in [
            format!("http://{closed}/secret"),
            "http://secret.invalid/".to_owned(),
            "secret:not an address".to_owned(),
        ] {
            let error = put(&url).await.expect_err("nobody is there");
            let text = format!("{error:?} {}", crate::log::chain(&error));
            assert!(!text.contains("secret"), "{text}");
        }
    }
}
