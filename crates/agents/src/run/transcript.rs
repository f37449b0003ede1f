//! Turns what an agent sends into lines for people. Known notifications become words; what we do not know is kept raw;
//! all of it is bounded.

use crate::Event;
use agent_client_protocol::v1::schema::{
    ContentBlock, ContentChunk, Plan, PlanEntryStatus, SessionNotification, SessionUpdate, ToolCallStatus,
};
use protocol::view::LineKind;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// The longest line.
const MAX_LINE: usize = 8 << 10;
/// Raw and error lines that are kept of one run.
const MAX_NOISE: u32 = 2000;
/// Tool calls that are remembered at a time.
const MAX_TOOLS: usize = 512;
/// Text that has no line end is shown in pieces of about this size.
const PIECE: usize = 600;

pub(super) struct Transcript {
    queue: VecDeque<Event>,
    text: Text,
    tools: BTreeMap<String, Tool>,
    noise: u32,
    /// Results of `session/prompt`, as they came.
    pub turns: Vec<Value>,
    /// How many prompts were sent.
    pub prompts: u64,
    /// The newest cost that was told, for the whole session.
    pub cost: Option<Value>,
    /// The model, as far as the session told it.
    pub model: Option<String>,
    pub tools_used: u32,
    /// The agent's newest message.
    pub last_words: String,
}

#[derive(Default)]
struct Text {
    thought: bool,
    message: Option<String>,
    buffer: String,
}

struct Tool {
    title: String,
    status: ToolCallStatus,
    told: String,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
}

impl Transcript {
    pub fn new() -> Self {
        Self {
            queue: VecDeque::new(),
            text: Text::default(),
            tools: BTreeMap::new(),
            noise: 0,
            turns: Vec::new(),
            prompts: 0,
            cost: None,
            model: None,
            tools_used: 0,
            last_words: String::new(),
        }
    }

