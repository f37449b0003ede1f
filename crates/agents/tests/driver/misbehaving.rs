//! The driver with programs that do not behave: how the run ends, and that nothing of them lives afterwards.

use crate::room::{Room, Run};
use agents::{Control, Event, kill_leftovers};
use protocol::fact::AttemptEnd;
use protocol::view::LineKind;
use std::time::Duration;

/// A small ACP agent: `turn(id, text)` is what each script says about a prompt.
pub const PRELUDE: &str = r#"
import sys, os, json, time, subprocess, signal
def send(m): sys.stdout.write(json.dumps(m) + "\n"); sys.stdout.flush()
def update(u): send({"jsonrpc": "2.0", "method": "session/update", "params": {"sessionId": "s", "update": u}})
def text(t, m="m1"): update({"sessionUpdate": "agent_message_chunk", "messageId": m, "content": {"type": "text", "text": t}})
def answer(i, r): send({"jsonrpc": "2.0", "id": i, "result": r})
def error(i, code, message, data=None): send({"jsonrpc": "2.0", "id": i, "error": {"code": code, "message": message, "data": data}})
def end(i, **more): answer(i, {"stopReason": "end_turn", **more})
def serve(turn, cancel=lambda: None, new=lambda i: answer(i, {"sessionId": "s", "models": {"currentModelId": "m-1", "availableModels": []}})):
    for line in sys.stdin:
        m = json.loads(line)
        method = m.get("method")
        if method == "initialize": answer(m["id"], {"protocolVersion": 1, "agentInfo": {"name": "scripted", "version": "1"}})
        elif method == "session/new": new(m["id"])
        elif method == "session/prompt": turn(m["id"], m["params"]["prompt"][0]["text"])
        elif method == "session/cancel": cancel()
        elif method is not None and "id" in m: error(m["id"], -32601, "no such method")
"#;

fn room(script: &str) -> Room {
    let mut room = Room::new();
    room.scripted(&format!("{PRELUDE}\n{script}"));
    room
}

async fn run(script: &str) -> (Room, Run) {
    let room = room(script);
    let run = room.run_practice("# Task\nx").await;
    room.nothing_is_left();
    (room, run)
}

fn failure(run: &Run) -> &str {
    match &run.end.end {
        AttemptEnd::Failed { reason } => reason,
        other => panic!("it ended otherwise: {other:?}"),
    }
}

#[tokio::test]
async fn a_program_that_is_not_there_is_a_failure_with_its_cause() {
    let mut room = Room::new();
    room.setup.practice = vec!["/nowhere/agent".into()];
    let run = room.run_practice("x").await;
    assert!(!failure(&run).is_empty());
    room.nothing_is_left();
}

#[tokio::test]
async fn a_program_that_exits_at_once_is_a_failure_with_its_last_words() {
    let (_room, run) = run("sys.stderr.write('cannot find my config\\n'); sys.exit(3)").await;
    assert!(failure(&run).contains("cannot find my config"), "{:?}", run.end);
    assert!(failure(&run).contains("exit status: 3"), "{:?}", run.end);
    assert!(run.says(LineKind::Stderr, "cannot find my config"));
}

#[tokio::test]
async fn a_program_that_dies_in_its_turn_is_a_failure_not_a_turn() {
    let (_room, run) = run("serve(lambda i, t: (text('half'), os._exit(0)))").await;
    assert!(failure(&run).contains("before its turn was over"), "{:?}", run.end);
    assert!(run.says(LineKind::Text, "half"));
}

#[tokio::test]
async fn an_answer_just_before_the_exit_counts() {
    let (_room, run) = run("serve(lambda i, t: (end(i), os._exit(0)))").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
}

#[tokio::test]
async fn a_silent_program_is_stopped() {
    let mut room = room("signal.signal(signal.SIGTERM, signal.SIG_IGN)\nserve(lambda i, t: time.sleep(600))");
    room.limits.idle = Duration::from_millis(1500);
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::Silent { ms: 1500 });
    room.nothing_is_left();
}

#[tokio::test]
async fn a_program_that_never_comes_to_an_end_is_stopped() {
    let mut room = room("def turn(i, t):\n  while True: text('and on '); time.sleep(0.01)\nserve(turn)");
    room.limits.wall = Duration::from_millis(1500);
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::TooLong { ms: 1500 });
    room.nothing_is_left();
}

