//! Room to be built.

pub mod edge;
pub mod preview;
mod process;
mod relay;
pub mod release;
mod run_as;
pub mod screenshot;
pub mod static_site;

pub use run_as::RunAs;
