//! Doubles that are real programs, and the harness that runs the real daemon against them. A dev-dependency only.
//!
//! - [`model`]: a scripted model server that speaks the wire formats of the real coding agents and counts what it billed.
//! - [`acp`]: a scripted coding agent over ACP, for everything that a real one would not do on command.
//! - [`workspace`], [`daemon`], [`namespace`]: a throw-away home, a running `loopwrightd`, a network with only loopback.
//!
//! Nothing here leaves the loopback interface. What a double does is data (a scenario), never code in a test's body.

pub mod acp;
pub mod daemon;
pub mod model;
pub mod namespace;
pub mod workspace;

pub use daemon::Daemon;
pub use model::ModelServer;
pub use namespace::{alone, free_port, netns_command, tools_dir};
pub use workspace::Workspace;

/// The words by which a brief shows that it is a later attempt. They are the heading of the brief's failure part.
pub const RETRY_MARK: &str = "What failed before";
