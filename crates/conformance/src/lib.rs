//! Proves that a coding agent's real program does what the driver relies on, against a scripted model that costs nothing.
//!
//! - [`model`]: a scripted model server that speaks the wire formats of the real programs and counts what it billed.
//! - [`suite`]: the scenarios, played through the product's own driver, and a row for each: how it ended, what was billed,
//!   what was recorded, what was left behind.
//! - [`canary`]: the suite as a condition for a new version, in a network of its own where the system allows that.
//! - [`mcp`]: an MCP server with one tool, to be called by an agent.
//! - [`loopback`], [`netns`]: a server on a loopback port, a network that holds nothing else.
//!
//! It is no test code: a new version of an agent's program is put through the same scenarios on a user's own machine
//! before it is used. Nothing here leaves the loopback interface.

pub mod canary;
pub mod loopback;
pub mod mcp;
pub mod model;
pub mod netns;
pub mod suite;

pub use canary::{Report, canary};
