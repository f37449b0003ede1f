//! The facts of one decision as they are made: each is applied to a copy of its request, so that the next one follows
//! from it by the very code that a replay runs.

use super::Look;
use crate::ids;
use crate::policy::{Pick, Question, Try};
use crate::rejected::Rejected;
use crate::state::Open;
use protocol::fact::*;
use protocol::*;

pub struct Draft<'a> {
    look: Look<'a>,
    pub open: Open,
    facts: Vec<Fact>,
}

impl<'a> Draft<'a> {
    pub fn new(look: Look<'a>, open: &Open) -> Self {
        Self { look, open: open.clone(), facts: Vec::new() }
    }

    /// The moment of the new facts is not known here; no decision may depend on it.
    pub fn push(&mut self, fact: impl Into<Fact>) {
        let fact = fact.into();
        self.open.apply(self.open.last, &fact);
        self.facts.push(fact);
    }

    pub fn done(self) -> Result<Vec<Fact>, Rejected> {
        Ok(self.facts)
    }

    pub fn request(&self) -> RequestId {
        self.open.request.clone()
    }

    pub fn ask<T>(&self, policy: impl FnOnce(&Question) -> T) -> T {
        let past: Vec<Try> = self.open.attempts.iter().map(Try::from).collect();
        policy(&Question {
            agents: &self.open.agents,
            wish: self.open.wish.as_ref(),
            past: &past,
            looked: self.open.looked,
            record: &self.look.state.record,
            limits: self.look.limits,
            now: self.open.last,
        })
    }

    /// The agent's next attempt.
    pub fn choose(&mut self, pick: Pick) -> Result<(), Rejected> {
        let request = self.request();
        let number = u32::try_from(self.open.attempts.len()).unwrap_or(u32::MAX).saturating_add(1);
        let (task, attempt) = (ids::task(&request)?, ids::attempt(&request, number)?);
        let Pick { agent, practice, why } = pick;
        self.push(AgentChosen { request, task, attempt, number, agent, practice, why, goes_on: None });
        Ok(())
    }

    pub fn wait(&mut self, waiting: Waiting) {
        self.push(RequestWaiting { request: self.request(), task: None, waiting });
    }
}
