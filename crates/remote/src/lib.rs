//! The other end of a server, on the user's computer: everything that goes over SSH.
//!
//! One [`Session`] is one connection; what is done with a server hangs on it: the first look ([`probe`]), the program's
//! upload, the verbs of the server's own program ([`Entry`]), the control API ([`Control`]) and the tunnel that keeps a
//! server connected ([`Tunnel`]).
//!
//! Never here: what a set-up does (that runs on the server), where secrets are kept, windows. Paths, the clock and the
//! agent's socket are passed in. What the user must be asked goes out as a [`Question`]; nothing is decided for them.
//!
//! Invariants: a host that is known by one key is never talked to under another, whatever the algorithm; a command that
//! ended without a status is lost, never done; no credential is tried twice on its own; secrets are wiped after use.

mod ask;
mod connect;
mod control;
mod entry;
mod exec;
mod expose;
mod first;
mod forward;
mod key;
mod link;
mod pins;
mod preview;
pub mod probe;
mod trouble;
mod upload;

pub use ask::{Asker, Hidden, Question};
pub use connect::{AgentAt, Gone, HostKey, Limits, Local, Method, Pipe, Session, SignIn, Way, connect};
pub use control::{Control, ControlError, Heads};
pub use entry::{Entry, EntryError, Exported, Follow, Removal, Removes};
pub use exec::{ExecError, Framed};
pub use expose::{Door, doors, expose};
pub use first::{Begin, Begun, Contact, FirstError, Stage};
pub use forward::{Forward, forward};
pub use key::{KeyError, OurKey};
pub use link::{Tunnel, TunnelTo};
pub use pins::{KnownHosts, PinError, Pins};
pub use preview::{Preview, PreviewTo};
pub use trouble::{ConnectError, Phase};
pub use upload::{Program, Progress, Source, UploadError};

/// The time of day, passed in.
pub type Clock = fn() -> protocol::At;
