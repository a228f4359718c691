//! Stands in when no exporter of this build uses TLS.

/// The files that the config names.
#[derive(Debug, Default)]
pub(crate) struct Files<'a> {
    pub(crate) ca: &'a str,
    pub(crate) certificate: &'a str,
    pub(crate) key: &'a str,
}

/// Nobody will read them.
pub(crate) fn check_files(
    Files {
        ca: _,
        certificate: _,
        key: _,
    }: &Files<'_>,
) -> Result<(), String> {
    Ok(())
}

/// Nobody will look into it.
pub(crate) fn check_store() -> Result<(), String> {
    Ok(())
}

/// Nobody asks for any.
pub(crate) fn missing_cryptography() -> Option<&'static str> {
    None
}
