//! Rows that screens and the command line show. All of them can be rebuilt from the journal, but for what is said to be
//! read live.

mod agent;
mod memory;

pub use agent::*;
pub use memory::*;

use crate::At;
use crate::fact::*;
use crate::id::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hello {
    pub daemon: String,
    pub api: u32,
    pub journal: JournalId,
    pub head: u64,
    /// Host name: which machine this is.
    pub host: String,
    /// True for a daemon on this computer.
    pub local: bool,
}

/// The loop's seven stages, as the user sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Request,
    Wake,
    Choose,
    Brief,
    Code,
    Deploy,
    Record,
}

impl Stage {
    pub const ALL: [Stage; 7] =
        [Stage::Request, Stage::Wake, Stage::Choose, Stage::Brief, Stage::Code, Stage::Deploy, Stage::Record];
    pub fn title(self) -> &'static str {
        match self {
            Self::Request => "Request",
            Self::Wake => "Hermes wakes",
            Self::Choose => "Agent chosen",
            Self::Brief => "Task grounded",
            Self::Code => "Code",
            Self::Deploy => "Test and deploy",
            Self::Record => "Record",
        }
    }
}

/// Where a request stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    Queued,
    Running { stage: Stage },
    Waiting { waiting: Waiting },
    Cancelling,
    Closed { outcome: Outcome, why: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestRow {
    pub request: RequestId,
    pub project: ProjectId,
    pub channel: Channel,
    pub created: At,
    /// The text; none once it was forgotten.
    pub text: Option<String>,
    pub status: Status,
    /// Sequence number of its newest fact.
    pub head: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageView {
    pub stage: Stage,
    pub started: Option<At>,
    pub ended: Option<At>,
    /// One line: what happened or is happening, and why.
    pub says: String,
    /// The stage failed at least once (an attempt was diagnosed).
    pub stumbled: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckpointView {
    pub attempt: AttemptId,
    pub number: u32,
    pub at: At,
    pub commit: CommitId,
    pub diff: DiffStat,
    pub says: String,
    pub screenshot: Option<BlobId>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckView {
    pub check: CheckKind,
    #[serde(flatten)]
    pub result: CheckResult,
    pub log: Option<BlobId>,
    pub duration_ms: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptView {
    pub attempt: AttemptId,
    pub task: TaskId,
    pub number: u32,
    pub agent: AgentId,
    pub practice: bool,
    pub why: String,
    /// The attempt whose worktree it goes on in.
    pub goes_on: Option<AttemptId>,
    pub started: Option<At>,
    /// Version of the agent's program, when known.
    pub version: Option<String>,
    /// What it wants to know now, if it waits for an answer.
    pub asked: Option<AskView>,
    pub finished: Option<AttemptFinished>,
    pub cost: Cost,
    pub brief: Option<BlobRef>,
    pub parts: Vec<BriefPart>,
    pub checkpoints: Vec<CheckpointView>,
    pub checks: Vec<CheckView>,
    pub diagnosis: Option<AttemptDiagnosed>,
    pub landed: Option<CommitId>,
}

/// A question that nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AskView {
    pub ask: String,
    pub ask_kind: AskKind,
    /// None once it was forgotten.
    pub question: Option<String>,
    pub options: Vec<AskOption>,
    pub at: At,
}

/// What a run cost in dollars, derived when it is read: a price may be corrected, the tokens stay.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Cost {
    pub usd: Option<f64>,
    pub basis: CostBasis,
    /// Day of the price list that was used, such as `2026-11-01`.
    pub as_of: Option<String>,
    pub paid: Option<Paid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    /// The agent's program reported dollars.
    Reported,
    /// Its tokens by the vendor's list price.
    ListPrice,
    #[default]
    Unknown,
}

/// Where one task of a request stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum TaskStatus {
    Queued,
    Running { stage: Stage },
    Waiting { waiting: Waiting },
    Landed { commit: CommitId },
    GivenUp { why: String },
    Cancelled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskView {
    pub task: TaskId,
    /// 1, 2, 3 … within the request.
    pub number: u32,
    pub title: String,
    /// The task's own words; none for the whole request, and once forgotten.
    pub text: Option<String>,
    /// The agents that the user wants for it; more than one race.
    pub agents: Vec<AgentId>,
    pub status: TaskStatus,
    /// What is happening now, and why; or how it ended.
    pub now: String,
    pub judged: Option<RaceJudged>,
}

/// One request with all that happened to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestView {
    pub row: RequestRow,
    pub stages: Vec<StageView>,
    /// What is happening now, and why; or how it ended.
    pub now: String,
    pub sources: Vec<SourceRead>,
    pub recalled: Vec<Recalled>,
    /// At least one once a plan was made.
    pub tasks: Vec<TaskView>,
    /// Of all tasks, in the order in which they were chosen.
    pub attempts: Vec<AttemptView>,
    pub deployment: Option<DeploymentRow>,
    pub url: Option<String>,
    /// Address of the live preview of the work in progress, while there is one (read live).
    pub preview: Option<String>,
    pub steering: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeploymentRow {
    pub deployment: DeploymentId,
    pub request: RequestId,
    pub project: ProjectId,
    /// What was asked; none once forgotten.
    pub text: Option<String>,
    pub outcome: Outcome,
    pub rating: Option<u8>,
    pub created: At,
    pub step: Option<u32>,
    pub commit: Option<CommitId>,
    pub release: Option<ReleaseId>,
    pub url: Option<String>,
    pub duration_ms: u64,
    pub attempts: u32,
    pub agent: Option<AgentId>,
    pub practice: bool,
    pub model: Option<String>,
    pub usage: Usage,
    pub by_agent: Vec<AgentShare>,
    pub cost: Cost,
    pub summary: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReleaseRow {
    pub release: ReleaseId,
    pub project: ProjectId,
    pub commit: CommitId,
    pub at: At,
    pub live: bool,
    /// Its folder is still there, so it can be started again without a build (read live).
    pub kept: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRow {
    pub step: StepId,
    pub project: ProjectId,
    /// Completed steps are numbered within their project.
    pub number: Option<u32>,
    pub title: String,
    pub text: Option<String>,
    pub at: At,
    pub request: Option<RequestId>,
    pub commit: Option<CommitId>,
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstructionRow {
    pub path: String,
    /// What the file is for, one line.
    pub purpose: String,
    pub bytes: u64,
    pub commit: Option<CommitId>,
    pub at: Option<At>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstructionEdit {
    pub commit: CommitId,
    pub at: At,
    pub says: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProjectRow {
    pub project: ProjectId,
    pub name: String,
    pub starter: String,
    pub active: bool,
    pub created: At,
    pub url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// The agent's words.
    Text,
    Thought,
    /// A tool call and its state.
    Tool,
    Plan,
    /// Our own remark, such as "cancel was sent".
    Daemon,
    /// An event that we do not know: kept raw.
    Raw,
    Stderr,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TranscriptLine {
    /// 1, 2, 3 … within the attempt.
    pub seq: u64,
    pub at: At,
    pub kind: LineKind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Good,
    Warning,
    Bad,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DoctorRow {
    pub what: String,
    pub health: Health,
    pub says: String,
    pub next: Option<String>,
}

/// All that the home screen needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Home {
    pub hello: Hello,
    pub projects: Vec<ProjectRow>,
    pub active: ProjectId,
    /// Newest requests of the active project, newest first, at most 30.
    pub requests: Vec<RequestRow>,
    /// The one that runs, else the newest.
    pub current: Option<RequestView>,
    pub agents: Vec<AgentRow>,
    /// The disk is full: intake is refused until there is room.
    pub disk_full: bool,
}
