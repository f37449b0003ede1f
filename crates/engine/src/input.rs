//! What can happen to the engine: what people ask, and what the effects that it asked for came to.

use protocol::fact::*;
use protocol::*;

/// An input. Each is either turned into facts or rejected with a typed reason; none is ignored.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    // ---- what people ask
    Submit(RequestReceived),
    Cancel {
        request: RequestId,
    },
    Steer {
        request: RequestId,
        text: BlobRef,
    },
    /// A wait ended, or somebody wants another look. `task`: only this one goes on; none: all that wait. A race that waits
    /// for a pick is judged by its checks then.
    Retry {
        request: RequestId,
        task: Option<TaskId>,
        because: String,
    },
    /// To what an agent asked: one of its options, or words. If the task waits because of it, it goes on.
    Answer {
        request: RequestId,
        attempt: AttemptId,
        ask: String,
        option: Option<String>,
        text: Option<BlobRef>,
    },
    /// Another agent goes on with what this one does now. `to`: none, if Hermes picks.
    HandOver {
        request: RequestId,
        attempt: AttemptId,
        to: Option<AgentId>,
    },
    /// This attempt of a race is the one to land, once it has passed its checks.
    Pick {
        request: RequestId,
        attempt: AttemptId,
    },
    Rate {
        deployment: DeploymentId,
        rating: u8,
    },
    ProjectCreated(ProjectCreated),
    Activate {
        project: ProjectId,
    },
    PlanStep(StepPlanned),
    DropStep {
        step: StepId,
    },
    /// Notes that are taken together.
    Push(Vec<Pushing>),
    Supersede {
        note: NoteId,
        by: NoteId,
    },
    Forget {
        note: NoteId,
    },
    GraphEdited(MemoryGraphEdited),
    InstructionEdited(InstructionEdited),
    RolledBack(ReleaseRolledBack),

    /// What was read out of a note, or why nothing was.
    Enriched(MemoryEnriched),
    /// An agent at work asked the memory.
    Recalled(MemoryRecalled),

    // ---- what effects came to
    Oriented(RequestOriented),
    Briefed {
        attempt: AttemptId,
        brief: BlobRef,
        parts: Vec<BriefPart>,
        budget: u64,
    },
    Started {
        attempt: AttemptId,
        version: Option<String>,
        base: CommitId,
        paid: Option<Paid>,
    },
    /// The agent waits for a person.
    Asked {
        attempt: AttemptId,
        ask: String,
        kind: AskKind,
        question: BlobRef,
        options: Vec<AskOption>,
    },
    Checkpoint {
        attempt: AttemptId,
        commit: CommitId,
        diff: DiffStat,
        says: String,
        screenshot: Option<BlobRef>,
    },
    Finished {
        attempt: AttemptId,
        ended: Ended,
    },
    Checked {
        attempt: AttemptId,
        check: CheckKind,
        checked: Checked,
    },
    Landed {
        attempt: AttemptId,
        commit: CommitId,
    },
    /// The main branch moved since the checks: they are done again on top of it.
    LandStale {
        attempt: AttemptId,
    },
    Switched {
        attempt: AttemptId,
        release: ReleaseId,
        url: String,
    },
    Recorded {
        request: RequestId,
        record: Record,
    },
    /// The effect's end is unknown: the daemon was restarted, or its task went away.
    EffectLost {
        effect: EffectId,
    },
    /// The effect could not be carried out (not the agent's doing: I/O, git, a missing program).
    EffectFailed {
        effect: EffectId,
        reason: String,
    },
}

/// How an attempt's run ended, as observed by the daemon.
#[derive(Debug, Clone, PartialEq)]
pub struct Ended {
    pub end: AttemptEnd,
    pub commit: Option<CommitId>,
    pub diff: DiffStat,
    pub model: Option<String>,
    pub usage: Usage,
    pub duration_ms: Option<u64>,
    pub session: Option<String>,
    pub unknown_events: Option<u32>,
}

impl Ended {
    /// Of a run that nobody saw end: nothing more is known of it.
    pub(crate) fn without_a_trace(end: AttemptEnd) -> Self {
        Self {
            end,
            commit: None,
            diff: DiffStat::default(),
            model: None,
            usage: Usage::default(),
            duration_ms: None,
            session: None,
            unknown_events: None,
        }
    }
}

/// What a check came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked {
    pub result: CheckResult,
    pub log: Option<BlobRef>,
    pub duration_ms: u64,
    pub release: Option<ReleaseId>,
    /// Gate: the commit that goes on to the other checks; for a refused gate, the allowed part of the work; for a conflict,
    /// both sides' work on top of the main branch, with the places marked where they disagree.
    pub commit: Option<CommitId>,
    pub diff: Option<DiffStat>,
    /// Nothing is wrong with the work, but the main branch says something else in the same places.
    pub conflict: bool,
}

/// What the closing of a request leaves behind. The texts are blobs that the daemon wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// From intake to now.
    pub duration_ms: u64,
    pub summary: String,
    /// Only for a request that ended live, wholly or in part.
    pub step: Option<StepText>,
    pub notes: Vec<NoteText>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct StepText {
    pub title: String,
    pub text: BlobRef,
    pub errors: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct NoteText {
    pub note_kind: NoteKind,
    /// Title and text, packed.
    pub text: BlobRef,
    /// None: the request.
    pub source: Option<String>,
    /// Who did it or says it.
    pub agent: Option<AgentId>,
    /// Per cent, of what an agent claims.
    pub confidence: Option<u8>,
    /// What agents read out of it by themselves.
    pub readings: Vec<ReadText>,
}

/// A reading as JSON, and whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadText {
    pub by: AgentId,
    pub reading: BlobRef,
}

/// Names one effect: a result that comes under another name than one that is pending is stale.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EffectId(pub String);

/// One note to remember.
#[derive(Debug, Clone, PartialEq)]
pub struct Pushing {
    pub fact: MemoryPushed,
    /// Notes that it says better, beside the one of the same source.
    pub supersedes: Vec<NoteId>,
}
