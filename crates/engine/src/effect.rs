//! What must be running now. Effects are data, derived from the state alone; the daemon carries them out.

use crate::input::EffectId;
use protocol::fact::*;
use protocol::*;

#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Wake Hermes: read the instruction files, recall, look at the agents. Answer: `Input::Oriented`.
    Orient { request: RequestId, project: ProjectId },
    /// Pack the brief. Answer: `Input::Briefed`.
    Brief {
        request: RequestId,
        project: ProjectId,
        task: TaskId,
        attempt: AttemptId,
        agent: AgentId,
        number: u32,
    },
    /// Run the agent in a worktree of its own that begins at `from`. Answers: `Started`, `Checkpoint`…, `Finished`.
    RunAgent { request: RequestId, project: ProjectId, attempt: AttemptId, agent: AgentId, from: CommitId },
    /// End the attempt's run now. The answer is that run's own `Finished`.
    StopAgent { request: RequestId, attempt: AttemptId },
    /// `commit`: what the agent left (gate), else what passed the gate. Answer: `Checked`.
    Check { request: RequestId, project: ProjectId, attempt: AttemptId, check: CheckKind, commit: CommitId },
    /// Move the main branch to `commit`. Answers: `Landed`, `LandStale`.
    Land { request: RequestId, project: ProjectId, attempt: AttemptId, commit: CommitId },
    /// Let the site's visitors reach the staged release. Answer: `Switched`.
    Switch {
        request: RequestId,
        project: ProjectId,
        attempt: AttemptId,
        release: ReleaseId,
        commit: CommitId,
    },
    /// Write down what happened. Answer: `Recorded`.
    Record { request: RequestId, project: ProjectId, outcome: Outcome, why: String },
    /// Nothing to do until then. Answer: `Retry`.
    Wake { request: RequestId, at: At },
}

impl Effect {
    pub fn request(&self) -> &RequestId {
        match self {
            Self::Orient { request, .. }
            | Self::Brief { request, .. }
            | Self::RunAgent { request, .. }
            | Self::StopAgent { request, .. }
            | Self::Check { request, .. }
            | Self::Land { request, .. }
            | Self::Switch { request, .. }
            | Self::Record { request, .. }
            | Self::Wake { request, .. } => request,
        }
    }

    /// The same effect has the same id, however often `pending` is asked. A check that is done again on another commit
    /// is another effect.
    pub fn id(&self) -> EffectId {
        EffectId(match self {
            Self::Orient { request, .. } => format!("orient/{request}"),
            Self::Brief { attempt, .. } => format!("brief/{attempt}"),
            Self::RunAgent { attempt, .. } => format!("run/{attempt}"),
            Self::StopAgent { attempt, .. } => format!("stop/{attempt}"),
            Self::Check { attempt, check, commit, .. } => {
                format!("check/{attempt}/{}/{commit}", check.word())
            }
            Self::Land { attempt, commit, .. } => format!("land/{attempt}/{commit}"),
            Self::Switch { attempt, .. } => format!("switch/{attempt}"),
            Self::Record { request, .. } => format!("record/{request}"),
            Self::Wake { request, at } => format!("wake/{request}/{}", at.0),
        })
    }
}
