//! The seven stages of a request as the user sees them: when each began and ended, what happened and why, in plain
//! words. A stage that is entered again keeps its first beginning and takes its last end. Tasks that run at the same time
//! each have a lane; a stage tells them one after the other.

use crate::lanes::{Lane, join};
use crate::words;
use protocol::fact::*;
use protocol::view::{Stage, StageView};
use protocol::{AgentId, At, AttemptId, TaskId};

#[derive(Debug)]
pub(crate) struct Board {
    /// What is happening now and why, or how it ended.
    pub now: String,
    /// What is about the request as a whole.
    whole: Lane,
    tracks: Vec<Track>,
    /// The stage that the request as a whole is in, while no task is at work.
    current: Stage,
    /// What the recording has written so far.
    recorded: Vec<String>,
    notes: usize,
}

/// A task on its way, or one agent's part in a race for it.
#[derive(Debug)]
struct Track {
    task: TaskId,
    /// Only in a race: the agent that it belongs to.
    agent: Option<AgentId>,
    part: usize,
    open: bool,
    attempts: Vec<AttemptId>,
    /// The agent at work, as it is called.
    who: String,
    current: Stage,
    checks: Vec<String>,
    now: String,
    lane: Lane,
}

impl Track {
    fn new(task: &TaskId, agent: Option<AgentId>, part: usize) -> Self {
        Self {
            task: task.clone(),
            part,
            open: true,
            attempts: Vec::new(),
            who: "the agent".into(),
            current: Stage::Choose,
            checks: Vec::new(),
            now: String::new(),
            lane: Lane::new(agent.as_ref().map_or_else(|| format!("part {part}"), ToString::to_string)),
            agent,
        }
    }

    /// No agent is at it, and its own lane has begun.
    fn waits(&self) -> bool {
        self.open && self.current == Stage::Choose && self.lane.has_begun(Stage::Choose)
    }

    fn enter(&mut self, stage: Stage, at: At, says: String) {
        self.current = stage;
        self.now.clone_from(&says);
        self.lane.enter(stage, at, says);
    }
}

impl Default for Board {
    fn default() -> Self {
        Self {
            now: String::new(),
            whole: Lane::new(String::new()),
            tracks: Vec::new(),
            current: Stage::Request,
            recorded: Vec::new(),
            notes: 0,
        }
    }
}

impl Board {
    pub fn stages(&self) -> Vec<StageView> {
        // What was said of the whole comes last: "…; live at …".
        let tracks = self.tracks.iter().map(|track| &track.lane);
        join(tracks.chain([&self.whole]))
    }

    /// What is happening to the task now, or how it ended.
    pub fn now_of(&self, task: &TaskId) -> String {
        let tracks: Vec<_> = self.tracks.iter().filter(|t| t.task == *task && !t.now.is_empty()).collect();
        let named = |track: &&Track| match track.agent {
            Some(_) if tracks.len() > 1 => format!("{}: {}", track.who, track.now),
            _ => track.now.clone(),
        };
        tracks.iter().map(named).collect::<Vec<_>>().join("; ")
    }

