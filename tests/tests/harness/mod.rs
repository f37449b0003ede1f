//! A house: the real daemon on a throw-away home with one project of plain files, asked as a client would, and looked at
//! from outside: its journal, its repository by git, its sites by plain TCP. When it is dropped, the daemon is killed and
//! everything that it started is swept away with the workspace.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

pub mod crew;
pub mod files;
pub mod tcp;

use protocol::api::{NewNote, RecallAsk};
use protocol::fact::{BlobRef, Channel, Entry, NoteKind, Outcome, RequestClosed, RequestOriented};
use protocol::view::{DeploymentRow, NoteRow, ReleaseRow, RequestView};
use protocol::*;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use testkit::acp::Script;
use testkit::workspace::built;
use testkit::{Daemon, Workspace};

/// Far above what anything takes, for a machine that does other things too.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub const BAKERY: &str = "A page for a bakery called Sauerteig with opening hours and an order form";

/// Pictures are taken only where they are what is tested.
pub const QUIET: &str = "screenshots = \"off\"\n";

/// The practice agent at its quickest.
pub const QUICK: &str = "[agents.practice.env]\nPRACTICE_PAUSE_MS = \"0\"\n";

/// What every daemon of a test is started with: any free port, and nothing to install.
pub const PLAIN: [&str; 4] = ["--port", "0", "--starter", "static"];

pub struct House {
    pub daemon: Daemon,
    pub workspace: Workspace,
}

impl House {
    pub fn practice() -> House {
        Self::open(QUICK)
    }

    /// With these settings beside the usual ones.
    pub fn open(settings: &str) -> House {
        let workspace = Workspace::new().unwrap();
        workspace.settings(&format!("{QUIET}{settings}")).unwrap();
        Self::start(workspace)
    }

    /// With a scripted agent in the place of the practice agent; see [`Workspace::scripted_agent`] for `counted`.
    pub fn scripted(script: &Script, counted: bool) -> House {
        Self::scripted_in(Workspace::new().unwrap(), script, counted, "")
    }

    pub fn scripted_in(workspace: Workspace, script: &Script, counted: bool, settings: &str) -> House {
        let argv = workspace.scripted_agent(script, counted).unwrap();
        workspace.settings(&format!("{QUIET}{settings}[practice]\nargv = {argv:?}\n")).unwrap();
        Self::start(workspace)
    }

    /// Starts the daemon and waits until there is a project to ask for something in.
    pub fn start(workspace: Workspace) -> House {
        Self::start_with(workspace, &PLAIN)
    }

    pub fn start_with(workspace: Workspace, args: &[&str]) -> House {
        let daemon = Daemon::start_program(&program(&workspace), &workspace, args, &[]).unwrap();
        let house = House { daemon, workspace };
        house.wait(|entry| matches!(entry.fact, Fact::ProjectActivated(_)).then_some(()));
        house
    }

    /// Starts a daemon that is expected to end, and gives what it said and whether it called that a success.
    pub fn failing_start(workspace: &Workspace) -> (bool, String) {
        let before = printed(workspace).len();
        let mut daemon = Daemon::launch(&program(workspace), workspace, &PLAIN, &[]).unwrap();
        let status = daemon.wait_end(PATIENCE).unwrap();
        (status.success(), daemon.printed().split_off(before))
    }

    /// Ends the daemon, leaves its sites running, and starts another one on the same home.
    pub fn restart(self) -> House {
        let House { daemon, workspace } = self;
        assert!(daemon.stop().unwrap().success());
        Self::start(workspace)
    }

    pub fn wait<T>(&self, find: impl FnMut(&Entry) -> Option<T>) -> T {
        match self.daemon.wait_for(PATIENCE, find) {
            Ok(found) => found,
            Err(error) => panic!("{error}\n{}", self.story()),
        }
    }

    pub fn call(&self, request: &Request) -> Response {
        match self.daemon.call(request) {
            Ok(response) => response,
            Err(error) => panic!("{request:?}: {error}"),
        }
    }

    pub fn refused(&self, request: &Request) -> ApiError {
        match self.daemon.call(request) {
            Ok(response) => panic!("{request:?} was answered with {response:?}"),
            Err(error) => error,
        }
    }

