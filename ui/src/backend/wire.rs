//! From the daemon's JSON to an [`Answer`]: what a page may get. It has the protocol's answers but for those that only
//! other readers ask for (the journal's entries bring every kind of fact with them, a tenth of all code here). A test
//! holds the two together.

use super::json::{Error, FromJson, Read, Wrong, field, parse, tag, whole};
use super::parse::Value;
use protocol::ApiError;
use protocol::id::*;
use protocol::view::*;

macro_rules! answers {
    ($($word:literal $name:ident $({ $($field:ident: $type:ty),+ })? $(($inner:ty))?,)+) => {
        /// What the daemon answered. See [`protocol::Response`].
        #[derive(Debug, Clone, PartialEq)]
        pub enum Answer { $($name $({ $($field: $type),+ })? $(($inner))?),+ }

        /// Reads an answer.
        pub fn answer(text: &str) -> Read<Answer> {
            answer_in(&parse(text)?)
        }

        /// The same out of a value that was read.
        pub fn answer_in(json: &Value) -> Read<Answer> {
            let mut wrong = Wrong::default();
            let answer = match tag(json, "answer", &mut wrong) {
                $($word => Answer::$name $({ $($field: field(json, stringify!($field), &mut wrong)),+ })? $((<$inner>::from_json(json, &mut wrong)))?,)+
                _ => return Err(Error::new("a known answer")),
            };
            wrong.end(answer)
        }
    };
}

answers! {
    "done" Done,
    "hello" Hello(Hello),
    "home" Home(Box<Home>),
    "accepted" Accepted { request: RequestId, new: bool },
    "requests" Requests { rows: Vec<RequestRow> },
    "show" Show(Box<RequestView>),
    "deployments" Deployments { rows: Vec<DeploymentRow> },
    "releases" Releases { rows: Vec<ReleaseRow> },
    "steps" Steps { planned: Vec<StepRow>, completed: Vec<StepRow> },
    "planned" Planned { step: StepId },
    "notes" Notes { rows: Vec<NoteRow> },
    "recalled" Recalled(Box<RecalledView>),
    "pushed" Pushed { notes: Vec<PushedNote> },
    "note" Note(Box<NoteView>),
    "memory" Memory(Box<MemoryView>),
    "graph" Graph(Box<GraphView>),
    "knew" Knew { rows: Vec<KnewRow> },
    "agents" Agents { rows: Vec<AgentRow> },
    "bridges" Bridges { rows: Vec<BridgeView>, token: String },
    "instructions" Instructions { rows: Vec<InstructionRow> },
    "instruction" Instruction { path: String, text: String, base: CommitId, history: Vec<InstructionEdit> },
    "projects" Projects { rows: Vec<ProjectRow> },
    "project" Project { project: ProjectId },
    "transcript" Transcript { lines: Vec<TranscriptLine>, head: u64 },
    "text" Text { text: String },
    "doctor" Doctor { rows: Vec<DoctorRow> },
}

/// The answer to a sign-in.
pub fn token(text: &str) -> Read<String> {
    let mut wrong = Wrong::default();
    let found = field(&parse(text)?, "token", &mut wrong);
    wrong.end(found)
}

/// The answer to a nonce.
pub fn proof(text: &str) -> Read<String> {
    let mut wrong = Wrong::default();
    let found = field(&parse(text)?, "proof", &mut wrong);
    wrong.end(found)
}