    pub fn tell(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.fact {
            Fact::RequestReceived(f) => {
                self.whole.pass(Stage::Request, at, words::received(f));
                self.current = Stage::Wake;
                self.now = "queued: waiting for its turn".into();
            }
            Fact::RequestOriented(f) => {
                self.whole.pass(Stage::Wake, at, words::oriented(f));
                self.enter(Stage::Choose, at, "choosing an agent".into());
            }
            Fact::PlanMade(f) => self.planned(at, f),
            Fact::AgentChosen(f) => self.chosen(at, f),
            Fact::TaskDeclared(f) => self.on(&f.attempt, |track| {
                track.lane.pass(Stage::Brief, at, words::brief(f));
                track.enter(Stage::Code, at, format!("{} is briefed and about to start", track.who));
            }),
            Fact::TaskSteered(_) => self.now = "your steering was passed on".into(),
            Fact::AttemptStarted(f) => self.on(&f.attempt, |track| {
                let version = f.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
                track.enter(Stage::Code, at, format!("{}{version} is at work", track.who));
            }),
            Fact::AttemptCheckpoint(f) => self.on(&f.attempt, |track| {
                track.enter(Stage::Code, at, format!("{} ({})", f.says, words::diff(f.diff)));
            }),
            Fact::AttemptAsked(f) => self.on(&f.attempt, |track| {
                track.enter(Stage::Code, at, words::asked(&track.who, f.ask_kind));
            }),
            Fact::AttemptAnswered(f) => self.on(&f.attempt, |track| {
                track.enter(Stage::Code, at, format!("{} has its answer and goes on", track.who));
            }),
            Fact::HandOverAsked(f) => self.on(&f.attempt, |track| {
                track.now = words::hand_over(&track.who, f.to.as_ref());
                track.lane.say(track.current, track.now.clone());
            }),
            Fact::AttemptFinished(f) => self.on(&f.attempt, |track| finished(track, at, f)),
            Fact::CheckFinished(f) => self.on(&f.attempt, |track| checked(track, at, words::check(f))),
            Fact::AttemptDiagnosed(f) => self.on(&f.attempt, |track| diagnosed(track, at, f)),
            Fact::RaceJudged(f) => self.judged(at, f),
            Fact::AttemptLanded(f) => self.on(&f.attempt, |track| checked(track, at, "landed".into())),
            Fact::TaskClosed(f) => self.task_closed(at, f),
            Fact::ReleaseLive(f) => self.live(at, f),
            Fact::ReleaseRolledBack(f) => {
                let says = format!("went back from {} to {}: {}", f.from, f.to, f.why);
                self.whole.stumble(Stage::Deploy, at, says);
            }
            Fact::RequestWaiting(f) => self.remark(f.task.as_ref(), words::waiting(&f.waiting)),
            Fact::RequestResumed(f) => self.remark(f.task.as_ref(), format!("goes on: {}", f.because)),
            Fact::CancelAsked(_) => self.now = "cancelling: stopping what runs".into(),
            Fact::StepCompleted(f) => self.record(at, format!("completed step {}: {}", f.number, f.title)),
            Fact::DeploymentRecorded(_) => self.record(at, "added the row to the deployments".into()),
            Fact::MemoryPushed(_) => self.notes += 1,
            Fact::RequestClosed(f) => self.closed(at, f),
            Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::DeploymentRated(_)
            | Fact::MemorySuperseded(_)
            | Fact::MemoryEnriched(_)
            | Fact::MemoryGraphEdited(_)
            | Fact::MemoryRecalled(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_) => {}
        }
    }

    fn planned(&mut self, at: At, f: &PlanMade) {
        self.whole.say(Stage::Choose, words::plan(f));
        for (task, part) in f.tasks.iter().zip(1..) {
            match task.agents.as_slice() {
                racers @ [_, _, ..] => {
                    let tracks = racers.iter().map(|agent| Track::new(&task.task, Some(agent.clone()), part));
                    self.tracks.extend(tracks);
                }
                [] | [_] => self.tracks.push(Track::new(&task.task, None, part)),
            }
        }
        if self.tracks.len() > 1 {
            for track in &mut self.tracks {
                track.enter(Stage::Choose, at, "waiting for its turn".into());
            }
        }
    }

    fn chosen(&mut self, at: At, f: &AgentChosen) {
        let mine = |track: &Track| track.task == f.task && track.agent.as_ref().is_none_or(|a| *a == f.agent);
        let known = self.tracks.iter().position(mine);
        // In a race one agent may take another's place; a journal may also hold a choice without a plan.
        let place = known.or_else(|| self.tracks.iter().position(|track| track.task == f.task));
        let place = place.unwrap_or_else(|| {
            self.tracks.push(Track::new(&f.task, None, self.tracks.len() + 1));
            self.tracks.len() - 1
        });
        // "choosing an agent" was said of the whole; from now on each task tells for itself.
        self.whole.pass(Stage::Choose, at, String::new());
        if let Some(track) = self.tracks.get_mut(place) {
            track.attempts.push(f.attempt.clone());
            track.who = if f.practice { "the practice agent".into() } else { f.agent.to_string() };
            track.lane.pass(Stage::Choose, at, words::chosen(f));
            let says = format!("putting the brief for {} together", track.who);
            track.enter(Stage::Brief, at, says);
        }
        self.label();
        self.tell_now(place);
    }

    /// A lane is called after its agent; where two have the same one, after the part too.
    fn label(&mut self) {
        let names: Vec<String> = self.tracks.iter().map(|track| track.who.clone()).collect();
        for track in self.tracks.iter_mut().filter(|track| !track.attempts.is_empty()) {
            let same = names.iter().filter(|name| **name == track.who).count();
            track.lane.label =
                if same > 1 { format!("{} (part {})", track.who, track.part) } else { track.who.clone() };
        }
    }

