//! The tool calls of a run: what each one is called, how far it is, and whether the same one ends again and again.

use super::message::Update;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Tool calls that are remembered at a time.
const MAX_TOOLS: usize = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Pending,
    Running,
    Done,
    Failed,
    Unknown,
}

#[derive(Default)]
pub(super) struct Tools {
    known: BTreeMap<String, Tool>,
    /// In all.
    pub used: u32,
    /// Since the newest prompt.
    pub used_in_turn: u32,
    /// That have ended.
    pub over: u32,
    last: Option<u64>,
    repeats: u32,
    repeated: String,
}

struct Tool {
    title: String,
    status: Status,
    told: String,
    /// What it was called with.
    arguments: u64,
    /// They are its own words, not what is shown of it.
    exact: bool,
}

/// What is new.
pub(super) struct News {
    pub line: Option<String>,
    pub over: bool,
}

impl Tools {
    /// Takes what a message says of one call.
    pub fn heard(&mut self, update: &Update<'_>) -> News {
        let id = update.tool_call_id.as_deref().unwrap_or_default();
        if !self.known.contains_key(id) {
            self.begin(id);
        }
        let Some(tool) = self.known.get_mut(id) else { return News { line: None, over: false } };
        let was_over = tool.status.is_over();
        if let Some(title) = update.title.as_deref().filter(|title| !title.trim().is_empty()) {
            title.clone_into(&mut tool.title);
        }
        if let Some(status) = update.status.as_deref() {
            tool.status = Status::of(status);
        }
        // Where no arguments are told, what is shown of the change stands for them.
        let own = update.raw_input.map(|raw| raw.get()).filter(|raw| *raw != "{}");
        // What is shown at its end may hold a time or the number of a process.
        tool.exact |= own.is_some();
        let shown = update.content.map(|content| content.get()).filter(|_| !was_over && !tool.exact);
        if let Some(arguments) = own.or(shown) {
            tool.arguments = hash(arguments);
        }
        let over = tool.status.is_over() && !was_over;
        let line = format!("{} · {}", tool.title, tool.status.word());
        let line = (line != tool.told).then(|| {
            tool.told.clone_from(&line);
            line
        });
        if over {
            let call = hash(&(&tool.title, tool.arguments));
            let title = tool.title.clone();
            self.ended(call, title);
        }
        News { line, over }
    }

    /// The call that ended the same way this many times in a row, with nothing else between.
    pub fn stuck(&self, limit: u32) -> Option<String> {
        (self.repeats >= limit).then(|| format!("{} ended {} times in a row", self.repeated, self.repeats))
    }

    fn begin(&mut self, id: &str) {
        if self.known.len() >= MAX_TOOLS {
            self.known.pop_first();
        }
        self.used = self.used.saturating_add(1);
        self.used_in_turn = self.used_in_turn.saturating_add(1);
        let new = Tool {
            title: "a tool".into(),
            status: Status::Pending,
            told: String::new(),
            arguments: 0,
            exact: false,
        };
        self.known.insert(id.to_owned(), new);
    }

    fn ended(&mut self, call: u64, title: String) {
        self.over = self.over.saturating_add(1);
        self.repeats = if self.last == Some(call) { self.repeats.saturating_add(1) } else { 1 };
        self.last = Some(call);
        self.repeated = title;
    }
}

fn hash(value: &(impl Hash + ?Sized)) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Status {
    fn of(word: &str) -> Status {
        match word {
            "pending" => Status::Pending,
            "in_progress" => Status::Running,
            "completed" => Status::Done,
            "failed" => Status::Failed,
            _ => Status::Unknown,
        }
    }

    fn is_over(self) -> bool {
        matches!(self, Status::Done | Status::Failed)
    }

    fn word(self) -> &'static str {
        match self {
            Status::Pending => "waiting",
            Status::Running => "running",
            Status::Done => "done",
            Status::Failed => "failed",
            Status::Unknown => "in a state that we do not know",
        }
    }
}
