//! The network goes away for a minute while a request runs on a server, and a laptop sleeps: the work goes on there, the
//! desktop says how it stands and why, comes back by itself, and its copy misses nothing.

#![expect(clippy::unwrap_used, reason = "test code")]

mod kills;
mod setup;

use kills::desk;
use mirror::{Folder, Source};
use protocol::blobs::Kept;
use protocol::desk::{Link, Target};
use protocol::fact::{Channel, Entry};
use protocol::{AgentId, ApiError, BlobId, ClientId, Code, Request, Response};
use remote::{Control, ControlError, Hidden, OurKey, Tunnel};
use serde_json::{Value, json};
use setup::desk::{local, now};
use setup::{PROGRAM, WISH, ok, visit};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::server::{Fault, Net, Server, Spec};
use tokio::io::AsyncBufReadExt;

const MINUTE: Duration = Duration::from_secs(60);
/// More than the desktop takes for a busy computer.
const SLEEP: Duration = Duration::from_secs(25);

struct Daemon(Control);

fn told(error: &ControlError) -> ApiError {
    ApiError::new(Code::Internal, error.cause()).next(error.next())
}

impl Source for Daemon {
    async fn call(&self, request: &Request) -> Result<Response, ApiError> {
        self.0.request(request).await.map_err(|e| told(&e))
    }
    async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>, ApiError> {
        self.0.blobs(ids).await.map_err(|e| told(&e))
    }
}

#[expect(clippy::print_stdout, reason = "how the two processes of this test talk")]
fn say(line: &Value) {
    println!("{line}");
}

/// Fills the copy whenever the daemon says that there is more, over as many connections as it takes.
async fn copy(tunnel: Tunnel, folder: Folder) {
    let mut states = tunnel.states();
    loop {
        states.borrow_and_update();
        let following = async {
            let Some(control) = tunnel.control() else { return std::future::pending().await };
            let Ok(mut heads) = control.heads().await else { return };
            while heads.next().await.is_some() {
                match folder.pull(&Daemon(control.clone()), now()).await {
                    Ok(pulled) => say(&json!({ "copied": pulled.head, "warning": pulled.warning })),
                    Err(error) => say(&json!({ "not_copied": error.to_string() })),
                }
            }
        };
        tokio::select! {
            () = following => {}
            changed = states.changed() => changed.unwrap(),
        }
    }
}

/// Says each state of the link and of the copy in a line of JSON; asks what it reads.
async fn live(data: PathBuf) {
    let target: Target = serde_json::from_slice(&std::fs::read(data.join("target")).unwrap()).unwrap();
    let key = OurKey::from_text(&Hidden::from(std::fs::read_to_string(data.join("key")).unwrap())).unwrap();
    let tunnel = desk::tunnel(&local(&data), target, &key, None);
    tokio::spawn(copy(tunnel.clone(), Folder::new(data.join("mirror"))));
    let mut states = tunnel.states();
    let mut lines = tokio::io::BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            changed = states.changed() => {
                changed.unwrap();
                let link = states.borrow_and_update().clone();
                say(&serde_json::to_value(link).unwrap());
            }
            line = lines.next_line() => {
                let Some(line) = line.unwrap() else { return };
                let ask = Request::Ask {
                    client: ClientId::new("laptop-1").unwrap(),
                    text: line,
                    project: None,
                    agent: Some(AgentId::new("practice").unwrap()),
                    race: Vec::new(),
                    parts: Vec::new(),
                    step: None,
                    channel: Channel::CommandLine,
                };
                let asked = tunnel.up().await.unwrap().request(&ask).await;
                say(&json!({ "asked": asked.map_err(|e| e.to_string()).unwrap() }));
            }
        }
    }
}

const DATA: &str = "LOOPWRIGHT_TEST_DESK";

#[test]
#[ignore = "the desktop's process, which the other test starts, stops and wakes"]
fn the_desktop_as_a_process_of_its_own() {
    let data = PathBuf::from(std::env::var_os(DATA).unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(live(data));
}

struct Desktop {
    child: Child,
    lines: BufReader<ChildStdout>,
    /// All links that it said, in their order.
    links: Vec<Link>,
    copied: u64,
}

impl Desktop {
    fn start(net: &Net, data: &Path) -> Self {
        let mut command = net.command(std::env::current_exe().unwrap()).unwrap();
        command.args(["the_desktop_as_a_process_of_its_own", "--exact", "--ignored", "--nocapture"]);
        command.env(DATA, data).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines, links: Vec::new(), copied: 0 }
    }

    /// The next line that the desktop says, after it was taken note of.
    fn next(&mut self) -> Value {
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "the desktop ended: {:?}", self.links);
            let Some(at) = line.find('{') else { continue };
            let said: Value = serde_json::from_str(line[at..].trim()).unwrap();
            if let Ok(link) = serde_json::from_value(said.clone()) {
                self.links.push(link);
            }
            if let Some(head) = said["copied"].as_u64() {
                assert_eq!(said["warning"], Value::Null);
                self.copied = head;
            }
            return said;
        }
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            self.next();
        }
    }

    fn is_up(&self) -> bool {
        matches!(self.links.last(), Some(Link::Up { .. }))
    }

    fn signal(&self, signal: &str) {
        // `nsenter` becomes the program that it starts.
        let number = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &number]).status().unwrap().success());
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn head(server: &Server) -> u64 {
    let said = ok(server, "loopwrightd hello --json");
    serde_json::from_str::<Value>(&said).unwrap()["head"].as_u64().unwrap()
}

