//! One running Detective: started, served, and shut down.

mod builder;
mod detective;
mod handle;
pub(crate) mod parts;
mod serve;

pub use builder::Builder;
pub use detective::Detective;
pub use handle::{Handle, InScope};
pub use serve::Listen;
