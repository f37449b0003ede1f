//! Proves that a coding agent's real program does what the driver relies on, against a scripted model that costs nothing.
//!
//! - [`model`]: a scripted model server that speaks the wire formats of the real programs and counts what it billed.
//! - [`loopback`], [`netns`]: a server on a loopback port, a network that holds nothing else.
//!
//! It is no test code: a new version of an agent's program is put through the same scenarios on a user's own machine
//! before it is used. Nothing here leaves the loopback interface.

pub mod loopback;
pub mod model;
pub mod netns;
