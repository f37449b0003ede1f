//! A server's set-up as it is watched from here: its journal as far as it came, and how long each step took before.

use super::{Kept, Tell};
use protocol::desk::{DeskAnswer, DeskEvent, KnownStep, Place};
use protocol::setup::{Plan, SetupEntry, SetupEvent, SetupState, Work};
use remote::Entry;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Cheap to clone.
#[derive(Clone)]
pub struct Setup {
    place: Place,
    log: Arc<Mutex<Log>>,
    /// Of each step: its title and the milliseconds of its last run, on whatever server.
    times: Arc<Kept<BTreeMap<String, Time>>>,
    tell: Tell,
}

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Time {
    title: String,
    #[serde(default)]
    usual: Option<u64>,
}

#[derive(Default)]
struct Log {
    entries: Vec<SetupEntry>,
    following: bool,
    /// Somebody is at work on the server, as far as it is heard.
    works: bool,
}

impl Setup {
    pub fn new(place: Place, times: PathBuf, tell: Tell) -> Self {
        Self { place, log: Arc::default(), times: Arc::new(Kept::open(times)), tell }
    }

    /// What the steps are called.
    pub fn planned(&self, plan: Option<Plan>) {
        let mut times = self.times.get();
        for step in plan.into_iter().flat_map(|plan| plan.steps) {
            times.entry(step.id).or_default().title = step.title;
        }
        self.remember(times);
    }

    fn remember(&self, times: BTreeMap<String, Time>) {
        if let Err(error) = self.times.set(times) {
            tracing::warn!(%error, "how long the steps took was not kept");
        }
    }

    fn take(&self, entry: SetupEntry) {
        if let SetupEvent::StepDone { step, undo: false, millis, .. } = &entry.event {
            let mut times = self.times.get();
            times.entry(step.clone()).or_default().usual = Some(*millis);
            self.remember(times);
        }
        let seq = entry.seq;
        {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.entries.last().is_none_or(|last| last.seq < seq) {
                log.entries.push(entry);
                log.works = true;
            }
        }
        self.tell.event(DeskEvent::Setup { place: self.place.clone(), seq });
    }

    fn last(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).entries.last().map_or(0, |entry| entry.seq)
    }

    /// Watches a run to its end, or to that of the connection. One at a time. `works`: it is known that somebody is at work;
    /// a run that was cut is watched, too, for it may go on by itself.
    pub fn follow(&self, entry: Entry, works: bool) {
        let began = {
            let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
            log.works |= works;
            !std::mem::replace(&mut log.following, true)
        };
        if !began {
            return;
        }
        let setup = self.clone();
        tokio::spawn(async move {
            match entry.follow(setup.last()).await {
                Ok(mut run) => {
                    while let Some(Ok(entry)) = run.next().await {
                        setup.take(entry);
                    }
                }
                Err(error) => tracing::warn!(place = setup.place, %error, "the set-up is not heard"),
            }
            {
                let mut log = setup.log.lock().unwrap_or_else(PoisonError::into_inner);
                (log.following, log.works) = (false, false);
            }
            // A run that is not heard any more looks like that.
            setup.tell.event(DeskEvent::Setup { place: setup.place.clone(), seq: setup.last() });
        });
    }

    /// Brings the log up to date where the server can be asked.
    pub async fn refresh(&self, entry: &Entry) {
        match entry.status(self.last()).await {
            Ok(entries) => entries.into_iter().for_each(|entry| self.take(entry)),
            Err(error) => tracing::warn!(place = self.place, %error, "the set-up's journal was not read"),
        }
    }

    /// Whether the server itself keeps what was wished for.
    pub fn was_applied(&self) -> bool {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.entries
            .iter()
            .any(|entry| matches!(entry.event, SetupEvent::Started { work: Work::Apply | Work::Repair, .. }))
    }

    pub fn is_followed(&self) -> bool {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).following
    }

    /// What came after a number, and where the set-up stands by it.
    pub fn after(&self, after: u64, known: Option<SetupState>) -> DeskAnswer {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let entries = log.entries.iter().filter(|entry| entry.seq > after).cloned().collect();
        let heard = log.following && log.works;
        let state = state(&log.entries, heard).or(known).unwrap_or(SetupState::Never);
        let step = |(step, time): (String, Time)| KnownStep { step, title: time.title, usual: time.usual };
        DeskAnswer::Setup { entries, state, steps: self.times.get().into_iter().map(step).collect() }
    }
}

/// Where it stands by its journal; none before there is one. A run without an end runs as long as it is heard.
fn state(entries: &[SetupEntry], heard: bool) -> Option<SetupState> {
    Some(SetupState::of(entries, heard)).filter(|state| *state != SetupState::Never)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;
    use protocol::setup::{Obstacle, ObstacleKind};

    #[test]
    fn where_a_set_up_stands_is_read_out_of_its_journal() {
        let started = SetupEvent::Started {
            work: Work::Apply,
            version: "1".into(),
            plan: "p".into(),
            steps: vec!["users".into()],
            resumed: false,
        };
        let obstacle = Obstacle {
            kind: ObstacleKind::Port,
            cause: "port 80 is held by nginx".into(),
            action: "stop it".into(),
            choices: vec![],
        };
        let blocked = SetupEvent::Blocked { step: "ports".into(), obstacle };
        let finished = |ok| SetupEvent::Finished { work: Work::Apply, ok, changes: 1, millis: 5 };
        let log = |events: Vec<SetupEvent>| -> Vec<SetupEntry> {
            (1..).zip(events).map(|(seq, event)| SetupEntry { seq, at: At(7), event }).collect()
        };
        assert_eq!(state(&[], true), None);
        assert_eq!(
            state(&log(vec![started.clone()]), true),
            Some(SetupState::Running { work: Work::Apply, seq: 1 })
        );
        assert_eq!(
            state(&log(vec![started.clone()]), false),
            Some(SetupState::Unfinished { work: Work::Apply, seq: 1 })
        );
        let stuck = state(&log(vec![started.clone(), blocked, finished(false)]), false);
        assert!(matches!(stuck, Some(SetupState::Blocked { seq: 3, .. })), "{stuck:?}");
        let done = Some(SetupState::Done { seq: 2, at: At(7) });
        assert_eq!(state(&log(vec![started.clone(), finished(true)]), false), done);
        // The way in alone is no set-up; beside one it changes nothing.
        let way_in = |ok| SetupEvent::Finished { work: Work::Begin, ok, changes: 9, millis: 5 };
        let cut = state(&log(vec![started.clone(), way_in(true)]), false);
        assert_eq!(cut, Some(SetupState::Unfinished { work: Work::Apply, seq: 2 }));
        let again = vec![started.clone(), finished(true), started, way_in(true)];
        assert!(matches!(state(&log(again), false), Some(SetupState::Done { .. })));
    }
}
