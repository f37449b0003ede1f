//! What the window may ask of the desktop program, and what the program tells it by itself. One enum each, so that the
//! program's one command is an exhaustive match.

use crate::setup::{Change, Choice, Exposure, Found, Health, Installed, Plan, SetupEntry, SetupState, Wish};
use crate::{ApiError, At, BlobId, JournalId, Request, Response};
use serde::{Deserialize, Serialize};

/// A workspace by name: this computer's own, or a server's. Path-safe, as an id is.
pub type Place = String;
/// The workspace on this computer.
pub const HERE: &str = "here";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub enum DeskRequest {
    /// Every workspace and how it stands.
    Places,
    /// Ask a workspace's daemon. Reads are answered from the mirror while the server cannot be reached; what would
    /// change something is then refused.
    Loop {
        place: Place,
        request: Request,
    },
    /// Sign in to a server for the first time. Answered by what stands in the way first: a fingerprint, a question, or
    /// what was found.
    Meet {
        target: Target,
        secret: Secret,
        /// For the hosts on the way, nearest to this computer first; where there is none, as for the server itself.
        #[serde(default)]
        jumps: Vec<Secret>,
    },
    /// Where a meeting stands now: what a window asks that was closed and opened again.
    Meeting {
        meeting: String,
    },
    /// The answer to what the connection asked.
    Say {
        meeting: String,
        reply: Reply,
    },
    /// What would be done.
    Plan {
        meeting: String,
        wish: Wish,
    },
    /// Do what the plan shows. Answered by the place that it becomes; how it goes on is read by `SetupAfter`.
    Begin {
        meeting: String,
        wish: Wish,
        plan: String,
    },
    /// End a meeting; nothing is kept of it.
    Leave {
        meeting: String,
    },
    /// The set-up's journal after a number.
    SetupAfter {
        place: Place,
        after: u64,
    },
    /// Go on with a set-up that was cut short, failed or is blocked, with answers to what its step asked.
    GoOn {
        place: Place,
        #[serde(default)]
        choices: Vec<(String, Choice)>,
    },
    Repair {
        place: Place,
    },
    Upgrade {
        place: Place,
    },
    /// Take everything of ours off the server. `dry` only says what would go (`Removal`).
    Remove {
        place: Place,
        dry: bool,
        keep_data: bool,
        export: Option<String>,
    },
    /// To a folder of this computer; an empty name is the user's downloads.
    Export {
        place: Place,
        to: String,
    },
    Health {
        place: Place,
    },
    /// Try the server's ports from here.
    Expose {
        place: Place,
    },
    /// The user says that this server was rebuilt: forget its key and its mirror, keep nothing of the old one.
    Rebuilt {
        place: Place,
    },
    /// Forget the server on this computer; the server is not touched.
    Forget {
        place: Place,
    },
    Connect {
        place: Place,
    },
    Disconnect {
        place: Place,
    },
    /// The live preview of an attempt or the live site, in a window of its own.
    Preview {
        place: Place,
        url: String,
    },
    /// A blob as an address that an `img` can show.
    Picture {
        place: Place,
        blob: BlobId,
    },
    /// Where secrets are kept, and whether it is open.
    Vault,
    /// Open or make the file that keeps secrets where the system has no keychain.
    Unlock {
        passphrase: String,
    },
    Settings,
    SetSettings {
        settings: DeskSettings,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "snake_case")]
pub enum DeskAnswer {
    Places {
        places: Vec<PlaceRow>,
    },
    Loop {
        response: Response,
        #[serde(default)]
        since: Option<At>,
    },
    Meeting {
        id: String,
        stands: Stands,
    },
    Plan {
        plan: Plan,
    },
    Begun {
        place: Place,
    },
    Setup {
        entries: Vec<SetupEntry>,
        state: SetupState,
        /// What the steps are called and how long they took before, where that is known.
        #[serde(default)]
        steps: Vec<KnownStep>,
    },
    /// What a removal would take, and what it would leave.
    Removal {
        removes: Vec<Change>,
        #[serde(default)]
        keeps: Vec<Left>,
    },
    /// An export is on this computer.
    Exported {
        path: String,
        bytes: u64,
    },
    Health {
        health: Box<Health>,
    },
    Exposure {
        exposure: Exposure,
    },
    /// A `data:` address.
    Picture {
        url: String,
    },
    Vault {
        vault: VaultState,
    },
    Settings {
        settings: DeskSettings,
    },
    Done,
}

/// A step of a set-up as the desktop knows it from a plan and from earlier runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownStep {
    pub step: String,
    pub title: String,
    /// Milliseconds that it took on earlier runs on servers like this one; none is unknown.
    #[serde(default)]
    pub usual: Option<u64>,
}

