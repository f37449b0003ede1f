//! `loopwrightd setup …`: sets the server that it runs on up. What is done stands in the crate `provision`; here is the
//! command line of it, and what it needs of the daemon's own rooms.

mod house;
mod line;
pub mod ssh_entry;
mod tell;
mod work;

pub use line::{Options, run};