/// What the daemon says when it refuses.
pub fn refusal(text: &str) -> Read<ApiError> {
    whole(&parse(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::memory::sample as memory;
    use crate::words::sample::{self, id};
    use protocol::fact::Readiness;
    use protocol::{At, Response};

    fn home() -> Home {
        let hello =
            Hello { daemon: "0.1".into(), api: 1, journal: id("j"), head: 4, host: "h".into(), local: true };
        let project = ProjectRow {
            project: id("p"),
            name: "P".into(),
            starter: "static".into(),
            active: true,
            created: At(1),
            url: None,
        };
        let agent = AgentRow {
            agent: id("a"),
            title: "A".into(),
            readiness: Readiness::Worked { version: "1".into(), at: At(2) },
            probed: Some(At(3)),
            runs: 1,
            live: 1,
            now: Some(Box::new(sample::now())),
        };
        Home {
            hello,
            projects: vec![project],
            active: id("p"),
            requests: vec![sample::running().row],
            current: Some(sample::live()),
            agents: vec![agent],
            disk_full: false,
        }
    }

    fn answers() -> Vec<Response> {
        let home = home();
        let live = sample::live();
        let step = StepRow {
            step: id("s"),
            project: id("p"),
            number: Some(1),
            title: "t".into(),
            text: None,
            at: At(1),
            request: None,
            commit: None,
            errors: vec!["e".into()],
        };
        let edit = InstructionEdit { commit: id("c"), at: At(1), says: "s".into() };
        let file = InstructionRow {
            path: "SOUL.md".into(),
            purpose: "p".into(),
            bytes: 3,
            commit: Some(id("c")),
            at: None,
        };
        let release = ReleaseRow {
            release: id("r"),
            project: id("p"),
            commit: id("c"),
            at: At(1),
            live: true,
            kept: false,
        };
        let line = TranscriptLine { seq: 1, at: At(1), kind: LineKind::Tool, text: "\u{202E}<b>".into() };
        let check = DoctorRow { what: "w".into(), health: Health::Warning, says: "s".into(), next: None };
        vec![
            Response::Hello(home.hello.clone()),
            Response::Accepted { request: id("r"), new: true },
            Response::Requests { rows: home.requests.clone() },
            Response::Show(Box::new(sample::running())),
            Response::Deployments { rows: live.deployment.into_iter().collect() },
            Response::Releases { rows: vec![release] },
            Response::Steps { planned: vec![step.clone()], completed: vec![step] },
            Response::Planned { step: id("s") },
            Response::Notes { rows: vec![memory::note("n")] },
            Response::Recalled(Box::new(memory::recalled())),
            Response::Pushed { notes: vec![PushedNote { note: id("n"), superseded: vec![id("m")] }] },
            Response::Note(Box::new(memory::opened())),
            Response::Memory(Box::new(memory::stands())),
            Response::Graph(Box::new(memory::graph())),
            Response::Knew { rows: memory::knew() },
            Response::Agents { rows: home.agents.clone() },
            Response::Bridges { rows: sample::now().bridge.into_iter().collect(), token: "t".into() },
            Response::Instructions { rows: vec![file] },
            Response::Instruction { path: "p".into(), text: "t".into(), base: id("c"), history: vec![edit] },
            Response::Projects { rows: home.projects.clone() },
            Response::Project { project: id("p") },
            Response::Transcript { lines: vec![line], head: 1 },
            Response::Text { text: "t".into() },
            Response::Doctor { rows: vec![check] },
            Response::Home(Box::new(home)),
            Response::Done,
        ]
    }

    /// The same with the page's names. A new answer does not compile here until somebody has decided whether a page
    /// reads it.
    fn as_read(answer: Response) -> Option<Answer> {
        macro_rules! same {
            ($($name:ident $({ $($field:ident),+ })? $(($inner:ident))?,)+) => {
                match answer {
                    Response::Journal { .. }
                    | Response::Verified { .. }
                    | Response::Exported { .. }
                    | Response::Domains { .. }
                    | Response::MemoryVerified { .. } => None,
                    $(Response::$name $({ $($field),+ })? $(($inner))? => Some(Answer::$name $({ $($field),+ })? $(($inner))?),)+
                }
            };
        }
        same! {
            Done, Hello(x), Home(x), Accepted { request, new }, Requests { rows }, Show(x), Deployments { rows },
            Releases { rows }, Steps { planned, completed }, Planned { step }, Notes { rows }, Recalled(x),
            Pushed { notes }, Note(x), Memory(x), Graph(x), Knew { rows }, Agents { rows }, Bridges { rows, token }, Instructions { rows },
            Instruction { path, text, base, history }, Projects { rows }, Project { project },
            Transcript { lines, head }, Text { text }, Doctor { rows },
        }
    }

    #[test]
    fn what_the_daemon_writes_is_read_back_the_same() {
        let all = answers();
        let kinds: std::collections::HashSet<_> = all.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 26, "one of each answer that a page reads");
        for written in all {
            let text = serde_json::to_string(&written).unwrap();
            assert_eq!(serde_json::from_str::<Response>(&text).unwrap(), written);
            assert_eq!(Some(answer(&text).unwrap()), as_read(written), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_read_with_its_next_step() {
        let refused = ApiError::new(protocol::Code::DiskFull, "the disk is full").next("free some space");
        assert_eq!(refusal(&serde_json::to_string(&refused).unwrap()).unwrap(), refused);
        assert_eq!(token(r#"{"token":"t"}"#).unwrap(), "t");
    }

    #[test]
    fn an_unknown_or_broken_answer_is_an_error() {
        assert!(answer(r#"{"answer":"new thing"}"#).is_err());
        assert!(answer(r#"{"answer":"project"}"#).is_err());
        assert!(answer("<html>").is_err());
    }
}
