//! A session's log as Kimi Code keeps it, and what an agent may put in its place.

use super::*;
use proptest::prelude::*;
use std::io::Write;

const RECORD: &str = r#"{"type":"usage.record","agentId":"main","model":"alias","usage":{"inputOther":200,"output":34,"inputCacheRead":1000,"inputCacheCreation":0},"usageScope":"turn","time":1}"#;
const REQUEST: &str =
    r#"{"type":"llm.request","agentId":"main","model":"kimi-real","modelAlias":"alias","time":1}"#;

struct Home {
    _home: tempfile::TempDir,
    agents: PathBuf,
    sessions: PathBuf,
}

fn home() -> Home {
    let home = tempfile::tempdir().unwrap();
    let sessions = home.path().join("sessions");
    let agents = sessions.join("wd_x/session_1/agents");
    fs::create_dir_all(agents.join("main")).unwrap();
    Home { _home: home, agents, sessions }
}

impl Home {
    fn write(&self, agent: &str, text: &str) {
        let folder = self.agents.join(agent);
        fs::create_dir_all(&folder).unwrap();
        let mut file = File::options().append(true).create(true).open(folder.join("wire.jsonl")).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn log(&self) -> SessionLog {
        SessionLog::new(self.sessions.clone(), Some("session_1")).opened("session_1".into())
    }
}

#[test]
fn all_of_a_new_session_counts_also_what_is_written_before_its_name_is_known() {
    let home = home();
    let log = SessionLog::new(home.sessions.clone(), Some("gone"));
    home.write("main", &format!("{RECORD}\n"));
    assert_eq!(log.opened("session_1".into()).news(), [answered("alias")]);
}

fn answered(model: &str) -> Told {
    Told::Answered(ModelUsage {
        model: model.into(),
        requests: Some(1),
        input: Some(200),
        cache_read: Some(1000),
        cache_write: Some(0),
        output: Some(34),
        reasoning: None,
    })
}

#[test]
fn only_what_is_written_after_the_run_began_counts() {
    let home = home();
    home.write("main", &format!("{RECORD}\n"));
    let mut log = home.log();
    assert_eq!(log.news(), []);
    home.write("main", &format!("{REQUEST}\n{RECORD}\n"));
    home.write("sub-1", &format!("{RECORD}\n"));
    assert_eq!(log.news(), [answered("kimi-real"), answered("kimi-real")]);
    assert_eq!(log.news(), []);
}

#[test]
fn a_line_may_come_in_pieces() {
    let home = home();
    let mut log = home.log();
    let line = format!("{RECORD}\n");
    let mut told = Vec::new();
    for piece in line.as_bytes().chunks(7) {
        home.write("main", std::str::from_utf8(piece).unwrap());
        told.extend(log.news());
    }
    assert_eq!(told, [answered("alias")]);
}

#[test]
fn refusals_and_failed_turns_are_told() {
    let home = home();
    let mut log = home.log();
    home.write("main", "{\"type\":\"turn.step.retrying\",\"failedAttempt\":5,\"errorMessage\":\"500 scripted\",\"statusCode\":500}\n");
    home.write("main", "{\"type\":\"turn.ended\",\"reason\":\"failed\",\"error\":{\"code\":\"provider.rate_limit\",\"message\":\"429 no\",\"details\":{\"statusCode\":429}}}\n");
    home.write("main", "{\"type\":\"turn.ended\",\"reason\":\"completed\",\"durationMs\":1}\n");
    let refused = |status, words: &str| Told::Refused { status: Some(status), words: words.into() };
    assert_eq!(log.news(), [refused(500, "500 scripted"), refused(429, "429 no")]);
}

#[test]
fn links_and_pipes_in_its_place_are_not_read() {
    let home = home();
    let secret = home.sessions.join("secret");
    fs::write(&secret, format!("{RECORD}\n")).unwrap();
    let mut log = home.log();
    std::os::unix::fs::symlink(&secret, home.agents.join("main/wire.jsonl")).unwrap();
    fs::create_dir(home.agents.join("pipe")).unwrap();
    rustix::fs::mkfifoat(CWD, home.agents.join("pipe/wire.jsonl"), Mode::RUSR | Mode::WUSR).unwrap();
    std::os::unix::fs::symlink(home.agents.join("pipe"), home.agents.join("link")).unwrap();
    assert_eq!(log.news(), []);
    for session in ["", "../x", ".hidden", "a/b", "nothing"] {
        let log = SessionLog::new(home.sessions.clone(), Some(session)).opened(session.into());
        assert!(log.folder.is_none(), "{session}");
    }
}

#[test]
fn lines_that_are_wrong_or_too_long_do_not_hide_the_next() {
    let home = home();
    let mut log = home.log();
    let long = format!("{{\"type\":\"usage.record\",\"x\":\"{}\"}}", "y".repeat(MAX_LINE));
    let negative = RECORD.replace("200", "-200").replace("\"output\":34", "\"output\":1e99");
    home.write(
        "main",
        &format!("{long}\nnot json\n\0\u{1b}[0m\n{{\"type\":\"usage.record\"}}\n{negative}\n{RECORD}\n"),
    );
    let told = log.news();
    let Told::Answered(wrong) = &told[0] else { panic!("{told:?}") };
    assert_eq!((wrong.input, wrong.output, wrong.cache_read), (None, None, Some(1000)));
    assert_eq!(told[1..], [answered("alias")]);
}

proptest! {
    #[test]
    fn no_lines_are_too_much(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut log = SessionLog::new(PathBuf::new(), None);
        let mut told = Vec::new();
        log.lines(&mut Reading::default(), &bytes, &mut told);
        for kind in ["usage.record", "turn.ended", "turn.step.retrying", "llm.request"] {
            let line = format!("{{\"type\":\"{kind}\",{}", String::from_utf8_lossy(&bytes));
            log.line(line.as_bytes());
        }
    }
}

#[tokio::test]
async fn what_is_written_is_heard_at_once_and_at_the_end() {
    let home = home();
    let (open, opened) = oneshot::channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel();
    let listening = tokio::spawn(SessionLog::new(home.sessions.clone(), None).listen(opened, tell, stopped));
    open.send("session_1".into()).unwrap();
    // When it begins to follow is not told; so it is written until it is heard.
    if cfg!(target_os = "linux") {
        let heard = loop {
            home.write("main", &format!("{RECORD}\n"));
            if let Ok(heard) = tokio::time::timeout(std::time::Duration::from_millis(50), told.recv()).await {
                break heard;
            }
        };
        assert_eq!(heard, Some(answered("alias")));
    }
    drop(stop);
    listening.await.unwrap();
    while told.recv().await.is_some() {}
}
