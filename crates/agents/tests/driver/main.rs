//! The driver with real programs: our practice agent, and programs that do not behave.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod asking;
mod beside;
mod hostile;
mod misbehaving;
mod practice;
mod room;
mod sessions;
