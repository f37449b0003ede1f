//! Facts into state. Total: a fact that does not fit (there is none in a journal that the engine wrote) changes nothing.
//!
//! Here: what a fact means for the whole workspace. `open` is the room for one request, `lane` for one of its lanes,
//! `finish` for the end of a run.

mod finish;
mod lane;
mod open;

use crate::state::*;
use protocol::fact::*;
use protocol::*;

/// What `AttemptDiagnosed` says when nothing is wrong with the attempt but the main branch moved under it.
pub const MOVED: &str = "main branch moved";
/// What it says when the main branch says something else in the same places.
pub const CONFLICT: &str = "conflict";

impl State {
    /// `at`: when the fact happened, from its journal entry.
    pub fn apply(&mut self, at: At, fact: &Fact) {
        match fact {
            Fact::JournalOpened(_)
            | Fact::DeploymentRated(_)
            | Fact::InstructionEdited(_)
            | Fact::MemoryGraphEdited(_)
            | Fact::MemoryRecalled(_) => {}
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
                self.notes.forget(f);
            }
            Fact::ReleaseRolledBack(f) => self.set_live(&f.project, &f.to),
            Fact::MemoryPushed(f) => {
                self.notes.push(f);
            }
            Fact::MemorySuperseded(f) => self.notes.supersede(f),
            Fact::MemoryEnriched(f) => self.notes.enrich(f),
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
            Fact::AttemptLanded(f) => {
                self.on_open(at, &f.request, fact);
                self.count_landing(&f.request);
            }
            Fact::ReleaseLive(f) => {
                self.set_live(&f.project, &f.release);
                self.ship(f);
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
            | Fact::AttemptDiagnosed(AttemptDiagnosed { request, .. }) => self.on_open(at, request, fact),
        }
    }

    fn receive(&mut self, at: At, f: &RequestReceived) {
        let open = Open::received(at, self.received, f);
        self.received += 1;
        self.clients.insert(f.client.clone(), f.request.clone());
        self.file(&open);
        self.open.insert(f.request.clone(), open);
    }

    fn on_open(&mut self, at: At, request: &RequestId, fact: &Fact) {
        let Some(mut open) = self.open.remove(request) else { return };
        self.unfile(&open);
        open.apply(at, fact);
        self.give_turns(&mut open);
        self.file(&open);
        self.open.insert(request.clone(), open);
    }

    /// Who begins to stand in line for something gets the next number, and keeps it as long as it stands there. What
    /// lands keeps the main branch until its release is live and its record is written.
    fn give_turns(&mut self, open: &mut Open) {
        if !open.ships() {
            open.turn = None;
        } else if open.turn.is_none() {
            let landing =
                |lane: &Lane| matches!(lane.at, Stand::Landed { .. }).then_some(lane.turn).flatten();
            let held = open.lanes.iter().find_map(landing).map(|(_, turn)| turn);
            open.turn = Some(held.unwrap_or_else(|| self.next_turn()));
        }
        for lane in &mut open.lanes {
            let line = lane.at.line();
            if lane.turn.map(|(line, _)| line) != line {
                lane.turn = line.map(|line| (line, self.next_turn()));
            }
        }
    }

    fn next_turn(&mut self) -> u64 {
        self.turns += 1;
        self.turns
    }

    fn close(&mut self, request: &RequestId) {
        if let Some(open) = self.open.remove(request) {
            self.unfile(&open);
        }
    }

    /// Enters the request where `pending` looks for it.
    fn file(&mut self, open: &Open) {
        match place(open) {
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
        match place(open) {
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

    fn count_landing(&mut self, request: &RequestId) {
        let Some(open) = self.open.get_mut(request) else { return };
        let Some(project) = self.projects.get_mut(&open.project) else { return };
        project.landings += 1;
        if let Some(landed) = &mut open.landed {
            landed.landing = project.landings;
        }
    }

    /// Of two requests that land in turn, the later release holds both; the earlier one must not replace it.
    fn ship(&mut self, f: &ReleaseLive) {
        let landing = self.open.get(&f.request).and_then(|open| open.landed.as_ref()).map(|l| l.landing);
        let Some((landing, project)) = landing.zip(self.projects.get_mut(&f.project)) else { return };
        if project.shipped.as_ref().is_none_or(|shipped| shipped.landing < landing) {
            let (release, commit) = (f.release.clone(), f.commit.clone());
            project.shipped = Some(Shipped { landing, release, commit });
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
        let attempt = |open: &Open| open.attempts.iter().find(|a| a.id == f.attempt).map(|a| a.agent.clone());
        if counts && let Some(agent) = self.open.get(&f.request).and_then(attempt) {
            self.record.entry(agent).or_default().runs += 1;
        }
    }

    /// Each agent whose work landed.
    fn count_live(&mut self, request: &RequestId) {
        let Some(open) = self.open.get(request) else { return };
        let landed = (0..open.lanes.len())
            .filter(|at| open.lanes.get(*at).is_some_and(|lane| matches!(lane.at, Stand::Landed { .. })));
        for agent in landed.filter_map(|lane| open.current(lane)).map(|a| &a.agent) {
            self.record.entry(agent.clone()).or_default().live += 1;
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

fn place(open: &Open) -> Place {
    match &open.phase {
        Phase::Queued => Place::Queue,
        Phase::Waiting(_) => {
            if open
                .tasks
                .iter()
                .any(|task| matches!(task.waiting, Some(Waiting::Quota { until: Some(_), .. })))
            {
                Place::Aside
            } else {
                Place::Asleep
            }
        }
        // A cancelled request of the queue, for one: to record it must not stop another one's wake-up.
        Phase::Recording { outcome: Outcome::Cancelled, .. } => Place::Aside,
        Phase::Working
        | Phase::Switching
        | Phase::Recording { outcome: Outcome::Live | Outcome::Partly | Outcome::Failed, .. } => Place::Busy,
    }
}