    /// Asks for something and gives its request.
    pub fn ask(&self, text: &str) -> RequestId {
        self.accepted(&asking(text)).0
    }

    /// The request, and whether it is a new one.
    pub fn accepted(&self, ask: &Request) -> (RequestId, bool) {
        match self.call(ask) {
            Response::Accepted { request, new } => (request, new),
            other => panic!("{ask:?} was answered with {other:?}"),
        }
    }

    /// Waits until the request is closed.
    pub fn closed(&self, request: &RequestId) -> RequestClosed {
        self.wait(|entry| match &entry.fact {
            Fact::RequestClosed(closed) if closed.request == *request => Some(closed.clone()),
            _ => None,
        })
    }

    /// Asks for something that must become live.
    pub fn live(&self, text: &str) -> RequestId {
        let request = self.ask(text);
        self.ends_live(&request);
        request
    }

    pub fn ends_live(&self, request: &RequestId) {
        let closed = self.closed(request);
        assert_eq!(closed.outcome, Outcome::Live, "{}\n{}", closed.why, self.story());
    }

    /// What happened, a line for each entry, and what the daemon printed; for a failed test's words.
    pub fn story(&self) -> String {
        let entries = self.daemon.entries().unwrap_or_default();
        let facts = entries.iter().map(|entry| serde_json::to_string(&entry.fact).unwrap_or_default());
        let lines: Vec<String> = facts.map(|line| line.chars().take(600).collect()).collect();
        format!("{}\n{}", lines.join("\n"), self.daemon.printed())
    }

    pub fn facts(&self, request: &RequestId) -> Vec<Fact> {
        let entries = self.daemon.entries().unwrap();
        entries.into_iter().map(|entry| entry.fact).filter(|fact| fact.request() == Some(request)).collect()
    }

