//! What a fact means for its request as a whole, and where the request stands then.

use super::{CONFLICT, MOVED};
use crate::effect::Stop;
use crate::state::*;
use protocol::fact::*;
use protocol::*;
use std::collections::BTreeSet;

impl Open {
    pub(crate) fn received(at: At, order: u64, f: &RequestReceived) -> Self {
        let (agent, race, parts) = (f.agent.clone(), f.race.clone(), f.parts.clone());
        Self {
            request: f.request.clone(),
            order,
            project: f.project.clone(),
            wish: Wish { agent, race, parts },
            step: f.step.clone(),
            received: at,
            last: at,
            phase: Phase::Queued,
            cancelled: false,
            base: None,
            agents: Vec::new(),
            out: BTreeSet::new(),
            tasks: Vec::new(),
            lanes: Vec::new(),
            attempts: Vec::new(),
            landed: None,
            live: None,
            verdict: None,
            turn: None,
            cursor: None,
        }
    }

    /// One fact of this request. `decide` uses it too, to look ahead over the facts that it is making.
    pub(crate) fn apply(&mut self, at: At, fact: &Fact) {
        self.last = at;
        let cursor = self.cursor.take();
        match fact {
            Fact::RequestOriented(f) => {
                self.base = Some(f.base.clone());
                self.agents = f.agents.clone();
                self.out.clear();
            }
            Fact::RequestWaiting(f) => self.wait(f),
            Fact::RequestResumed(f) => self.resume(f),
            Fact::CancelAsked(_) => self.cancel(),
            Fact::PlanMade(f) => self.plan(f),
            Fact::AgentChosen(f) => self.choose(f, cursor),
            Fact::TaskSteered(f) => self.steer(&f.text),
            Fact::TaskClosed(f) => self.close(f),
            Fact::RaceJudged(f) => self.judge(f),
            Fact::AttemptFinished(f) => self.finish(f),
            Fact::AttemptDiagnosed(f) => self.diagnose(f),
            Fact::AttemptLanded(f) => self.land(f),
            Fact::ReleaseLive(f) => {
                self.live = Some(Live { release: f.release.clone(), url: f.url.clone() });
                self.verdict = Some(self.went_live());
            }
            Fact::TaskDeclared(f) => self.declare(f),
            Fact::AttemptStarted(f) => self.start(f),
            Fact::AttemptAsked(f) => self.ask(f),
            Fact::AttemptAnswered(f) => self.answer(f),
            Fact::AttemptCheckpoint(f) => self.checkpoint(f),
            Fact::HandOverAsked(f) => self.hand_over(f),
            Fact::CheckFinished(f) => self.check(f),
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::RequestReceived(_)
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
        self.phase = self.stands();
    }

    /// Where the request stands, by its lanes.
    fn stands(&self) -> Phase {
        if let Some((outcome, why)) = self.verdict.clone() {
            return Phase::Recording { outcome, why };
        }
        if !self.is_planned() {
            return if self.cancelled { cancelled() } else { Phase::Queued };
        }
        if self.lanes.iter().any(|lane| lane.at.is_active()) {
            return Phase::Working;
        }
        if (0..self.tasks.len()).all(|task| self.is_over(task)) {
            return match (&self.landed, self.cancelled) {
                (Some(_), _) => Phase::Switching,
                (None, true) => cancelled(),
                (None, false) => Phase::Recording { outcome: Outcome::Failed, why: self.why_failed() },
            };
        }
        if self.looking().next().is_some() {
            return Phase::Queued;
        }
        let waits = || self.tasks.iter().filter_map(|task| task.waiting.as_ref());
        let for_you = waits().find(|waiting| matches!(waiting, Waiting::You { .. }));
        // Between the end of a race and its judgement, which is in the same transaction, nothing waits.
        for_you.or_else(|| waits().next()).map_or(Phase::Working, |waiting| Phase::Waiting(waiting.clone()))
    }

    fn went_live(&self) -> (Outcome, String) {
        let missing: Vec<String> = (0..self.tasks.len()).filter_map(|task| self.why_not(task)).collect();
        if missing.is_empty() {
            return (Outcome::Live, "all checks passed and the release is live".to_owned());
        }
        let (all, live) = (self.tasks.len(), self.tasks.len() - missing.len());
        (Outcome::Partly, format!("{live} of {all} parts are live; {}", missing.join("; ")))
    }

    fn why_failed(&self) -> String {
        let whys: Vec<String> = (0..self.tasks.len()).filter_map(|task| self.why_not(task)).collect();
        whys.join("; ")
    }

    /// Why the task is not in the release, to be read on its own.
    fn why_not(&self, task: usize) -> Option<String> {
        let known = self.tasks.get(task)?;
        let lanes = || self.lanes_of(task).map(|(_, lane)| &lane.at);
        if lanes().any(|at| matches!(at, Stand::Landed { .. })) {
            return None;
        }
        let given_up = known.judged.and_then(|lane| self.lanes.get(lane)).map(|lane| &lane.at);
        let why = match (&known.end, given_up.or_else(|| lanes().next())) {
            (Some(TaskEnd::GivenUp { why }), _) | (None, Some(Stand::Out { why })) => why.clone(),
            (
                Some(TaskEnd::Cancelled | TaskEnd::Landed { .. }) | None,
                Some(
                    Stand::Idle
                    | Stand::Briefing
                    | Stand::Running { .. }
                    | Stand::Checking { .. }
                    | Stand::Proven { .. }
                    | Stand::Landing { .. }
                    | Stand::Landed { .. }
                    | Stand::Out { .. }
                    | Stand::Cancelled,
                )
                | None,
            ) => "cancelled".to_owned(),
        };
        Some(if self.tasks.len() == 1 { why } else { format!("{}: {why}", known.title) })
    }

    fn plan(&mut self, f: &PlanMade) {
        self.tasks = f
            .tasks
            .iter()
            .map(|planned| Task {
                id: planned.task.clone(),
                title: planned.title.clone(),
                agents: planned.agents.clone(),
                waiting: None,
                judged: None,
                end: None,
            })
            .collect();
        self.lanes = (0..self.tasks.len()).map(Lane::of).collect();
    }

    pub(super) fn task_at(&self, task: &TaskId) -> Option<usize> {
        self.tasks.iter().position(|known| known.id == *task)
    }

    /// Without a task it is said of the only one, or of all together once each has said its own.
    fn wait(&mut self, f: &RequestWaiting) {
        let only = (self.tasks.len() == 1).then_some(0);
        let Some(at) = f.task.as_ref().map_or(only, |task| self.task_at(task)) else { return };
        if !self.races(at) {
            let judged = self.tasks.get(at).and_then(|task| task.judged);
            let lane = judged.or_else(|| self.lanes_of(at).map(|(lane, _)| lane).next());
            if let Some(lane) = lane.and_then(|lane| self.lanes.get_mut(lane)) {
                lane.at = Stand::Idle;
            }
        }
        if let Some(task) = self.tasks.get_mut(at) {
            task.waiting = Some(f.waiting.clone());
        }
    }

    fn resume(&mut self, f: &RequestResumed) {
        let of = |task: &Task| f.task.as_ref().is_none_or(|known| *known == task.id);
        self.tasks.iter_mut().filter(|task| of(task)).for_each(|task| task.waiting = None);
    }

    fn cancel(&mut self) {
        self.cancelled = true;
        self.tasks.iter_mut().for_each(|task| task.waiting = None);
        for lane in self.lanes.iter_mut().filter(|lane| lane.at.is_before_landing()) {
            lane.at = match lane.at {
                // The agent is stopped first; its run's end is the lane's.
                Stand::Running { .. } => Stand::Running { stop: Some(Stop::Cancelled) },
                Stand::Idle
                | Stand::Briefing
                | Stand::Checking { .. }
                | Stand::Proven { .. }
                | Stand::Landing { .. }
                | Stand::Landed { .. }
                | Stand::Out { .. }
                | Stand::Cancelled => Stand::Cancelled,
            };
        }
    }

    /// A brief that is packed does not hold these words, and a run that has not begun does not hear them.
    fn steer(&mut self, text: &BlobRef) {
        for at in 0..self.lanes.len() {
            let waits = self.lanes.get(at).is_some_and(|lane| matches!(lane.at, Stand::Running { .. }));
            if let Some(attempt) = self.current_mut(at).filter(|a| waits && !a.started) {
                attempt.said.push(text.clone());
            }
        }
    }

    fn close(&mut self, f: &TaskClosed) {
        let Some(at) = self.task_at(&f.task) else { return };
        if let Some(task) = self.tasks.get_mut(at) {
            task.end = Some(f.end.clone());
            task.waiting = None;
        }
        let end = match &f.end {
            TaskEnd::GivenUp { why } => Stand::Out { why: why.clone() },
            TaskEnd::Cancelled | TaskEnd::Landed { .. } => Stand::Cancelled,
        };
        for lane in
            self.lanes.iter_mut().filter(|lane| lane.task == at && !lane.at.is_end() && !lane.at.is_active())
        {
            lane.at = end.clone();
        }
    }

    /// Without anything after it in the same transaction (`AgentChosen`, `RequestWaiting`), a diagnosis is the end.
    fn diagnose(&mut self, f: &AttemptDiagnosed) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        if self.phase == Phase::Switching {
            self.verdict = Some((Outcome::Failed, f.next.clone()));
            return;
        }
        let cancelled = self.cancelled;
        let commit = self.current(at).and_then(|attempt| attempt.commit.clone());
        let Some(lane) = self.lanes.get_mut(at) else { return };
        if f.what == MOVED
            && let Some(commit) = commit
        {
            lane.at =
                if cancelled { Stand::Cancelled } else { Stand::Checking { check: CheckKind::Gate, commit } };
            return;
        }
        lane.at = Stand::Out { why: f.next.clone() };
        if f.what == CONFLICT {
            self.conflict(at);
        }
        self.cursor = Some(at);
    }

    /// The gate refused the lane's work only because of what landed meanwhile. Both sides with their marks are where the
    /// next attempt begins, but so far nobody's work.
    pub(crate) fn conflict(&mut self, lane: usize) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.next.unjudged = false;
        }
        if let Some(attempt) = self.current_mut(lane) {
            attempt.trouble = Some(Trouble::Conflict);
        }
    }
}

fn cancelled() -> Phase {
    Phase::Recording { outcome: Outcome::Cancelled, why: "you cancelled it".to_owned() }
}
