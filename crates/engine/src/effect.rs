//! What must be running now. Effects are data, derived from the state alone; the daemon carries them out.

use crate::input::EffectId;
use protocol::fact::*;
use protocol::*;

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Wake Hermes: read the instruction files, recall, look at the agents. Answer: `Input::Oriented`. Also while other
    /// tasks of the request go on, when one of them needs an agent.
    Orient { request: RequestId, project: ProjectId },
    /// Pack the brief. Answer: `Input::Briefed`.
    Brief {
        request: RequestId,
        project: ProjectId,
        task: TaskId,
        attempt: AttemptId,
        agent: AgentId,
        /// Of the attempt within its task.
        number: u32,
        bench: AttemptId,
        goes_on: Option<AttemptId>,
    },
    /// Run the agent. Answers: `Started`, `Checkpoint`…, `Asked`…, `Finished`.
    RunAgent(Box<Run>),
    /// End the attempt's run now. The answer is that run's own `Finished`.
    StopAgent { request: RequestId, attempt: AttemptId, why: Stop },
    /// `commit`: what the agent left (gate), else what passed the gate. Answer: `Checked`.
    Check {
        request: RequestId,
        project: ProjectId,
        attempt: AttemptId,
        bench: AttemptId,
        check: CheckKind,
        commit: CommitId,
    },
    /// Move the main branch to `commit`. Answers: `Landed`, `LandStale`.
    Land { request: RequestId, project: ProjectId, attempt: AttemptId, commit: CommitId },
    /// Let the site's visitors reach the staged release. `attempt`: the request's own that landed last; the release may be
    /// a later one of another request, if that one stands on top of it. Answer: `Switched`.
    Switch {
        request: RequestId,
        project: ProjectId,
        attempt: AttemptId,
        release: ReleaseId,
        commit: CommitId,
    },
    /// Write down what happened. Answer: `Recorded`.
    Record { request: RequestId, project: ProjectId, outcome: Outcome, why: String },
    /// Nothing to do until then. Answer: `Retry`, for the same task.
    Wake { request: RequestId, task: Option<TaskId>, at: At },
}

/// One run of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub request: RequestId,
    pub project: ProjectId,
    pub task: TaskId,
    pub attempt: AttemptId,
    pub agent: AgentId,
    /// The commit that it begins at. A worktree that is there already is at it, or is to be set to it.
    pub from: CommitId,
    /// The attempt whose worktree it works in: the first one of those that went on in each other's.
    pub bench: AttemptId,
    /// The attempt that it goes on from, in the same worktree; none: the worktree is new.
    pub goes_on: Option<AttemptId>,
    /// The agent's own name of the session that it goes on with, where the same agent had ended its turn.
    pub resume: Option<String>,
    /// What the user said after the brief was packed.
    pub said: Vec<BlobRef>,
}

/// Why a run is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stop {
    /// The user cancelled the request. The run ends as `Cancelled`.
    Cancelled,
    /// Another agent goes on with its work. The run ends as `HandedOver`.
    HandedOver,
    /// Another attempt of the race was taken. The run ends as `Cancelled`.
    OutOfRace,
}

impl Effect {
    pub fn request(&self) -> &RequestId {
        match self {
            Self::Orient { request, .. }
            | Self::Brief { request, .. }
            | Self::StopAgent { request, .. }
            | Self::Check { request, .. }
            | Self::Land { request, .. }
            | Self::Switch { request, .. }
            | Self::Record { request, .. }
            | Self::Wake { request, .. } => request,
            Self::RunAgent(run) => &run.request,
        }
    }

    /// The same effect has the same id, however often `pending` is asked. A check that is done again on another commit
    /// is another effect.
    pub fn id(&self) -> EffectId {
        EffectId(match self {
            Self::Orient { request, .. } => format!("orient/{request}"),
            Self::Brief { attempt, .. } => format!("brief/{attempt}"),
            Self::RunAgent(run) => format!("run/{}", run.attempt),
            Self::StopAgent { attempt, .. } => format!("stop/{attempt}"),
            Self::Check { attempt, check, commit, .. } => {
                format!("check/{attempt}/{}/{commit}", check.word())
            }
            Self::Land { attempt, commit, .. } => format!("land/{attempt}/{commit}"),
            Self::Switch { attempt, .. } => format!("switch/{attempt}"),
            Self::Record { request, .. } => format!("record/{request}"),
            Self::Wake { request, task: None, at } => format!("wake/{request}/{}", at.0),
            Self::Wake { task: Some(task), at, .. } => format!("wake/{task}/{}", at.0),
        })
    }
}
