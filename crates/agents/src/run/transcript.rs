//! Turns what an agent sends into lines for people. Known notifications become words; what we do not know is kept raw
//! and counted; all of it is bounded.

use super::message::{self, Content, Envelope, PlanEntry, Update};
use super::text::{MAX_LINE, Text, bounded};
use super::tools::Tools;
use super::usage::Total;
use crate::{Event, Profile};
use protocol::fact::ModelUsage;
use protocol::view::LineKind;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::VecDeque;

/// Raw and error lines that are kept of one run.
const MAX_NOISE: u32 = 2000;

pub(super) struct Transcript {
    profile: &'static Profile,
    queue: VecDeque<Event>,
    text: Text,
    pub tools: Tools,
    noise: u32,
    /// Messages of a kind that we do not know.
    pub unknown: u32,
    /// An earlier conversation is being said again; it was heard before.
    pub replaying: bool,
    /// Results of `session/prompt`, as they came.
    pub turns: Vec<Value>,
    /// How many prompts were sent.
    pub prompts: u64,
    /// The newest cost that was told, for the whole session.
    pub cost: Option<Value>,
    /// The newest total that was told, for the whole session.
    pub total: Option<Total>,
    /// Calls of the model, where pieces of messages tell of them.
    pub calls: Vec<ModelUsage>,
    /// The model, as far as the session told it.
    pub model: Option<String>,
    /// The agent's newest message.
    pub last_words: String,
}

impl Transcript {
    pub fn new(profile: &'static Profile) -> Self {
        Self {
            profile,
            queue: VecDeque::new(),
            text: Text::default(),
            tools: Tools::default(),
            noise: 0,
            unknown: 0,
            replaying: false,
            turns: Vec::new(),
            prompts: 0,
            cost: None,
            total: None,
            calls: Vec::new(),
            model: None,
            last_words: String::new(),
        }
    }

