//! Programs that take more of the machine than they may, or lie about what they did. Each ends in a state with a name, and
//! nothing of it is left.

use crate::misbehaving::PRELUDE;
use crate::room::{Room, Run};
use protocol::fact::AttemptEnd;
use protocol::view::LineKind;

const TOOL: &str = r#"
def tool(name, status="completed", **more): update({"sessionUpdate": "tool_call", "toolCallId": name, "title": name, "status": status, **more})
"#;

fn room(script: &str) -> Room {
    let mut room = Room::new();
    room.scripted(&format!("{PRELUDE}\n{TOOL}\n{script}"));
    room
}

async fn run_in(room: &Room) -> Run {
    let run = room.run_practice("# Task\nx").await;
    room.nothing_is_left();
    run
}

fn over(run: &Run) -> &str {
    match &run.end.end {
        AttemptEnd::OverLimit { what } => what,
        other => panic!("it ended otherwise: {other:?}: {:#?}", run.events),
    }
}

#[tokio::test]
async fn a_turn_without_a_word_and_without_a_change_is_a_turn_that_ended() {
    let run = run_in(&room("serve(lambda i, t: end(i))")).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    assert_eq!(run.touched(), 0);
    assert_eq!(run.end.session.as_deref(), Some("s"));
}

#[tokio::test]
async fn success_after_a_401_is_signed_out() {
    let script = "serve(lambda i, t: (sys.stderr.write('API Error: 401 Unauthorized\\n'), sys.stderr.flush(), time.sleep(0.2), text('All done, success!'), end(i)))";
    let run = run_in(&room(script)).await;
    assert!(
        matches!(&run.end.end, AttemptEnd::SignedOut { reason } if reason.contains("401")),
        "{:?}",
        run.end
    );
    let said =
        run_in(&room("serve(lambda i, t: (text('API Error: 401 authentication_error'), end(i)))")).await;
    assert!(matches!(said.end.end, AttemptEnd::SignedOut { .. }), "{:?}", said.end);
}

#[tokio::test]
async fn one_file_that_is_too_large_is_over_the_limit() {
    let script = r#"
def turn(i, t):
    subprocess.run(["sh", "-c", "head -c 64M /dev/zero > big"])
    tool("write"); text("wrote it all"); end(i)
serve(turn)"#;
    let mut room = room(script);
    room.limits.file = 8 << 20;
    let run = run_in(&room).await;
    assert_eq!(over(&run), "a file of more than 8 MiB");
    assert!(std::fs::metadata(room.worktree().join("big")).unwrap().len() <= 8 << 20, "the wall held");
}

#[tokio::test]
async fn a_disk_that_is_filled_with_files_is_over_the_limit() {
    let script = r#"
def turn(i, t):
    for n in range(100000):
        open(f"f{n}", "wb").write(b"x" * 1000000)
        if n % 10 == 9: tool(f"fill {n}")
    end(i)
serve(turn)"#;
    let mut room = room(script);
    room.limits.growth = 40 << 20;
    let run = run_in(&room).await;
    assert_eq!(over(&run), "more than 40 MiB of files");
    assert!(std::fs::read_dir(room.worktree()).unwrap().count() < 10_000, "it was stopped");
}

#[tokio::test]
async fn what_lay_there_before_is_nobodys_growth() {
    let mut room = room("serve(lambda i, t: (tool('look'), end(i)))");
    std::fs::write(room.worktree().join("old"), vec![0; 30 << 20]).unwrap();
    let past = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    std::fs::File::options()
        .write(true)
        .open(room.worktree().join("old"))
        .unwrap()
        .set_modified(past)
        .unwrap();
    room.limits.growth = 40 << 20;
    let run = run_in(&room).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
}

/// Root is not held by the limit that each process inherits; where there are no groups, this proves nothing.
fn has_groups() -> bool {
    ["/sys/fs/cgroup/pids/cgroup.procs", "/sys/fs/cgroup/cgroup.subtree_control"]
        .iter()
        .any(|file| std::fs::OpenOptions::new().write(true).open(file).is_ok())
}

#[tokio::test]
async fn forks_without_end_are_over_the_limit_and_all_of_them_die() {
    if !has_groups() {
        return;
    }
    let script = r#"
def turn(i, t):
    # Each one leaves for a session of its own and forks on.
    subprocess.Popen(["sh", "-c", "bomb() { setsid sleep 600 & bomb & bomb & wait; }; bomb"], stderr=subprocess.DEVNULL)
    time.sleep(1.5)
    tool("bomb"); text("done"); end(i)
serve(turn)"#;
    let mut room = room(script);
    room.limits.processes = 60;
    let run = run_in(&room).await;
    assert_eq!(over(&run), "more processes than it may have");
}

#[tokio::test]
async fn memory_without_end_is_over_the_limit() {
    if !std::path::Path::new("/sys/fs/cgroup/memory/cgroup.procs").exists() && !has_groups() {
        return;
    }
    let script = r#"
def turn(i, t):
    subprocess.run(["python3", "-c", "b = []\nwhile True: b.append(b'x' * 10000000)"], stderr=subprocess.DEVNULL)
    tool("eat"); text("done"); end(i)
serve(turn)"#;
    let mut room = room(script);
    room.limits.memory = 200 << 20;
    let run = run_in(&room).await;
    assert_eq!(over(&run), "more memory than it may use");
}

#[tokio::test]
async fn the_same_call_for_ever_is_stuck() {
    let script = r#"
def turn(i, t):
    n = 0
    while True:
        n += 1
        update({"sessionUpdate": "tool_call", "toolCallId": f"t{n}", "title": "npm test", "status": "completed", "rawInput": {"c": "npm test"}})
        time.sleep(0.005)
serve(turn)"#;
    let run = run_in(&room(script)).await;
    assert_eq!(run.end.end, AttemptEnd::Stuck { what: "npm test ended 25 times in a row".into() });
}

#[tokio::test]
async fn two_final_answers_end_the_run_once() {
    let run = run_in(&room("serve(lambda i, t: (text('ok'), end(i, usage={'inputTokens': 1, 'outputTokens': 1, 'totalTokens': 2}), end(i)))")).await;
    assert_eq!(run.end.end, AttemptEnd::TurnEnded);
    assert!(run.says(LineKind::Text, "ok"));
}
