//! A request's story: what its entries, told in order, come to.

use crate::progress::{Progress, keeps_questions};
use crate::stages::Board;
use crate::tasks::Tasks;
use protocol::fact::*;
use protocol::view::{AskView, AttemptView, CheckView, CheckpointView, Cost};
use protocol::{AttemptId, BlobId, price};

#[derive(Debug)]
pub(crate) struct Story {
    pub board: Board,
    pub progress: Progress,
    pub tasks: Tasks,
    pub sources: Vec<SourceRead>,
    pub recalled: Vec<Recalled>,
    pub attempts: Vec<AttemptView>,
    pub steering: Vec<BlobId>,
    pub url: Option<String>,
    /// Questions that nobody has answered yet, oldest first; their words are read from the blobs.
    pub asks: Vec<(AttemptId, AskView, BlobId)>,
}

impl Default for Story {
    fn default() -> Self {
        Self {
            board: Board::default(),
            progress: Progress::queued(),
            tasks: Tasks::default(),
            sources: Vec::new(),
            recalled: Vec::new(),
            attempts: Vec::new(),
            steering: Vec::new(),
            url: None,
            asks: Vec::new(),
        }
    }
}

impl Story {
    pub fn tell(&mut self, entry: &Entry) {
        self.board.tell(entry);
        self.tasks.tell(&entry.fact);
        self.progress = std::mem::replace(&mut self.progress, Progress::queued()).after(&entry.fact);
        match &entry.fact {
            Fact::RequestOriented(f) => {
                self.sources.clone_from(&f.sources);
                self.recalled.clone_from(&f.recalled);
            }
            Fact::AgentChosen(f) => {
                // What an earlier run wanted to know is not waited for any more; others in a race still may ask.
                let over = |asked: &AttemptId| {
                    let of = self.attempts.iter().find(|known| known.attempt == *asked);
                    of.is_some_and(|known| known.task == f.task && known.finished.is_some())
                };
                self.asks.retain(|(attempt, ..)| !over(attempt));
                self.attempts.push(chosen(f));
            }
            Fact::TaskDeclared(f) => self.on(&f.attempt, |attempt| {
                attempt.brief = Some(f.brief.clone());
                attempt.parts.clone_from(&f.parts);
            }),
            Fact::TaskSteered(f) => self.steering.push(f.text.blob.clone()),
            Fact::AttemptStarted(f) => self.on(&f.attempt, |attempt| {
                attempt.started = Some(entry.at);
                attempt.version.clone_from(&f.version);
                attempt.cost.paid = f.paid;
            }),
            Fact::AttemptAsked(f) => self.asks.push((
                f.attempt.clone(),
                AskView {
                    ask: f.ask.clone(),
                    ask_kind: f.ask_kind,
                    question: None,
                    options: f.options.clone(),
                    at: entry.at,
                },
                f.question.blob.clone(),
            )),
            Fact::AttemptAnswered(f) => {
                self.asks.retain(|(attempt, view, _)| *attempt != f.attempt || view.ask != f.ask);
            }
            Fact::AttemptCheckpoint(f) => {
                self.on(&f.attempt, |attempt| attempt.checkpoints.push(checkpoint(entry, f)));
            }
            Fact::AttemptFinished(f) => {
                if !keeps_questions(&f.end) {
                    self.asks.retain(|(attempt, ..)| *attempt != f.attempt);
                }
                self.on(&f.attempt, |attempt| {
                    attempt.cost = price::cost(&f.usage, f.model.as_deref(), attempt.cost.paid);
                    attempt.finished = Some(f.clone());
                });
            }
            Fact::CheckFinished(f) => self.on(&f.attempt, |attempt| attempt.checks.push(check(f))),
            Fact::AttemptDiagnosed(f) => self.on(&f.attempt, |attempt| attempt.diagnosis = Some(f.clone())),
            Fact::AttemptLanded(f) => self.on(&f.attempt, |attempt| attempt.landed = Some(f.commit.clone())),
            Fact::ReleaseLive(f) => self.url = Some(f.url.clone()),
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::RequestReceived(_)
            | Fact::RequestWaiting(_)
            | Fact::RequestResumed(_)
            | Fact::CancelAsked(_)
            | Fact::PlanMade(_)
            | Fact::TaskClosed(_)
            | Fact::HandOverAsked(_)
            | Fact::RaceJudged(_)
            | Fact::ReleaseRolledBack(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::StepCompleted(_)
            | Fact::DeploymentRecorded(_)
            | Fact::DeploymentRated(_)
            | Fact::MemoryPushed(_)
            | Fact::MemorySuperseded(_)
            | Fact::MemoryEnriched(_)
            | Fact::MemoryGraphEdited(_)
            | Fact::MemoryRecalled(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_)
            | Fact::RequestClosed(_) => {}
        }
    }

    fn on(&mut self, attempt: &AttemptId, change: impl FnOnce(&mut AttemptView)) {
        if let Some(found) = self.attempts.iter_mut().rev().find(|known| known.attempt == *attempt) {
            change(found);
        }
    }
}

fn chosen(f: &AgentChosen) -> AttemptView {
    AttemptView {
        attempt: f.attempt.clone(),
        task: f.task.clone(),
        number: f.number,
        agent: f.agent.clone(),
        practice: f.practice,
        why: f.why.clone(),
        goes_on: f.goes_on.clone(),
        started: None,
        version: None,
        asked: None,
        finished: None,
        cost: Cost::default(),
        brief: None,
        parts: Vec::new(),
        checkpoints: Vec::new(),
        checks: Vec::new(),
        diagnosis: None,
        landed: None,
    }
}

fn checkpoint(entry: &Entry, f: &AttemptCheckpoint) -> CheckpointView {
    CheckpointView {
        attempt: f.attempt.clone(),
        number: f.number,
        at: entry.at,
        commit: f.commit.clone(),
        diff: f.diff,
        says: f.says.clone(),
        screenshot: f.screenshot.as_ref().map(|shot| shot.blob.clone()),
    }
}

fn check(f: &CheckFinished) -> CheckView {
    CheckView {
        check: f.check,
        result: f.result.clone(),
        log: f.log.as_ref().map(|log| log.blob.clone()),
        duration_ms: f.duration_ms,
    }
}
