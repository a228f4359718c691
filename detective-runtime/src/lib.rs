//! Detective.
