//! Facts into state. Total: a fact that does not fit (there is none in a journal that the engine wrote) changes nothing.

use crate::state::*;
use protocol::fact::*;
use protocol::*;

/// What `AttemptDiagnosed` says when nothing is wrong with the attempt but the main branch moved under it.
pub const MOVED: &str = "main branch moved";

impl State {
    /// `at`: when the fact happened, from its journal entry.
    pub fn apply(&mut self, at: At, fact: &Fact) {
        match fact {
            Fact::JournalOpened(_) | Fact::DeploymentRated(_) | Fact::InstructionEdited(_) => {}
            Fact::ProjectCreated(f) => {
                self.projects.insert(f.project.clone(), Project::default());
            }
            Fact::ProjectActivated(f) => self.active = Some(f.project.clone()),
            Fact::StepPlanned(f) => {
                self.planned.insert(f.step.clone(), f.project.clone());
            }
            Fact::StepDropped(f) => {
                self.planned.remove(&f.step);
            }
            Fact::MemoryForgotten(f) => {
                self.notes.remove(&f.note);
            }
            Fact::ReleaseRolledBack(f) => self.set_live(&f.project, &f.to),
            Fact::MemoryPushed(f) => {
                self.notes.insert(f.note.clone(), f.text.blob.clone());
            }
            Fact::DeploymentRecorded(f) => {
                self.deployments.insert(f.deployment.clone());
            }
            Fact::StepCompleted(f) => {
                self.planned.remove(&f.step);
                if let Some(project) = self.projects.get_mut(&f.project) {
                    project.steps = f.number;
                }
            }
            Fact::RequestReceived(f) => self.receive(at, f),
            Fact::RequestClosed(f) => self.close(&f.request),
            Fact::AttemptFinished(f) => {
                self.count_run(f);
                self.on_open(at, &f.request, fact);
            }
            Fact::ReleaseLive(f) => {
                self.set_live(&f.project, &f.release);
                self.count_live(&f.request);
                self.on_open(at, &f.request, fact);
            }
            Fact::RequestOriented(RequestOriented { request, .. })
            | Fact::RequestWaiting(RequestWaiting { request, .. })
            | Fact::RequestResumed(RequestResumed { request, .. })
            | Fact::CancelAsked(CancelAsked { request })
            | Fact::PlanMade(PlanMade { request, .. })
            | Fact::AgentChosen(AgentChosen { request, .. })
            | Fact::TaskDeclared(TaskDeclared { request, .. })
            | Fact::TaskSteered(TaskSteered { request, .. })
            | Fact::TaskClosed(TaskClosed { request, .. })
            | Fact::AttemptStarted(AttemptStarted { request, .. })
            | Fact::AttemptAsked(AttemptAsked { request, .. })
            | Fact::AttemptAnswered(AttemptAnswered { request, .. })
            | Fact::HandOverAsked(HandOverAsked { request, .. })
            | Fact::RaceJudged(RaceJudged { request, .. })
            | Fact::AttemptCheckpoint(AttemptCheckpoint { request, .. })
            | Fact::CheckFinished(CheckFinished { request, .. })
            | Fact::AttemptDiagnosed(AttemptDiagnosed { request, .. })
            | Fact::AttemptLanded(AttemptLanded { request, .. }) => self.on_open(at, request, fact),
        }
    }

    fn receive(&mut self, at: At, f: &RequestReceived) {
        let open = Open {
            request: f.request.clone(),
            order: self.received,
            project: f.project.clone(),
            wish: f.agent.clone(),
            step: f.step.clone(),
            received: at,
            last: at,
            phase: Phase::Queued,
            planned: false,
            base: None,
            agents: Vec::new(),
            looked: 0,
            from: None,
            attempts: Vec::new(),
            landed: None,
            live: None,
        };
        self.received += 1;
        self.clients.insert(f.client.clone(), f.request.clone());
        self.file(&open);
        self.open.insert(f.request.clone(), open);
    }

    fn on_open(&mut self, at: At, request: &RequestId, fact: &Fact) {
        let Some(mut open) = self.open.remove(request) else { return };
        self.unfile(&open);
        open.apply(at, fact);
        self.file(&open);
        self.open.insert(request.clone(), open);
    }

    fn close(&mut self, request: &RequestId) {
        if let Some(open) = self.open.remove(request) {
            self.unfile(&open);
        }
    }

    /// Enters the request where `pending` looks for it.
    fn file(&mut self, open: &Open) {
        match place(&open.phase) {
            Place::Queue => drop(self.queue.insert(open.order, open.request.clone())),
            Place::Asleep => {}
            Place::Aside => drop(self.awake.insert(open.order, open.request.clone())),
            Place::Busy => {
                self.awake.insert(open.order, open.request.clone());
                self.busy += 1;
            }
        }
    }

