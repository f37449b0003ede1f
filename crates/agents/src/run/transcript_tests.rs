//! Lines out of messages, in the shapes in which the adapters send them.

use super::*;

fn transcript() -> Transcript {
    Transcript::new(crate::profile::find(&crate::practice()).unwrap())
}

fn update(update: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":"s","update":{update}}}}}"#)
}

fn shown(messages: &[String]) -> Vec<String> {
    let mut transcript = transcript();
    for message in messages {
        transcript.heard(message);
    }
    transcript.flush();
    let line = |event: Event| match event {
        Event::Line { kind, text } => format!("{kind:?}: {text}"),
        other => format!("{other:?}"),
    };
    transcript.take_queue().into_iter().map(line).collect()
}

#[test]
fn a_claude_like_turn_as_lines() {
    let messages = [
        update(r#"{"sessionUpdate":"available_commands_update","availableCommands":[]}"#),
        update(r#"{"sessionUpdate":"usage_update","used":12,"size":100,"_meta":{"_claude/model":"big-1"}}"#),
        update(r#"{"sessionUpdate":"agent_thought_chunk","content":{"type":"text","text":"Hm."}}"#),
        update(
            r#"{"sessionUpdate":"agent_message_chunk","messageId":"a","content":{"type":"text","text":"I will "}}"#,
        ),
        update(
            r#"{"sessionUpdate":"agent_message_chunk","messageId":"a","content":{"type":"text","text":"write.\nNow"}}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call","toolCallId":"t1","title":"Preparing file…","kind":"edit","status":"pending","rawInput":{}}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call_update","toolCallId":"t1","title":"Write page.html","content":[{"type":"diff","path":"/w/page.html","oldText":null,"newText":"x"}]}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call_update","toolCallId":"t1","_meta":{"claudeCode":{"toolName":"Write"}}}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call_update","toolCallId":"t1","status":"completed","rawOutput":"ok"}"#,
        ),
        update(r#"{"sessionUpdate":"tool_call_update","toolCallId":"t1","status":"completed"}"#),
        update(
            r#"{"sessionUpdate":"plan","entries":[{"content":"look","priority":"high","status":"completed"},{"content":"write","priority":"low","status":"pending"}]}"#,
        ),
        update(
            r#"{"sessionUpdate":"agent_message_chunk","messageId":"b","content":{"type":"text","text":"done"}}"#,
        ),
    ];
    insta::assert_snapshot!(shown(&messages).join("\n"), @r"
    Thought: Hm.
    Text: I will write.
    Text: Now
    Tool: Preparing file… · waiting
    Tool: Write page.html · waiting
    Tool: Write page.html · done
    Touched
    Plan: done: look · later: write
    Text: done
    ");
}

#[test]
fn a_codex_like_turn_as_lines() {
    let messages = [
        r#"{"jsonrpc":"2.0","method":"_auth/status_update","params":{"authStatus":{"kind":"gateway","label":"Custom model gateway"}}}"#.to_owned(),
        update(r#"{"sessionUpdate":"session_info_update","title":"x","_meta":{"codex":{"threadStatus":{"type":"idle"}}}}"#),
        update(r#"{"sessionUpdate":"tool_call","toolCallId":"c","kind":"execute","title":"npm test","status":"in_progress"}"#),
        update(r#"{"sessionUpdate":"tool_call_update","toolCallId":"c","status":"failed"}"#),
        update(r#"{"sessionUpdate":"something_new","n":1}"#),
    ];
    insta::assert_snapshot!(shown(&messages).join("\n"), @r#"
    Daemon: its account: Custom model gateway
    Tool: npm test · running
    Tool: npm test · failed
    Touched
    Raw: {"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"something_new","n":1}}}
    "#);
}

#[test]
fn what_belongs_to_the_conversation_is_passed_on_and_read_on_the_way() {
    let mut transcript = transcript();
    assert!(
        transcript
            .heard(r#"{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s","models":{"currentModelId":"m"}}}"#)
    );
    assert!(transcript.heard(r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}}"#));
    assert!(transcript.heard(r#"{"jsonrpc":"2.0","id":4,"error":{"code":1,"message":"x"}}"#));
    assert!(
        transcript.heard(r#"{"jsonrpc":"2.0","id":5,"method":"session/request_permission","params":{}}"#)
    );
    assert!(!transcript.heard(r#"{"jsonrpc":"2.0","method":"session/update","params":{}}"#));
    assert!(!transcript.heard("   "));
    assert_eq!((transcript.model.as_deref(), transcript.turns.len()), (Some("m"), 1));
}

#[test]
fn lines_are_bounded_and_hold_no_control_characters() {
    let long = "é".repeat(20_000);
    let message = update(&format!(
        r#"{{"sessionUpdate":"agent_message_chunk","content":{{"type":"text","text":"{long}"}}}}"#
    ));
    let escape = update(
        r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"\u001b[31mred\n"}}"#,
    );
    let mut transcript = transcript();
    transcript.heard(&message);
    transcript.heard(&escape);
    for event in transcript.take_queue() {
        let Event::Line { text, .. } = event else { continue };
        assert!(text.len() <= 8 << 10 && !text.contains('\u{1b}'));
    }
}

#[test]
fn noise_without_end_is_left_out_and_said_so() {
    let mut transcript = transcript();
    for _ in 0..MAX_NOISE * 2 {
        transcript.heard("garbage");
    }
    let queue = transcript.take_queue();
    assert_eq!(queue.len(), MAX_NOISE as usize);
    assert!(matches!(queue.back(), Some(Event::Line { kind: LineKind::Daemon, .. })));
}

fn a_turn() -> Vec<String> {
    vec![
        update(
            r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"é 🦀 \u001b[31mred\u0000"}}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call","toolCallId":"t","title":"Write","status":"pending","rawInput":{"a":1},"content":[]}"#,
        ),
        update(
            r#"{"sessionUpdate":"tool_call_update","toolCallId":"t","status":"completed","content":[{"type":"diff","path":"/x","newText":"y"}]}"#,
        ),
        update(
            r#"{"sessionUpdate":"plan","entries":[{"content":"look","priority":"high","status":"completed"}]}"#,
        ),
        update(
            r#"{"sessionUpdate":"usage_update","used":1,"size":2,"cost":{"amount":0.5,"currency":"USD"}}"#,
        ),
        update(
            r#"{"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":""},"_meta":{"usage":{"inputTokens":12,"outputTokens":3,"thoughtTokens":0,"cachedReadTokens":10}}}"#,
        ),
        r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn","usage":{"inputTokens":1}}}"#.to_owned(),
        r#"{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn","usage":{"inputTokens":1}}}"#.to_owned(),
    ]
}

#[test]
fn a_line_that_was_cut_at_any_byte_breaks_nothing() {
    let whole = a_turn();
    for (number, line) in whole.iter().enumerate() {
        for cut in 0..line.len() {
            let torn = String::from_utf8_lossy(&line.as_bytes()[..cut]).into_owned();
            let mut messages = whole.clone();
            messages[number] = torn;
            let shown = shown(&messages).join("\n");
            assert!(!shown.contains('\u{1b}') && !shown.contains('\0'), "{cut}: {shown}");
        }
    }
}

#[test]
fn two_final_events_are_two_turns_and_unknown_kinds_are_counted() {
    let mut transcript = transcript();
    for line in a_turn() {
        transcript.heard(&line);
    }
    assert_eq!((transcript.turns.len(), transcript.unknown), (2, 0));
    let [call] = &transcript.calls[..] else { panic!() };
    assert_eq!((call.input, call.cache_read, call.output), (Some(2), Some(10), Some(3)));
    for strange in ["telepathy", "tool_call", "plan"] {
        transcript.heard(&update(&format!(r#"{{"sessionUpdate":"{strange}","x":1}}"#)));
    }
    transcript.heard(r#"{"jsonrpc":"2.0","method":"vendor/blink"}"#);
    transcript.heard("nothing");
    assert_eq!(transcript.unknown, 5);
}

#[test]
fn a_conversation_that_is_said_again_is_not_shown_again() {
    let mut transcript = transcript();
    transcript.replaying = true;
    for line in &a_turn()[..6] {
        transcript.heard(line);
    }
    assert_eq!(transcript.waiting(), 0);
    assert!(transcript.heard(r#"{"jsonrpc":"2.0","id":2,"result":null}"#));
    transcript.heard(&a_turn()[1]);
    assert_eq!(transcript.waiting(), 1);
    assert!(transcript.cost.is_none() && transcript.calls.is_empty());
}

#[test]
fn the_same_call_over_and_over_is_noticed_and_another_one_between_is_progress() {
    let call = |id: u32, what: &str| {
        update(&format!(
            r#"{{"sessionUpdate":"tool_call","toolCallId":"{id}","title":"run","status":"completed","rawInput":{{"c":"{what}"}}}}"#
        ))
    };
    let mut transcript = transcript();
    for id in 0..24 {
        transcript.heard(&call(id, "x"));
    }
    assert_eq!(transcript.tools.stuck(25), None);
    transcript.heard(&call(100, "y"));
    for id in 200..224 {
        transcript.heard(&call(id, "x"));
    }
    assert_eq!(transcript.tools.stuck(25), None);
    transcript.heard(&call(300, "x"));
    assert_eq!(transcript.tools.stuck(25).as_deref(), Some("run ended 25 times in a row"));
}

#[tokio::test]
async fn a_line_of_64_mib_ends_the_reading_and_one_below_the_bound_is_read() {
    let practice = crate::practice();
    let long = vec![b'x'; 64 << 20];
    let read = crate::read_events(&practice, &long[..]).await.unwrap();
    assert_eq!(read.messages, 0);
    let large = update(&format!(
        r#"{{"sessionUpdate":"tool_call_update","toolCallId":"t","content":"{}"}}"#,
        "y".repeat(8 << 20)
    ));
    let read = crate::read_events(&practice, large.as_bytes()).await.unwrap();
    assert_eq!((read.messages, read.unknown), (1, 0));
}

proptest::proptest! {
    #[test]
    fn no_lines_are_too_much(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut transcript = transcript();
        transcript.heard(&text);
        let quoted = serde_json::to_string(&text).unwrap();
        for kind in ["agent_message_chunk", "agent_thought_chunk", "tool_call", "plan", "usage_update", "x"] {
            for rest in [quoted.as_str(), text.as_str(), r#"{"type":"text","text":-1}"#, "99999999999999999999999", "null"] {
                transcript.heard(&update(&format!(
                    r#"{{"sessionUpdate":"{kind}","toolCallId":{rest},"title":{rest},"status":{rest},"content":{rest},"entries":{rest},"cost":{rest},"_meta":{rest}}}"#
                )));
            }
        }
        transcript.flush();
        for event in transcript.take_queue() {
            if let Event::Line { text, .. } = event {
                let clean = text.len() <= MAX_LINE && !text.contains(|c: char| c.is_control() && c != '\t');
                proptest::prop_assert!(clean, "a line is not fit to be shown");
            }
        }
    }
}
