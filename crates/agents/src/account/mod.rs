//! How each agent gets its account: what counts as credentials, how its own program is asked about them, the ways to sign
//! in, and what a key of the user's own becomes. One row each, in a file of its own.
//!
//! Credentials that a vendor's program keeps are named here and never opened. A key that the user gave goes into the
//! environment of that agent's own programs and nowhere else.

mod claude;
mod codex;
mod gemini;
mod kimi;
mod practice;
mod qwen;
mod store;
mod ways;

pub use store::{Account, Accounts, BadFields};
pub use ways::ways;
pub(crate) use ways::{Field, Key, Kind, Login, Reading, Way, way};

use crate::Setup;
use crate::profile::Profile;
use protocol::fact::Paid;

pub(crate) static CLAUDE: Row = claude::ROW;
pub(crate) static CODEX: Row = codex::ROW;
pub(crate) static GEMINI: Row = gemini::ROW;
pub(crate) static QWEN: Row = qwen::ROW;
pub(crate) static KIMI: Row = kimi::ROW;
pub(crate) static PRACTICE: Row = practice::ROW;

/// All that is to be known of one agent's account.
pub(crate) struct Row {
    /// What may be an account, by its presence.
    pub sources: &'static [Source],
    /// How its own program is asked whether it takes what is there.
    pub question: fn(&Setup, &Profile) -> Question,
    /// Variables that send it to an endpoint of the user's own.
    pub endpoints: &'static [&'static str],
    /// Who pays when the vendor's program signed in by itself.
    pub login_pays: Option<Paid>,
    pub ways: &'static [Way],
    pub sign_out: SignOut,
    /// How one signs in, for people.
    pub next: &'static str,
}

/// Something whose presence may mean an account.
pub(crate) enum Source {
    /// A file, or a folder with something in it.
    File(Place),
    Variable(&'static str),
}

/// A path in the agent's home, or in the folder that a variable names instead.
pub(crate) struct Place {
    pub variable: Option<&'static str>,
    pub folder: &'static str,
    pub path: &'static str,
}

/// How an agent's own program is asked whether it takes the credentials.
pub(crate) enum Question {
    /// One of its own commands.
    Command { args: &'static [&'static str], read: fn(&Answer) -> Verdict },
    /// It has no command for that: whether it opens a session.
    Session,
    /// It is known without asking.
    Known(Verdict),
}

/// What a program answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub success: bool,
    pub stdout: String,
    pub stderr: String,
}

/// What it says of the credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It takes them. `paid` where it tells how it is signed in.
    Takes {
        says: String,
        paid: Option<Paid>,
    },
    Refuses {
        reason: String,
    },
    /// Nothing that we understand.
    Unclear {
        reason: String,
    },
}

/// How the vendor's program forgets its account.
pub(crate) enum SignOut {
    Command(&'static [&'static str]),
    /// A request of its protocol.
    Protocol,
    /// It has nothing for that: its credentials are removed, unread.
    Remove,
    /// There is nothing to forget.
    Nothing,
}
