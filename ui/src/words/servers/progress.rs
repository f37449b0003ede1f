//! A set-up as it is watched: its journal, folded into what each step does now. Nothing else is known or kept, so that a
//! window that was closed shows the same when it is opened again.

use super::plan::change;
use super::step_name;
use crate::words::{counted, sentence, time};
use protocol::At;
use protocol::desk::KnownStep;
use protocol::setup::{Obstacle, SetupEntry, SetupEvent, Work};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// What the run is; none before anything is known of one.
    pub work: Option<Work>,
    pub version: String,
    /// It went on after a cut.
    pub resumed: bool,
    pub started: Option<At>,
    pub steps: Vec<Step>,
    /// What was left as it is, and why.
    pub kept: Vec<(String, String)>,
    pub end: Option<End>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub id: String,
    pub title: String,
    pub state: State,
    /// What happens now, with how far it is.
    pub doing: Option<Doing>,
    /// How long it took before.
    pub usual: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Doing {
    pub words: String,
    pub done: Option<u64>,
    pub of: Option<u64>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum State {
    Ahead,
    Running { since: At },
    Waiting { since: At, obstacle: Obstacle },
    Done { millis: u64, changes: u32 },
    Blocked { obstacle: Obstacle },
    Failed { obstacle: Obstacle },
}

impl State {
    pub fn slug(&self) -> &'static str {
        match self {
            Self::Ahead => "ahead",
            Self::Running { .. } => "running",
            Self::Waiting { .. } => "waiting",
            Self::Done { .. } => "done",
            Self::Blocked { .. } => "blocked",
            Self::Failed { .. } => "failed",
        }
    }
    /// The mark before its name, and what it is read out as.
    pub fn mark(&self) -> (&'static str, &'static str) {
        match self {
            Self::Ahead => ("·", "to come"),
            Self::Running { .. } => ("◐", "at work"),
            Self::Waiting { .. } => ("…", "waits"),
            Self::Done { .. } => ("✓", "done"),
            Self::Blocked { .. } => ("!", "needs you"),
            Self::Failed { .. } => ("✕", "failed"),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    pub ok: bool,
    pub changes: u32,
    pub millis: u64,
}

pub fn progress(entries: &[SetupEntry], known: &[KnownStep]) -> Progress {
    let mut run = Progress::default();
    // Another desktop that comes to a server which is set up is let in, and nothing else begins by that.
    let (mut is_set_up, mut let_in) = (false, false);
    for entry in entries {
        match &entry.event {
            SetupEvent::Started { work, .. } => let_in = is_set_up && *work == Work::Begin,
            SetupEvent::Finished { work: Work::Remove, ok: true, .. } => is_set_up = false,
            SetupEvent::Finished { work: Work::Apply | Work::Repair, ok: true, .. } => is_set_up = true,
            _ => {}
        }
        if !let_in {
            run.hear(entry, known);
        }
    }
    run
}

impl Progress {
    fn hear(&mut self, entry: &SetupEntry, known: &[KnownStep]) {
        let at = entry.at;
        match &entry.event {
            SetupEvent::Started { work, version, steps, resumed, .. } => {
                // What was done before the cut stays done; so does what the app's way in took.
                let goes_on = *resumed || self.work == Some(Work::Begin);
                let before = if goes_on { std::mem::take(&mut self.steps) } else { Vec::new() };
                *self = Self {
                    work: Some(*work),
                    version: version.clone(),
                    resumed: *resumed,
                    started: Some(at),
                    ..Self::default()
                };
                self.steps = steps.iter().map(|id| step(id, &before, known)).collect();
            }
            SetupEvent::StepStarted { step, .. } => {
                self.put(step, known, State::Running { since: at }, None);
                self.pass(step);
            }
            SetupEvent::Doing { step, words, done, of } => {
                let doing = Doing { words: sentence(words), done: *done, of: *of };
                let since = self.since(step).unwrap_or(at);
                self.put(step, known, State::Running { since }, Some(doing));
            }
            SetupEvent::Waiting { step, obstacle } => {
                let since = match self.steps.iter().find(|s| s.id == *step).map(|s| &s.state) {
                    Some(State::Waiting { since, .. }) => *since,
                    _ => at,
                };
                self.put(step, known, State::Waiting { since, obstacle: obstacle.clone() }, None);
            }
            SetupEvent::Intent { .. } | SetupEvent::Wrote { .. } => {}
            SetupEvent::StepDone { step, millis, changes, .. } => {
                self.put(step, known, State::Done { millis: *millis, changes: *changes }, None);
            }
            SetupEvent::Blocked { step, obstacle } => {
                self.put(step, known, State::Blocked { obstacle: obstacle.clone() }, None);
            }
            SetupEvent::Failed { step, obstacle } => {
                self.put(step, known, State::Failed { obstacle: obstacle.clone() }, None);
            }
            SetupEvent::Kept { what, why, .. } => self.kept.push((change(what), sentence(why))),
            // The app has its way in; the set-up itself comes after it.
            SetupEvent::Finished { work: Work::Begin, ok: true, .. } => {}
            SetupEvent::Finished { work, ok, changes, millis } => {
                if *ok {
                    self.pass("");
                }
                self.work = Some(*work);
                self.end = Some(End { ok: *ok, changes: *changes, millis: *millis });
            }
        }
    }

    /// Steps are done in their order, and one that had nothing to change says nothing: those before this one are over.
    fn pass(&mut self, until: &str) {
        for step in self.steps.iter_mut().take_while(|step| step.id != until) {
            if step.state == State::Ahead {
                step.state = State::Done { millis: 0, changes: 0 };
            }
        }
    }

    fn since(&self, step: &str) -> Option<At> {
        self.steps.iter().find(|s| s.id == step).and_then(|s| match s.state {
            State::Running { since } => Some(since),
            _ => None,
        })
    }

    /// A step that the run did not announce is shown too.
    fn put(&mut self, id: &str, known: &[KnownStep], state: State, doing: Option<Doing>) {
        if !self.steps.iter().any(|step| step.id == id) {
            self.steps.push(step(id, &[], known));
        }
        if let Some(step) = self.steps.iter_mut().find(|step| step.id == id) {
            step.state = state;
            step.doing = doing;
        }
    }

    /// The step that one looks at: what runs, waits or stopped.
    pub fn current(&self) -> Option<&Step> {
        self.steps.iter().find(|s| !matches!(s.state, State::Ahead | State::Done { .. }))
    }

    /// What stopped it, and in which step.
    pub fn stopped(&self) -> Option<(&Step, &Obstacle)> {
        self.steps.iter().find_map(|step| match &step.state {
            State::Blocked { obstacle } | State::Failed { obstacle } => Some((step, obstacle)),
            State::Ahead | State::Running { .. } | State::Waiting { .. } | State::Done { .. } => None,
        })
    }

    pub fn done(&self) -> usize {
        self.steps.iter().filter(|s| matches!(s.state, State::Done { .. })).count()
    }

    /// Milliseconds still to go, from earlier runs; none when one of the steps to come was never run before.
    pub fn left(&self, now: At) -> Option<u64> {
        if self.steps.is_empty() {
            return None;
        }
        self.steps.iter().try_fold(0u64, |sum, step| match step.state {
            State::Done { .. } => Some(sum),
            State::Running { since } => Some(sum + step.usual?.saturating_sub(now.since(since))),
            State::Waiting { .. } | State::Blocked { .. } | State::Failed { .. } => None,
            State::Ahead => Some(sum + step.usual?),
        })
    }

    /// One line on how far it is.
    pub fn says(&self, now: At) -> String {
        if let Some(end) = self.end {
            let took = time::duration(end.millis);
            return match (end.ok, end.changes) {
                (true, 0) => format!("Nothing had to be changed. It took {took}."),
                (true, n) => format!("{} made. It took {took}.", counted(u64::from(n), "change", "changes")),
                (false, n) => {
                    format!(
                        "It stopped after {took}, with {} made. What is done stays.",
                        counted(u64::from(n), "change", "changes")
                    )
                }
            };
        }
        let Some(started) = self.started else { return "It is about to begin.".to_owned() };
        let gone = time::elapsed(now.since(started));
        let left = match (self.left(now), self.current().map(|s| &s.state)) {
            (_, Some(State::Waiting { .. })) => "it waits, so how long is unknown".to_owned(),
            (Some(0), _) => "any moment now, by earlier runs".to_owned(),
            (Some(left), _) => format!("about {} left, by earlier runs", time::elapsed(left)),
            (None, _) => "time left unknown: there was no such run yet".to_owned(),
        };
        format!(
            "Step {} of {} · {gone} so far · {left}",
            (self.done() + 1).min(self.steps.len()),
            self.steps.len()
        )
    }
}

fn step(id: &str, before: &[Step], known: &[KnownStep]) -> Step {
    let known = known.iter().find(|k| k.step == id);
    let done = before.iter().find(|s| s.id == id).filter(|s| matches!(s.state, State::Done { .. }));
    Step {
        id: id.to_owned(),
        title: known.map_or_else(|| step_name(id), |k| k.title.clone()),
        state: done.map_or(State::Ahead, |s| s.state.clone()),
        doing: None,
        usual: known.and_then(|k| k.usual),
    }
}

/// A line of the log, without its time.
pub fn log(event: &SetupEvent) -> String {
    match event {
        SetupEvent::Started { work, version, resumed: false, .. } => {
            format!("{} begins, by version {version}", super::link::name(*work))
        }
        SetupEvent::Started { work, version, resumed: true, .. } => {
            format!("{} goes on after a cut, by version {version}", super::link::name(*work))
        }
        SetupEvent::StepStarted { step, undo: false } => format!("{step}: begins"),
        SetupEvent::StepStarted { step, undo: true } => format!("{step}: is taken back"),
        SetupEvent::Doing { step, words, done, of } => {
            let far = match (done, of) {
                (Some(done), Some(of)) => format!(" ({done} of {of})"),
                (Some(done), None) => format!(" ({done})"),
                (None, _) => String::new(),
            };
            format!("{step}: {words}{far}")
        }
        SetupEvent::Waiting { step, obstacle } => format!("{step}: waits: {}", obstacle.cause),
        SetupEvent::Intent { step, receipt } => {
            format!("{step}: about to change {}", change(&receipt.change))
        }
        SetupEvent::Wrote { step, receipt } => format!("{step}: changed {}", change(&receipt.change)),
        SetupEvent::StepDone { step, undo, millis, changes } => {
            let what = if *undo { "taken back" } else { "done and verified" };
            let took = time::duration(*millis);
            format!("{step}: {what}, {}, {took}", counted(u64::from(*changes), "change", "changes"))
        }
        SetupEvent::Blocked { step, obstacle } => {
            format!("{step}: blocked: {} → {}", obstacle.cause, obstacle.action)
        }
        SetupEvent::Failed { step, obstacle } => {
            format!("{step}: failed: {} → {}", obstacle.cause, obstacle.action)
        }
        SetupEvent::Kept { step, what, why } => format!("{step}: left {}: {why}", change(what)),
        SetupEvent::Finished { work, ok, changes, millis } => {
            let how = if *ok { "is complete" } else { "stopped" };
            let took = time::duration(*millis);
            format!(
                "{} {how}: {}, {took}",
                super::link::name(*work),
                counted(u64::from(*changes), "change", "changes")
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::servers::sample::{entry, known, obstacle, run};

    fn states(run: &Progress) -> Vec<&'static str> {
        run.steps.iter().map(|s| s.state.slug()).collect()
    }

    #[test]
    fn the_journal_tells_where_each_step_is() {
        let entries = run();
        let at = |n: usize| progress(&entries[..n], &known());
        assert_eq!(at(0), Progress::default());
        assert_eq!(at(0).says(At(0)), "It is about to begin.");
        assert_eq!(states(&at(1)), ["ahead", "ahead", "ahead"]);
        assert_eq!(states(&at(2)), ["running", "ahead", "ahead"]);
        assert_eq!(states(&at(3)), ["done", "ahead", "ahead"]);
        let working = at(5);
        assert_eq!(states(&working), ["done", "running", "ahead"]);
        let step = working.current().unwrap();
        assert_eq!(step.title, "Packages of the system");
        assert_eq!(step.doing.as_ref().unwrap().words, "Fetching git.");
        assert_eq!(working.steps[2].title, "Units", "a step that no plan told is named by its id");
    }

    #[test]
    fn time_left_is_of_earlier_runs_or_unknown() {
        let entries = run();
        let mut steps = known();
        let partly = progress(&entries[..5], &steps);
        assert_eq!(partly.left(At(10_000)), None, "the last step was never run");
        assert!(partly.says(At(10_000)).ends_with("time left unknown: there was no such run yet"));
        steps.push(KnownStep { step: "units".into(), title: "Services".into(), usual: Some(8_000) });
        let all = progress(&entries[..5], &steps);
        // Packages take 20 s and began at 3 s; units take 8 s.
        assert_eq!(all.left(At(10_000)), Some(13_000 + 8_000));
        assert_eq!(all.says(At(10_000)), "Step 2 of 3 · 9 s so far · about 21 s left, by earlier runs");
        assert_eq!(
            all.left(At(100_000)),
            Some(8_000),
            "what takes longer than ever is not less than nothing"
        );
    }

    #[test]
    fn waiting_and_stopping_are_not_the_same() {
        let mut entries = run()[..5].to_vec();
        entries.push(entry(6, 6_000, SetupEvent::Waiting { step: "packages".into(), obstacle: obstacle() }));
        entries.push(entry(7, 9_000, SetupEvent::Waiting { step: "packages".into(), obstacle: obstacle() }));
        let waits = progress(&entries, &known());
        assert!(matches!(waits.current().unwrap().state, State::Waiting { since: At(6_000), .. }));
        assert_eq!(waits.stopped(), None);
        assert!(waits.says(At(9_000)).ends_with("it waits, so how long is unknown"));
        entries.push(entry(8, 9_500, SetupEvent::Failed { step: "packages".into(), obstacle: obstacle() }));
        entries.push(entry(
            9,
            9_600,
            SetupEvent::Finished { work: Work::Apply, ok: false, changes: 2, millis: 8_600 },
        ));
        let failed = progress(&entries, &known());
        assert_eq!(failed.stopped().unwrap().0.id, "packages");
        assert_eq!(failed.says(At(0)), "It stopped after 8.6 s, with 2 changes made. What is done stays.");
    }

    #[test]
    fn what_was_done_before_a_cut_stays_done() {
        let mut entries = run()[..5].to_vec();
        let again = SetupEvent::Started {
            work: Work::Apply,
            version: "0.1.0".into(),
            plan: "p".into(),
            steps: vec!["users".into(), "packages".into(), "units".into()],
            resumed: true,
        };
        entries.push(entry(6, 60_000, again.clone()));
        let resumed = progress(&entries, &known());
        assert!(resumed.resumed);
        assert_eq!(states(&resumed), ["done", "ahead", "ahead"]);
        let anew = SetupEvent::Started {
            work: Work::Repair,
            version: "0.1.0".into(),
            plan: "q".into(),
            steps: vec!["users".into()],
            resumed: false,
        };
        entries.push(entry(7, 70_000, anew));
        assert_eq!(states(&progress(&entries, &known())), ["ahead"], "another run begins at its beginning");
    }

    #[test]
    fn the_end_says_what_was_changed_and_every_event_has_a_line() {
        let entries = run();
        let done = progress(&entries, &known());
        assert_eq!(states(&done), ["done", "done", "done"]);
        assert_eq!(done.says(At(0)), "7 changes made. It took 24 s.");
        assert_eq!(done.current(), None);
        let lines: Vec<String> = entries.iter().map(|e| log(&e.event)).collect();
        assert_eq!(lines[0], "The set-up begins, by version 0.1.0");
        assert_eq!(lines[2], "users: done and verified, 3 changes, 1.0 s");
        assert_eq!(lines[4], "packages: fetching git (1 of 4)");
        assert!(lines.iter().all(|line| !line.is_empty()));
    }
}