#[tokio::test]
async fn garbage_and_unknown_words_are_kept_raw_and_disturb_nothing() {
    let script = r#"
def turn(i, t):
    print("not json at all", flush=True)
    print('{"jsonrpc": "2.0"}', flush=True)
    print('[1,2]', flush=True)
    send({"jsonrpc": "2.0", "method": "vendor/blink", "params": {"n": 1}})
    send({"jsonrpc": "2.0", "id": 99, "method": "vendor/ask", "params": {}})
    update({"sessionUpdate": "telepathy", "x": 1})
    text("fine")
    end(i)
serve(turn)"#;
    let (_room, run) = run(script).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded, "{:#?}", run.events);
    for words in ["not json at all", "vendor/blink", "vendor/ask", "telepathy", "[1,2]"] {
        assert!(run.says(LineKind::Raw, words), "{words}: {:#?}", run.events);
    }
    assert!(run.says(LineKind::Text, "fine"));
}

#[tokio::test]
async fn huge_output_is_bounded_and_a_huge_message_is_refused() {
    let script = "def turn(i, t):\n  for n in range(400): print('x' * 100000, flush=True)\n  text('y' * 3000000)\n  end(i)\nserve(turn)";
    let (_room, all) = run(script).await;
    assert_eq!(all.end.end, AttemptEnd::TurnEnded);
    for event in &all.events {
        if let Event::Line { text, .. } = event {
            assert!(text.len() <= 8 << 10);
        }
    }
    let (_room, refused) = run("serve(lambda i, t: (text('z' * (17 << 20)), end(i)))").await;
    assert!(failure(&refused).contains("more than 16 MiB"), "{:?}", refused.end);
}

#[tokio::test]
async fn who_ignores_cancel_and_flees_is_killed_with_all_its_children() {
    let script = r#"
def turn(i, t):
    clean = {k: v for k, v in os.environ.items()}
    subprocess.Popen(["setsid", "sh", "-c", "trap '' TERM HUP INT; sleep 600 & sleep 600"], env=clean)
    subprocess.Popen(["sleep", "600"])
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(600)
        os._exit(0)
    update({"sessionUpdate": "tool_call", "toolCallId": "t", "title": "flee", "status": "completed"})
for s in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(s, signal.SIG_IGN)
serve(turn)
time.sleep(600)"#;
    let room = room(script);
    let run = room.run_practice_with("x", |e| (*e == Event::Touched).then_some(Control::Cancel)).await;
    assert_eq!(run.end.end, AttemptEnd::Cancelled);
    room.nothing_is_left();
}

#[tokio::test]
async fn children_that_outlive_a_good_turn_are_killed_too() {
    let script = "def turn(i, t):\n  subprocess.Popen(['setsid', 'sleep', '600'])\n  end(i)\nserve(turn)";
    let (_room, run) = run(script).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
}

#[tokio::test]
async fn what_a_dead_daemon_left_is_killed_by_the_next() {
    let room = room(
        "def turn(i, t):\n  subprocess.Popen(['setsid', 'sleep', '600'])\n  update({'sessionUpdate': 'tool_call', 'toolCallId': 't', 'title': 'x', 'status': 'completed'})\nserve(turn)",
    );
    let left = std::sync::Mutex::new(None);
    let setup = room.setup.clone();
    let run = room.run_practice_with("x", |event| {
        if *event == Event::Touched {
            // As after a restart: only the record and the machine are asked.
            *left.lock().unwrap() = Some(kill_leftovers(&setup, &room.attempt()));
        }
        None
    });
    let run = run.await;
    assert!(left.lock().unwrap().take().unwrap().is_ok());
    assert!(matches!(run.end.end, AttemptEnd::Failed { .. }));
    room.nothing_is_left();
    kill_leftovers(&setup, &room.attempt()).unwrap();
}

#[tokio::test]
async fn signed_out_quota_and_errors_are_told_apart() {
    let (_room, out) = run("serve(lambda i, t: error(i, -32000, 'Authentication required'))").await;
    assert_eq!(out.end.end, AttemptEnd::SignedOut { reason: "Authentication required".into() });
    let (_room, new) = run("serve(None, new=lambda i: error(i, -32000, 'Sign in first'))").await;
    assert_eq!(new.end.end, AttemptEnd::SignedOut { reason: "Sign in first".into() });
    let (_room, quota) =
        run("serve(lambda i, t: error(i, -32603, 'Internal error', {'details': '429 Too Many Requests'}))")
            .await;
    assert_eq!(quota.end.end, AttemptEnd::QuotaGone { until: None });
    let (_room, said) = run(
        "serve(lambda i, t: (text('Claude AI usage limit reached|' + str(int(time.time()) + 3600)), end(i)))",
    )
    .await;
    assert!(matches!(said.end.end, AttemptEnd::QuotaGone { until: Some(_) }), "{:?}", said.end);
    let (_room, plain) =
        run("serve(lambda i, t: (text('exceeded retry limit, last status: 429 Too Many Requests'), end(i)))")
            .await;
    assert_eq!(plain.end.end, AttemptEnd::QuotaGone { until: None });
    let (_room, other) = run("serve(lambda i, t: error(i, -32603, 'Internal error', 'boom'))").await;
    assert!(failure(&other).contains("boom"));
}