    fn unfile(&mut self, open: &Open) {
        match place(&open.phase) {
            Place::Queue => drop(self.queue.remove(&open.order)),
            Place::Asleep => {}
            Place::Aside => drop(self.awake.remove(&open.order)),
            Place::Busy => {
                self.awake.remove(&open.order);
                self.busy = self.busy.saturating_sub(1);
            }
        }
    }

    fn set_live(&mut self, project: &ProjectId, release: &ReleaseId) {
        if let Some(project) = self.projects.get_mut(project) {
            project.live = Some(release.clone());
        }
    }

    fn count_run(&mut self, f: &AttemptFinished) {
        let counts = match f.end {
            AttemptEnd::TurnEnded
            | AttemptEnd::Silent { .. }
            | AttemptEnd::TooLong { .. }
            | AttemptEnd::Stuck { .. }
            | AttemptEnd::OverLimit { .. }
            | AttemptEnd::Failed { .. } => true,
            AttemptEnd::Cancelled
            | AttemptEnd::Asked { .. }
            | AttemptEnd::HandedOver
            | AttemptEnd::QuotaGone { .. }
            | AttemptEnd::SignedOut { .. }
            | AttemptEnd::Lost => false,
        };
        if counts && let Some(attempt) = self.open.get(&f.request).and_then(Open::attempt) {
            self.record.entry(attempt.agent.clone()).or_default().runs += 1;
        }
    }

    fn count_live(&mut self, request: &RequestId) {
        if let Some(attempt) = self.open.get(request).and_then(Open::attempt) {
            self.record.entry(attempt.agent.clone()).or_default().live += 1;
        }
    }
}

enum Place {
    Queue,
    Asleep,
    /// Something must be running for it, but it takes nobody's turn.
    Aside,
    Busy,
}

fn place(phase: &Phase) -> Place {
    match phase {
        Phase::Queued => Place::Queue,
        // A cancelled request of the queue, for one: to record it must not stop another one's wake-up.
        Phase::Waiting(Waiting::Quota { until: Some(_), .. })
        | Phase::Recording { outcome: Outcome::Cancelled, .. } => Place::Aside,
        Phase::Waiting(Waiting::Quota { until: None, .. } | Waiting::You { .. } | Waiting::Agent { .. }) => {
            Place::Asleep
        }
        Phase::Briefing
        | Phase::Running { .. }
        | Phase::Checking { .. }
        | Phase::Landing { .. }
        | Phase::Switching { .. }
        | Phase::Recording { outcome: Outcome::Live | Outcome::Partly | Outcome::Failed, .. } => Place::Busy,
    }
}

impl Open {
    /// One fact of this request. `decide` uses it too, to look ahead over the facts that it is making.
    pub(crate) fn apply(&mut self, at: At, fact: &Fact) {
        self.last = at;
        match fact {
            Fact::RequestOriented(f) => {
                self.base = Some(f.base.clone());
                self.agents = f.agents.clone();
                self.looked = self.attempts.len();
            }
            Fact::RequestWaiting(f) => self.phase = Phase::Waiting(f.waiting.clone()),
            Fact::RequestResumed(_) => self.phase = Phase::Queued,
            Fact::CancelAsked(_) => self.cancel(),
            Fact::PlanMade(_) => self.planned = true,
            Fact::AgentChosen(f) => self.choose(f),
            Fact::TaskDeclared(_) => self.phase = Phase::Running { stopping: false },
            Fact::AttemptStarted(f) => {
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.started = true;
                    attempt.from = f.base.clone();
                }
            }
            Fact::AttemptCheckpoint(f) => {
                if let Some(attempt) = self.attempts.last_mut() {
                    attempt.checkpoints = f.number;
                }
            }
            Fact::AttemptFinished(f) => self.finish(f),
            Fact::CheckFinished(f) => self.check(f),
            Fact::AttemptDiagnosed(f) => self.diagnose(f),
            Fact::AttemptLanded(f) => self.land(f),
            Fact::ReleaseLive(f) => {
                self.live = Some(Live { release: f.release.clone(), url: f.url.clone() });
                let why = "all checks passed and the release is live".to_owned();
                self.phase = Phase::Recording { outcome: Outcome::Live, why };
            }
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::RequestReceived(_)
            | Fact::TaskSteered(_)
            | Fact::TaskClosed(_)
            | Fact::AttemptAsked(_)
            | Fact::AttemptAnswered(_)
            | Fact::HandOverAsked(_)
            | Fact::RaceJudged(_)
            | Fact::ReleaseRolledBack(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::StepCompleted(_)
            | Fact::DeploymentRecorded(_)
            | Fact::DeploymentRated(_)
            | Fact::MemoryPushed(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_)
            | Fact::RequestClosed(_) => {}
        }
    }

    fn cancel(&mut self) {
        self.phase = match self.phase {
            // The agent is stopped first; its run's end closes the request.
            Phase::Running { .. } => Phase::Running { stopping: true },
            Phase::Queued
            | Phase::Waiting(_)
            | Phase::Briefing
            | Phase::Checking { .. }
            | Phase::Landing { .. }
            | Phase::Switching { .. }
            | Phase::Recording { .. } => cancelled(),
        };
    }