    /// Takes one message. True: it belongs to the conversation (an answer or a question) and must be passed on.
    pub fn heard(&mut self, line: &str) -> bool {
        if line.trim().is_empty() {
            return false;
        }
        if let Some(update) = message::update(line) {
            self.update(line, &update);
            return false;
        }
        let Ok(message) = serde_json::from_str::<Envelope<'_>>(line) else {
            self.strange(line);
            return false;
        };
        match (message.method.as_deref(), message.id) {
            (Some(method), None) => {
                self.notified(method, line, message.params);
                false
            }
            (Some(method), Some(_)) => {
                let usual = matches!(method, "session/request_permission" | "elicitation/create");
                if !usual && !self.profile.known.contains(&method) {
                    self.strange(line);
                }
                true
            }
            (None, Some(_)) => {
                self.replaying = false;
                self.answered(message.result);
                true
            }
            (None, None) => {
                self.strange(line);
                false
            }
        }
    }

    /// A prompt was sent.
    pub fn prompted(&mut self) {
        self.prompts += 1;
        self.tools.used_in_turn = 0;
        self.last_words.clear();
        self.text.message = None;
    }

    /// Our own words.
    pub fn say(&mut self, kind: LineKind, text: &str) {
        self.flush();
        self.push_line(kind, text);
    }

    /// Words that may come without end.
    pub fn noise(&mut self, kind: LineKind, text: &str) {
        self.noise = self.noise.saturating_add(1);
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
        let mut rest = std::mem::take(&mut self.text.buffer);
        self.push_text(&rest);
        // Its room is used again.
        rest.clear();
        self.text.buffer = rest;
    }

    /// Something of a kind that we do not know. It is kept as it came.
    fn strange(&mut self, line: &str) {
        self.unknown = self.unknown.saturating_add(1);
        self.noise(LineKind::Raw, line);
    }

    fn notified(&mut self, method: &str, line: &str, params: Option<&RawValue>) {
        if let Some((name, read)) = self.profile.total
            && name == method
            && let Some(total) = params.and_then(value).as_ref().and_then(read)
        {
            self.total = Some(total);
        }
        match method {
            "session/update" => match params.and_then(|params| params_update(params.get())) {
                Some(update) => self.update(line, &update),
                None => self.strange(line),
            },
            "_auth/status_update" => self.signed_in_as(params),
            known if self.profile.known.contains(&known) => {}
            _ => self.strange(line),
        }
    }

    fn update(&mut self, line: &str, update: &Update<'_>) {
        if self.replaying {
            return;
        }
        match &*update.session_update {
            "agent_message_chunk" => self.chunk(false, line, update),
            "agent_thought_chunk" => self.chunk(true, line, update),
            "tool_call" | "tool_call_update" if update.tool_call_id.is_some() => self.tool(update),
            "plan" => self.plan(line, update),
            "usage_update" => {
                self.cost = update.cost.and_then(value).filter(Value::is_object).or(self.cost.take());
                let model =
                    update.meta.and_then(value).and_then(|m| m["_claude/model"].as_str().map(str::to_owned));
                self.model = model.or(self.model.take());
            }
            // Known, and of no interest to a reader of the transcript.
            "user_message_chunk"
            | "available_commands_update"
            | "current_mode_update"
            | "config_option_update"
            | "session_info_update" => {}
            _ => self.strange(line),
        }
    }

    fn chunk(&mut self, thought: bool, line: &str, update: &Update<'_>) {
        let content = update.content.and_then(|raw| serde_json::from_str::<Content<'_>>(raw.get()).ok());
        let Some(content) = content else { return self.strange(line) };
        if let Some(meta) = update.meta {
            self.billed(meta);
        }
        if content.kind != "text" {
            return self.say(LineKind::Raw, "(something that is not text)");
        }
        if content.text.is_empty() || self.profile.echo.is_some_and(|echo| content.text.starts_with(echo)) {
            return;
        }
        if thought != self.text.thought || update.message_id.as_deref() != self.text.message.as_deref() {
            self.flush();
            self.text.thought = thought;
            self.text.message = update.message_id.as_deref().map(str::to_owned);
            if !thought {
                self.last_words.clear();
            }
        }
        if !thought && self.last_words.len() < MAX_LINE {
            self.last_words.push_str(&content.text);
        }
        if let Some(ready) = self.text.add(&content.text) {
            self.push_text(&ready);
        }
    }

    /// A piece of a message that tells what a call of the model cost. Its input contains what the cache served.
    fn billed(&mut self, meta: &RawValue) {
        let Some(usage) = value(meta).map(|meta| meta["usage"].clone()).filter(Value::is_object) else {
            return;
        };
        let (input, cached) = (usage["inputTokens"].as_u64(), usage["cachedReadTokens"].as_u64());
        self.calls.push(ModelUsage {
            model: self.model.clone().unwrap_or_default(),
            requests: Some(1),
            input: input.zip(cached).and_then(|(input, cached)| input.checked_sub(cached)),
            cache_read: cached,
            cache_write: None,
            output: usage["outputTokens"].as_u64(),
            reasoning: usage["thoughtTokens"].as_u64(),
        });
    }

    fn push_text(&mut self, text: &str) {
        let kind = if self.text.thought { LineKind::Thought } else { LineKind::Text };
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.push_line(kind, line.trim_end());
        }
    }

    fn tool(&mut self, update: &Update<'_>) {
        self.flush();
        // What is said after a tool is another message, whether it is marked as one or not.
        self.last_words.clear();
        let news = self.tools.heard(update);
        if let Some(line) = news.line {
            self.push_line(LineKind::Tool, &line);
        }
        if news.over {
            self.push(Event::Touched);
        }
    }

    fn plan(&mut self, line: &str, update: &Update<'_>) {
        let entries = update.entries.and_then(|raw| serde_json::from_str::<Vec<PlanEntry>>(raw.get()).ok());
        let Some(entries) = entries else { return self.strange(line) };
        let words = |entry: &PlanEntry| {
            let mark = match entry.status.as_str() {
                "completed" => "done",
                "in_progress" => "now",
                _ => "later",
            };
            format!("{mark}: {}", entry.content)
        };
        let lines: Vec<String> = entries.iter().map(words).collect();
        self.say(LineKind::Plan, &lines.join(" · "));
    }

    fn signed_in_as(&mut self, params: Option<&RawValue>) {
        let status = params.and_then(value);
        if let Some(label) = status.as_ref().and_then(|status| status["authStatus"]["label"].as_str()) {
            self.say(LineKind::Daemon, &format!("its account: {label}"));
        }
    }

    fn answered(&mut self, result: Option<&RawValue>) {
        let Some(result) = result.and_then(value) else { return };
        if result.get("stopReason").is_some() {
            self.flush();
            self.turns.push(result);
        } else if let Some(model) = result["models"]["currentModelId"].as_str() {
            self.model = Some(model.to_owned());
        }
    }

    fn push_line(&mut self, kind: LineKind, text: &str) {
        self.push(Event::Line { kind, text: bounded(text) });
    }
}

fn params_update(params: &str) -> Option<Update<'_>> {
    serde_json::from_str::<message::Params<'_>>(params).ok().map(|params| params.update)
}

fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
#[path = "transcript_tests.rs"]
mod tests;
