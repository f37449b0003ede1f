//! From a project's repository to a site that visitors reach: projects and their starters, worktrees, the landing gate,
//! build and test, packages; then releases, the edge that serves them, previews and screenshots.
//!
//! Nothing here knows of requests or agents. What an agent wrote is judged, never trusted; work that is refused or broken
//! is an outcome, and an error is the machine's.

mod bench;
pub mod certificates;
mod check;
mod checkpoint;
mod commits;
mod deps;
pub mod edge;
mod error;
mod gate;
mod git;
mod hands;
mod leftovers;
pub mod manifest;
mod plan;
pub mod preview;
mod process;
mod project;
mod relay;
pub mod release;
mod run;
mod run_as;
pub mod screenshot;
mod snapshot;
mod starter;
pub mod static_site;
mod worktree;
mod yard;

pub use check::CheckOutcome;
pub use deps::Deps;
pub use error::{Error, Result};
pub use gate::{GateOutcome, Violation, redacted};
pub use manifest::Manifest;
pub use plan::{PreviewPlan, StartPlan};
pub use project::{LandOutcome, slug};
pub use run_as::RunAs;
pub use starter::{Starter, starters};
pub use yard::Yard;
