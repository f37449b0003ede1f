//! From a [`Request`] to the JSON that the daemon reads. serde's derived writer brings one for every request there is and
//! the printing of floats, three times the code; here are those that a page asks, and a test holds them to serde's.

use protocol::Request;
use protocol::api::{NewNote, Part, RecallAsk};
use protocol::fact::{Channel, NoteKind};
use protocol::id::*;
use protocol::note::RecallMode;
use protocol::{At, api::GraphAsk};
use std::collections::BTreeMap;

/// What can stand in a request.
trait Put {
    fn put(&self, out: &mut String);
}

type Fields<'a> = &'a [(&'static str, &'a dyn Put)];

/// A text as a JSON string.
pub fn quoted(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\0'..='\u{1f}' => {
                out.push_str("\\u00");
                for half in [u32::from(c) >> 4, u32::from(c) & 15] {
                    out.extend(char::from_digit(half, 16));
                }
            }
            _ => out.push(c),
        }
    }
    out.push('"');
}

fn object(out: &mut String, fields: Fields<'_>) {
    let mut mark = '{';
    for (name, value) in fields {
        out.push(mark);
        quoted(out, name);
        out.push(':');
        value.put(out);
        mark = ',';
    }
    if fields.is_empty() {
        out.push('{');
    }
    out.push('}');
}

impl Put for &str {
    fn put(&self, out: &mut String) {
        quoted(out, self);
    }
}
impl Put for String {
    fn put(&self, out: &mut String) {
        quoted(out, self);
    }
}
impl Put for bool {
    fn put(&self, out: &mut String) {
        out.push_str(if *self { "true" } else { "false" });
    }
}
impl Put for u64 {
    fn put(&self, out: &mut String) {
        out.push_str(&self.to_string());
    }
}
impl Put for u32 {
    fn put(&self, out: &mut String) {
        u64::from(*self).put(out);
    }
}
impl Put for u8 {
    fn put(&self, out: &mut String) {
        u64::from(*self).put(out);
    }
}
impl Put for At {
    fn put(&self, out: &mut String) {
        if self.0 < 0 {
            out.push('-');
        }
        self.0.unsigned_abs().put(out);
    }
}
impl Put for Channel {
    fn put(&self, out: &mut String) {
        let word = match self {
            Channel::Dashboard => "dashboard",
            Channel::Desktop => "desktop",
            Channel::CommandLine => "command_line",
            Channel::Telegram => "telegram",
            Channel::Mcp => "mcp",
        };
        quoted(out, word);
    }
}
impl Put for NoteKind {
    fn put(&self, out: &mut String) {
        quoted(out, self.word());
    }
}
impl Put for RecallMode {
    fn put(&self, out: &mut String) {
        quoted(out, self.word());
    }
}
impl<T: Put> Put for Option<T> {
    fn put(&self, out: &mut String) {
        match self {
            Some(value) => value.put(out),
            None => out.push_str("null"),
        }
    }
}
impl<T: Put> Put for Vec<T> {
    fn put(&self, out: &mut String) {
        out.push('[');
        for (i, item) in self.iter().enumerate() {
            if i > 0 {
                out.push(',');
            }
            item.put(out);
        }
        out.push(']');
    }
}
impl Put for BTreeMap<String, String> {
    fn put(&self, out: &mut String) {
        let fields = self.iter();
        out.push('{');
        for (i, (name, value)) in fields.enumerate() {
            if i > 0 {
                out.push(',');
            }
            quoted(out, name);
            out.push(':');
            quoted(out, value);
        }
        out.push('}');
    }
}
impl Put for Part {
    fn put(&self, out: &mut String) {
        object(out, &[("text", &self.text), ("agents", &self.agents)]);
    }
}
macro_rules! ids {
    ($($id:ident)+) => {$(
        impl Put for $id {
            fn put(&self, out: &mut String) {
                quoted(out, self.as_str());
            }
        }
    )+};
}
ids!(ProjectId RequestId AttemptId ReleaseId DeploymentId NoteId StepId AgentId ClientId BlobId CommitId);

