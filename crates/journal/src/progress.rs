//! Where a request and each of its tasks stand, fact by fact. The requests table and the request's page both fold with
//! this.

use protocol::fact::*;
use protocol::view::{Stage, Status};
use protocol::{AttemptId, TaskId};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Without regard to open questions: their words are not stored here, so that they can be forgotten.
    pub status: Status,
    /// The stage it is in, or was in when it began to wait: the earliest one of its open tasks.
    pub stage: Stage,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lanes: Vec<Lane>,
    /// Questions that nobody has answered yet, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asks: Vec<Ask>,
}

/// One task on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lane {
    pub task: TaskId,
    /// Where it is while no attempt is being made.
    pub stage: Stage,
    /// The attempts that are being made; more than one race.
    pub runs: Vec<Run>,
    /// What it waits for while others go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    pub end: Option<TaskEnd>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub attempt: AttemptId,
    pub stage: Stage,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ask {
    /// None: its attempt is not known.
    pub task: Option<TaskId>,
    pub attempt: AttemptId,
    pub ask: String,
    pub question: BlobRef,
}

/// Whether what the run asked is still to be answered: the answer then goes to the next one.
pub(crate) fn keeps_questions(end: &AttemptEnd) -> bool {
    matches!(end, AttemptEnd::Asked { .. } | AttemptEnd::Lost)
}

impl Lane {
    fn new(task: &TaskId) -> Self {
        Self { task: task.clone(), stage: Stage::Choose, runs: Vec::new(), waiting: None, end: None }
    }

    pub fn stage_now(&self) -> Stage {
        self.runs.iter().map(|run| run.stage).min().unwrap_or(self.stage)
    }
}

impl Progress {
    /// A request that was received: queued until it was oriented.
    pub fn queued() -> Self {
        Self { status: Status::Queued, stage: Stage::Wake, lanes: Vec::new(), asks: Vec::new() }
    }

