//! The facts of one decision as they are made: each is applied to a copy of its request, so that the next one follows
//! from it by the very code that a replay runs.

use super::{Look, race, run};
use crate::effect::Stop;
use crate::ids;
use crate::input::Ended;
use crate::policy::{Pick, Question, Try};
use crate::rejected::Rejected;
use crate::state::{Open, Phase, Stand, nothing};
use crate::turns::Turns;
use protocol::fact::*;
use protocol::*;

pub struct Draft<'a> {
    pub look: Look<'a>,
    pub open: Open,
    facts: Vec<Fact>,
    /// All of the request waited before.
    waited: bool,
}

impl<'a> Draft<'a> {
    pub fn new(look: Look<'a>, open: &Open) -> Self {
        let waited = matches!(open.phase, Phase::Waiting(_));
        Self { look, open: open.clone(), facts: Vec::new(), waited }
    }

    /// The moment of the new facts is not known here; no decision may depend on it.
    pub fn push(&mut self, fact: impl Into<Fact>) {
        let fact = fact.into();
        self.open.apply(self.open.last, &fact);
        self.facts.push(fact);
    }

    /// What follows from the facts so far by itself comes after them: runs that need not be stopped because they have no
    /// place yet, the end of a race, of a task, and of the last thing that went on.
    pub fn done(mut self) -> Result<Vec<Fact>, Rejected> {
        self.stop_what_has_no_place()?;
        race::settle(&mut self)?;
        self.close_tasks();
        if let (Phase::Waiting(waiting), false) = (&self.open.phase, self.waited)
            && self.open.tasks.len() > 1
        {
            let waiting = waiting.clone();
            self.push(RequestWaiting { request: self.request(), task: None, waiting });
        }
        Ok(self.facts)
    }

    /// The same without what follows: the request is closed.
    pub fn closed(self) -> Vec<Fact> {
        self.facts
    }

    pub fn request(&self) -> RequestId {
        self.open.request.clone()
    }

    pub fn ask<T>(&self, lane: usize, policy: impl FnOnce(&Question) -> T) -> T {
        let open = &self.open;
        let past: Vec<Try> = open.attempts.iter().filter(|a| a.lane == lane).map(Try::from).collect();
        let beside = (0..open.lanes.len()).filter(|other| {
            *other != lane && open.lanes.get(*other).is_some_and(|known| known.at.is_active())
        });
        let beside: Vec<&AgentId> =
            beside.filter_map(|other| open.current(other)).map(|attempt| &attempt.agent).collect();
        policy(&Question {
            agents: &open.agents,
            wish: self.wish(lane),
            past: &past,
            out: &open.out,
            beside: &beside,
            real: open.attempts.iter().any(|attempt| !attempt.practice),
            record: &self.look.state.record,
            limits: self.look.limits,
            now: open.last,
        })
    }

    /// The one agent that the user wants for the lane's task, else for the request.
    fn wish(&self, lane: usize) -> Option<&AgentId> {
        match self.open.task_of(lane).map(|task| task.agents.as_slice()) {
            Some([only]) => Some(only),
            Some([_, _, ..]) => None,
            Some([]) | None => self.open.wish.agent.as_ref(),
        }
    }

    /// The agent's next attempt in this lane, or, in a race that begins, in another one for it.
    pub fn choose(&mut self, lane: usize, pick: Pick) -> Result<(), Rejected> {
        let request = self.request();
        let (Some(lane), Some(task)) = (self.open.lanes.get(lane), self.open.task_of(lane)) else {
            return Ok(());
        };
        let (task, goes_on) = (task.id.clone(), lane.next.goes_on.clone());
        let of_task = self.open.attempts.iter().filter(|a| a.task == task).count();
        let attempt = ids::attempt(&request, next(self.open.attempts.len()))?;
        let Pick { agent, practice, why } = pick;
        let number = next(of_task);
        self.push(AgentChosen { request, task, attempt, number, agent, practice, why, goes_on });
        Ok(())
    }

    /// One task waits. Where it is the only one, the request does.
    pub fn wait(&mut self, lane: usize, waiting: Waiting) {
        let task = self.open.task_of(lane).map(|task| task.id.clone());
        let task = task.filter(|_| self.open.tasks.len() > 1);
        self.push(RequestWaiting { request: self.request(), task, waiting });
    }

    /// The other way round.
    pub fn resume(&mut self, task: usize, because: &str) {
        let task = self.open.tasks.get(task).map(|task| task.id.clone());
        let task = task.filter(|_| self.open.tasks.len() > 1);
        self.push(RequestResumed { request: self.request(), task, because: because.to_owned() });
        self.waited = false;
    }

    pub fn give_up(&mut self, task: usize, why: String) {
        let Some(task) = self.open.tasks.get(task).map(|task| task.id.clone()) else { return };
        self.push(TaskClosed { request: self.request(), task, end: TaskEnd::GivenUp { why } });
    }

    /// A run that has no place was never begun, so there is nothing to stop and nobody to hear of its end.
    fn stop_what_has_no_place(&mut self) -> Result<(), Rejected> {
        let turns = Turns::of(self.look.state, self.look.limits);
        for lane in 0..self.open.lanes.len() {
            let run = self.open.lanes.get(lane).and_then(|lane| lane.at.run());
            let Some(Some(stop)) = run else { continue };
            let waits = |id: &AttemptId| !turns.may_run(id);
            let Some(attempt) = self.open.current(lane).map(|a| a.id.clone()).filter(waits) else { continue };
            let end = match stop {
                Stop::HandedOver => AttemptEnd::HandedOver,
                Stop::Cancelled | Stop::OutOfRace => AttemptEnd::Cancelled,
            };
            let usage = nothing();
            let duration_ms = Some(0);
            let ended = Ended { usage, duration_ms, ..Ended::without_a_trace(end) };
            run::finish(self, lane, attempt, ended)?;
        }
        Ok(())
    }

    /// Where a request has several tasks, or agents raced at one, each task's end is a fact.
    fn close_tasks(&mut self) {
        if !self.open.tells_tasks() {
            return;
        }
        for at in 0..self.open.tasks.len() {
            let Some(task) = self.open.tasks.get(at) else { continue };
            if task.end.is_none() && self.open.is_over(at) {
                let (request, task, end) = (self.request(), task.id.clone(), self.end_of(at));
                self.push(TaskClosed { request, task, end });
            }
        }
    }

    fn end_of(&self, task: usize) -> TaskEnd {
        let judged = self.open.tasks.get(task).and_then(|task| task.judged);
        let lane = judged.or_else(|| self.open.lanes_of(task).map(|(lane, _)| lane).next());
        match lane.and_then(|lane| self.open.lanes.get(lane)).map(|lane| &lane.at) {
            Some(Stand::Landed { commit }) => TaskEnd::Landed { commit: commit.clone() },
            Some(Stand::Out { why }) if !self.open.cancelled => TaskEnd::GivenUp { why: why.clone() },
            Some(
                Stand::Out { .. }
                | Stand::Cancelled
                | Stand::Idle
                | Stand::Briefing
                | Stand::Running { .. }
                | Stand::Checking { .. }
                | Stand::Proven { .. }
                | Stand::Landing { .. },
            )
            | None => TaskEnd::Cancelled,
        }
    }
}

fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1)
}
