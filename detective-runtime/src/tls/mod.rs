//! TLS for the connections that Detective opens: the cryptography, and the files that the config names.

#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
mod client;
#[cfg(not(any(feature = "otlp-grpc", feature = "otlp-http")))]
#[path = "client_disabled.rs"]
mod client;
#[cfg(any(feature = "redis", feature = "otlp-grpc", feature = "otlp-http"))]
mod provider;

#[cfg(any(feature = "otlp-grpc", feature = "otlp-http"))]
pub(crate) use client::client_config;
pub(crate) use client::{Files, check_files, check_store, missing_cryptography};
#[cfg(any(feature = "redis", feature = "otlp-grpc", feature = "otlp-http"))]
pub(crate) use provider::{ADVICE, provider};
