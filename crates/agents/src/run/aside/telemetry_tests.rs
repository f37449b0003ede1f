//! Records as the two programs write them, whole, torn, and wrong.

use super::*;
use proptest::prelude::*;

fn record(name: &str, attributes: &str) -> String {
    format!(
        "{{\n  \"hrTime\": [\n    1795347077,\n    914000000\n  ],\n  \"attributes\": {{\n    \"session.id\": \"s\",\n    \"event.name\": \"{name}\",\n{attributes}\n  }},\n  \"_body\": \"API response.\"\n}}\n"
    )
}

const COUNTS: &str = r#"    "model": "m",
    "status_code": 200,
    "input_token_count": 1200,
    "output_token_count": 34,
    "cached_content_token_count": 1000,
    "thoughts_token_count": 5,
    "tool_token_count": 0,
    "total_token_count": 1239"#;

fn gemini() -> String {
    record("gemini_cli.api_response", COUNTS)
}

fn all(chunks: &[&[u8]]) -> Vec<Told> {
    let mut reader = Reader::default();
    let mut told = Vec::new();
    for chunk in chunks {
        reader.take(chunk, |one| told.push(one));
    }
    told
}

fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> ModelUsage {
    ModelUsage {
        model: "m".into(),
        requests: Some(1),
        input: Some(input),
        cache_read: Some(cached),
        cache_write: None,
        output: Some(output),
        reasoning: Some(reasoning),
    }
}

#[test]
fn thoughts_are_added_where_the_output_leaves_them_out() {
    assert_eq!(all(&[gemini().as_bytes()]), [Told::Answered(usage(200, 1000, 39, 5))]);
    let openai = COUNTS.replace("1239", "1234");
    let openai = record("qwen-code.api_response", &openai);
    assert_eq!(all(&[openai.as_bytes()]), [Told::Answered(usage(200, 1000, 34, 5))]);
}

#[test]
fn other_records_are_passed_over() {
    let text = record("gemini_cli.config", "    \"model\": \"m\"")
        + &record("gemini_cli.api_request", COUNTS)
        + &gemini();
    assert_eq!(all(&[text.as_bytes()]).len(), 1);
}

#[test]
fn refusals_carry_their_status_in_either_form() {
    for status in ["429", "\"429\""] {
        let words = format!("    \"error.message\": \"slow down\",\n    \"status_code\": {status}");
        let text = record("qwen-code.api_error", &words);
        assert_eq!(all(&[text.as_bytes()]), [Told::Refused { status: Some(429), words: "slow down".into() }]);
    }
    let side = record("gemini_cli.api_error", "    \"role\": \"utility_router\",\n    \"status_code\": 429");
    let fork =
        record("qwen-code.api_error", "    \"prompt_id\": \"forked_query\",\n    \"status_code\": 429");
    assert_eq!(all(&[side.as_bytes(), fork.as_bytes()]), []);
}

#[test]
fn a_record_may_be_cut_at_every_byte() {
    let text = gemini() + &record("gemini_cli.tool_call", "    \"x\": \"é 🦀\"") + &gemini();
    let whole = all(&[text.as_bytes()]);
    for cut in 0..=text.len() {
        let (head, tail) = text.as_bytes().split_at(cut);
        assert_eq!(all(&[head, tail]), whole, "cut at {cut}");
    }
    let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
    assert_eq!(all(&bytes), whole);
}

#[test]
fn counts_that_are_missing_negative_or_huge_are_unknown() {
    for wrong in ["-1", "1.5", "\"1200\"", "null", "99999999999999999999999", "[]"] {
        let counts =
            COUNTS.replace("\"input_token_count\": 1200", &format!("\"input_token_count\": {wrong}"));
        let told = all(&[record("gemini_cli.api_response", &counts).as_bytes()]);
        let [Told::Answered(usage)] = &told[..] else { panic!("{wrong}: {told:?}") };
        assert_eq!((usage.input, usage.cache_read), (None, Some(1000)), "{wrong}");
    }
    let more_cached_than_there_was = COUNTS.replace("1000", "5000");
    let told = all(&[record("gemini_cli.api_response", &more_cached_than_there_was).as_bytes()]);
    let [Told::Answered(usage)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(usage.input, None);
}

#[test]
fn a_record_without_end_does_not_hide_the_next() {
    let endless = "{\n  \"x\": \"".to_owned() + &"y".repeat(MAX_RECORD + 10) + "\",\n";
    let many_lines = "{\n".to_owned() + &"  \"x\": 1,\n".repeat(MAX_RECORD / 8);
    for garbage in [endless, many_lines, "}\n}\n{\n".into(), "\0\u{1b}[31m\n".into()] {
        let text = garbage + &gemini();
        assert_eq!(all(&[text.as_bytes()]).len(), 1);
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20)) {
        let chunks: Vec<&[u8]> = chunks.iter().map(Vec::as_slice).collect();
        all(&chunks);
    }

    #[test]
    fn a_record_is_found_behind_any_lines(lines in "([ -~]{0,20}\n){0,10}") {
        let text = lines + &gemini();
        prop_assert_eq!(all(&[text.as_bytes()]).len(), 1);
    }
}
