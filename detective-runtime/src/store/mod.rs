//! Finished requests in a database.

mod row;

pub use row::{ApiMetric, Outcome};