/// The requests as they are written: their word and their fields.
macro_rules! asks {
    ($($word:literal $name:ident { $($field:ident),* },)+) => {
        /// The request as JSON.
        pub fn written(request: &Request) -> String {
            let mut out = String::new();
            match request {
                $(Request::$name { $($field),* } => object(&mut out, &[("ask", &$word), $((stringify!($field), $field)),*]),)+
                Request::Push { project, note } => push(&mut out, project, note),
                Request::Recall(ask) => recall(&mut out, ask),
                Request::Graph(ask) => graph(&mut out, ask),
                Request::Hello | Request::Home | Request::Bridges | Request::Projects | Request::Doctor => {
                    object(&mut out, &[("ask", &bare(request))]);
                }
                Request::Requests { .. }
                | Request::Journal { .. }
                | Request::VerifyJournal
                | Request::PushMany { .. }
                | Request::EditGraph { .. }
                | Request::ExportMemory { .. }
                | Request::Domains
                | Request::SetDomain { .. }
                | Request::VerifyMemory => unreachable!("no page asks for it"),
            }
            out
        }
    };
}

asks! {
    "ask" Ask { client, text, project, agent, race, parts, step, channel },
    "show" Show { request },
    "cancel" Cancel { request },
    "steer" Steer { request, text },
    "retry" Retry { request },
    "answer" Answer { request, attempt, asked, option, text },
    "hand_over" HandOver { request, attempt, to },
    "pick" Pick { request, attempt },
    "deployments" Deployments { project, filter, limit },
    "rate" Rate { deployment, rating },
    "rollback" Rollback { project, release },
    "releases" Releases { project },
    "steps" Steps { project },
    "plan_step" PlanStep { project, title, text },
    "drop_step" DropStep { step },
    "notes" Notes { project, limit, superseded },
    "supersede" Supersede { note, by },
    "forget" Forget { note },
    "note" Note { note },
    "memory" Memory { project },
    "graph_path" GraphPath { project, from, to },
    "knew" Knew { attempt },
    "use_model" UseModel { model },
    "agents" Agents { fresh },
    "install_agent" InstallAgent { agent },
    "check_agent" CheckAgent { agent },
    "sign_in" SignIn { agent, way },
    "sign_in_say" SignInSay { agent, text },
    "sign_in_stop" SignInStop { agent },
    "set_key" SetKey { agent, way, fields },
    "sign_out" SignOut { agent },
    "instructions" Instructions { project },
    "read_instruction" ReadInstruction { project, path, at },
    "write_instruction" WriteInstruction { project, path, text, base },
    "create_project" CreateProject { name, starter },
    "activate_project" ActivateProject { project },
    "transcript" Transcript { attempt, after, limit },
    "text" Text { blob },
    "diff" Diff { attempt },
}

fn bare(request: &Request) -> &'static str {
    match request {
        Request::Home => "home",
        Request::Bridges => "bridges",
        Request::Projects => "projects",
        Request::Doctor => "doctor",
        _ => "hello",
    }
}

fn push(out: &mut String, project: &Option<ProjectId>, note: &NewNote) {
    let NewNote { kind, title, text, source, supersedes } = note;
    object(
        out,
        &[
            ("ask", &"push"),
            ("project", project),
            ("kind", kind),
            ("title", title),
            ("text", text),
            ("source", source),
            ("supersedes", supersedes),
        ],
    );
}

fn recall(out: &mut String, ask: &RecallAsk) {
    let RecallAsk { project, query, mode, limit, tokens, kinds, since, until, superseded } = ask;
    object(
        out,
        &[
            ("ask", &"recall"),
            ("project", project),
            ("query", query),
            ("mode", mode),
            ("limit", limit),
            ("tokens", tokens),
            ("kinds", kinds),
            ("since", since),
            ("until", until),
            ("superseded", superseded),
        ],
    );
}

