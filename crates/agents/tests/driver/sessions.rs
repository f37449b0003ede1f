//! Sessions: tool servers, an earlier session, and the account's leases.

use crate::misbehaving::PRELUDE;
use crate::room::Room;
use agents::{Control, Event, McpServer};
use protocol::fact::AttemptEnd;
use protocol::view::LineKind;

/// Says what it was opened with. It knows one earlier session, and says it again when it is loaded.
const OPENED: &str = r#"
opened = []
for line in sys.stdin:
    m = json.loads(line)
    method, p = m.get("method"), m.get("params", {})
    if method == "initialize":
        caps = {"loadSession": True, "mcpCapabilities": {"http": True}, "sessionCapabilities": CAPS}
        answer(m["id"], {"protocolVersion": 1, "agentCapabilities": caps})
    elif method in ("session/load", "session/resume") and p["sessionId"] != "old": error(m["id"], -32602, "no such session")
    elif method in ("session/load", "session/resume"):
        opened.append(method)
        if method == "session/load":
            text("said before")
            update({"sessionUpdate": "tool_call", "toolCallId": "b", "title": "done before", "status": "completed"})
        answer(m["id"], {})
    elif method == "session/new": opened.append("new " + json.dumps(p["mcpServers"])); answer(m["id"], {"sessionId": "s"})
    elif method == "session/prompt": text(" ".join(opened) + " in " + p["sessionId"]); end(m["id"])
    elif "id" in m: answer(m["id"], {})
"#;

fn room(capabilities: &str) -> Room {
    let mut room = Room::new();
    let script = OPENED.replace("CAPS", capabilities);
    room.impersonated("kimi-code", "kimi", &format!("{PRELUDE}\n{script}"));
    room
}

#[tokio::test]
async fn tool_servers_are_handed_over_with_their_headers() {
    let mut room = room("{}");
    let headers = vec![("Authorization".to_owned(), "Bearer made-up".to_owned())];
    room.mcp = vec![McpServer { name: "memory".into(), url: "http://127.0.0.1:1/mcp".into(), headers }];
    let run = room.run_practice("x").await;
    let told = r#"{"type": "http", "name": "memory", "url": "http://127.0.0.1:1/mcp", "headers": [{"name": "Authorization", "value": "Bearer made-up"}]}"#;
    let all = run.text();
    let servers: serde_json::Value =
        serde_json::from_str(&all[all.find('[').unwrap()..=all.rfind(']').unwrap()]).unwrap();
    assert_eq!(servers[0], serde_json::from_str::<serde_json::Value>(told).unwrap(), "{all}");
}

#[tokio::test]
async fn an_earlier_session_is_gone_on_with_and_not_shown_again() {
    for (capabilities, method) in [("{\"resume\": {}}", "session/resume"), ("{}", "session/load")] {
        let mut room = room(capabilities);
        room.resume = Some("old".into());
        let run = room.run_practice("x").await;
        assert!(run.says(LineKind::Text, &format!("{method} in old")), "{:#?}", run.events);
        assert!(!run.says(LineKind::Text, "said before") && run.touched() == 0, "{:#?}", run.events);
        assert_eq!(run.end.session.as_deref(), Some("old"));
    }
}

#[tokio::test]
async fn a_session_that_is_gone_is_replaced_and_that_is_said() {
    let mut room = room("{}");
    room.resume = Some("forgotten".into());
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    assert!(run.says(LineKind::Daemon, "a new one begins: no such session"), "{:#?}", run.events);
    assert_eq!(run.end.session.as_deref(), Some("s"));
}

#[tokio::test]
async fn a_run_waits_for_its_accounts_lease_and_can_be_cancelled_meanwhile() {
    let room = room("{}");
    let held = room.setup.leases.try_lease(&room.agent).unwrap();
    let waiting = |event: &Event| matches!(event, Event::Waiting { .. }).then_some(Control::Cancel);
    let run = room.run_with_orders("x", waiting).await;
    assert_eq!(run.end.end, AttemptEnd::Cancelled);
    assert!(!run.events.iter().any(|event| matches!(event, Event::Started { .. })));
    drop(held);
    assert_eq!(room.run_practice("x").await.end.end, AttemptEnd::TurnEnded);
    assert_eq!(room.setup.leases.status(&room.agent), (0, 1));
}

#[tokio::test]
async fn a_start_waits_for_another_start_of_the_account() {
    let room = room("{}");
    let mut held = Some(room.setup.leases.turnstile(&room.agent).await);
    let run = room.run_with_orders("x", |event| {
        if matches!(event, Event::Waiting { .. }) {
            held = None;
        }
        None
    });
    let run = run.await;
    assert!(
        matches!(run.events.first(), Some(Event::Waiting { for_ }) if for_.contains("Kimi Code")),
        "{:#?}",
        run.events
    );
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
}
