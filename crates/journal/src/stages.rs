//! The seven stages of a request as the user sees them: when each began and ended, what happened and why, in plain
//! words. A stage that is entered again keeps its first beginning and takes its last end.

use crate::words;
use protocol::At;
use protocol::fact::*;
use protocol::view::{Stage, StageView};

#[derive(Debug)]
pub(crate) struct Board {
    pub stages: [StageView; 7],
    /// What is happening now and why, or how it ended.
    pub now: String,
    /// The stage that runs, or that would go on after a wait.
    current: Stage,
    agent: String,
    /// What the recording has written so far.
    recorded: Vec<String>,
    notes: usize,
    checks: Vec<String>,
}

impl Default for Board {
    fn default() -> Self {
        let empty =
            |stage| StageView { stage, started: None, ended: None, says: String::new(), stumbled: false };
        Self {
            stages: Stage::ALL.map(empty),
            now: String::new(),
            current: Stage::Request,
            agent: "the agent".into(),
            recorded: Vec::new(),
            notes: 0,
            checks: Vec::new(),
        }
    }
}

impl Board {
    pub fn tell(&mut self, entry: &Entry) {
        let at = entry.at;
        match &entry.fact {
            Fact::RequestReceived(f) => {
                self.pass(Stage::Request, at, words::received(f));
                self.current = Stage::Wake;
                self.now = "queued: waiting for its turn".into();
            }
            Fact::RequestOriented(f) => {
                self.pass(Stage::Wake, at, words::oriented(f));
                self.enter(Stage::Choose, at, "choosing an agent".into());
            }
            Fact::PlanMade(f) => self.say(Stage::Choose, words::plan(f)),
            Fact::AgentChosen(f) => self.chosen(at, f),
            Fact::TaskDeclared(f) => {
                self.pass(Stage::Brief, at, words::brief(f));
                self.enter(Stage::Code, at, format!("starting {}", self.agent));
            }
            Fact::TaskSteered(_) => self.now = "your steering was passed on".into(),
            Fact::AttemptStarted(f) => self.started(at, f),
            Fact::AttemptCheckpoint(f) => {
                self.enter(Stage::Code, at, format!("{} ({})", f.says, words::diff(f.diff)));
            }
            Fact::AttemptFinished(f) => self.finished(at, f),
            Fact::CheckFinished(f) => self.checked(at, words::check(f), ""),
            Fact::AttemptDiagnosed(f) => self.diagnosed(at, f),
            Fact::AttemptLanded(_) => self.checked(at, "landed".into(), "; switching the site over"),
            Fact::ReleaseLive(f) => {
                self.pass(Stage::Deploy, at, format!("{}; live at {}", self.checks.join(", "), f.url));
                self.enter(Stage::Record, at, "writing down what happened".into());
            }
            Fact::ReleaseRolledBack(f) => {
                self.stumble(Stage::Deploy, at, format!("went back from {} to {}: {}", f.from, f.to, f.why));
            }
            Fact::RequestWaiting(f) => self.remark(words::waiting(&f.waiting)),
            Fact::RequestResumed(f) => self.remark(format!("goes on: {}", f.because)),
            Fact::CancelAsked(_) => self.now = "cancelling: stopping what runs".into(),
            Fact::StepCompleted(f) => self.record(at, format!("completed step {}: {}", f.number, f.title)),
            Fact::DeploymentRecorded(_) => self.record(at, "added the row to the deployments".into()),
            Fact::MemoryPushed(_) => self.notes += 1,
            Fact::RequestClosed(f) => self.closed(at, f),
            Fact::TaskClosed(_)
            | Fact::AttemptAsked(_)
            | Fact::AttemptAnswered(_)
            | Fact::HandOverAsked(_)
            | Fact::RaceJudged(_)
            | Fact::JournalOpened(_)
            | Fact::ProjectCreated(_)
            | Fact::ProjectActivated(_)
            | Fact::StepPlanned(_)
            | Fact::StepDropped(_)
            | Fact::DeploymentRated(_)
            | Fact::MemoryForgotten(_)
            | Fact::InstructionEdited(_) => {}
        }
    }

    fn chosen(&mut self, at: At, f: &AgentChosen) {
        self.agent = if f.practice { "the practice agent".into() } else { f.agent.to_string() };
        self.pass(Stage::Choose, at, words::chosen(f));
        self.enter(Stage::Brief, at, format!("putting the brief for {} together", self.agent));
    }

    fn started(&mut self, at: At, f: &AttemptStarted) {
        let version = f.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        self.enter(Stage::Code, at, format!("{}{version} is at work", self.agent));
    }

    fn checked(&mut self, at: At, what: String, next: &str) {
        self.checks.push(what);
        let says = format!("{}{next}", self.checks.join(", "));
        self.enter(Stage::Deploy, at, says);
    }

    /// Said where the request stands; no stage begins or ends by it.
    fn remark(&mut self, why: String) {
        self.say(self.current, why.clone());
        self.now = why;
    }

    fn finished(&mut self, at: At, f: &AttemptFinished) {
        self.pass(Stage::Code, at, words::finished(&self.agent, f));
        self.checks.clear();
        if f.end == AttemptEnd::TurnEnded {
            self.enter(Stage::Deploy, at, "checking the change".into());
        } else {
            self.now = words::finished(&self.agent, f);
        }
    }

    /// The stage where it went wrong stumbled, and the loop is back at choosing.
    fn diagnosed(&mut self, at: At, f: &AttemptDiagnosed) {
        let stage = match f.what.as_str() {
            "agent" | "no change" => Stage::Code,
            _ => Stage::Deploy,
        };
        self.stumble(stage, at, format!("{}: {}", f.what, f.summary));
        self.enter(Stage::Choose, at, f.next.clone());
        self.now = format!("{}: {}; {}", f.what, f.summary, f.next);
    }

    fn record(&mut self, at: At, what: String) {
        self.recorded.push(what);
        let says = self.recorded.join(", ");
        self.enter(Stage::Record, at, says);
    }

    fn closed(&mut self, at: At, f: &RequestClosed) {
        for stage in &mut self.stages {
            if stage.started.is_some() && stage.ended.is_none() {
                stage.ended = Some(at);
            }
        }
        match self.notes {
            0 => {}
            1 => self.recorded.push("remembered 1 note".into()),
            notes => self.recorded.push(format!("remembered {notes} notes")),
        }
        let says = if self.recorded.is_empty() { "closed".into() } else { self.recorded.join(", ") };
        self.pass(Stage::Record, at, says);
        self.now = format!("{}: {}", words::outcome(f.outcome), f.why);
    }

    fn of(&mut self, stage: Stage) -> Option<&mut StageView> {
        self.stages.iter_mut().find(|view| view.stage == stage)
    }

    fn say(&mut self, stage: Stage, says: String) {
        if let Some(view) = self.of(stage) {
            view.says = says;
        }
    }

    /// The stage begins, or goes on.
    fn enter(&mut self, stage: Stage, at: At, says: String) {
        self.current = stage;
        self.now.clone_from(&says);
        if let Some(view) = self.of(stage) {
            view.started = view.started.or(Some(at));
            view.ended = None;
            view.says = says;
        }
    }

    /// The stage is over.
    fn pass(&mut self, stage: Stage, at: At, says: String) {
        if let Some(view) = self.of(stage) {
            view.started = view.started.or(Some(at));
            view.ended = Some(at);
            view.says = says;
        }
    }

    fn stumble(&mut self, stage: Stage, at: At, says: String) {
        self.pass(stage, at, says);
        if let Some(view) = self.of(stage) {
            view.stumbled = true;
        }
    }
}
