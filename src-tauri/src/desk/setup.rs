//! A server's set-up as it is watched from here: its journal as far as it came, and how long each step took before.

use super::{Kept, Tell};
use protocol::desk::{DeskAnswer, DeskEvent, KnownStep, Place};
use protocol::setup::{Plan, SetupEntry, SetupEvent, SetupState, Work};
use remote::Entry;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Of each step: its title and the milliseconds of its last run, on whatever server. Cheap to clone.
#[derive(Clone)]
pub struct Times(Arc<Kept<BTreeMap<String, Time>>>);

#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
struct Time {
    title: String,
    #[serde(default)]
    usual: Option<u64>,
}

impl Times {
    pub fn open(file: PathBuf) -> Self {
        Self(Arc::new(Kept::open(file)))
    }

    /// Seconds that what is to be done took the last time; none when one of its steps was never done.
    pub fn of(&self, plan: &Plan) -> Option<u64> {
        let times = self.0.get();
        let ahead = plan.steps.iter().filter(|step| !step.changes().is_empty());
        let millis = ahead.map(|step| times.get(&step.id)?.usual).sum::<Option<u64>>()?;
        Some(millis.div_ceil(1000)).filter(|seconds| *seconds > 0)
    }

    /// What the steps are called.
    fn name(&self, plan: Plan) {
        self.change(|times| {
            for step in plan.steps {
                times.entry(step.id).or_default().title = step.title;
            }
        });
    }

    fn took(&self, step: &str, millis: u64) {
        self.change(|times| times.entry(step.to_owned()).or_default().usual = Some(millis));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Time>)) {
        let before = self.0.get();
        let mut times = before.clone();
        change(&mut times);
        if times == before {
            return;
        }
        if let Err(error) = self.0.set(times) {
            tracing::warn!(%error, "how long the steps took was not kept");
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Setup {
    place: Place,
    log: Arc<Mutex<Log>>,
    times: Times,
    tell: Tell,
}

#[derive(Default)]
struct Log {
    entries: Vec<SetupEntry>,
    following: bool,
    /// Somebody is at work on the server, as far as it is heard.
    works: bool,
}

impl Setup {
    pub fn new(place: Place, times: Times, tell: Tell) -> Self {
        Self { place, log: Arc::default(), times, tell }
    }

    pub fn planned(&self, plan: Option<Plan>) {
        plan.into_iter().for_each(|plan| self.times.name(plan));
    }

    fn take(&self, entry: SetupEntry) {
        if let SetupEvent::StepDone { step, undo: false, millis, changes: 1.. } = &entry.event {
            self.times.took(step, *millis);
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
        DeskAnswer::Setup { entries, state, steps: self.times.0.get().into_iter().map(step).collect() }
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
    use protocol::setup::{Change, PlannedStep, StepPlan};

    #[test]
    fn how_long_it_takes_is_known_once_each_step_was_done() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Times::open(dir.path().join("steps.json"));
        let step =
            |id: &str, state| PlannedStep { id: id.into(), title: id.into(), why: String::new(), state };
        let needed = || StepPlan::Needed { changes: vec![Change::Package { name: "git".into() }] };
        let plan = |steps| Plan { hash: "p".into(), steps, takes: None };
        let whole = plan(vec![
            step("packages", needed()),
            step("node", needed()),
            step("clock", StepPlan::Satisfied),
        ]);
        let nobody = Tell { window: Arc::new(|_| ()), user: Arc::new(|_, _| ()) };
        let setup = Setup::new("at-web-1".into(), open(), nobody);
        let done = |seq, step: &str, millis, changes| {
            let event = SetupEvent::StepDone { step: step.into(), undo: false, millis, changes };
            setup.take(SetupEntry { seq, at: At(7), event });
        };
        assert_eq!(setup.times.of(&whole), None);
        done(1, "packages", 15_200, 3);
        assert_eq!(setup.times.of(&whole), None, "node was never done");
        done(2, "node", 4_000, 1);
        // One that was cut after its last effect says nothing of its time.
        done(3, "node", 1, 0);
        assert_eq!(open().of(&whole), Some(20), "known to the next start, too");
        assert_eq!(setup.times.of(&plan(vec![step("clock", StepPlan::Satisfied)])), None);
    }
}
