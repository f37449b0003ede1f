//! Asks a service that chats as OpenAI's does.

use super::Said;
use super::prompt::Prompt;
use crate::remember::service::{Failed, Service};
use protocol::fact::Usage;
use serde_json::{Value, json};
use std::time::Duration;

/// One call. Blocking.
pub fn ask(service: &Service, model: &str, prompt: &Prompt, limit: Duration) -> Result<Said, Failed> {
    let body = json!({
        "model": model,
        "stream": false,
        "messages": [
            {"role": "system", "content": prompt.rules},
            {"role": "user", "content": prompt.note},
        ],
    });
    let answer = service.post("/chat/completions", &body, limit)?;
    let text = answer["choices"][0]["message"]["content"].as_str().unwrap_or_default().to_owned();
    Ok(Said { text, usage: usage(&answer["usage"]) })
}

/// As the service told it: what it did not tell is unknown. On this wire cached tokens are counted into the input.
fn usage(told: &Value) -> Usage {
    let cached = told["prompt_tokens_details"]["cached_tokens"].as_u64();
    let input = told["prompt_tokens"].as_u64().map(|all| all.saturating_sub(cached.unwrap_or(0)));
    Usage {
        input,
        cache_read: cached,
        output: told["completion_tokens"].as_u64(),
        reasoning: told["completion_tokens_details"]["reasoning_tokens"].as_u64(),
        requests: Some(1),
        cost_usd: told["cost"].as_f64(),
        ..Usage::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_does_not_tell_is_unknown() {
        let told = json!({"prompt_tokens": 100, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 40}});
        let read = usage(&told);
        assert_eq!((read.input, read.cache_read, read.output), (Some(60), Some(40), Some(7)));
        assert_eq!((read.reasoning, read.cost_usd), (None, None));
        assert_eq!(usage(&Value::Null), Usage { requests: Some(1), ..Usage::default() });
    }
}
