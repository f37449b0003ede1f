//! Journals to test with: a home in a folder of its own, the golden facts, and a whole request from intake to close.

use journal::{Batch, Journal, NewBlob, Opening, Reader};
use protocol::fact::*;
use protocol::*;
use std::path::PathBuf;

pub struct Home {
    pub folder: tempfile::TempDir,
    pub journal: Journal,
    pub reader: Reader,
    pub clock: i64,
}

pub fn source_id() -> JournalId {
    JournalId::new("j-test").unwrap()
}

impl Home {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let journal =
            Journal::open(&path, Opening::Source { fresh_id: &source_id(), daemon: "0.1.0", at: At(1_000) })
                .unwrap();
        let reader = Reader::open(&path).unwrap();
        Self { folder, journal, reader, clock: 1_000 }
    }
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }
    pub fn append(&mut self, fact: impl Into<Fact>) -> Entry {
        self.append_with(fact, vec![])
    }
    pub fn append_with(&mut self, fact: impl Into<Fact>, blobs: Vec<NewBlob>) -> Entry {
        self.clock += 1_000;
        let batch = Batch { at: At(self.clock), facts: vec![fact.into()], blobs };
        self.journal.append(batch).unwrap().remove(0)
    }
    pub fn all(&self) -> Vec<Entry> {
        self.reader.entries(0, u32::MAX).unwrap()
    }
}

/// A blob whose salt follows from its text, so that a test can name it again.
pub fn blob(text: &str) -> NewBlob {
    let mut salt = [7; 16];
    salt.iter_mut().zip(text.bytes()).for_each(|(salt, byte)| *salt ^= byte);
    NewBlob::new(salt, text)
}

pub fn id<T: std::str::FromStr<Err = BadId>>(text: &str) -> T {
    text.parse().unwrap()
}

pub fn intake(n: usize) -> (RequestReceived, NewBlob) {
    let text = blob(&format!("request number {n}"));
    let received = RequestReceived {
        request: id(&format!("r{n}")),
        client: id(&format!("c{n}")),
        project: id("bakery"),
        channel: Channel::CommandLine,
        text: text.to_ref(),
        agent: None,
        race: Vec::new(),
        parts: Vec::new(),
        step: None,
    };
    (received, text)
}

/// Every golden fact, by file name.
pub fn goldens() -> Vec<Fact> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../protocol/golden");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
}

pub fn chosen(number: u32, agent: &str) -> AgentChosen {
    AgentChosen {
        request: id("r1"),
        task: id("r1.1"),
        attempt: id(&format!("r1.1.{number}")),
        number,
        agent: id(agent),
        practice: agent == "practice",
        why: if agent == "practice" { "no coding agent is signed in".into() } else { "it is ready".into() },
        goes_on: None,
    }
}

pub fn declared(number: u32) -> TaskDeclared {
    TaskDeclared {
        request: id("r1"),
        task: id("r1.1"),
        attempt: id(&format!("r1.1.{number}")),
        brief: blob(&format!("brief {number}")).to_ref(),
        parts: ["task", "instructions", "instructions"]
            .map(|part| BriefPart { part: part.into(), source: "r1".into(), tokens: 100, cut: false })
            .into(),
        budget: 12_000,
    }
}

pub fn started(number: u32, agent: &str) -> AttemptStarted {
    AttemptStarted {
        request: id("r1"),
        attempt: id(&format!("r1.1.{number}")),
        agent: id(agent),
        version: Some("2.0".into()),
        base: id("c0"),
        paid: None,
    }
}

pub fn checkpoint(number: u32) -> AttemptCheckpoint {
    AttemptCheckpoint {
        request: id("r1"),
        attempt: id(&format!("r1.1.{number}")),
        number: 1,
        commit: id("c1"),
        diff: DiffStat { files: 2, added: 30, removed: 1 },
        says: "Added the form".into(),
        screenshot: None,
    }
}

pub fn finished(number: u32, end: AttemptEnd) -> AttemptFinished {
    AttemptFinished {
        request: id("r1"),
        attempt: id(&format!("r1.1.{number}")),
        end,
        commit: Some(id("c1")),
        diff: DiffStat { files: 2, added: 30, removed: 1 },
        model: Some("m".into()),
        usage: Usage::default(),
        duration_ms: Some(12_000),
        session: None,
        unknown_events: None,
    }
}

pub fn check(number: u32, check: CheckKind, result: CheckResult) -> CheckFinished {
    CheckFinished {
        request: id("r1"),
        attempt: id(&format!("r1.1.{number}")),
        check,
        result,
        log: None,
        duration_ms: 500,
        release: None,
        commit: None,
        diff: None,
    }
}

