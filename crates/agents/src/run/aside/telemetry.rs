//! The telemetry of Gemini CLI and of Qwen Code, which has grown out of it: records of JSON, one after the other, each
//! spread over many lines. Calls of the model are taken out; everything else is passed over.

use super::Told;
use protocol::fact::ModelUsage;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// The longest record that is looked at.
const MAX_RECORD: usize = 4 << 20;

#[derive(Default)]
pub(in crate::run) struct Reader {
    line: Vec<u8>,
    record: Vec<u8>,
    /// The record is longer than any that we know, and is passed over.
    skipping: bool,
}

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    attributes: Attributes<'a>,
}

#[derive(Deserialize)]
struct Attributes<'a> {
    #[serde(borrow, rename = "event.name")]
    name: Cow<'a, str>,
    #[serde(default)]
    model: Option<String>,
    #[serde(default)]
    status_code: Option<Value>,
    #[serde(default)]
    input_token_count: Option<Value>,
    #[serde(default)]
    output_token_count: Option<Value>,
    #[serde(default)]
    cached_content_token_count: Option<Value>,
    #[serde(default)]
    thoughts_token_count: Option<Value>,
    #[serde(default)]
    tool_token_count: Option<Value>,
    #[serde(default)]
    total_token_count: Option<Value>,
    #[serde(default, rename = "error.message")]
    message: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    error_message: Option<String>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    prompt_id: Option<String>,
}

/// Calls that a program makes for itself. Without their answer the work goes on.
const SIDE: [&str; 4] = ["forked_query", "prompt_suggestion", "side-query:", "speculation"];

impl Reader {
    /// Takes the next bytes, cut anywhere.
    pub fn take(&mut self, mut bytes: &[u8], mut tell: impl FnMut(Told)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            if let Some(told) = self.line_over() {
                tell(told);
            }
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() > MAX_RECORD {
            self.line.clear();
            self.record.clear();
            self.skipping = true;
        }
    }

    /// A record begins with a line `{` and ends with a line `}`; all lines between are set in.
    fn line_over(&mut self) -> Option<Told> {
        let line = std::mem::take(&mut self.line);
        if line == b"{" {
            self.record.clear();
            self.skipping = false;
        }
        if self.skipping {
            return None;
        }
        self.record.extend_from_slice(&line);
        self.record.push(b'\n');
        if self.record.len() > MAX_RECORD {
            self.record.clear();
            self.skipping = true;
            return None;
        }
        if line != b"}" {
            return None;
        }
        let record = std::mem::take(&mut self.record);
        // Most records are of other things, and large.
        let is_call = memchr::memmem::find(&record, b".api_").is_some();
        is_call.then(|| read(&record)).flatten()
    }
}

fn read(record: &[u8]) -> Option<Told> {
    let record: Record<'_> = serde_json::from_slice(record).ok()?;
    let call = record.attributes;
    let (_, kind) = call.name.rsplit_once('.')?;
    match kind {
        "api_response" => Some(Told::Answered(call.usage())),
        "api_error" => (!call.is_side()).then(|| call.refused()),
        _ => None,
    }
}

impl Attributes<'_> {
    fn usage(self) -> ModelUsage {
        let count = |value: &Option<Value>| value.as_ref().and_then(Value::as_u64);
        let input = count(&self.input_token_count);
        let tool = count(&self.tool_token_count).unwrap_or(0);
        let cached = count(&self.cached_content_token_count);
        let output = count(&self.output_token_count);
        let thoughts = count(&self.thoughts_token_count);
        // Gemini's output leaves its thoughts out, OpenAI's holds them; the total tells which it is.
        let apart = match (input, output, thoughts, count(&self.total_token_count)) {
            (Some(input), Some(output), Some(thoughts), Some(total)) => {
                total >= input.saturating_add(output).saturating_add(thoughts)
            }
            _ => false,
        };
        ModelUsage {
            model: self.model.unwrap_or_default(),
            requests: Some(1),
            input: input.zip(cached).and_then(|(all, cached)| all.saturating_add(tool).checked_sub(cached)),
            cache_read: cached,
            cache_write: None,
            output: if apart { output.zip(thoughts).map(|(o, t)| o.saturating_add(t)) } else { output },
            reasoning: thoughts,
        }
    }

    fn is_side(&self) -> bool {
        let begins =
            |text: &Option<String>, with: &str| text.as_ref().is_some_and(|text| text.starts_with(with));
        begins(&self.role, "utility") || SIDE.iter().any(|side| begins(&self.prompt_id, side))
    }

    fn refused(self) -> Told {
        let status = match &self.status_code {
            Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let words = self.message.or(self.error).or(self.error_message).unwrap_or_default();
        Told::Refused { status, words }
    }
}

#[cfg(test)]
#[path = "telemetry_tests.rs"]
mod tests;