fn graph(out: &mut String, ask: &GraphAsk) {
    let GraphAsk { project, focus, depth, limit, kinds, since, until, find } = ask;
    object(
        out,
        &[
            ("ask", &"graph"),
            ("project", project),
            ("focus", focus),
            ("depth", depth),
            ("limit", limit),
            ("kinds", kinds),
            ("since", since),
            ("until", until),
            ("find", find),
        ],
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::sample::id;

    fn requests() -> Vec<Request> {
        let text = || "a \"quoted\" \\ line\n\u{1}\u{1f}é😀\u{202e}".to_owned();
        let (project, agent) = (Some(id("p")), || id::<AgentId>("codex"));
        let (request, attempt, note) =
            (|| id::<RequestId>("r"), || id::<AttemptId>("a"), || id::<NoteId>("n"));
        let new = NewNote {
            kind: NoteKind::Failure,
            title: text(),
            text: text(),
            source: Some("x".into()),
            supersedes: vec![note(), note()],
        };
        let recall = RecallAsk {
            project: project.clone(),
            query: text(),
            mode: RecallMode::Local,
            limit: Some(50),
            tokens: None,
            kinds: vec![NoteKind::Step],
            since: Some(At(-5)),
            until: None,
            superseded: true,
        };
        let graph = GraphAsk {
            project: project.clone(),
            focus: Some(text()),
            depth: Some(2),
            limit: None,
            kinds: vec!["file".into()],
            since: None,
            until: Some(At(9)),
            find: Some("x".into()),
        };
        let part = Part { text: text(), agents: vec![agent()] };
        vec![
            Request::Hello,
            Request::Home,
            Request::Bridges,
            Request::Projects,
            Request::Doctor,
            Request::Ask {
                client: id("c"),
                text: text(),
                project: project.clone(),
                agent: None,
                race: vec![agent(), agent()],
                parts: vec![part],
                step: Some(id("s")),
                channel: Channel::Dashboard,
            },
            Request::Show { request: request() },
            Request::Cancel { request: request() },
            Request::Steer { request: request(), text: text() },
            Request::Retry { request: request() },
            Request::Answer {
                request: request(),
                attempt: attempt(),
                asked: text(),
                option: None,
                text: Some(text()),
            },
            Request::HandOver { request: request(), attempt: attempt(), to: Some(agent()) },
            Request::Pick { request: request(), attempt: attempt() },
            Request::Deployments { project: None, filter: Some(text()), limit: Some(0) },
            Request::Rate { deployment: id("d"), rating: 5 },
            Request::Rollback { project: project.clone(), release: Some(id("l")) },
            Request::Releases { project: project.clone() },
            Request::Steps { project: project.clone() },
            Request::PlanStep { project: project.clone(), title: text(), text: text() },
            Request::DropStep { step: id("s") },
            Request::Notes { project: project.clone(), limit: Some(200), superseded: true },
            Request::Push { project: project.clone(), note: new },
            Request::Recall(Box::new(recall)),
            Request::Supersede { note: note(), by: note() },
            Request::Forget { note: note() },
            Request::Note { note: note() },
            Request::Memory { project: None },
            Request::Graph(Box::new(graph)),
            Request::GraphPath { project: None, from: text(), to: text() },
            Request::Knew { attempt: attempt() },
            Request::UseModel { model: "none".into() },
            Request::Agents { fresh: true },
            Request::InstallAgent { agent: agent() },
            Request::CheckAgent { agent: agent() },
            Request::SignIn { agent: agent(), way: text() },
            Request::SignInSay { agent: agent(), text: text() },
            Request::SignInStop { agent: agent() },
            Request::SetKey {
                agent: agent(),
                way: "w".into(),
                fields: [("b".into(), text()), ("a".into(), text())].into(),
            },
            Request::SignOut { agent: agent() },
            Request::Instructions { project: project.clone() },
            Request::ReadInstruction { project: project.clone(), path: text(), at: Some(id("c")) },
            Request::WriteInstruction { project, path: text(), text: text(), base: id("c") },
            Request::CreateProject { name: text(), starter: "static".into() },
            Request::ActivateProject { project: id("p") },
            Request::Transcript { attempt: attempt(), after: u64::MAX, limit: None },
            Request::Text { blob: id("b") },
            Request::Diff { attempt: attempt() },
        ]
    }

    #[test]
    fn what_is_written_is_what_the_daemon_reads() {
        let all = requests();
        let kinds: std::collections::HashSet<_> = all.iter().map(std::mem::discriminant).collect();
        assert_eq!(kinds.len(), 47, "one of each request that a page asks");
        for request in all {
            let text = written(&request);
            assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request, "{text}");
        }
    }
}