pub fn recorded(outcome: Outcome) -> DeploymentRecorded {
    DeploymentRecorded {
        request: id("r1"),
        deployment: id("d1"),
        project: id("bakery"),
        outcome,
        step: Some(1),
        commit: Some(id("c1")),
        release: Some(id("rel1")),
        url: Some("http://127.0.0.1:4101/".into()),
        duration_ms: 60_000,
        attempts: 2,
        agent: Some(id("practice")),
        practice: true,
        model: None,
        usage: Usage::default(),
        by_agent: Vec::new(),
        paid: None,
        summary: "live after 2 attempts".into(),
    }
}

/// A request whose first attempt breaks the build and whose second goes live, with what is stored beside each fact.
pub fn whole_request() -> Vec<(Fact, Option<NewBlob>)> {
    let project = ProjectCreated {
        project: id("bakery"),
        name: "Bakery".into(),
        starter: "react".into(),
        commit: id("c0"),
    };
    let (text, note) = (blob("A page for a bakery called Sauerteig"), blob("the note's text"));
    let (step, brief) = (blob("the step's text"), |n| Some(blob(&format!("brief {n}"))));
    let planned =
        StepPlanned { project: id("bakery"), step: id("s4"), title: "Page".into(), text: text.to_ref() };
    let received = RequestReceived {
        text: text.to_ref(),
        agent: Some(id("codex")),
        step: Some(id("s4")),
        ..intake(1).0
    };
    let source = |path: &str| SourceRead { path: path.into(), hash: "00".into(), bytes: 5 };
    let oriented = RequestOriented {
        request: id("r1"),
        sources: ["SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md"].map(source).into(),
        recalled: vec![Recalled { note: id("n0"), score: 1.5, why: "matched: bakery".into() }],
        agents: vec![],
        base: id("c0"),
        memory: None,
    };
    let broken = CheckResult::Failed { summary: "';' expected".into(), lines: vec!["home.tsx:12".into()] };
    let diagnosed = AttemptDiagnosed {
        request: id("r1"),
        attempt: id("r1.1.1"),
        what: "build".into(),
        summary: "';' expected".into(),
        lines: vec!["home.tsx:12".into()],
        next: "the practice agent tries again".into(),
    };
    let live = ReleaseLive {
        request: id("r1"),
        attempt: id("r1.1.2"),
        project: id("bakery"),
        release: id("rel1"),
        commit: id("c1"),
        url: "http://127.0.0.1:4101/".into(),
    };
    let completed = StepCompleted {
        request: id("r1"),
        project: id("bakery"),
        step: id("step-r1"),
        number: 1,
        title: "Bakery page".into(),
        commit: id("c1"),
        text: step.to_ref(),
        errors: vec!["build: ';' expected; fixed".into()],
    };
    let pushed = MemoryPushed {
        note: id("n1"),
        project: id("bakery"),
        note_kind: NoteKind::Step,
        title: "Bakery page".into(),
        text: note.to_ref(),
        source: "request r1".into(),
        request: Some(id("r1")),
        agent: Some(id("practice")),
        confidence: None,
        batch: None,
    };
    let task = PlannedTask { task: id("r1.1"), title: "Build it".into(), text: None, agents: Vec::new() };
    vec![
        (project.into(), None),
        (ProjectActivated { project: id("bakery") }.into(), None),
        (planned.into(), Some(text.clone())),
        (received.into(), Some(text)),
        (oriented.into(), None),
        (PlanMade { request: id("r1"), tasks: vec![task], why: "one page".into() }.into(), None),
        (chosen(1, "codex").into(), None),
        (declared(1).into(), brief(1)),
        (started(1, "codex").into(), None),
        (checkpoint(1).into(), None),
        (finished(1, AttemptEnd::TurnEnded).into(), None),
        (check(1, CheckKind::Gate, CheckResult::Passed).into(), None),
        (check(1, CheckKind::Build, broken).into(), None),
        (diagnosed.into(), None),
        (chosen(2, "practice").into(), None),
        (declared(2).into(), brief(2)),
        (started(2, "practice").into(), None),
        (finished(2, AttemptEnd::TurnEnded).into(), None),
        (check(2, CheckKind::Gate, CheckResult::Passed).into(), None),
        (check(2, CheckKind::Build, CheckResult::Passed).into(), None),
        (check(2, CheckKind::Health, CheckResult::Passed).into(), None),
        (AttemptLanded { request: id("r1"), attempt: id("r1.1.2"), commit: id("c1") }.into(), None),
        (live.into(), None),
        (completed.into(), Some(step)),
        (recorded(Outcome::Live).into(), None),
        (pushed.into(), Some(note)),
        (
            RequestClosed { request: id("r1"), outcome: Outcome::Live, why: "the checks passed".into() }
                .into(),
            None,
        ),
        (DeploymentRated { deployment: id("d1"), rating: 4 }.into(), None),
    ]
}
