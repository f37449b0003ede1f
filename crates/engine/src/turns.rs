//! Whose turn it is, where not all can have what they need at once: a place to run, or a project's main branch. Served in
//! the order in which they began to wait. Nobody who was let in is put out again by others, whatever comes or ends: what
//! runs is not stopped for want of a place.

use crate::limits::Limits;
use crate::state::{Attempt, Line, Open, Stand, State};
use protocol::{AgentId, AttemptId, ProjectId};
use std::collections::{BTreeMap, BTreeSet};

pub struct Turns<'a> {
    runs: BTreeSet<&'a AttemptId>,
    main: BTreeMap<&'a ProjectId, u64>,
}

impl<'a> Turns<'a> {
    pub fn of(state: &'a State, limits: &Limits) -> Self {
        let open = || state.awake.values().filter_map(|request| state.open.get(request));
        Self { runs: runs(open().flat_map(waiting_to_run), limits), main: heads(open()) }
    }

    pub fn may_run(&self, attempt: &AttemptId) -> bool {
        self.runs.contains(attempt)
    }

    pub fn has_main(&self, project: &ProjectId, turn: u64) -> bool {
        self.main.get(project) == Some(&turn)
    }
}

struct Run<'a> {
    attempt: &'a Attempt,
    turn: u64,
    /// It runs already, or must come up to be stopped.
    inside: bool,
}

fn waiting_to_run(open: &Open) -> impl Iterator<Item = Run<'_>> {
    open.lanes.iter().enumerate().filter_map(|(at, lane)| {
        let attempt = open.current(at)?;
        let (Stand::Running { stop }, Some((Line::Run, turn))) = (&lane.at, lane.turn) else { return None };
        Some(Run { attempt, turn, inside: attempt.started || stop.is_some() })
    })
}

fn runs<'a>(wanted: impl Iterator<Item = Run<'a>>, limits: &Limits) -> BTreeSet<&'a AttemptId> {
    let mut wanted: Vec<Run> = wanted.collect();
    wanted.sort_by_key(|run| (!run.inside, run.turn));
    let mut granted = BTreeSet::new();
    let mut by_agent: BTreeMap<&AgentId, usize> = BTreeMap::new();
    for run in wanted {
        let of_agent = by_agent.entry(&run.attempt.agent).or_default();
        let room = granted.len() < limits.at_once.max(1) && *of_agent < limits.runs_of(&run.attempt.agent);
        if run.inside || room {
            *of_agent += 1;
            granted.insert(&run.attempt.id);
        }
    }
    granted
}

/// The lowest turn at each project's main branch.
fn heads<'a>(open: impl Iterator<Item = &'a Open>) -> BTreeMap<&'a ProjectId, u64> {
    let mut heads: BTreeMap<&ProjectId, u64> = BTreeMap::new();
    for open in open {
        let of_lanes = open.lanes.iter().filter_map(|lane| match lane.turn {
            Some((Line::Main, turn)) => Some(turn),
            Some((Line::Run, _)) | None => None,
        });
        for turn in of_lanes.chain(open.turn) {
            heads.entry(&open.project).and_modify(|head| *head = turn.min(*head)).or_insert(turn);
        }
    }
    heads
}
