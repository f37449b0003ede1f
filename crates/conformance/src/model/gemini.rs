//! The Gemini wire: `streamGenerateContent`, `generateContent`, and calls that ask for an answer in a given form.

use super::bill::{Item, Tokens};
use super::said::Said;
use super::serve::Asked;
use super::sse::{self, Course, Frame};
use super::tools::{self, Tool};
use super::turn::Turn;
use serde_json::{Value, json};

/// What was said, in order: the user's texts and the tool results. Several parts of one message are one text.
pub fn said(body: &Value) -> Vec<Said> {
    let mut all = Vec::new();
    for content in body["contents"].as_array().into_iter().flatten() {
        let parts = content["parts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let results = parts.iter().filter_map(|part| part.get("functionResponse"));
        all.extend(
            results.map(|result| Said::Result { text: result["response"].to_string(), search: false }),
        );
        if content["role"] == "user" {
            let texts = parts.iter().filter_map(|part| part["text"].as_str());
            let texts: Vec<&str> = texts.filter(|text| !Said::is_reminder(text)).collect();
            all.extend(Said::user(&texts.join("\n")));
        }
    }
    all
}

pub fn offered(body: &Value) -> Vec<Tool> {
    let lists = body["tools"].as_array().into_iter().flatten();
    let all = lists.filter_map(|list| list["functionDeclarations"].as_array()).flatten();
    all.map(|tool| {
        let schema = tool.get("parametersJsonSchema").or_else(|| tool.get("parameters"));
        Tool::new(tool["name"].as_str().unwrap_or_default(), schema.unwrap_or(&Value::Null))
    })
    .collect()
}

/// The form that the answer must have, where the program asked for one: it chooses its model by such a call.
fn form(body: &Value) -> Option<&Value> {
    let config = &body["generationConfig"];
    config.get("responseJsonSchema").or_else(|| config.get("responseSchema"))
}

/// The answer, as a stream where the path asked for one.
pub fn frames(asked: &Asked, turn: &Turn, item: Item, course: &Course, stream: bool) -> Vec<Frame> {
    let call = item.request;
    let chunk = |parts: Value| {
        json!({"candidates": [{"content": {"role": "model", "parts": parts}, "index": 0}],
               "modelVersion": asked.model, "responseId": format!("scripted-{call}")})
    };
    let parts = parts(asked, turn, call);
    let usage = usage(item.tokens);
    if !stream {
        let mut whole = chunk(Value::Array(parts));
        whole["candidates"][0]["finishReason"] = "STOP".into();
        whole["usageMetadata"] = usage;
        return sse::in_one_piece(whole, item, course);
    }
    let mut frames = vec![Frame::Data(chunk(json!([{"text": ""}])))];
    if course.begin(&mut frames) {
        return frames;
    }
    let mut last = Vec::new();
    for part in parts {
        match part["text"].as_str() {
            Some(text) => frames
                .extend(sse::parts(text).into_iter().map(|text| Frame::Data(chunk(json!([{"text": text}]))))),
            None => last.push(part),
        }
    }
    let mut end = chunk(Value::Array(last));
    end["candidates"][0]["finishReason"] = "STOP".into();
    end["usageMetadata"] = usage;
    frames.extend([Frame::Bill(item), Frame::Data(end)]);
    frames
}

fn parts(asked: &Asked, turn: &Turn, call: u64) -> Vec<Value> {
    if let Some(form) = form(&asked.body) {
        return vec![json!({"text": tools::fill(form).to_string()})];
    }
    let Some((name, arguments)) = tools::call(&turn.act, &asked.tools, &asked.cwd) else {
        return vec![json!({"text": turn.last_words()})];
    };
    let mut parts: Vec<Value> = turn.say.iter().map(|text| json!({"text": text})).collect();
    let id = format!("call_scripted_{call}");
    parts.push(json!({"functionCall": {"id": id, "name": name, "args": arguments}}));
    parts
}

/// This wire counts cached tokens into its prompt, and thoughts beside its answer.
fn usage(tokens: Tokens) -> Value {
    let prompt = tokens.input + tokens.cache_read;
    json!({
        "promptTokenCount": prompt,
        "cachedContentTokenCount": tokens.cache_read,
        "candidatesTokenCount": tokens.output - tokens.reasoning,
        "thoughtsTokenCount": tokens.reasoning,
        "totalTokenCount": prompt + tokens.output,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_in_the_users_name_is_a_result() {
        let body = json!({"contents": [
            {"role": "user", "parts": [{"text": "<session_context>x"}]},
            {"role": "user", "parts": [{"text": "make"}, {"text": "it"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "x"}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "x", "response": {"output": "did"}}}]},
        ]});
        let result = Said::Result { text: r#"{"output":"did"}"#.into(), search: false };
        assert_eq!(said(&body), [Said::Text("make\nit".into()), result]);
    }
}