    /// Takes one message. True: it belongs to the conversation (an answer or a question) and must be passed on.
    pub fn heard(&mut self, line: &str) -> bool {
        if line.trim().is_empty() {
            return false;
        }
        let Ok(message) = serde_json::from_str::<Envelope<'_>>(line) else {
            self.noise(LineKind::Raw, line);
            return false;
        };
        match (message.method.as_deref(), message.id) {
            (Some("session/update"), None) => {
                self.update(line, message.params);
                false
            }
            (Some("_auth/status_update"), None) => {
                self.signed_in_as(message.params);
                false
            }
            (Some(_), None) => {
                self.noise(LineKind::Raw, line);
                false
            }
            (Some(method), Some(_)) => {
                if method != "session/request_permission" {
                    self.noise(LineKind::Raw, line);
                }
                true
            }
            (None, Some(_)) => {
                self.answered(message.result);
                true
            }
            (None, None) => {
                self.noise(LineKind::Raw, line);
                false
            }
        }
    }

    /// Our own words.
    pub fn say(&mut self, kind: LineKind, text: &str) {
        self.flush();
        self.push_line(kind, text);
    }

    /// Words that may come without end.
    pub fn noise(&mut self, kind: LineKind, text: &str) {
        self.noise += 1;
        match self.noise {
            n if n < MAX_NOISE => self.say(kind, text),
            MAX_NOISE => self.say(LineKind::Daemon, "more of its raw and error output is left out"),
            _ => {}
        }
    }

    pub fn push(&mut self, event: Event) {
        self.queue.push_back(event);
    }
    pub fn pop(&mut self) -> Option<Event> {
        self.queue.pop_front()
    }
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
    pub fn take_queue(&mut self) -> VecDeque<Event> {
        std::mem::take(&mut self.queue)
    }

    /// Ends the message that is being written.
    pub fn flush(&mut self) {
        let rest = std::mem::take(&mut self.text.buffer);
        self.push_text(&rest);
    }

    fn update(&mut self, line: &str, params: Option<&RawValue>) {
        let parsed = params.and_then(|params| serde_json::from_str::<SessionNotification>(params.get()).ok());
        let Some(notification) = parsed else {
            return self.noise(LineKind::Raw, line);
        };
        match notification.update {
            SessionUpdate::AgentMessageChunk(chunk) => self.chunk(false, &chunk),
            SessionUpdate::AgentThoughtChunk(chunk) => self.chunk(true, &chunk),
            SessionUpdate::ToolCall(call) => {
                self.tool(&call.tool_call_id.0, Some(call.title), Some(call.status));
            }
            SessionUpdate::ToolCallUpdate(update) => {
                self.tool(&update.tool_call_id.0, update.fields.title, update.fields.status);
            }
            SessionUpdate::Plan(plan) => self.plan(&plan),
            SessionUpdate::UsageUpdate(usage) => {
                if let Some(cost) = usage.cost.and_then(|cost| serde_json::to_value(cost).ok()) {
                    self.cost = Some(cost);
                }
                let model = usage.meta.as_ref().and_then(|meta| meta.get("_claude/model")?.as_str());
                self.model = model.map(str::to_owned).or(self.model.take());
            }
            // Known, and of no interest to a reader of the transcript.
            SessionUpdate::UserMessageChunk(_)
            | SessionUpdate::AvailableCommandsUpdate(_)
            | SessionUpdate::CurrentModeUpdate(_)
            | SessionUpdate::ConfigOptionUpdate(_)
            | SessionUpdate::SessionInfoUpdate(_) => {}
            _ => self.noise(LineKind::Raw, line),
        }
    }

    fn chunk(&mut self, thought: bool, chunk: &ContentChunk) {
        let ContentBlock::Text(text) = &chunk.content else {
            return self.say(LineKind::Raw, "(something that is not text)");
        };
        let message = chunk.message_id.as_ref().map(ToString::to_string);
        if thought != self.text.thought || message != self.text.message {
            self.flush();
            self.text.thought = thought;
            self.text.message = message;
            if !thought {
                self.last_words.clear();
            }
        }
        if !thought && self.last_words.len() < MAX_LINE {
            self.last_words.push_str(&text.text);
        }
        self.text.buffer.push_str(&text.text);
        let whole = match self.text.buffer.rfind('\n') {
            Some(end) => Some(end + 1),
            None if self.text.buffer.len() > PIECE => self.text.buffer.rfind(' ').map(|space| space + 1),
            None => None,
        };
        let whole = whole.or_else(|| (self.text.buffer.len() > MAX_LINE).then_some(self.text.buffer.len()));
        if let Some(end) = whole {
            let rest = self.text.buffer.split_off(end);
            let ready = std::mem::replace(&mut self.text.buffer, rest);
            self.push_text(&ready);
        }
    }

    fn push_text(&mut self, text: &str) {
        let kind = if self.text.thought { LineKind::Thought } else { LineKind::Text };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.push_line(kind, line.trim_end());
        }
    }

    fn tool(&mut self, id: &str, title: Option<String>, status: Option<ToolCallStatus>) {
        self.flush();
        if !self.tools.contains_key(id) {
            if self.tools.len() >= MAX_TOOLS {
                self.tools.pop_first();
            }
            self.tools_used = self.tools_used.saturating_add(1);
            let new = Tool { title: "a tool".into(), status: ToolCallStatus::Pending, told: String::new() };
            self.tools.insert(id.to_owned(), new);
        }
        let Some(tool) = self.tools.get_mut(id) else { return };
        let was_over = is_over(tool.status);
        tool.title = title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| tool.title.clone());
        tool.status = status.unwrap_or(tool.status);
        let over = is_over(tool.status) && !was_over;
        let tell = format!("{} · {}", tool.title, status_word(tool.status));
        let news = (tell != tool.told).then_some(tell);
        if let Some(tell) = news {
            tool.told.clone_from(&tell);
            self.push_line(LineKind::Tool, &tell);
        }
        if over {
            self.push(Event::Touched);
        }
    }

    fn plan(&mut self, plan: &Plan) {
        let line = |entry: &agent_client_protocol::v1::schema::PlanEntry| {
            let mark = match entry.status {
                PlanEntryStatus::Completed => "done",
                PlanEntryStatus::InProgress => "now",
                _ => "later",
            };
            format!("{mark}: {}", entry.content)
        };
        let lines: Vec<String> = plan.entries.iter().map(line).collect();
        self.say(LineKind::Plan, &lines.join(" · "));
    }

    fn signed_in_as(&mut self, params: Option<&RawValue>) {
        let status = params.and_then(|params| serde_json::from_str::<Value>(params.get()).ok());
        if let Some(label) = status.as_ref().and_then(|status| status["authStatus"]["label"].as_str()) {
            self.say(LineKind::Daemon, &format!("its account: {label}"));
        }
    }

    fn answered(&mut self, result: Option<&RawValue>) {
        let Some(Ok(result)) = result.map(|result| serde_json::from_str::<Value>(result.get())) else {
            return;
        };
        if result.get("stopReason").is_some() {
            self.flush();
            self.turns.push(result);
        } else if let Some(model) = result["models"]["currentModelId"].as_str() {
            self.model = Some(model.to_owned());
        }
    }

    fn push_line(&mut self, kind: LineKind, text: &str) {
        let text: String = text.chars().filter(|c| !c.is_control() || *c == '\t').collect();
        self.push(Event::Line { kind, text: cut(text) });
    }
}

fn is_over(status: ToolCallStatus) -> bool {
    matches!(status, ToolCallStatus::Completed | ToolCallStatus::Failed)
}

fn status_word(status: ToolCallStatus) -> &'static str {
    match status {
        ToolCallStatus::Pending => "waiting",
        ToolCallStatus::InProgress => "running",
        ToolCallStatus::Completed => "done",
        ToolCallStatus::Failed => "failed",
        _ => "in a state that we do not know",
    }
}

fn cut(mut text: String) -> String {
    if text.len() > MAX_LINE {
        let end = text.floor_char_boundary(MAX_LINE - '…'.len_utf8());
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
