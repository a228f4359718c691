//! Which cryptography TLS uses.
//!
//! Linking Detective gives rustls no provider: a program whose other crates bring one would then have
//! two, and its own `rustls::ClientConfig::builder()` would panic. So there is one only where the
//! program installed one, or asked for one by a cargo feature of ours.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// What to do when there is no provider.
pub(crate) const ADVICE: &str = "enable the feature `tls-ring` or `tls-aws-lc-rs` of \
     detective-runtime, or call `rustls::crypto::CryptoProvider::install_default` before Detective \
     starts";

/// The provider that the program installed, else the one that a feature brings.
pub(crate) fn provider() -> Option<Arc<CryptoProvider>> {
    CryptoProvider::get_default()
        .cloned()
        .or_else(|| linked().map(Arc::new))
}

#[cfg(feature = "tls-ring")]
fn linked() -> Option<CryptoProvider> {
    Some(rustls::crypto::ring::default_provider())
}

#[cfg(all(feature = "tls-aws-lc-rs", not(feature = "tls-ring")))]
fn linked() -> Option<CryptoProvider> {
    Some(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(not(any(feature = "tls-ring", feature = "tls-aws-lc-rs")))]
fn linked() -> Option<CryptoProvider> {
    None
}
