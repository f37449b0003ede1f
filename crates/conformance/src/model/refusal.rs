//! Refusals, each in the words of the service that the wire belongs to: the programs read these words, and so does the
//! driver. A 429 with a time is a used-up quota, without one a passing limit.

use super::bill::Wire;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A refusal of the scenario.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub status: u16,
    /// Unix seconds.
    pub resets_at: Option<i64>,
}

pub fn respond(wire: Wire, model: &str, refusal: Refusal) -> Response {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
    let wait = refusal.resets_at.map(|at| (at - now).max(1));
    let (status, body) = match wire {
        Wire::Messages => (refusal.status, messages(refusal.status)),
        Wire::Responses => (refusal.status, responses(refusal)),
        Wire::Gemini => (refusal.status, gemini(refusal.status, wait)),
        Wire::Chat => chat(model, refusal),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, Json(body)).into_response();
    if refusal.status == 429 {
        limits(response.headers_mut(), wire, wait, refusal.resets_at);
    }
    response
}

fn limits(headers: &mut HeaderMap, wire: Wire, wait: Option<i64>, resets_at: Option<i64>) {
    match (wire, resets_at) {
        (Wire::Messages | Wire::Responses, Some(at)) => {
            headers.insert("anthropic-ratelimit-unified-status", HeaderValue::from_static("rejected"));
            headers.insert("anthropic-ratelimit-unified-reset", HeaderValue::from(at));
        }
        // Google says it in the body only.
        (Wire::Gemini, _) => {}
        (Wire::Messages | Wire::Responses | Wire::Chat, _) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.unwrap_or(1)));
        }
    }
}

fn said(status: u16) -> String {
    format!("scripted {status}")
}

fn messages(status: u16) -> Value {
    let kind = match status {
        400 => "invalid_request_error",
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        429 => "rate_limit_error",
        529 => "overloaded_error",
        _ => "api_error",
    };
    json!({"type": "error", "error": {"type": kind, "message": said(status)}})
}

fn responses(refusal: Refusal) -> Value {
    let (status, message) = (refusal.status, said(refusal.status));
    match refusal.resets_at {
        Some(at) => {
            json!({"error": {"type": "usage_limit_reached", "message": message, "plan_type": "plus", "resets_at": at}})
        }
        None => json!({"error": {"type": "scripted_error", "message": message, "code": status}}),
    }
}

/// Google's form; a quota of the day is told by its id, and `RetryInfo` says when to come again.
fn gemini(status: u16, wait: Option<i64>) -> Value {
    let (word, message) = match status {
        400 => ("INVALID_ARGUMENT", said(status)),
        401 => ("UNAUTHENTICATED", "Request had invalid authentication credentials (scripted 401).".into()),
        403 => ("PERMISSION_DENIED", said(status)),
        404 => ("NOT_FOUND", said(status)),
        429 => (
            "RESOURCE_EXHAUSTED",
            "You exceeded your current quota, please check your plan (scripted 429).".into(),
        ),
        503 => ("UNAVAILABLE", said(status)),
        _ => ("INTERNAL", said(status)),
    };
    let mut details = Vec::new();
    if status == 429 {
        let per = if wait.is_some() { "PerDay" } else { "PerMinute" };
        let quota = format!("GenerateRequests{per}PerProjectPerModel-FreeTier");
        details.push(json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [
            {"quotaMetric": "generativelanguage.googleapis.com/generate_content_requests", "quotaId": quota}]}));
        let delay = format!("{}s", wait.unwrap_or(1));
        details.push(json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}));
    }
    json!({"error": {"code": status, "message": message, "status": word, "details": details}})
}

/// OpenAI's form, which others took over with words of their own. Kimi's plan, used up, is a 403 and no 429.
fn chat(model: &str, refusal: Refusal) -> (u16, Value) {
    let kimi = model.contains("kimi");
    let error = |kind: &str, code: Value, message: &str| json!({"error": {"message": message, "type": kind, "code": code, "param": null}});
    let body = match (refusal.status, refusal.resets_at) {
        (429, Some(_)) if kimi => {
            let words = "You've reached your usage limit for this billing cycle. Your quota will be refreshed in the next cycle (scripted).";
            return (403, json!({"error": {"message": words, "type": "access_terminated_error"}}));
        }
        (429, Some(_)) => {
            let words =
                "You exceeded your current quota, please check your plan and billing details (scripted 429).";
            error("insufficient_quota", json!("insufficient_quota"), words)
        }
        (429, None) => {
            let words = "Too many requests at the moment, please wait and try again (scripted 429).";
            error("rate_limit_reached_error", json!("rate_limit_exceeded"), words)
        }
        (401, _) if kimi => {
            json!({"error": {"message": "Invalid Authentication (scripted 401)", "type": "invalid_authentication_error"}})
        }
        (401, _) => error(
            "invalid_request_error",
            json!("invalid_api_key"),
            "Incorrect API key provided (scripted 401).",
        ),
        (status @ 400..=499, _) => error("invalid_request_error", Value::Null, &said(status)),
        (status, _) => error("server_error", Value::Null, &said(status)),
    };
    (refusal.status, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_used_up_quota_and_a_passing_limit_are_told_apart_on_every_wire() {
        let waits = |wire, resets_at| {
            let response = respond(wire, "m", Refusal { status: 429, resets_at });
            response
                .headers()
                .get(header::RETRY_AFTER)
                .and_then(|wait| wait.to_str().ok()?.parse::<u64>().ok())
        };
        assert_eq!(waits(Wire::Chat, None), Some(1));
        assert!(waits(Wire::Chat, Some(4_000_000_000)).is_some_and(|wait| wait > 1));
        assert_eq!(waits(Wire::Messages, Some(4_000_000_000)), None);
        assert_eq!(gemini(429, Some(7200))["error"]["details"][1]["retryDelay"], "7200s");
        assert!(
            gemini(429, None)["error"]["details"][0]["violations"][0]["quotaId"]
                .as_str()
                .unwrap()
                .contains("PerMinute")
        );
        let quota = Refusal { status: 429, resets_at: Some(4_000_000_000) };
        assert_eq!(chat("kimi-for-coding", quota).0, 403);
        assert_eq!(chat("qwen3-coder-plus", quota).1["error"]["code"], "insufficient_quota");
    }
}
