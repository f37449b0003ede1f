//! The words that every part of Loopwright shares: ids, the facts of the journal, what may be asked of the daemon and
//! what it answers, and the error codes a screen may branch on.
//!
//! Nothing here does I/O, reads a clock or rolls a die; it compiles to wasm. A fact, once written by any released
//! version, stays readable: its golden file in `golden/` is never edited.

pub mod api;
pub mod blobs;
pub mod clean;
pub mod date;
pub mod desk;
pub mod error;
pub mod fact;
pub mod id;
pub mod note;
pub mod price;
pub mod setup;
pub mod version;
pub mod view;

pub use api::{Request, Response};
pub use error::{ApiError, Code};
pub use fact::Fact;
pub use id::*;

/// Version of the control API. A client of another major number is refused in words.
pub const API_VERSION: u32 = 1;
/// Version of the home folder's layout and of the journal's schema. A home of a newer version is refused.
pub const HOME_VERSION: u32 = 1;

/// A moment: milliseconds since the Unix epoch, UTC, as observed by the daemon.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct At(pub i64);

impl At {
    /// Milliseconds from `earlier` to this moment; zero when the clock went back.
    pub fn since(self, earlier: At) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }
}

/// Bytes as they are written down: two small hexadecimal digits each.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
