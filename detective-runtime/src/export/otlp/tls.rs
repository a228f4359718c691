//! TLS to the collector: whom it trusts, and who the program says it is.

use std::path::Path;
use std::sync::Arc;

use http::Uri;
use rustls::client::WantsClientCert;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};

use crate::config::Jaeger;
use crate::export::ExportError;
use crate::export::crypto;

/// What a connection to this endpoint needs; `None`: no TLS.
pub(super) fn config(config: &Jaeger, endpoint: &Uri) -> Result<Option<ClientConfig>, ExportError> {
    if endpoint.scheme_str() != Some("https") {
        return Ok(None);
    }
    let provider = provider(&endpoint.to_string())?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ExportError::Client(error.to_string()))?
        .with_root_certificates(roots(config)?);
    client_certificate(config, builder).map(Some)
}

/// The cryptography for connections to this endpoint.
pub(crate) fn provider(endpoint: &str) -> Result<Arc<CryptoProvider>, ExportError> {
    crypto::provider().ok_or_else(|| ExportError::NoCryptography {
        endpoint: endpoint.to_owned(),
        advice: crypto::ADVICE,
    })
}

/// Whether the files that are named can be used. Without cryptography, they are only read.
pub(crate) fn check_files(config: &Jaeger) -> Result<(), ExportError> {
    if !config.ca_file.is_empty() {
        roots(config)?;
    }
    let Some(provider) = crypto::provider() else {
        return Ok(());
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ExportError::Client(error.to_string()))?
        .with_root_certificates(RootCertStore::empty());
    client_certificate(config, builder).map(drop)
}

/// The private CA instead of the system's store, where there is one: then nobody else is believed.
fn roots(config: &Jaeger) -> Result<RootCertStore, ExportError> {
    let mut roots = RootCertStore::empty();
    if config.ca_file.is_empty() {
        let found = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(found.certs);
        if roots.is_empty() {
            let why = match found.errors.first() {
                Some(error) => format!(": {error}"),
                None => String::new(),
            };
            return Err(ExportError::Client(format!(
                "the system's store has no certificates{why}; install them, or name the \
                 collector's CA with `jaeger.ca_file`"
            )));
        }
        return Ok(roots);
    }
    for certificate in certificates("jaeger.ca_file", &config.ca_file)? {
        roots.add(certificate).map_err(|error| {
            file(
                "jaeger.ca_file",
                &config.ca_file,
                &error,
                "certificates of a CA",
            )
        })?;
    }
    Ok(roots)
}

fn client_certificate(
    config: &Jaeger,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, ExportError> {
    let (certificate, key) = (&config.client_certificate_file, &config.client_key_file);
    if certificate.is_empty() && key.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    if certificate.is_empty() || key.is_empty() {
        return Err(ExportError::Client(
            "`jaeger.client_certificate_file` and `jaeger.client_key_file` are of use only \
             together; set both, or none"
                .to_owned(),
        ));
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

fn certificates(setting: &str, path: &str) -> Result<Vec<CertificateDer<'static>>, ExportError> {
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

fn file(setting: &str, path: &str, error: &dyn std::fmt::Display, expected: &str) -> ExportError {
    ExportError::Client(format!(
        "`{setting}` is `{path}` ({error}), expected a file with {expected}"
    ))
}
