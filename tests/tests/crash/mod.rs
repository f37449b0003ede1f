//! Lives of one daemon on one home, ended by crashes: what a client, a visitor of the site and a look at the machine see
//! of them. The program is the one with fault injection in all of them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use crate::harness::{House, PATIENCE, QUIET, git};
use protocol::fact::{AttemptEnd, Entry};
use protocol::{AttemptId, Code, Fact, Request, RequestId, Response};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use testkit::acp::{Act, Script};
use testkit::workspace::built;
use testkit::{Daemon, Workspace};

const PLAIN: [&str; 4] = ["--port", "0", "--starter", "static"];
/// Between two visits of the site.
const THINKS: Duration = Duration::from_millis(10);

/// A small generator (splitmix64), so that a seed tells the whole test.
pub struct Dice(pub u64);

impl Dice {
    pub fn new() -> Dice {
        let given = std::env::var("LOOPWRIGHT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        Dice(given.unwrap_or_else(|| u64::try_from(now()).unwrap()))
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

/// A workspace with these settings beside the usual ones.
pub fn workspace(settings: &str) -> Workspace {
    let workspace = Workspace::new().unwrap();
    workspace.settings(&format!("{QUIET}{settings}")).unwrap();
    workspace.copy_program(&built("loopwrightd-faults").unwrap()).unwrap();
    workspace
}

/// The same with an agent that adds a line to the page, thinks long enough for a checkpoint and for a kill to find it, and
/// adds another one.
pub fn thinking() -> Workspace {
    let index = "app/public/index.html";
    let line = |content: &str| Act::Append { path: index.into(), content: content.into() };
    let acts = vec![line("<p>first</p>\n"), Act::Sleep { ms: 600 }, line("<p>second</p>\n")];
    let workspace = workspace("");
    let argv = workspace.scripted_agent(&Script::always(vec![acts]), false).unwrap();
    workspace.settings(&format!("{QUIET}[practice]\nargv = {argv:?}\n")).unwrap();
    workspace
}

fn program(workspace: &Workspace) -> PathBuf {
    workspace.path().join("bin/loopwrightd-faults")
}

/// One life that goes on until somebody ends it, from the moment on when it answers.
pub fn live(workspace: Workspace) -> House {
    let daemon = Daemon::start_program(&program(&workspace), &workspace, &PLAIN, &[]).unwrap();
    House { daemon, workspace }
}

/// One life that ends after its `n`-th record, if it comes so far.
pub fn doomed(workspace: &Workspace, n: u64) -> Daemon {
    let crash = [("LOOPWRIGHT_CRASH_AT", n.to_string())].map(|(name, value)| (name, value));
    let env: Vec<(&str, &str)> = crash.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Daemon::launch(&program(workspace), workspace, &PLAIN, &env).unwrap()
}

/// One life, without waiting for its first answer.
pub fn launched(workspace: &Workspace) -> Daemon {
    Daemon::launch(&program(workspace), workspace, &PLAIN, &[]).unwrap()
}

/// Asks until there is an answer, up to `until`: a daemon that has just been started does not listen yet. None when it
/// went away or the time is over. A refusal is a failure of the test.
pub fn ask(daemon: &mut Daemon, ask: &Request, until: Instant) -> Option<(RequestId, bool)> {
    while Instant::now() < until {
        match daemon.try_call(ask) {
            Ok(Ok(Response::Accepted { request, new })) => return Some((request, new)),
            Ok(Err(error)) if error.code == Code::Busy => {}
            Ok(other) => panic!("{ask:?} was answered with {other:?}"),
            Err(_) if daemon.wait_end(Duration::ZERO).is_ok() => return None,
            Err(_) => {}
        }
        std::thread::park_timeout(Duration::from_millis(2));
    }
    None
}

/// Waits until it answers.
pub fn answers(daemon: &mut Daemon) {
    let until = Instant::now() + PATIENCE;
    while daemon.try_call(&Request::Hello).is_err() {
        assert!(Instant::now() < until, "{}", daemon.printed());
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A visitor of the site who comes again and again, and notes each visit that failed.
pub struct Visitor {
    leave: Sender<()>,
    thread: JoinHandle<Visits>,
}

#[derive(Debug, Default)]
pub struct Visits {
    pub served: u32,
    pub failed: Vec<String>,
}

impl Visitor {
    pub fn of(url: &str) -> Visitor {
        let url = url.to_owned();
        let (leave, left) = channel();
        let thread = std::thread::spawn(move || {
            let mut visits = Visits::default();
            loop {
                match visit(&url) {
                    Ok(()) => visits.served += 1,
                    Err(error) => visits.failed.push(error.to_string()),
                }
                if left.recv_timeout(THINKS) != Err(RecvTimeoutError::Timeout) {
                    return visits;
                }
            }
        });
        Visitor { leave, thread }
    }

    pub fn leaves(self) -> Visits {
        drop(self.leave);
        self.thread.join().unwrap()
    }
}

/// One visit: a whole page, or what went wrong.
pub fn visit(url: &str) -> Result<()> {
    let (address, path) = crate::harness::tcp::parts(url);
    let mut connection = TcpStream::connect(&address)?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(connection, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let page = answer.starts_with("HTTP/1.1 200") && answer.contains("</html>");
    if page { Ok(()) } else { Err(Error::other(answer.chars().take(300).collect::<String>())) }
}

/// Living processes that carry `NAME=value` in their environment, by number.
pub fn marked(marker: &str) -> Vec<u32> {
    let numbers = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let carries = |pid: &u32| {
        std::fs::read(format!("/proc/{pid}/environ"))
            .is_ok_and(|environ| environ.split(|byte| *byte == 0).any(|entry| entry == marker.as_bytes()))
    };
    numbers.filter(carries).collect()
}

/// Nothing of this attempt lives: no agent, no build, no dev server.
pub fn nothing_lives_of(attempt: &AttemptId) {
    for name in ["LOOPWRIGHT_ATTEMPT", "LOOPWRIGHT_PREVIEW"] {
        let left = marked(&format!("{name}={attempt}"));
        assert!(left.is_empty(), "processes {left:?} of {name} {attempt} are still there");
    }
}

/// Waits until the request is closed, and looks at the machine whenever a run is told to be lost.
pub fn closed(house: &House, request: &RequestId) -> protocol::fact::RequestClosed {
    house.wait(|entry| match &entry.fact {
        Fact::AttemptFinished(finished) if finished.request == *request => {
            if finished.end == AttemptEnd::Lost {
                nothing_lives_of(&finished.attempt);
            }
            None
        }
        Fact::RequestClosed(closed) if closed.request == *request => Some(closed.clone()),
        _ => None,
    })
}

/// The runs of the request and how each ended; each attempt began once at most and ended once.
pub fn runs(entries: &[Entry], request: &RequestId) -> BTreeMap<AttemptId, AttemptEnd> {
    let mut began: BTreeMap<AttemptId, u32> = BTreeMap::new();
    let mut ended = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.fact.request() == Some(request)) {
        match &entry.fact {
            Fact::AttemptStarted(started) => {
                *began.entry(started.attempt.clone()).or_default() += 1;
                let open: Vec<_> = began.keys().filter(|attempt| !ended.contains_key(*attempt)).collect();
                assert_eq!(open, [&started.attempt], "two agents at once");
            }
            Fact::AttemptFinished(finished) => {
                let before = ended.insert(finished.attempt.clone(), finished.end.clone());
                assert_eq!(before, None, "attempt {} ended twice", finished.attempt);
            }
            _ => {}
        }
    }
    assert!(began.values().all(|times| *times == 1), "{began:?}");
    ended
}

/// What the edge says of itself: an answer to `{"do":"state"}` on its control socket.
pub fn edge_state(workspace: &Workspace) -> Result<serde_json::Value> {
    let mut edge = UnixStream::connect(workspace.home().join("run/edge.sock"))?;
    edge.set_read_timeout(Some(PATIENCE))?;
    edge.write_all(b"{\"do\":\"state\"}\n")?;
    let mut line = String::new();
    BufReader::new(edge).read_line(&mut line)?;
    let said: serde_json::Value = serde_json::from_str(&line)?;
    Ok(said["done"].clone())
}

/// The site's live release as the edge has it, and the number of its process.
pub fn live_release(workspace: &Workspace) -> (String, Option<u64>) {
    let state = edge_state(workspace).unwrap();
    let live = state["projects"][0]["live"].as_str().unwrap_or_else(|| panic!("{state}")).to_owned();
    let releases = state["releases"].as_array().unwrap();
    let process = releases.iter().find(|release| release["release"] == live.as_str());
    (live, process.and_then(|release| release["pid"].as_u64()))
}

/// No worktree, and nothing half made or half removed, of requests that have ended.
pub fn no_worktree_is_left(house: &House) {
    let repository = house.repository();
    let names = |folder: &Path| -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    };
    let folders = names(&repository.parent().unwrap().join("worktrees"));
    assert!(folders.is_empty(), "{folders:?}");
    let known = names(&repository.join("worktrees"));
    assert!(known.is_empty(), "{known:?}");
}

/// The repository is whole.
pub fn repository_is_whole(house: &House) {
    git(&house.repository(), &["fsck", "--strict", "--no-dangling"]);
}