#[tokio::test]
async fn usage_is_what_was_reported_and_the_rest_is_unknown() {
    let script = r#"
def turn(i, t):
    update({"sessionUpdate": "usage_update", "used": 5, "size": 10, "cost": {"amount": 0.25, "currency": "USD"}})
    end(i, usage={"inputTokens": 7, "outputTokens": 3, "totalTokens": 10, "cachedReadTokens": 2})
serve(turn)"#;
    let (_room, run) = run(script).await;
    let usage = &run.end.usage;
    assert_eq!((usage.input, usage.output, usage.cache_read), (Some(7), Some(3), Some(2)));
    assert_eq!((usage.cache_write, usage.reasoning, usage.cost_usd), (None, None, Some(0.25)));
    assert_eq!(run.end.model.as_deref(), Some("m-1"));
    let raw: serde_json::Value = serde_json::from_slice(run.end.raw.as_deref().unwrap()).unwrap();
    assert_eq!(raw["turns"][0]["usage"]["inputTokens"], 7);
}

#[tokio::test]
async fn permissions_are_given_once_and_nothing_of_our_environment_leaks() {
    let script = r#"
def turn(i, t):
    send({"jsonrpc": "2.0", "id": 7, "method": "session/request_permission", "params": {"sessionId": "s",
        "toolCall": {"toolCallId": "t"}, "options": [
            {"optionId": "always", "name": "a", "kind": "allow_always"}, {"optionId": "once", "name": "o", "kind": "allow_once"},
            {"optionId": "no", "name": "n", "kind": "reject_once"}]}})
    m = json.loads(sys.stdin.readline())
    text(m["result"]["outcome"]["optionId"] + "\n")
    text(" ".join(sorted(os.environ)) + "\n")
    text(os.getcwd() + "\n")
    end(i)
serve(turn)"#;
    let (room, run) = run(script).await;
    assert!(run.says(LineKind::Text, "once"), "{:#?}", run.events);
    // PWD and the like are made by the shell that enters the cgroup.
    let allowed = "HOME LANG LC_CTYPE LOOPWRIGHT_ATTEMPT NODE_USE_SYSTEM_CA OLDPWD PATH PRACTICE_PAUSE_MS PWD SHLVL TERM TMPDIR TZ _";
    let names = run.events.iter().find_map(|e| match e {
        Event::Line { kind: LineKind::Text, text } if text.contains("HOME") => Some(text.clone()),
        _ => None,
    });
    for name in names.unwrap().split(' ') {
        assert!(allowed.split(' ').any(|allowed| allowed == name), "{name} leaked");
    }
    assert!(run.says(LineKind::Text, &room.worktree().display().to_string()));
}

#[tokio::test]
async fn a_reader_that_is_gone_does_not_hang_the_run() {
    let room = room("serve(lambda i, t: ([text(str(n) + '\\n') for n in range(5000)], end(i)))");
    let job = agents::Job {
        attempt: protocol::AttemptId::new(format!("deaf-{}", std::process::id())).unwrap(),
        agent: agents::practice(),
        worktree: room.worktree(),
        brief: "x".into(),
        limits: room.limits,
        mcp: Vec::new(),
        resume: None,
        permissions: room.permissions,
    };
    let (events, heard) = tokio::sync::mpsc::channel(1);
    drop(heard);
    let (_orders, control) = tokio::sync::mpsc::channel(1);
    assert_eq!(agents::run(&room.setup, job, events, control).await.end, AttemptEnd::TurnEnded);
}

#[tokio::test]
async fn as_root_it_runs_as_the_other_user_without_new_privileges() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let mut room = room(
        "def turn(i, t):\n  text(str(os.getresuid()) + str(os.getgroups()) + '\\n')\n  text([l for l in open('/proc/self/status') if 'NoNewPrivs' in l][0])\n  text(os.path.basename(open('/proc/self/cgroup').read().split('0::')[1].strip()) + '\\n')\n  open(os.environ['TMPDIR'] + '/mine', 'w').write('x')\n  end(i)\nserve(turn)",
    );
    room.setup.run_as = Some(agents::RunAs { uid: 65534, gid: 65534 });
    std::os::unix::fs::chown(room.worktree(), Some(65534), Some(65534)).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(room.home(), std::fs::Permissions::from_mode(0o711)).unwrap();
    let run = room.run_practice("x").await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded, "{:#?}", run.events);
    assert!(run.says(LineKind::Text, "(65534, 65534, 65534)[]"), "{:#?}", run.events);
    assert!(run.says(LineKind::Text, "NoNewPrivs:\t1"), "{:#?}", run.events);
    room.nothing_is_left();
}
