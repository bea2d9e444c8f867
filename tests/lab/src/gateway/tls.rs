//! TLS before the gateway, as AWS has it, with a certificate authority of the lab's own that a function trusts
//! beside all that the system trusts. Only functions use it; the lab's own clients do without TLS.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

/// The files of trusted certificates on Amazon Linux and Red Hat, Debian.
const ROOTS: [&str; 2] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
];

/// Accepts clients of this address, and writes what they have to trust into a file.
pub(super) fn acceptor(address: &str, trusted: &Path) -> Result<TlsAcceptor> {
    let mut authority = CertificateParams::default();
    // If the authority had the name of what it signs, OpenSSL would take the certificate for one that signed itself.
    let name = &mut authority.distinguished_name;
    name.push(DnType::CommonName, "the lab's authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([address.to_owned()])?.signed_by(&key, &authority)?;
    // A function on Lambda has to read as many.
    let system = ROOTS
        .iter()
        .find_map(|file| std::fs::read_to_string(file).ok());
    let system = system.unwrap_or_default();
    std::fs::write(trusted, format!("{system}\n{}", authority.pem()))?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
