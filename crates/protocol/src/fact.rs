//! The facts of the journal. A fact is something that happened, observed by the daemon; it is appended once and never
//! changed. Text that its owner may want forgotten is not in a fact: the fact holds a [`BlobRef`].

use crate::At;
use crate::id::*;
use serde::{Deserialize, Serialize};

/// Text or bytes kept beside the journal: named by a salted hash, so that forgetting the blob leaves the chain whole
/// and tells nothing of what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRef {
    pub blob: BlobId,
    /// Length in bytes.
    pub bytes: u64,
}

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 … without a gap.
    pub seq: u64,
    pub at: At,
    /// Hex BLAKE3 of the entry before; of the journal's id for the first.
    pub prev: String,
    /// Hex BLAKE3 over `prev`, `seq`, `at` and the fact as stored.
    pub hash: String,
    pub fact: Fact,
}

macro_rules! facts {
    ($($(#[$doc:meta])* $variant:ident = $kind:literal),+ $(,)?) => {
        /// Everything that can have happened. `kind` is the name that is stored and shown.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", content = "body")]
        pub enum Fact { $($(#[$doc])* #[serde(rename = $kind)] $variant($variant)),+ }

        impl Fact {
            /// Every kind, in the order of declaration.
            pub const KINDS: &'static [&'static str] = &[$($kind),+];
            pub fn kind(&self) -> &'static str {
                match self { $(Fact::$variant(_) => $kind),+ }
            }
        }
        $(impl From<$variant> for Fact { fn from(body: $variant) -> Fact { Fact::$variant(body) } })+
    };
}

facts! {
    JournalOpened = "journal.opened",
    ProjectCreated = "project.created",
    ProjectActivated = "project.activated",
    RequestReceived = "request.received",
    RequestOriented = "request.oriented",
    RequestWaiting = "request.waiting",
    RequestResumed = "request.resumed",
    CancelAsked = "request.cancel_asked",
    PlanMade = "plan.made",
    AgentChosen = "agent.chosen",
    TaskDeclared = "task.declared",
    TaskSteered = "task.steered",
    AttemptStarted = "attempt.started",
    AttemptCheckpoint = "attempt.checkpoint",
    AttemptFinished = "attempt.finished",
    CheckFinished = "check.finished",
    AttemptDiagnosed = "attempt.diagnosed",
    AttemptLanded = "attempt.landed",
    ReleaseLive = "release.live",
    ReleaseRolledBack = "release.rolled_back",
    StepPlanned = "step.planned",
    StepDropped = "step.dropped",
    StepCompleted = "step.completed",
    DeploymentRecorded = "deployment.recorded",
    DeploymentRated = "deployment.rated",
    MemoryPushed = "memory.pushed",
    MemoryForgotten = "memory.forgotten",
    InstructionEdited = "instruction.edited",
    RequestClosed = "request.closed",
}

impl Fact {
    /// Version of this kind's shape. A shape that changes gets the next number, and the old one stays readable.
    pub const VERSION: u16 = 1;

    /// The request that the fact is about, if any: the journal's index for "everything of this request".
    pub fn request(&self) -> Option<&RequestId> {
        use Fact::*;
        match self {
            JournalOpened(_) | ProjectCreated(_) | ProjectActivated(_) | StepPlanned(_) | StepDropped(_)
            | DeploymentRated(_) | MemoryForgotten(_) | InstructionEdited(_) => None,
            RequestReceived(f) => Some(&f.request),
            RequestOriented(f) => Some(&f.request),
            RequestWaiting(f) => Some(&f.request),
            RequestResumed(f) => Some(&f.request),
            CancelAsked(f) => Some(&f.request),
            PlanMade(f) => Some(&f.request),
            AgentChosen(f) => Some(&f.request),
            TaskDeclared(f) => Some(&f.request),
            TaskSteered(f) => Some(&f.request),
            AttemptStarted(f) => Some(&f.request),
            AttemptCheckpoint(f) => Some(&f.request),
            AttemptFinished(f) => Some(&f.request),
            CheckFinished(f) => Some(&f.request),
            AttemptDiagnosed(f) => Some(&f.request),
            AttemptLanded(f) => Some(&f.request),
            ReleaseLive(f) => Some(&f.request),
            ReleaseRolledBack(f) => f.request.as_ref(),
            StepCompleted(f) => Some(&f.request),
            DeploymentRecorded(f) => Some(&f.request),
            MemoryPushed(f) => f.request.as_ref(),
            RequestClosed(f) => Some(&f.request),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JournalOpened {
    pub journal: JournalId,
    /// The daemon's version that made the home.
    pub daemon: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectCreated {
    pub project: ProjectId,
    /// The name as people write it.
    pub name: String,
    /// Which starter it began from, such as `react` or `static`.
    pub starter: String,
    /// First commit of the repository.
    pub commit: CommitId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectActivated {
    pub project: ProjectId,
}

/// Where a request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    Dashboard,
    Desktop,
    CommandLine,
    Telegram,
    Mcp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestReceived {
    pub request: RequestId,
    pub client: ClientId,
    pub project: ProjectId,
    pub channel: Channel,
    pub text: BlobRef,
    /// The agent that the person asked for, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
    /// The planned step that this request carries out, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<StepId>,
}

/// One file that Hermes read on waking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceRead {
    /// Path inside the project, such as `SOUL.md`.
    pub path: String,
    /// Hex BLAKE3 of what was read.
    pub hash: String,
    pub bytes: u64,
}

/// One note that was recalled, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recalled {
    pub note: NoteId,
    /// Higher is closer; only comparable within one recall.
    pub score: f64,
    /// In words: which of the words matched.
    pub why: String,
}

/// What is known of an agent's readiness. A rung is only claimed when it was proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Readiness {
    Missing {
        next: String,
    },
    /// Its program is there; whether it is signed in was not proven.
    SignedOut {
        version: String,
        next: String,
    },
    /// Credentials are present and its own program says so; no turn has worked yet.
    SignedIn {
        version: String,
    },
    /// A real turn worked at this moment.
    Worked {
        version: String,
        at: At,
    },
    QuotaGone {
        version: String,
        until: Option<At>,
    },
    Busy {
        version: String,
    },
    Broken {
        reason: String,
        next: String,
    },
    /// Our own practice agent: always there, and never a real one.
    Practice,
}

impl Readiness {
    /// Whether work may be given to it.
    pub fn is_ready(&self) -> bool {
        matches!(self, Self::SignedIn { .. } | Self::Worked { .. } | Self::Practice)
    }
    pub fn is_practice(&self) -> bool {
        matches!(self, Self::Practice)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentState {
    pub agent: AgentId,
    pub readiness: Readiness,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestOriented {
    pub request: RequestId,
    pub sources: Vec<SourceRead>,
    pub recalled: Vec<Recalled>,
    /// The AI core catalogue's agents as they were at this moment.
    pub agents: Vec<AgentState>,
    /// The project's main branch as the request began.
    pub base: CommitId,
}

/// Waiting is a state with a reason, never a hang.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "on", rename_all = "snake_case")]
pub enum Waiting {
    You {
        question: String,
    },
    Quota {
        agent: AgentId,
        until: Option<At>,
    },
    /// No agent can take it. The reason says what each one lacks.
    Agent {
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestWaiting {
    pub request: RequestId,
    pub waiting: Waiting,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestResumed {
    pub request: RequestId,
    /// What ended the wait, in words.
    pub because: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CancelAsked {
    pub request: RequestId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedTask {
    pub task: TaskId,
    /// One line.
    pub title: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanMade {
    pub request: RequestId,
    pub tasks: Vec<PlannedTask>,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AgentChosen {
    pub request: RequestId,
    pub task: TaskId,
    pub attempt: AttemptId,
    /// 1 for the first attempt at the task.
    pub number: u32,
    pub agent: AgentId,
    /// True when it is the practice agent: labelled as such everywhere.
    pub practice: bool,
    pub why: String,
}

/// One part of the brief, with its source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefPart {
    /// `task`, `instructions`, `glossary`, `steps`, `memory`, `diagnosis`, `steering`.
    pub part: String,
    /// A path, a note's id, a step's id, or the request.
    pub source: String,
    /// Estimated tokens (4 bytes of UTF-8 are counted as one).
    pub tokens: u64,
    /// Whether some of it was cut to fit the budget.
    #[serde(default)]
    pub cut: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskDeclared {
    pub request: RequestId,
    pub task: TaskId,
    pub attempt: AttemptId,
    pub brief: BlobRef,
    pub parts: Vec<BriefPart>,
    /// The token budget that the brief was packed into.
    pub budget: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSteered {
    pub request: RequestId,
    pub text: BlobRef,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptStarted {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub agent: AgentId,
    /// Version of the agent's program, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    pub base: CommitId,
}

/// Size of a change, counted by git.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DiffStat {
    pub files: u32,
    pub added: u32,
    pub removed: u32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptCheckpoint {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// 1, 2, 3 … within the attempt.
    pub number: u32,
    pub commit: CommitId,
    pub diff: DiffStat,
    /// What the agent last said or did, one line.
    pub says: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub screenshot: Option<BlobRef>,
}

/// Tokens by class, as the agent's own program reported them for this attempt. `None` = not reported, which is not zero.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens not served from a cache.
    pub input: Option<u64>,
    pub cache_read: Option<u64>,
    pub cache_write: Option<u64>,
    pub output: Option<u64>,
    pub reasoning: Option<u64>,
    /// Dollars, only if the program reported them.
    pub cost_usd: Option<f64>,
    /// The payload as it came, for later questions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<BlobRef>,
}

/// How an attempt's process ended. None of these means that the work is good: the checks say that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "snake_case")]
pub enum AttemptEnd {
    /// The agent ended its turn.
    TurnEnded,
    /// We stopped it because the user asked.
    Cancelled,
    /// Nothing was heard from it for this long.
    Silent {
        ms: u64,
    },
    /// It ran into the wall clock.
    TooLong {
        ms: u64,
    },
    /// The account's quota is used up.
    QuotaGone {
        until: Option<At>,
    },
    SignedOut {
        reason: String,
    },
    /// The program or its protocol failed.
    Failed {
        reason: String,
    },
    /// The daemon went away while it ran; what it was doing then is unknown.
    Lost,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptFinished {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub end: AttemptEnd,
    /// The worktree's last commit, made by us; the base when nothing changed, none when it is not known.
    pub commit: Option<CommitId>,
    pub diff: DiffStat,
    /// Model as the program named it.
    pub model: Option<String>,
    pub usage: Usage,
    /// Wall time of the agent's run in milliseconds; none when it is not known.
    pub duration_ms: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckKind {
    /// The landing gate: what may be in the diff.
    Gate,
    Build,
    Test,
    /// The built release was started and answered.
    Health,
}

impl CheckKind {
    pub const ORDER: [CheckKind; 4] = [CheckKind::Gate, CheckKind::Build, CheckKind::Test, CheckKind::Health];
    pub fn word(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Build => "build",
            Self::Test => "test",
            Self::Health => "health check",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum CheckResult {
    Passed,
    /// `summary` is one line; `lines` are the relevant ones of the log.
    Failed {
        summary: String,
        lines: Vec<String>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckFinished {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub check: CheckKind,
    #[serde(flatten)]
    pub result: CheckResult,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<BlobRef>,
    pub duration_ms: u64,
    /// For a passed health check: the release that is staged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseId>,
    /// For a passed gate: the commit that was checked (rebased on the main branch), and its size against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diff: Option<DiffStat>,
}

/// Why an attempt did not do, and what is done about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptDiagnosed {
    pub request: RequestId,
    pub attempt: AttemptId,
    /// What failed: `gate`, `build`, `test`, `health check`, `no change`, `agent`.
    pub what: String,
    pub summary: String,
    /// The relevant lines, at most 40.
    pub lines: Vec<String>,
    /// What happens next, in words: the same agent again, another, or the end and why.
    pub next: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptLanded {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub commit: CommitId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseLive {
    pub request: RequestId,
    pub attempt: AttemptId,
    pub project: ProjectId,
    pub release: ReleaseId,
    pub commit: CommitId,
    pub url: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRolledBack {
    pub project: ProjectId,
    pub from: ReleaseId,
    pub to: ReleaseId,
    pub why: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPlanned {
    pub project: ProjectId,
    pub step: StepId,
    pub title: String,
    pub text: BlobRef,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDropped {
    pub project: ProjectId,
    pub step: StepId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepCompleted {
    pub request: RequestId,
    pub project: ProjectId,
    pub step: StepId,
    /// 1, 2, 3 … within the project.
    pub number: u32,
    pub title: String,
    pub commit: CommitId,
    /// The file in `steps/completed/`, as text: what was asked and built, its errors and what fixed them.
    pub text: BlobRef,
    /// One line for each error on the way: what failed and what fixed it.
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Our own checks passed and the release is live.
    Live,
    Failed,
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRecorded {
    pub request: RequestId,
    pub deployment: DeploymentId,
    pub project: ProjectId,
    pub outcome: Outcome,
    pub step: Option<u32>,
    pub commit: Option<CommitId>,
    pub release: Option<ReleaseId>,
    pub url: Option<String>,
    /// From intake to the end, milliseconds, waiting included.
    pub duration_ms: u64,
    pub attempts: u32,
    /// The agent of the last attempt; none if none was chosen.
    pub agent: Option<AgentId>,
    pub practice: bool,
    pub model: Option<String>,
    /// Over all attempts; a class that any attempt did not report is `None`.
    pub usage: Usage,
    /// One line: why it ended so.
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRated {
    pub deployment: DeploymentId,
    /// 1 to 5.
    pub rating: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteKind {
    Decision,
    Step,
    Deployment,
    Failure,
    Glossary,
    Document,
    Preference,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryPushed {
    pub note: NoteId,
    pub project: ProjectId,
    pub note_kind: NoteKind,
    pub title: String,
    pub text: BlobRef,
    /// Who pushed it and from what: `request R`, `you`, a file.
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<AgentId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemoryForgotten {
    pub note: NoteId,
    /// The blob that was deleted with it.
    pub blob: BlobId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstructionEdited {
    pub project: ProjectId,
    pub path: String,
    pub commit: CommitId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestClosed {
    pub request: RequestId,
    pub outcome: Outcome,
    pub why: String,
}
