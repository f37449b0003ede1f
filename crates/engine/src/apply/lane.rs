//! What a fact means for the lane of its attempt.

use crate::effect::Stop;
use crate::state::*;
use protocol::fact::*;
use protocol::*;

impl Lane {
    pub(crate) fn of(task: usize) -> Self {
        Self { task, at: Stand::Idle, attempt: None, next: Start::default(), turn: None }
    }
}

impl Open {
    pub(super) fn declare(&mut self, f: &TaskDeclared) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        if let Some(attempt) = self.current_mut(at) {
            attempt.said.clear();
        }
        self.put(at, Stand::Running { stop: None });
    }

    pub(super) fn start(&mut self, f: &AttemptStarted) {
        self.change(&f.attempt, |attempt| {
            attempt.started = true;
            attempt.from = f.base.clone();
            attempt.paid = f.paid;
        });
    }

    pub(super) fn ask(&mut self, f: &AttemptAsked) {
        self.change(&f.attempt, |attempt| {
            let options = f.options.iter().map(|option| option.id.clone()).collect();
            attempt.asks.insert(f.ask.clone(), options);
        });
    }

    pub(super) fn answer(&mut self, f: &AttemptAnswered) {
        self.change(&f.attempt, |attempt| {
            attempt.asks.remove(&f.ask);
        });
    }

    pub(super) fn checkpoint(&mut self, f: &AttemptCheckpoint) {
        self.change(&f.attempt, |attempt| {
            attempt.checkpoints = f.number;
            attempt.checkpoint = Some(f.commit.clone());
        });
    }

    pub(super) fn change(&mut self, attempt: &AttemptId, change: impl FnOnce(&mut Attempt)) {
        if let Some(attempt) = self.lane_at(attempt).and_then(|lane| self.current_mut(lane)) {
            change(attempt);
        }
    }

    pub(super) fn put(&mut self, lane: usize, at: Stand) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.at = at;
        }
    }

    /// `cursor`: the lane that was just left without an attempt. Else it is one that needs an agent, and in a race that
    /// begins another one for each agent.
    pub(super) fn choose(&mut self, f: &AgentChosen, cursor: Option<usize>) {
        let Some(task) = self.task_at(&f.task) else { return };
        let of_task = |lane: &usize| self.lanes.get(*lane).is_some_and(|known| known.task == task);
        let idle = || self.lanes_of(task).find(|(_, lane)| lane.at == Stand::Idle).map(|(at, _)| at);
        let judged = self.tasks.get(task).and_then(|task| task.judged);
        let at = cursor.filter(of_task).or_else(idle).or(judged).unwrap_or_else(|| {
            self.lanes.push(Lane::of(task));
            self.lanes.len() - 1
        });
        let start = self.lanes.get(at).map(|lane| lane.next.clone()).unwrap_or_default();
        let Some(from) = start.from.or_else(|| self.base.clone()) else { return };
        let before = f.goes_on.as_ref().and_then(|before| self.attempts.iter().find(|a| a.id == *before));
        let bench = before.map_or_else(|| f.attempt.clone(), |before| before.bench.clone());
        let attempt = Attempt { unjudged: start.unjudged, ..Attempt::chosen(f, at, from, bench) };
        self.attempts.push(attempt);
        if let Some(task) = self.tasks.get_mut(task) {
            task.waiting = None;
        }
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.attempt = Some(self.attempts.len() - 1);
            lane.at = Stand::Briefing;
        }
    }

    pub(super) fn hand_over(&mut self, f: &HandOverAsked) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        if let Some(lane) = self.lanes.get_mut(at)
            && lane.at == (Stand::Running { stop: None })
        {
            lane.at = Stand::Running { stop: Some(Stop::HandedOver) };
            self.change(&f.attempt, |attempt| attempt.hand_over = Some(f.to.clone()));
        }
    }

    pub(super) fn check(&mut self, f: &CheckFinished) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        let Some(Stand::Checking { commit, .. }) = self.lanes.get(at).map(|lane| &lane.at) else { return };
        let commit = commit.clone();
        match &f.result {
            CheckResult::Failed { .. } => {
                let next = match f.check {
                    // Of a refused change only the allowed part is gone on from, away from what the gate did not want.
                    CheckKind::Gate => {
                        Start { from: f.commit.clone(), goes_on: None, unjudged: f.commit.is_some() }
                    }
                    CheckKind::Build | CheckKind::Test | CheckKind::Health => {
                        Start { from: Some(commit), goes_on: Some(f.attempt.clone()), unjudged: false }
                    }
                };
                self.change(&f.attempt, |attempt| attempt.trouble = Some(Trouble::Check(f.check)));
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.next = next;
                    lane.at = Stand::Idle;
                }
                self.cursor = Some(at);
            }
            CheckResult::Passed => self.passed(at, f, commit),
        }
    }

    fn passed(&mut self, at: usize, f: &CheckFinished, commit: CommitId) {
        let commit = f.commit.clone().unwrap_or(commit);
        if let Some(diff) = f.diff {
            self.change(&f.attempt, |attempt| attempt.diff = diff);
        }
        let next = match f.check {
            CheckKind::Gate => CheckKind::Build,
            CheckKind::Build => CheckKind::Test,
            CheckKind::Test => CheckKind::Health,
            CheckKind::Health => {
                let Some(release) = f.release.clone() else { return };
                let contends = self.is_contender(at);
                let proven = Stand::Proven { commit: commit.clone(), release: release.clone() };
                return self.put(at, if contends { proven } else { Stand::Landing { commit, release } });
            }
        };
        self.put(at, Stand::Checking { check: next, commit });
    }

    /// The winner goes on from where it stands, if it does; the others end.
    pub(super) fn judge(&mut self, f: &RaceJudged) {
        let (Some(task), Some(winner)) = (self.task_at(&f.task), self.lane_at(&f.winner)) else { return };
        let left = self.current(winner).and_then(|attempt| attempt.commit.clone());
        for (at, lane) in self.lanes.iter_mut().enumerate().filter(|(_, lane)| lane.task == task) {
            let stood = lane.at.clone();
            lane.at = if at == winner { taken(stood, f.judge, left.as_ref()) } else { passed_over(stood) };
        }
        if let Some(task) = self.tasks.get_mut(task) {
            task.judged = Some(winner);
            task.waiting = None;
        }
        self.cursor = Some(winner);
    }

    pub(super) fn land(&mut self, f: &AttemptLanded) {
        let Some(at) = self.lane_at(&f.attempt) else { return };
        let Some(Stand::Landing { release, .. }) = self.lanes.get(at).map(|lane| &lane.at) else { return };
        let (attempt, commit, release) = (f.attempt.clone(), f.commit.clone(), release.clone());
        self.put(at, Stand::Landed { commit: commit.clone() });
        self.begin_at(&commit);
        self.landed = Some(Landed { attempt, commit, release, landing: 0 });
    }

    /// What has not begun begins on top of what landed, where it was to begin at the main branch: the less there will be
    /// to disagree about. Agents that race begin alike.
    fn begin_at(&mut self, main: &CommitId) {
        let old = self.base.replace(main.clone());
        for lane in (0..self.lanes.len()).filter(|lane| !self.is_contender(*lane)).collect::<Vec<_>>() {
            if let Some(attempt) = self.current_mut(lane).filter(|a| !a.started && !a.finished)
                && Some(&attempt.from) == old.as_ref()
            {
                attempt.from = main.clone();
            }
        }
    }
}

