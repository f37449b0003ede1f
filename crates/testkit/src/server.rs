//! Throw-away servers: a bare Debian 12 or 13 with systemd, sshd and apt in systemd-nspawn, in an internet of its own that
//! is only namespaces, with faults to inject. Needs root and Linux; says what is missing, and never passes a test over.
//!
//! - [`Net`] and [`Server`] are what a test holds; the program `throwaway` is the same by hand.
//! - [`keeper`] is the process that has the servers; nothing of them can outlive it.
//! - [`place`] is the folder of images, snapshots and state: `LOOPWRIGHT_SERVERS`, else in the user's cache.
//! - [`distance`] makes a connection as slow as one around the world.
//!
//! What these servers cannot do, as on many small servers that are sold: swap, kernel settings outside of `net`, modules, limits
//! of memory for single units, a clock of their own. `/proc/meminfo` is a fixed picture. They have IPv4, or by a fault IPv6.

pub mod distance;
mod host;
mod image;
pub mod keeper;
mod manifest;
mod net;
mod place;
mod proxy;
mod spec;

pub use image::image;
pub use manifest::{LEFT_OUT, Manifest, Thing};
pub use net::{Contact, Net, Server};
pub use place::Place;
pub use proxy::Proxy;
pub use spec::{Fault, Init, Login, Outside, Ran, Request, Running, Spec, Sudo, Suite};

use std::io::Result;
use std::path::PathBuf;

/// Throws a snapshot away.
pub fn forget(snapshot: &str) -> Result<()> {
    image::remove_tree(&Place::of_this_user()?.snapshot(snapshot))
}

/// The program that keeps servers; it is also this one when it is run by hand.
fn program() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    if own.file_name().is_some_and(|name| name == "throwaway") {
        return Ok(own);
    }
    crate::workspace::built("throwaway")
}