    pub fn kinds(&self, request: &RequestId) -> Vec<&'static str> {
        self.facts(request).iter().map(Fact::kind).collect()
    }

    pub fn oriented(&self, request: &RequestId) -> RequestOriented {
        let facts = self.facts(request);
        let found = facts.into_iter().find_map(|fact| match fact {
            Fact::RequestOriented(oriented) => Some(oriented),
            _ => None,
        });
        found.unwrap()
    }

    pub fn show(&self, request: &RequestId) -> RequestView {
        match self.call(&Request::Show { request: request.clone() }) {
            Response::Show(view) => *view,
            other => panic!("show: {other:?}"),
        }
    }

    /// The row that the request left.
    pub fn row(&self, request: &RequestId) -> DeploymentRow {
        let row = self.rows().into_iter().find(|row| row.request == *request);
        row.unwrap_or_else(|| panic!("there is no row of {request}\n{}", self.story()))
    }

    pub fn rows(&self) -> Vec<DeploymentRow> {
        match self.call(&Request::Deployments { project: None, filter: None, limit: Some(1000) }) {
            Response::Deployments { rows } => rows,
            other => panic!("deployments: {other:?}"),
        }
    }

    pub fn releases(&self) -> Vec<ReleaseRow> {
        match self.call(&Request::Releases { project: None }) {
            Response::Releases { rows } => rows,
            other => panic!("releases: {other:?}"),
        }
    }

    pub fn notes(&self) -> Vec<NoteRow> {
        match self.call(&Request::Notes { project: None, limit: Some(1000), superseded: true }) {
            Response::Notes { rows } => rows,
            other => panic!("notes: {other:?}"),
        }
    }

    pub fn push(&self, title: &str, text: &str) -> NoteId {
        match self.call(&Request::Push { project: None, note: a_note(title, text) }) {
            Response::Pushed { mut notes } => notes.remove(0).note,
            other => panic!("push: {other:?}"),
        }
    }

    pub fn recall(&self, query: &str) -> Vec<NoteRow> {
        match self.call(&Request::Recall(Box::new(about(query)))) {
            Response::Recalled(found) => found.rows,
            other => panic!("recall: {other:?}"),
        }
    }

    /// What is remembered is what the journal makes of it.
    pub fn memory_is_sound(&self) -> String {
        match self.call(&Request::VerifyMemory) {
            Response::MemoryVerified { equal: true, hash, .. } => hash,
            other => panic!("verify the memory: {other:?}"),
        }
    }

    pub fn text(&self, blob: &BlobRef) -> String {
        match self.call(&Request::Text { blob: blob.blob.clone() }) {
            Response::Text { text } => text,
            other => panic!("text: {other:?}"),
        }
    }

    /// The brief of the request's attempt with this number (from 1).
    pub fn brief(&self, request: &RequestId, number: usize) -> String {
        let view = self.show(request);
        let attempt =
            view.attempts.get(number - 1).unwrap_or_else(|| panic!("no attempt {number}: {view:?}"));
        self.text(attempt.brief.as_ref().unwrap())
    }

    /// What visitors of the request's site get.
    pub fn page(&self, request: &RequestId) -> String {
        tcp::get(&self.show(request).url.unwrap()).body
    }

    /// The journal is what it says that it is.
    pub fn is_sound(&self) {
        match self.call(&Request::VerifyJournal) {
            Response::Verified { problems, .. } => assert_eq!(problems, Vec::<String>::new()),
            other => panic!("verify: {other:?}"),
        }
    }

    pub fn repository(&self) -> PathBuf {
        let projects = self.workspace.home().join("projects");
        let project = std::fs::read_dir(projects).unwrap().next().unwrap().unwrap();
        project.path().join("repo.git")
    }

    /// What git says in the project's repository, as its owner would ask it.
    pub fn git(&self, args: &[&str]) -> String {
        git(&self.repository(), args)
    }

    /// A file of the main branch.
    pub fn file(&self, path: &str) -> Option<String> {
        let named = format!("main:{path}");
        let files = self.files();
        files.lines().any(|file| file == path).then(|| self.git(&["cat-file", "blob", &named]))
    }

    /// All files of the main branch, a line each.
    pub fn files(&self) -> String {
        self.git(&["ls-tree", "-r", "--name-only", "main"])
    }

    /// The owner changes a file with git, beside the daemon.
    pub fn commit(&self, path: &str, text: &str) {
        let folder = self.workspace.open_folder("owner", 0o700).unwrap().join("checkout");
        if folder.exists() {
            std::fs::remove_dir_all(&folder).unwrap();
        }
        let repository = self.repository();
        git(&repository, &["clone", "--quiet", "--branch", "main", ".", folder.to_str().unwrap()]);
        std::fs::write(folder.join(path), text).unwrap();
        git(&folder, &["add", "--all"]);
        git(&folder, &["commit", "--quiet", "--message", "the owner's change"]);
        git(&folder, &["push", "--quiet", "origin", "HEAD:main"]);
    }
}

/// A decision from you.
pub fn a_note(title: &str, text: &str) -> NewNote {
    let kind = NoteKind::Decision;
    NewNote { kind, title: title.into(), text: text.into(), source: None, supersedes: vec![] }
}

pub fn about(query: &str) -> RecallAsk {
    RecallAsk { query: query.into(), ..RecallAsk::default() }
}

/// The daemon's program, where every user can run it.
pub fn program(workspace: &Workspace) -> PathBuf {
    let copy = workspace.path().join("bin/loopwrightd");
    if copy.exists() { copy } else { workspace.copy_program(&built("loopwrightd").unwrap()).unwrap() }
}

fn printed(workspace: &Workspace) -> String {
    std::fs::read_to_string(workspace.path().join("daemon.log")).unwrap_or_default()
}

pub fn git(folder: &std::path::Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "safe.directory=*", "-c", "user.name=Owner", "-c", "user.email=owner@localhost"]);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_SYSTEM", "/dev/null");
    let done = command.arg("-C").arg(folder).args(args).output().unwrap();
    assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).into_owned()
}

/// A request under a client id of its own.
pub fn asking(text: &str) -> Request {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    asking_as(&format!("test-{}", ASKED.fetch_add(1, Ordering::Relaxed)), text)
}

pub fn asking_as(client: &str, text: &str) -> Request {
    Request::Ask {
        client: ClientId::new(client).unwrap(),
        text: text.into(),
        project: None,
        agent: None,
        race: vec![],
        parts: vec![],
        step: None,
        channel: Channel::CommandLine,
    }
}
