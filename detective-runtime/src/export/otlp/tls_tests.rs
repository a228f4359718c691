//! Collectors by TLS, with certificates of a CA that nobody else knows.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::OtlpExporter;
use super::fake_collector::Collector;
use crate::config::{Jaeger, Loader, Protocol};
use crate::export::tests::{resource, span};
use crate::export::{Ending, Outcome};
use crate::tls;

const BOTH: [Protocol; 2] = [Protocol::OtlpHttp, Protocol::OtlpGrpc];

/// The files of a CA, a client and a server.
struct Files {
    directory: PathBuf,
    server: (String, String),
}

impl Files {
    fn new(name: &str) -> Self {
        let directory =
            std::env::temp_dir().join(format!("detective-tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let issue = |name: &str| {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([name.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &ca).unwrap();
            (certificate.pem(), key.serialize_pem())
        };
        let client = issue("store");
        fs::write(directory.join("ca.pem"), ca.pem()).unwrap();
        fs::write(directory.join("client.pem"), client.0).unwrap();
        fs::write(directory.join("client.key"), client.1).unwrap();
        Self {
            directory,
            server: issue("127.0.0.1"),
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.join(name).to_str().unwrap().to_owned()
    }

    fn server(&self, asks_for_a_certificate: bool) -> ServerConfig {
        let provider = tls::provider().unwrap();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks_for_a_certificate {
            let mut roots = RootCertStore::empty();
            let ca = CertificateDer::from_pem_file(Path::new(&self.path("ca.pem"))).unwrap();
            roots.add(ca).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let certificate = CertificateDer::from_pem_slice(self.server.0.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(self.server.1.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(vec![certificate], key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

async fn export(config: &Jaeger) -> Outcome {
    let mut exporter = OtlpExporter::build(config, resource(), Arc::default()).unwrap();
    let spans = vec![span("a"), span("b")];
    exporter.export_spans(&spans, &mut Ending::never()).await
}

#[tokio::test]
async fn a_collector_of_a_private_ca_is_believed_when_the_ca_is() {
    let files = Files::new("private-ca");
    for protocol in BOTH {
        let collector = Collector::start_tls(files.server(false)).await;
        let mut config = collector.config(protocol);
        let outcome = export(&config).await;
        assert_eq!(outcome.exported, 0);
        let error = outcome.error.unwrap().to_string();
        assert!(error.to_lowercase().contains("certificate"), "{error}");

        config.ca_file = files.path("ca.pem");
        let outcome = export(&config).await;
        assert_eq!(outcome.exported, 2, "{outcome:?}");
        assert_eq!(collector.received()[0].spans(), 2);
        // Servers of gRPC hang up on who does not offer HTTP/2.
        let agreed: &[u8] = match protocol {
            Protocol::OtlpGrpc => b"h2",
            _ => b"http/1.1",
        };
        assert_eq!(collector.alpn.lock().unwrap().as_slice(), [agreed.to_vec()]);
    }
}

#[tokio::test]
async fn a_collector_that_asks_for_a_certificate_gets_one() {
    let files = Files::new("client");
    for protocol in BOTH {
        let collector = Collector::start_tls(files.server(true)).await;
        let mut config = collector.config(protocol);
        config.ca_file = files.path("ca.pem");
        assert_eq!(export(&config).await.exported, 0);
        config.client_certificate_file = files.path("client.pem");
        config.client_key_file = files.path("client.key");
        let outcome = export(&config).await;
        assert_eq!(outcome.exported, 2, "{outcome:?}");
    }
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_at_start() {
    let files = Files::new("bad");
    fs::write(files.path("empty.pem"), "").unwrap();
    let base = Jaeger {
        endpoint: "https://127.0.0.1:4318".to_owned(),
        ..Jaeger::default()
    };
    let build = |config: Jaeger| {
        let error = OtlpExporter::build(&config, resource(), Arc::default()).unwrap_err();
        error.to_string()
    };
    let error = build(Jaeger {
        ca_file: files.path("none.pem"),
        ..base.clone()
    });
    assert!(error.contains("`jaeger.ca_file` is `"), "{error}");
    assert!(error.contains("none.pem"), "{error}");
    let error = build(Jaeger {
        ca_file: files.path("empty.pem"),
        ..base.clone()
    });
    assert!(error.contains("no certificate in it"), "{error}");
    let error = build(Jaeger {
        client_key_file: files.path("client.key"),
        ..base.clone()
    });
    assert!(error.contains("of use only together"), "{error}");
    let error = build(Jaeger {
        client_certificate_file: files.path("client.pem"),
        client_key_file: files.path("ca.pem"),
        ..base
    });
    assert!(error.contains("`jaeger.client_key_file` is `"), "{error}");
}

#[test]
fn the_variables_of_opentelemetry_name_the_files_too() {
    let files = Files::new("variables");
    let load = |variables: &[(&str, String)]| {
        let variables = variables
            .iter()
            .map(|(name, value)| (format!("OTEL_EXPORTER_OTLP_{name}"), value.clone()));
        let loader = Loader::with(variables, files.directory.clone()).without_file();
        let loaded = loader.load().unwrap();
        let warnings = loaded.warnings.iter().map(ToString::to_string);
        (loaded.config.jaeger, warnings.collect::<Vec<_>>())
    };
    let (jaeger, warnings) = load(&[
        ("CERTIFICATE", files.path("ca.pem")),
        ("TRACES_CLIENT_CERTIFICATE", files.path("client.pem")),
        ("CLIENT_KEY", files.path("client.key")),
    ]);
    assert_eq!(jaeger.ca_file, files.path("ca.pem"));
    assert_eq!(jaeger.client_certificate_file, files.path("client.pem"));
    assert_eq!(jaeger.client_key_file, files.path("client.key"));
    assert_eq!(warnings, Vec::<String>::new());

    // Nothing that a variable says stops a program.
    let (jaeger, warnings) = load(&[
        ("CERTIFICATE", files.path("none.pem")),
        ("CLIENT_CERTIFICATE", files.path("client.pem")),
        ("CLIENT_KEY", files.path("ca.pem")),
    ]);
    assert_eq!(jaeger.ca_file, "");
    assert_eq!(jaeger.client_certificate_file, "");
    assert_eq!(jaeger.client_key_file, "");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("OTEL_EXPORTER_OTLP_CERTIFICATE: ignored: "));
    assert!(warnings[1].starts_with("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: ignored with "));
    let (_, warnings) = load(&[("CLIENT_KEY", files.path("client.key"))]);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}
