//! The driver with real programs: our practice agent, and programs that do not behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod misbehaving;
mod practice;
mod room;