/// What a removal leaves as it is, and why: it changed since, or somebody else's things are in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    pub what: Change,
    pub why: String,
}

/// What the program's one command gives.
pub type DeskResult = Result<DeskAnswer, ApiError>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    pub host: String,
    pub port: u16,
    pub user: String,
    /// Go there through another server.
    #[serde(default)]
    pub jump: Option<Box<Target>>,
}

/// How to sign in. Held in memory until the key of our own is installed, never written.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "with", rename_all = "snake_case")]
pub enum Secret {
    Password {
        password: String,
    },
    /// A private key's file on this computer, with its passphrase where it has one.
    Key {
        path: String,
        #[serde(default)]
        passphrase: Option<String>,
    },
    /// The SSH agent of this computer.
    Agent,
    /// The server asks its own questions.
    Interactive,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Password { .. } => "Password",
            Self::Key { .. } => "Key",
            Self::Agent => "Agent",
            Self::Interactive => "Interactive",
        })
    }
}

/// Where a meeting stands: what it asks, or what it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "stands", rename_all = "snake_case")]
pub enum Stands {
    /// Something is done that takes a while: what, and how far it is where that is known.
    Busy {
        words: String,
        #[serde(default)]
        done: Option<u64>,
        #[serde(default)]
        of: Option<u64>,
    },
    /// Compare this with what the server's console says.
    Fingerprint {
        host: String,
        kind: String,
        sha256: String,
        #[serde(default)]
        known_elsewhere: bool,
    },
    /// Another key than the one that is recorded for this server: a full stop. `Rebuilt` of the place forgets the old one.
    Changed { place: Place, host: String, key: ChangedKey },
    /// The server asks: a second factor, an expired password.
    Question { name: String, prompts: Vec<Prompt> },
    /// `sudo` on the server wants the password.
    SudoPassword,
    Found {
        found: Box<Found>,
        #[serde(default)]
        offers: Option<Installed>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub text: String,
    pub echo: bool,
}

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// The fingerprint is the server's.
    Trust,
    Answers {
        answers: Vec<String>,
    },
    Password {
        password: String,
    },
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Trust => "Trust",
            Self::Answers { .. } => "Answers",
            Self::Password { .. } => "Password",
        })
    }
}

/// A workspace as the list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlaceRow {
    pub place: Place,
    /// The host's name, on every pane.
    pub name: String,
    /// None for this computer.
    pub target: Option<Target>,
    pub link: Link,
    #[serde(default)]
    pub version: Option<String>,
    #[serde(default)]
    pub setup: Option<SetupState>,
    pub mirror: Mirror,
}

/// The connection's state, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "snake_case")]
pub enum Link {
    /// The user does not want one now.
    Off,
    Connecting {
        #[serde(default)]
        attempt: u32,
    },
    Up {
        since: At,
        route: Route,
        #[serde(default)]
        why: Option<String>,
    },
    /// It goes on by itself.
    Lost { since: At, why: String, retry_at: At },
    /// It does not go on by itself: another host key, a key that is not taken any more.
    Refused {
        why: String,
        next: String,
        #[serde(default)]
        host_key: Option<ChangedKey>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedKey {
    pub recorded: Vec<String>,
    pub presented: String,
}

/// How the control socket is reached, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// This computer's own socket.
    Local,
    /// The unix socket, forwarded by the server's sshd.
    Streamlocal,
    /// A loopback port of the server, forwarded.
    Loopback,
    /// A program's standard input and output on the server.
    Stdio,
}

/// The copy on this computer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mirror {
    #[serde(default)]
    pub journal: Option<JournalId>,
    pub head: u64,
    /// When it last was as new as the server.
    #[serde(default)]
    pub at: Option<At>,
    /// The server's journal is behind what is here, or another one, or its chain does not hold.
    #[serde(default)]
    pub warning: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "vault", rename_all = "snake_case")]
pub enum VaultState {
    /// The system's own keychain.
    Keychain { name: String },
    /// An encrypted file, since the system has no keychain that can be used, and why.
    File { open: bool, made: bool, why: String },
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeskSettings {
    pub start_with_system: bool,
    pub notify: bool,
    pub close_to_tray: bool,
}

/// What the desktop tells the window by itself. A wake-up is never the data: the window asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum DeskEvent {
    /// A workspace's journal is at this number in the mirror.
    Head {
        place: Place,
        head: u64,
    },
    Link {
        place: Place,
        link: Link,
    },
    Setup {
        place: Place,
        seq: u64,
    },
    /// A meeting stands elsewhere now.
    Meeting {
        id: String,
    },
    /// A link was opened in the system: `loopwright://…`.
    Open {
        path: String,
    },
    Places,
}
