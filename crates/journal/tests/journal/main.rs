//! The journal as its users see it: what was acknowledged is there, in order, unchanged, and every view follows from it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests, and what they share, fail by panicking")]

mod agents;
mod append;
mod crash;
mod full;
mod lanes;
mod mirror;
mod notes;
mod script;
mod show;
mod views;
