//! Where a request stands, fact by fact. The requests table and the request's page both fold with this.

use protocol::fact::Fact;
use protocol::view::{Stage, Status};

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Progress {
    pub status: Status,
    /// The stage it is in, or was in when it began to wait.
    pub stage: Stage,
}

impl Progress {
    /// A request that was received: queued until it was oriented.
    pub fn queued() -> Self {
        Self { status: Status::Queued, stage: Stage::Wake }
    }

    pub fn after(self, fact: &Fact) -> Self {
        match fact {
            Fact::RequestClosed(closed) => {
                let status = Status::Closed { outcome: closed.outcome, why: closed.why.clone() };
                Self { status, stage: self.stage }
            }
            Fact::CancelAsked(_) => self.turned(Status::Cancelling),
            Fact::RequestWaiting(f) => self.turned(Status::Waiting { waiting: f.waiting.clone() }),
            Fact::RequestResumed(_) => {
                let stage = self.stage;
                self.turned(Status::Running { stage })
            }
            Fact::RequestOriented(_) | Fact::AttemptDiagnosed(_) => self.at(Stage::Choose),
            Fact::AgentChosen(_) => self.at(Stage::Brief),
            Fact::TaskDeclared(_) => self.at(Stage::Code),
            Fact::AttemptFinished(_) => self.at(Stage::Deploy),
            Fact::ReleaseLive(_) | Fact::StepCompleted(_) | Fact::DeploymentRecorded(_) => {
                self.at(Stage::Record)
            }
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::RequestReceived(_)
            | Fact::PlanMade(_)
            | Fact::TaskSteered(_)
            | Fact::TaskClosed(_)
            | Fact::AttemptAsked(_)
            | Fact::AttemptAnswered(_)
            | Fact::HandOverAsked(_)
            | Fact::RaceJudged(_)
            | Fact::AttemptStarted(_)
            | Fact::AttemptCheckpoint(_)
            | Fact::CheckFinished(_)
            | Fact::AttemptLanded(_)
            | Fact::ReleaseRolledBack(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::DeploymentRated(_)
            | Fact::MemoryPushed(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_) => self,
        }
    }

    /// The loop went on to a stage. A request that is being cancelled stays so; one that is closed stays closed.
    fn at(self, stage: Stage) -> Self {
        Self { stage, ..self }.turned(Status::Running { stage })
    }

    fn turned(self, status: Status) -> Self {
        match self.status {
            Status::Closed { .. } | Status::Cancelling => self,
            Status::Queued | Status::Running { .. } | Status::Waiting { .. } => {
                Self { status, stage: self.stage }
            }
        }
    }
}
