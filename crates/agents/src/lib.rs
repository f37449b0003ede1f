//! Coding agents: which ones exist, whether they are ready, and running one.
//!
//! Every agent is driven over ACP v1 by the same code; what really differs stands in its row in [`profile`], and no
//! other room knows an agent's name. A run is a process tree of its own ([`supervise`]): when [`run`] has returned,
//! nothing of it lives. What an agent says of its work is passed on, never believed.
//!
//! Never here: git, the journal, checks, the choice of an agent. Time limits, folders and the environment are passed in.

mod account;
pub mod install;
mod job;
mod launch;
mod leases;
pub mod practice;
mod profile;
mod readiness;
mod run;
mod signin;
mod stand_in;
mod supervise;

pub use account::{Account, Accounts, BadFields, ways};
pub use job::{Control, Event, Job, McpServer, Permissions, RunEnd, RunLimits};
pub use leases::{Lease, Leases, Turnstile};
pub use practice::{practice_main, practice_stdio};
pub use profile::{Profile, catalogue, practice};
pub use readiness::{Judged, Mark, Past, Seen, judge, look, mark, probe};
pub use run::{Read, read_events, run};
pub use signin::{
    NotSignedIn, SIGN_IN_LIMIT, Say, SignIn, end_sign_in, is_login, sayable, sign_in, sign_out,
};
pub use stand_in::{StandIn, stand_in};
pub use supervise::{adopt_orphans, kill_leftovers};

use protocol::AgentId;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The user under which agents run. Numbers, because nothing is looked up here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunAs {
    pub uid: u32,
    pub gid: u32,
}

/// Where agents are found and as whom and where they run.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Folders that are looked through for programs, first hit first.
    pub path: Vec<PathBuf>,
    /// Node's program, or the folder that it is in.
    pub node: Option<PathBuf>,
    /// Command line of the practice agent; any ACP program will do.
    pub practice: Vec<String>,
    /// Folder of the agents' own homes when they run as another user; `None`: they use `user_home`.
    pub homes: Option<PathBuf>,
    pub user_home: PathBuf,
    pub run_as: Option<RunAs>,
    /// For pid records and private temporary folders.
    pub runtime: PathBuf,
    /// What the user set for an agent, such as a base URL or a key. Nothing else of our environment reaches it.
    pub env: BTreeMap<AgentId, BTreeMap<String, String>>,
    /// The keys that the user gave on the way. What stands in `env` goes before them.
    pub accounts: Accounts,
    /// Who may use which account now. All that share accounts share these.
    pub leases: Leases,
}
