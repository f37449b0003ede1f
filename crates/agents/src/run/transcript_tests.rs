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
