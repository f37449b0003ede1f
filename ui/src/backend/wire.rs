//! From the daemon's JSON to a [`Response`]. The derived reading of `Response` would do the same, but it reads every row
//! through serde's buffer for tagged enums, which is a third of a megabyte of wasm. Here the tag is read first, and the
//! rows are read by their own types. A test holds the two readings together.

use super::json::{Error, Json};
use protocol::id::*;
use protocol::view::*;
use protocol::{ApiError, Response};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

#[derive(Deserialize)]
struct Tag {
    answer: String,
}

#[derive(Deserialize)]
struct Rows<T> {
    rows: Vec<T>,
}

#[derive(Deserialize)]
struct Accepted {
    request: RequestId,
    new: bool,
}

#[derive(Deserialize)]
struct BothSteps {
    planned: Vec<StepRow>,
    completed: Vec<StepRow>,
}

#[derive(Deserialize)]
struct Instruction {
    path: String,
    text: String,
    base: CommitId,
    history: Vec<InstructionEdit>,
}

#[derive(Deserialize)]
struct Lines {
    lines: Vec<TranscriptLine>,
    head: u64,
}

#[derive(Deserialize)]
struct Bridges {
    rows: Vec<BridgeView>,
    token: String,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

#[derive(Deserialize)]
struct Words {
    text: String,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    project: Option<ProjectId>,
    #[serde(default)]
    step: Option<StepId>,
    #[serde(default)]
    note: Option<NoteId>,
}

type Read<T> = Result<T, Error>;

fn rows<T: DeserializeOwned>(json: Json<'_>) -> Read<Vec<T>> {
    Rows::<T>::deserialize(json).map(|r| r.rows)
}

fn lacks<T>(found: Option<T>, field: &'static str) -> Read<T> {
    found.ok_or_else(|| Error::missing_field(field))
}

/// Every answer that a page asks for. The journal's entries are for other readers.
pub fn response(text: &str) -> Read<Response> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    let json = Json(&value);
    let tag = Tag::deserialize(json)?;
    Ok(match tag.answer.as_str() {
        "done" => Response::Done,
        "home" => Response::Home(Box::new(Home::deserialize(json)?)),
        "show" => Response::Show(Box::new(RequestView::deserialize(json)?)),
        "hello" => Response::Hello(Hello::deserialize(json)?),
        "accepted" => {
            let Accepted { request, new } = Accepted::deserialize(json)?;
            Response::Accepted { request, new }
        }
        "requests" => Response::Requests { rows: rows(json)? },
        "deployments" => Response::Deployments { rows: rows(json)? },
        "releases" => Response::Releases { rows: rows(json)? },
        "steps" => {
            let BothSteps { planned, completed } = BothSteps::deserialize(json)?;
            Response::Steps { planned, completed }
        }
        "notes" => Response::Notes { rows: rows(json)? },
        "recalled" => Response::Recalled { rows: rows(json)? },
        "agents" => Response::Agents { rows: rows(json)? },
        "bridges" => {
            let Bridges { rows, token } = Bridges::deserialize(json)?;
            Response::Bridges { rows, token }
        }
        "instructions" => Response::Instructions { rows: rows(json)? },
        "instruction" => {
            let Instruction { path, text, base, history } = Instruction::deserialize(json)?;
            Response::Instruction { path, text, base, history }
        }
        "projects" => Response::Projects { rows: rows(json)? },
        "transcript" => {
            let Lines { lines, head } = Lines::deserialize(json)?;
            Response::Transcript { lines, head }
        }
        "text" => Response::Text { text: Words::deserialize(json)?.text },
        "doctor" => Response::Doctor { rows: rows(json)? },
        "planned" | "pushed" | "project" => return named(&tag.answer, json),
        other => return Err(Error::custom(format!("unknown answer {other:?}"))),
    })
}

/// The answer to a sign-in.
pub fn token(text: &str) -> Read<String> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    Token::deserialize(Json(&value)).map(|t| t.token)
}

/// The answer to a nonce.
pub fn proof(text: &str) -> Read<String> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    value
        .get("proof")
        .and_then(|proof| proof.as_str())
        .map(str::to_owned)
        .ok_or_else(|| Error::custom("no proof"))
}

/// What the daemon says when it refuses.
pub fn refusal(text: &str) -> Read<ApiError> {
    let value: serde_json::Value = serde_json::from_str(text)?;
    ApiError::deserialize(Json(&value))
}

fn named(answer: &str, json: Json<'_>) -> Read<Response> {
    let named = Named::deserialize(json)?;
    Ok(match answer {
        "planned" => Response::Planned { step: lacks(named.step, "step")? },
        "pushed" => Response::Pushed { note: lacks(named.note, "note")? },
        _ => Response::Project { project: lacks(named.project, "project")? },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::sample;
    use protocol::At;
    use protocol::fact::{NoteKind, Readiness};

    fn id<T: std::str::FromStr<Err = BadId>>(text: &str) -> T {
        text.parse().unwrap()
    }

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
        let note = NoteRow {
            note: id("n"),
            project: id("p"),
            note_kind: NoteKind::Step,
            title: "t".into(),
            text: "x".into(),
            source: "you".into(),
            request: None,
            agent: None,
            at: At(1),
            score: Some(0.5),
            why: Some("w".into()),
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
            Response::Notes { rows: vec![note.clone()] },
            Response::Recalled { rows: vec![note] },
            Response::Pushed { note: id("n") },
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

    /// A new answer does not compile here until somebody has decided whether a page reads it.
    fn is_read(answer: &Response) -> bool {
        use Response::*;
        match answer {
            Journal { .. } | Verified { .. } => false,
            Hello(_)
            | Home(_)
            | Accepted { .. }
            | Requests { .. }
            | Show(_)
            | Deployments { .. }
            | Releases { .. }
            | Steps { .. }
            | Planned { .. }
            | Notes { .. }
            | Recalled { .. }
            | Pushed { .. }
            | Agents { .. }
            | Bridges { .. }
            | Instructions { .. }
            | Instruction { .. }
            | Projects { .. }
            | Project { .. }
            | Transcript { .. }
            | Text { .. }
            | Doctor { .. }
            | Done => true,
        }
    }

    #[test]
    fn what_the_daemon_writes_is_read_back_the_same() {
        let all = answers();
        let kinds: std::collections::HashSet<_> = all.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 22, "one of each answer that a page reads");
        for answer in all {
            assert!(is_read(&answer));
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(response(&text).unwrap(), answer, "{text}");
            assert_eq!(serde_json::from_str::<Response>(&text).unwrap(), answer);
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
        assert!(response(r#"{"answer":"new thing"}"#).is_err());
        assert!(response(r#"{"answer":"project"}"#).is_err());
        assert!(response("<html>").is_err());
    }
}