fn taken(stood: Stand, judge: Judge, left: Option<&CommitId>) -> Stand {
    match (stood, judge, left) {
        (Stand::Proven { commit, release }, _, _) => Stand::Landing { commit, release },
        // The user wants it although it failed: it gets another chance to pass.
        (Stand::Out { .. }, Judge::You, Some(commit)) => {
            Stand::Checking { check: CheckKind::Gate, commit: commit.clone() }
        }
        (
            stood @ (Stand::Idle
            | Stand::Briefing
            | Stand::Running { .. }
            | Stand::Checking { .. }
            | Stand::Landing { .. }
            | Stand::Landed { .. }
            | Stand::Out { .. }
            | Stand::Cancelled),
            _,
            _,
        ) => stood,
    }
}

fn passed_over(stood: Stand) -> Stand {
    match stood {
        Stand::Running { stop: None | Some(Stop::HandedOver) } => {
            Stand::Running { stop: Some(Stop::OutOfRace) }
        }
        Stand::Idle | Stand::Briefing | Stand::Checking { .. } | Stand::Proven { .. } => {
            Stand::Out { why: "another attempt was taken".to_owned() }
        }
        stood @ (Stand::Running { stop: Some(Stop::Cancelled | Stop::OutOfRace) }
        | Stand::Landing { .. }
        | Stand::Landed { .. }
        | Stand::Out { .. }
        | Stand::Cancelled) => stood,
    }
}
