//! No peers, where Detective alone is measured: they take minutes to compile.

use super::Contestant;
use crate::app::Scenario;

pub(super) async fn build(_: &str, _: Scenario, _: Option<&str>) -> Option<Contestant> {
    None
}
