//! What an agent wants to know from a person. While something is open, no clock of the run goes on.

use super::talk;
use crate::Event;
use agent_client_protocol::v1::Responder;
use agent_client_protocol::v1::schema::{
    CreateElicitationRequest, CreateElicitationResponse, ElicitationAcceptAction, ElicitationAction,
    ElicitationContentValue, ElicitationMode, RequestPermissionOutcome, RequestPermissionRequest,
    RequestPermissionResponse, SelectedPermissionOutcome,
};
use protocol::clean;
use protocol::fact::{AskKind, AskOption};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use tokio::sync::oneshot;

/// Questions are lines for people.
const MAX_QUESTION: usize = 8 << 10;
const MAX_OPTIONS: usize = 50;

/// Where the answer to a question in words goes: the next prompt, or nothing more.
pub(super) type Next = oneshot::Sender<Option<String>>;

#[derive(Default)]
pub(super) struct Asks {
    open: BTreeMap<String, Open>,
    count: u32,
    /// Of the newest one.
    pub question: String,
}

enum Open {
    Words(Next),
    Permission(Responder<RequestPermissionResponse>),
    Form(Form),
}

/// Several questions in one, asked one after the other.
struct Form {
    responder: Responder<CreateElicitationResponse>,
    rest: VecDeque<Field>,
    now: Field,
    answers: BTreeMap<String, ElicitationContentValue>,
}

struct Field {
    key: String,
    question: String,
    options: Vec<AskOption>,
    many: bool,
}

impl Asks {
    pub fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// The question that waits for words, if one does.
    pub fn waits_for_words(&self) -> Option<String> {
        self.open.iter().find(|(_, open)| matches!(open, Open::Words(_))).map(|(ask, _)| ask.clone())
    }

    pub fn words(&mut self, question: &str, next: Next) -> Event {
        self.asked(AskKind::Question, question, Vec::new(), Open::Words(next))
    }

    pub fn permission(
        &mut self,
        request: &RequestPermissionRequest,
        responder: Responder<RequestPermissionResponse>,
    ) -> Event {
        let call = &request.tool_call.fields;
        let what = call.title.clone().unwrap_or_else(|| "use a tool".to_owned());
        let options = request.options.iter().take(MAX_OPTIONS);
        let options =
            options.map(|o| AskOption { id: o.option_id.0.to_string(), label: clean::line(&o.name, 200) });
        self.asked(AskKind::Permission, &what, options.collect(), Open::Permission(responder))
    }

    /// None: it is nothing that we can ask, and was declined.
    pub fn form(
        &mut self,
        request: &CreateElicitationRequest,
        responder: Responder<CreateElicitationResponse>,
    ) -> Option<Event> {
        let mut fields = fields(request);
        let Some(now) = fields.pop_front() else {
            // An agent that is gone needs no answer.
            let _ = responder.respond(CreateElicitationResponse::new(ElicitationAction::Decline));
            return None;
        };
        Some(self.next_field(Form { responder, rest: fields, now, answers: BTreeMap::new() }))
    }

    /// Takes a person's answer. Events to be told; none: nothing of that name is open.
    pub fn answer(&mut self, ask: &str, option: Option<String>, text: Option<String>) -> Vec<Event> {
        let Some(open) = self.open.remove(ask) else { return Vec::new() };
        let answered = Event::Answered { ask: ask.to_owned() };
        match open {
            Open::Words(next) => {
                // Neither: the person has nothing to say, and the turn was the last.
                let _ = next.send(text.or(option));
            }
            Open::Permission(responder) => {
                let outcome = match option {
                    Some(id) => RequestPermissionOutcome::Selected(SelectedPermissionOutcome::new(id)),
                    None => RequestPermissionOutcome::Cancelled,
                };
                let _ = responder.respond(RequestPermissionResponse::new(outcome));
            }
            Open::Form(form) => {
                return match form.take(option, text) {
                    Some(form) => vec![answered, self.next_field(form)],
                    None => vec![answered],
                };
            }
        }
        vec![answered]
    }

    /// Nobody answers any more.
    pub fn drop_all(&mut self) -> Vec<Event> {
        let names: Vec<String> = self.open.keys().cloned().collect();
        names.into_iter().flat_map(|ask| self.answer(&ask, None, None)).collect()
    }

