//! The facts of the journal. A fact is something that happened, observed by the daemon; it is appended once and never
//! changed. Text that its owner may want forgotten is not in a fact: the fact holds a [`BlobRef`].
//!
//! Here: a line of the journal, and every kind of fact by name. The bodies stand in rooms by stage of the loop.

mod agent;
mod attempt;
mod check;
mod intake;
mod memory;
mod plan;
mod project;
mod record;
mod release;

pub use agent::*;
pub use attempt::*;
pub use check::*;
pub use intake::*;
pub use memory::*;
pub use plan::*;
pub use project::*;
pub use record::*;
pub use release::*;

use crate::At;
use crate::id::{BlobId, RequestId};
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
    TaskClosed = "task.closed",
    AttemptStarted = "attempt.started",
    AttemptAsked = "attempt.asked",
    AttemptAnswered = "attempt.answered",
    HandOverAsked = "attempt.hand_over_asked",
    RaceJudged = "race.judged",
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
    MemorySuperseded = "memory.superseded",
    MemoryEnriched = "memory.enriched",
    MemoryGraphEdited = "memory.graph_edited",
    MemoryRecalled = "memory.recalled",
    MemoryForgotten = "memory.forgotten",
    InstructionEdited = "instruction.edited",
    RequestClosed = "request.closed",
}

impl Fact {
    /// Version of this kind's shape. A shape that changes gets the next number, and the old one stays readable.
    pub const VERSION: u16 = 1;

    /// The blobs that the views and the memory read: a mirror takes them along with the entry. Briefs, logs and
    /// screenshots are fetched when somebody wants to see them.
    pub fn texts(&self) -> Vec<&BlobId> {
        use Fact::*;
        let named: Vec<Option<&BlobRef>> = match self {
            RequestReceived(f) => {
                std::iter::once(&f.text).chain(f.parts.iter().map(|part| &part.text)).map(Some).collect()
            }
            PlanMade(f) => f.tasks.iter().map(|task| task.text.as_ref()).collect(),
            TaskSteered(f) => vec![Some(&f.text)],
            AttemptAsked(f) => vec![Some(&f.question)],
            AttemptAnswered(f) => vec![f.text.as_ref()],
            StepPlanned(f) => vec![Some(&f.text)],
            StepCompleted(f) => vec![Some(&f.text)],
            MemoryPushed(f) => vec![Some(&f.text)],
            MemoryEnriched(f) => vec![f.reading.as_ref()],
            MemoryGraphEdited(f) => vec![Some(&f.edits)],
            JournalOpened(_)
            | ProjectCreated(_)
            | ProjectActivated(_)
            | RequestOriented(_)
            | RequestWaiting(_)
            | RequestResumed(_)
            | CancelAsked(_)
            | AgentChosen(_)
            | TaskDeclared(_)
            | TaskClosed(_)
            | AttemptStarted(_)
            | HandOverAsked(_)
            | RaceJudged(_)
            | AttemptCheckpoint(_)
            | AttemptFinished(_)
            | CheckFinished(_)
            | AttemptDiagnosed(_)
            | AttemptLanded(_)
            | ReleaseLive(_)
            | ReleaseRolledBack(_)
            | StepDropped(_)
            | DeploymentRecorded(_)
            | DeploymentRated(_)
            | MemorySuperseded(_)
            | MemoryRecalled(_)
            | MemoryForgotten(_)
            | InstructionEdited(_)
            | RequestClosed(_) => Vec::new(),
        };
        named.into_iter().flatten().map(|named| &named.blob).collect()
    }

    /// The request that the fact is about, if any: the journal's index for "everything of this request".
    pub fn request(&self) -> Option<&RequestId> {
        use Fact::*;
        match self {
            JournalOpened(_) | ProjectCreated(_) | ProjectActivated(_) | StepPlanned(_) | StepDropped(_)
            | DeploymentRated(_) | MemorySuperseded(_) | MemoryEnriched(_) | MemoryGraphEdited(_)
            | MemoryForgotten(_) | InstructionEdited(_) => None,
            RequestReceived(f) => Some(&f.request),
            RequestOriented(f) => Some(&f.request),
            RequestWaiting(f) => Some(&f.request),
            RequestResumed(f) => Some(&f.request),
            CancelAsked(f) => Some(&f.request),
            PlanMade(f) => Some(&f.request),
            AgentChosen(f) => Some(&f.request),
            TaskDeclared(f) => Some(&f.request),
            TaskSteered(f) => Some(&f.request),
            TaskClosed(f) => Some(&f.request),
            AttemptStarted(f) => Some(&f.request),
            AttemptAsked(f) => Some(&f.request),
            AttemptAnswered(f) => Some(&f.request),
            HandOverAsked(f) => Some(&f.request),
            RaceJudged(f) => Some(&f.request),
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
            MemoryRecalled(f) => Some(&f.request),
            RequestClosed(f) => Some(&f.request),
        }
    }
}