    fn choose(&mut self, f: &AgentChosen) {
        let Some(from) = self.from.clone().or_else(|| self.base.clone()) else { return };
        self.attempts.push(Attempt {
            id: f.attempt.clone(),
            task: f.task.clone(),
            number: f.number,
            agent: f.agent.clone(),
            practice: f.practice,
            from,
            started: false,
            finished: false,
            checkpoints: 0,
            commit: None,
            model: None,
            usage: Usage::default(),
            trouble: None,
        });
        self.phase = Phase::Briefing;
    }

    /// Whether the newest attempt began from work of an earlier one that no check has failed: what the gate left of it,
    /// or what a run that was cut short had done. There may be nothing to add to it.
    fn carries_unjudged_work(&self) -> bool {
        let [.., before, last] = self.attempts.as_slice() else { return false };
        let failed = matches!(
            before.trouble,
            Some(Trouble::Check(CheckKind::Build | CheckKind::Test | CheckKind::Health))
        );
        !failed && self.base.as_ref() != Some(&last.from)
    }

    fn finish(&mut self, f: &AttemptFinished) {
        let unjudged = self.carries_unjudged_work();
        let Some(attempt) = self.attempts.last_mut() else { return };
        attempt.finished = true;
        attempt.commit = f.commit.clone();
        attempt.model = f.model.clone();
        attempt.usage = f.usage.clone();
        if self.phase == (Phase::Running { stopping: true }) {
            self.phase = cancelled();
            return;
        }
        let trouble = match &f.end {
            AttemptEnd::TurnEnded => match f.commit.clone().filter(|_| unjudged || attempt.changed()) {
                Some(commit) => {
                    self.phase = Phase::Checking { check: CheckKind::Gate, commit };
                    return;
                }
                None => Trouble::NoChange,
            },
            // Nobody asked for this end: somebody stopped the program behind our back.
            AttemptEnd::Cancelled
            | AttemptEnd::Silent { .. }
            | AttemptEnd::TooLong { .. }
            | AttemptEnd::Asked { .. }
            | AttemptEnd::Stuck { .. }
            | AttemptEnd::OverLimit { .. }
            | AttemptEnd::HandedOver
            | AttemptEnd::Failed { .. } => Trouble::Agent,
            AttemptEnd::QuotaGone { until } => Trouble::Quota { until: *until },
            AttemptEnd::SignedOut { .. } => Trouble::SignedOut,
            AttemptEnd::Lost => Trouble::Lost,
        };
        // What a lost run left is not known to be whole, so it is not built upon.
        let left = f.commit.clone().filter(|_| trouble != Trouble::Lost);
        self.from = Some(left.unwrap_or_else(|| attempt.from.clone()));
        attempt.trouble = Some(trouble);
    }

    fn check(&mut self, f: &CheckFinished) {
        let Phase::Checking { commit, .. } = &self.phase else { return };
        let commit = f.commit.clone().unwrap_or_else(|| commit.clone());
        let Some(attempt) = self.attempts.last_mut() else { return };
        match &f.result {
            CheckResult::Failed { .. } => {
                attempt.trouble = Some(Trouble::Check(f.check));
                self.from = match f.check {
                    // Of a refused change only the allowed part is gone on from.
                    CheckKind::Gate => f.commit.clone().or_else(|| self.base.clone()),
                    CheckKind::Build | CheckKind::Test | CheckKind::Health => attempt.commit.clone(),
                };
            }
            CheckResult::Passed => {
                let next = match f.check {
                    CheckKind::Gate => CheckKind::Build,
                    CheckKind::Build => CheckKind::Test,
                    CheckKind::Test => CheckKind::Health,
                    CheckKind::Health => {
                        if let Some(release) = f.release.clone() {
                            self.phase = Phase::Landing { commit, release };
                        }
                        return;
                    }
                };
                self.phase = Phase::Checking { check: next, commit };
            }
        }
    }

    /// Without anything after it in the same transaction (`AgentChosen`, `RequestWaiting`), a diagnosis is the end.
    fn diagnose(&mut self, f: &AttemptDiagnosed) {
        if f.what == MOVED
            && let Some(commit) = self.attempts.last().and_then(|attempt| attempt.commit.clone())
        {
            self.phase = Phase::Checking { check: CheckKind::Gate, commit };
            return;
        }
        self.phase = Phase::Recording { outcome: Outcome::Failed, why: f.next.clone() };
    }

    fn land(&mut self, f: &AttemptLanded) {
        if let Phase::Landing { release, .. } = &self.phase {
            self.phase = Phase::Switching { commit: f.commit.clone(), release: release.clone() };
        }
        self.landed = Some(f.commit.clone());
    }
}

fn cancelled() -> Phase {
    Phase::Recording { outcome: Outcome::Cancelled, why: "you cancelled it".to_owned() }
}