    fn next_field(&mut self, form: Form) -> Event {
        let (question, options) = (form.now.question.clone(), form.now.options.clone());
        self.asked(AskKind::Question, &question, options, Open::Form(form))
    }

    fn asked(&mut self, kind: AskKind, question: &str, options: Vec<AskOption>, open: Open) -> Event {
        self.count += 1;
        let ask = format!("ask-{}", self.count);
        self.open.insert(ask.clone(), open);
        self.question = shortened(question);
        Event::Asked { ask, kind, question: self.question.clone(), options }
    }
}

impl Form {
    /// The form with its next question; none when that was the last and the agent was answered.
    fn take(mut self, option: Option<String>, text: Option<String>) -> Option<Form> {
        let Some(answer) = option.or(text) else {
            let _ = self.responder.respond(CreateElicitationResponse::new(ElicitationAction::Cancel));
            return None;
        };
        let value = if self.now.many {
            ElicitationContentValue::StringArray(vec![answer])
        } else {
            ElicitationContentValue::String(answer)
        };
        self.answers.insert(self.now.key.clone(), value);
        if let Some(next) = self.rest.pop_front() {
            self.now = next;
            return Some(self);
        }
        let accepted = ElicitationAcceptAction::new().content(self.answers);
        let _ = self.responder.respond(CreateElicitationResponse::new(ElicitationAction::Accept(accepted)));
        None
    }
}

/// The questions of a form: texts and choices. A form that must have a number or a yes is none of ours.
fn fields(request: &CreateElicitationRequest) -> VecDeque<Field> {
    let ElicitationMode::Form(form) = &request.mode else { return VecDeque::new() };
    let Ok(schema) = serde_json::to_value(&form.requested_schema) else { return VecDeque::new() };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema["properties"].as_object() else { return VecDeque::new() };
    let alone = required.len() == 1 || properties.len() == 1;
    let mut fields = VecDeque::new();
    for (key, property) in properties {
        let needed = required.contains(&key.as_str()) || required.is_empty();
        let kind = property["type"].as_str().unwrap_or_default();
        if !matches!(kind, "string" | "array") || !needed {
            if required.contains(&key.as_str()) {
                return VecDeque::new();
            }
            continue;
        }
        let many = kind == "array";
        let title = property["title"].as_str().or(property["description"].as_str());
        let question = match title {
            Some(title) if !alone => format!("{}\n{title}", request.message),
            _ => request.message.clone(),
        };
        let choices = if many { &property["items"] } else { property };
        fields.push_back(Field { key: key.clone(), question, options: options(choices), many });
    }
    fields
}

fn options(choices: &Value) -> Vec<AskOption> {
    let titled = choices["oneOf"].as_array().or(choices["anyOf"].as_array());
    let titled = titled.into_iter().flatten().filter_map(|choice| {
        let id = choice["const"].as_str()?;
        let label = choice["title"].as_str().unwrap_or(id);
        let more = choice["description"].as_str().map(|more| format!(": {more}")).unwrap_or_default();
        Some(AskOption { id: id.to_owned(), label: clean::line(&format!("{label}{more}"), 300) })
    });
    let plain = choices["enum"].as_array().into_iter().flatten().filter_map(|choice| {
        let id = choice.as_str()?;
        Some(AskOption { id: id.to_owned(), label: clean::line(id, 300) })
    });
    titled.chain(plain).take(MAX_OPTIONS).collect()
}

/// Whether a message ends as a question does.
pub(super) fn is_question(words: &str) -> bool {
    let end = words.trim_end_matches(|c: char| {
        c.is_whitespace() || matches!(c, '*' | '_' | '`' | '"' | '”' | ')' | '»')
    });
    end.ends_with(['?', '？', '؟'])
}

fn shortened(question: &str) -> String {
    let shown: String = question.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let mut shown = shown;
    if shown.len() > MAX_QUESTION {
        shown.truncate(shown.floor_char_boundary(MAX_QUESTION - 3));
        shown.push('…');
    }
    shown
}

/// What an agent that may do all is answered.
pub(super) fn allowed(request: &RequestPermissionRequest, responder: Responder<RequestPermissionResponse>) {
    // An agent that is gone needs no answer.
    let _ = responder.respond(talk::allow(request));
}

#[cfg(test)]
#[path = "asks_tests.rs"]
mod tests;
