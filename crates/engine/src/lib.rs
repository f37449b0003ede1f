//! The loop as a pure state machine. `decide` turns an input into facts, `apply` turns facts into state, `pending`
//! derives from the state what must be running. No async, no I/O, no clock, no randomness; compiles to wasm.

pub mod effect;
pub mod input;

pub use effect::Effect;
pub use input::{EffectId, Input};