/// All that the server's own journal holds, asked for on the server.
fn all(server: &Server) -> Vec<Entry> {
    let said = ok(server, "loopwrightd journal --json");
    said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn set_up(net: &Net, data: &Path) -> Server {
    let server = net.start(Spec { cpus: 2, ..Spec::default() }).unwrap();
    let key = OurKey::make("loopwright a laptop").unwrap();
    std::fs::write(data.join("key"), key.to_text().unwrap().as_str()).unwrap();
    server.put(&testkit::workspace::built("loopwrightd").unwrap(), kills::SENT, 0o755).unwrap();
    let line = key.public_line().unwrap();
    ok(&server, &format!("{0} setup begin --key '{line}' && rm {0}", kills::SENT));
    ok(&server, &format!("echo '{}' | {} setup apply --wish -", WISH, PROGRAM));
    // Slow enough that a request takes about as long as the network is away.
    ok(
        &server,
        "printf 'screenshots = \"off\"\\n[agents.practice.env]\\nPRACTICE_PAUSE_MS = \"12000\"\\n' >/var/lib/loopwright/workspace/settings.toml; \
         systemctl restart loopwright",
    );
    let host = server.ip().to_string();
    let target = Target { host: host.clone(), port: 22, user: "loopwright-desk".to_owned(), jump: None };
    std::fs::write(data.join("target"), serde_json::to_vec(&target).unwrap()).unwrap();
    // As the first contact pins it.
    let local = local(data);
    let pin = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { desk::signed_in(&local, &desk::root_at(&host, 22)).await.close().await });
    };
    net.inside(pin).unwrap();
    server
}

#[test]
fn a_minute_without_network_and_a_laptop_that_sleeps_miss_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let net = Net::up().unwrap();
    let server = set_up(&net, folder.path());
    let port = server.forward(80).unwrap();
    let mut desktop = Desktop::start(&net, folder.path());
    desktop.until(Desktop::is_up);

    let mut stdin = desktop.child.stdin.take().unwrap();
    writeln!(stdin, "A page for a bakery called Sauerteig with opening hours and an order form").unwrap();
    let asked = loop {
        let said = desktop.next();
        if !said["asked"].is_null() {
            break said["asked"].clone();
        }
    };
    let request = asked["request"].as_str().unwrap_or_else(|| panic!("{asked}")).to_owned();

    let cut = Instant::now();
    server.fault(Fault::Blackhole).unwrap();
    let before = head(&server);
    desktop.until(|desktop| matches!(desktop.links.last(), Some(Link::Lost { .. })));
    let Some(Link::Lost { why, .. }) = desktop.links.last() else { panic!("{:?}", desktop.links) };
    assert!(why.contains("answer") || why.contains("nothing came"), "{why}");
    // All of it without the desktop.
    let closed = format!("grep -q -m1 'request.closed.*{request}'");
    ok(&server, &format!("(timeout 200 loopwrightd journal --follow --json 2>/dev/null &) | {closed}"));
    let lonely = head(&server);
    assert!(lonely > before, "the work went on: {before} {lonely}");
    std::thread::sleep(MINUTE.saturating_sub(cut.elapsed()));
    server.fault(Fault::Heal).unwrap();
    desktop.until(Desktop::is_up);
    desktop.until(|desktop| desktop.copied >= head(&server));
    assert_eq!(visit(port).as_deref(), Some("HTTP/1.1 200 OK"));

    // A laptop sleeps; on the server time goes on, and so does the next request.
    desktop.signal("-STOP");
    ok(&server, "loopwrightd ask 'Another headline' --agent practice --wait");
    std::thread::sleep(SLEEP);
    let slept = head(&server);
    desktop.signal("-CONT");
    desktop.until(|desktop| desktop.copied >= slept && desktop.is_up());

    // Every entry once, in its order, under the same chain.
    let theirs = all(&server);
    desktop.until(|desktop| desktop.copied >= theirs.last().unwrap().seq);
    let mine = journal::Reader::open(&folder.path().join("mirror/journal.db")).unwrap();
    let copied = mine.entries(0, u32::MAX).unwrap();
    assert_eq!(copied.get(..theirs.len()), Some(theirs.as_slice()));
    let numbers: Vec<u64> = copied.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=copied.len() as u64).collect::<Vec<_>>());
    mine.verify().unwrap();
}
