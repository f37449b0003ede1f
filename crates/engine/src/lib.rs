//! The loop as a pure state machine. [`decide`] turns an input into facts, [`State::apply`] turns facts into state,
//! [`pending`] derives from the state what must be running. No async, no I/O, no clock, no randomness; compiles to wasm.
//!
//! Invariants, each kept by a test:
//! - The state is exactly what its facts make of it: `replay(facts) == state`. That is the whole story of a crash.
//! - An input that is illegal where a request stands is a typed [`Rejected`]; no match here has a catch-all arm.
//! - The shell appends all facts of one `decide` in one transaction; a prefix of them is never applied alone.
//! - Where not all can go on at once (places to run, a project's main branch), they do so in the order in which they came,
//!   and nobody who was let in is put out again by others (`turns`).
//! - A request that waits for no person has something running for it, or stands in a line in which somebody is served.
//! - A closed request costs its ids only, and no input costs more because many requests were closed or are queued.
//! - Ids are derived from the request's id (`ids`), so that a replay names everything alike.

#![deny(clippy::wildcard_enum_match_arm)]

mod apply;
mod decide;
pub mod effect;
pub mod ids;
pub mod input;
mod limits;
mod pending;
pub mod policy;
mod rejected;
pub mod state;
mod turns;

pub use decide::decide;
pub use effect::Effect;
pub use input::{EffectId, Input};
pub use limits::{Limits, OnQuota};
pub use pending::pending;
pub use rejected::Rejected;
pub use state::State;

#[cfg(test)]
mod tests;