    pub fn after(mut self, fact: &Fact) -> Self {
        match fact {
            Fact::RequestClosed(closed) => {
                self.status = Status::Closed { outcome: closed.outcome, why: closed.why.clone() };
                self.asks.clear();
            }
            Fact::CancelAsked(_) => self.turn(Status::Cancelling),
            Fact::RequestWaiting(RequestWaiting { task: Some(task), waiting, .. }) => {
                self.lane(task).waiting = Some(waiting.clone());
            }
            Fact::RequestWaiting(RequestWaiting { task: None, waiting, .. }) => {
                self.turn(Status::Waiting { waiting: waiting.clone() });
            }
            Fact::RequestResumed(f) => self.resume(f.task.as_ref()),
            // Also while other tasks go on, for one that needs another agent.
            Fact::RequestOriented(_) => self.go_on(Stage::Choose),
            Fact::PlanMade(f) => self.lanes = f.tasks.iter().map(|task| Lane::new(&task.task)).collect(),
            Fact::AgentChosen(f) => {
                // Who is chosen now does not wait for what an earlier run wanted to know; others in a race still may.
                let lane = self.lane(&f.task);
                let at_work = lane.runs.iter().filter(|run| run.stage < Stage::Deploy);
                let at_work: Vec<AttemptId> = at_work.map(|run| run.attempt.clone()).collect();
                self.asks.retain(|ask| ask.task.as_ref() != Some(&f.task) || at_work.contains(&ask.attempt));
                let lane = self.lane(&f.task);
                lane.waiting = None;
                lane.runs.push(Run { attempt: f.attempt.clone(), stage: Stage::Brief });
                self.go_on(Stage::Brief);
            }
            Fact::TaskDeclared(f) => self.run_at(&f.attempt, Stage::Code),
            Fact::AttemptAsked(f) => {
                let of = |lane: &&Lane| lane.runs.iter().any(|run| run.attempt == f.attempt);
                self.asks.push(Ask {
                    task: self.lanes.iter().find(of).map(|lane| lane.task.clone()),
                    attempt: f.attempt.clone(),
                    ask: f.ask.clone(),
                    question: f.question.clone(),
                });
            }
            Fact::AttemptAnswered(f) => {
                self.asks.retain(|open| open.attempt != f.attempt || open.ask != f.ask);
            }
            Fact::AttemptFinished(f) => {
                if !keeps_questions(&f.end) {
                    self.asks.retain(|open| open.attempt != f.attempt);
                }
                self.run_at(&f.attempt, Stage::Deploy);
            }
            Fact::AttemptDiagnosed(f) => self.run_over(&f.attempt),
            Fact::RaceJudged(f) => {
                let lane = self.lane(&f.task);
                lane.runs = vec![Run { attempt: f.winner.clone(), stage: Stage::Deploy }];
                self.go_on(Stage::Deploy);
            }
            Fact::TaskClosed(f) => {
                let lane = self.lane(&f.task);
                lane.runs.clear();
                lane.waiting = None;
                lane.end = Some(f.end.clone());
                self.go_on(Stage::Deploy);
            }
            Fact::ReleaseLive(_) | Fact::StepCompleted(_) | Fact::DeploymentRecorded(_) => {
                self.at(Stage::Record)
            }
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::RequestReceived(_)
            | Fact::TaskSteered(_)
            | Fact::AttemptStarted(_)
            | Fact::AttemptCheckpoint(_)
            | Fact::HandOverAsked(_)
            | Fact::CheckFinished(_)
            | Fact::AttemptLanded(_)
            | Fact::ReleaseRolledBack(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::DeploymentRated(_)
            | Fact::MemoryPushed(_)
            | Fact::MemorySuperseded(_)
            | Fact::MemoryEnriched(_)
            | Fact::MemoryGraphEdited(_)
            | Fact::MemoryRecalled(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_) => {}
        }
        self
    }

    /// The oldest open question, where it is what the request waits for.
    pub fn asked(&self) -> Option<&Ask> {
        match self.status {
            Status::Running { .. } | Status::Waiting { .. } => self.asks.first(),
            Status::Queued | Status::Cancelling | Status::Closed { .. } => None,
        }
    }

    fn lane(&mut self, task: &TaskId) -> &mut Lane {
        let known = self.lanes.iter().position(|lane| lane.task == *task);
        let at = known.unwrap_or_else(|| {
            self.lanes.push(Lane::new(task));
            self.lanes.len() - 1
        });
        &mut self.lanes[at]
    }

    fn run_at(&mut self, attempt: &AttemptId, stage: Stage) {
        let mut runs = self.lanes.iter_mut().flat_map(|lane| &mut lane.runs);
        if let Some(run) = runs.find(|run| run.attempt == *attempt) {
            run.stage = stage;
        }
        self.go_on(stage);
    }

    /// The attempt did not do: its task is back at the choice, unless others still race at it.
    fn run_over(&mut self, attempt: &AttemptId) {
        if let Some(lane) = self.lanes.iter_mut().find(|l| l.runs.iter().any(|run| run.attempt == *attempt)) {
            lane.runs.retain(|run| run.attempt != *attempt);
            lane.stage = Stage::Choose;
        }
        self.go_on(Stage::Choose);
    }

    fn resume(&mut self, task: Option<&TaskId>) {
        for lane in self.lanes.iter_mut().filter(|lane| task.is_none_or(|task| lane.task == *task)) {
            lane.waiting = None;
        }
        self.turn(Status::Running { stage: self.stage });
    }

    /// Some task went on: the request is where the last of them is, those left out that wait for something. `otherwise`:
    /// where it is without such tasks.
    fn go_on(&mut self, otherwise: Stage) {
        let open = self.lanes.iter().filter(|lane| lane.end.is_none() && lane.waiting.is_none());
        self.at(open.map(Lane::stage_now).min().unwrap_or(otherwise));
    }

    /// The loop went on to a stage. A request that is being cancelled stays so; one that is closed stays closed.
    fn at(&mut self, stage: Stage) {
        self.stage = stage;
        self.turn(Status::Running { stage });
    }

    fn turn(&mut self, status: Status) {
        match self.status {
            Status::Closed { .. } | Status::Cancelling => {}
            Status::Queued | Status::Running { .. } | Status::Waiting { .. } => self.status = status,
        }
    }
}
