//! A client's side of TLS: whom it trusts, and who the program says it is.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use super::{ADVICE, provider};

/// The files that the config names; an empty text names none.
#[derive(Debug, Default)]
pub(crate) struct Files<'a> {
    /// `jaeger.ca_file`: the only authority that is trusted. Without it, the system's store is.
    pub(crate) ca: &'a str,
    /// `jaeger.client_certificate_file`.
    pub(crate) certificate: &'a str,
    /// `jaeger.client_key_file`.
    pub(crate) key: &'a str,
}

/// What a connection needs.
///
/// # Errors
///
/// A file cannot be used. The text names the setting, and says what was expected.
pub(crate) fn client_config(
    files: &Files<'_>,
    provider: Arc<CryptoProvider>,
) -> Result<ClientConfig, String> {
    client_certificate(files, builder(provider, roots(files)?)?)
}

/// Whether the files can be used. Without cryptography, the keys are not read.
///
/// # Errors
///
/// As [`client_config`].
pub(crate) fn check_files(files: &Files<'_>) -> Result<(), String> {
    if !files.ca.is_empty() {
        roots(files)?;
    }
    let Some(provider) = provider() else {
        return Ok(());
    };
    client_certificate(files, builder(provider, RootCertStore::empty())?).map(drop)
}

/// Whether the system's store has certificates.
///
/// # Errors
///
/// It has none. The text says why, and what to do.
pub(crate) fn check_store() -> Result<(), String> {
    roots(&Files::default()).map(drop)
}

/// What to do when there is no cryptography for TLS.
pub(crate) fn missing_cryptography() -> Option<&'static str> {
    provider().is_none().then_some(ADVICE)
}

fn builder(
    provider: Arc<CryptoProvider>,
    roots: RootCertStore,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, String> {
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    Ok(builder.with_root_certificates(roots))
}

/// The private CA instead of the system's store, where there is one: then nobody else is believed.
fn roots(files: &Files<'_>) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if files.ca.is_empty() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = match found.errors.first() {
                Some(error) => format!(": {error}"),
                None => String::new(),
            };
            return Err(format!(
                "the system's store has no certificates{why}; install them, or name the \
                 collector's CA with `jaeger.ca_file`"
            ));
        }
        return Ok(roots);
    }
    for certificate in certificates("jaeger.ca_file", files.ca)? {
        roots
            .add(certificate)
            .map_err(|error| file("jaeger.ca_file", files.ca, &error, "certificates of a CA"))?;
    }
    Ok(roots)
}

fn client_certificate(
    files: &Files<'_>,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, String> {
    let (certificate, key) = (files.certificate, files.key);
    if certificate.is_empty() && key.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    if certificate.is_empty() || key.is_empty() {
        return Err(
            "`jaeger.client_certificate_file` and `jaeger.client_key_file` are of use only \
             together; set both, or none"
                .to_owned(),
        );
    }
    let chain = certificates("jaeger.client_certificate_file", certificate)?;
    const KEY: &str = "jaeger.client_key_file";
    let key_der = PrivateKeyDer::from_pem_file(Path::new(key))
        .map_err(|error| file(KEY, key, &error, "a private key in PEM"))?;
    builder
        .with_client_auth_cert(chain, key_der)
        .map_err(|error| {
            file(
                KEY,
                key,
                &error,
                "the private key of the client certificate",
            )
        })
}

fn certificates(setting: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    const EXPECTED: &str = "certificates in PEM";
    let certificates: Result<Vec<_>, pem::Error> =
        CertificateDer::pem_file_iter(Path::new(path)).and_then(Iterator::collect);
    match certificates {
        Ok(certificates) if certificates.is_empty() => {
            Err(file(setting, path, &"no certificate in it", EXPECTED))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(file(setting, path, &error, EXPECTED)),
    }
}

fn file(setting: &str, path: &str, error: &dyn Display, expected: &str) -> String {
    format!("`{setting}` is `{path}` ({error}), expected a file with {expected}")
}