    fn on(&mut self, attempt: &AttemptId, change: impl FnOnce(&mut Track)) {
        let place = self.tracks.iter().position(|track| track.attempts.contains(attempt));
        if let Some(track) = place.and_then(|place| self.tracks.get_mut(place)) {
            change(track);
        }
        place.into_iter().for_each(|place| self.tell_now(place));
    }

    fn tell_now(&mut self, place: usize) {
        let several = self.tracks.len() > 1;
        if let Some(track) = self.tracks.get(place) {
            self.now =
                if several { format!("{}: {}", track.lane.label, track.now) } else { track.now.clone() };
        }
    }

    fn judged(&mut self, at: At, f: &RaceJudged) {
        for track in self.tracks.iter_mut().filter(|track| track.task == f.task) {
            let won = track.attempts.contains(&f.winner);
            track.lane.end(at);
            track.checks.push(if won { format!("taken: {}", f.why) } else { "not taken".into() });
            let says = track.checks.join(", ");
            if won {
                track.enter(Stage::Deploy, at, says);
            } else {
                track.lane.pass(Stage::Deploy, at, says);
                track.now = "not taken".into();
            }
        }
        self.now = words::judged(f);
    }

    fn task_closed(&mut self, at: At, f: &TaskClosed) {
        for track in self.tracks.iter_mut().filter(|track| track.task == f.task) {
            track.lane.end(at);
            track.open = false;
            track.now = words::task_end(&f.end);
        }
        if self.tracks.len() > 1
            && let Some(place) = self.tracks.iter().position(|track| track.task == f.task)
        {
            self.tell_now(place);
        }
    }

    fn live(&mut self, at: At, f: &ReleaseLive) {
        self.tracks.iter_mut().for_each(|track| track.lane.end(at));
        self.whole.pass(Stage::Deploy, at, format!("live at {}", f.url));
        self.enter(Stage::Record, at, "writing down what happened".into());
    }

    /// Said where the request stands; no stage begins or ends by it.
    fn remark(&mut self, task: Option<&TaskId>, why: String) {
        let meant = |track: &&mut Track| task.is_none_or(|task| track.task == *task);
        let mut idle = self.tracks.iter_mut().filter(meant).filter(|track| track.waits()).peekable();
        if idle.peek().is_none() {
            self.whole.say(self.current, why.clone());
        }
        for track in idle {
            track.now.clone_from(&why);
            track.lane.say(Stage::Choose, why.clone());
        }
        self.now = why;
    }

    fn enter(&mut self, stage: Stage, at: At, says: String) {
        self.current = stage;
        self.now.clone_from(&says);
        self.whole.enter(stage, at, says);
    }

    fn record(&mut self, at: At, what: String) {
        self.recorded.push(what);
        let says = self.recorded.join(", ");
        self.enter(Stage::Record, at, says);
    }

    fn closed(&mut self, at: At, f: &RequestClosed) {
        self.tracks.iter_mut().for_each(|track| track.lane.end(at));
        self.whole.end(at);
        match self.notes {
            0 => {}
            1 => self.recorded.push("remembered 1 note".into()),
            notes => self.recorded.push(format!("remembered {notes} notes")),
        }
        let says = if self.recorded.is_empty() { "closed".into() } else { self.recorded.join(", ") };
        self.whole.pass(Stage::Record, at, says);
        self.now = format!("{}: {}", words::outcome(f.outcome), f.why);
    }
}

fn finished(track: &mut Track, at: At, f: &AttemptFinished) {
    let says = words::finished(&track.who, f);
    track.lane.pass(Stage::Code, at, says.clone());
    track.checks.clear();
    if f.end == AttemptEnd::TurnEnded {
        track.enter(Stage::Deploy, at, "checking the change".into());
    } else {
        track.now = says;
    }
}

fn checked(track: &mut Track, at: At, what: String) {
    track.checks.push(what);
    let says = track.checks.join(", ");
    track.enter(Stage::Deploy, at, says);
}

/// The stage where it went wrong stumbled, and the loop is back at choosing.
fn diagnosed(track: &mut Track, at: At, f: &AttemptDiagnosed) {
    let stage = match f.what.as_str() {
        "agent" | "no change" => Stage::Code,
        _ => Stage::Deploy,
    };
    track.lane.stumble(stage, at, format!("{}: {}", f.what, f.summary));
    track.enter(Stage::Choose, at, f.next.clone());
    track.now = format!("{}: {}; {}", f.what, f.summary, f.next);
}
