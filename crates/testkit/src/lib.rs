//! Doubles that are real programs, and the harness that runs the real daemon against them. A dev-dependency only.
//!
//! - [`model`]: the scripted model server, which lives in `conformance`.
//! - [`auth`]: a scripted sign-in server for the agents that sign in with a device code.
//! - [`acp`]: a scripted coding agent over ACP, for everything that a real one would not do on command.
//! - [`workspace`], [`daemon`], [`namespace`]: a throw-away home, a running `loopwrightd`, a network with only loopback.
//!
//! - [`server`]: throw-away servers with systemd, sshd and apt, and faults to inject.
//!
//! But for those servers' own network, nothing here leaves the loopback interface. What a double does is data (a scenario), never code in a test's body.

pub mod acp;
pub mod auth;
pub mod daemon;
pub mod namespace;
pub mod server;
pub mod workspace;

pub use auth::AuthServer;
pub use conformance::model;
pub use conformance::model::RETRY_MARK;
pub use daemon::Daemon;
pub use model::ModelServer;
pub use namespace::{alone, free_port, netns_command, tools_dir};
pub use workspace::Workspace;
