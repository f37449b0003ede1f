//! The real desktop program in its window, driven by WebKit's own driver: on this machine's network, or in the internet of
//! a throw-away server, where the server's own address works. It has a bus of its own, on which no keychain answers.
//!
//! It needs a display; `./dev test window` gives one.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

pub mod wizard;

use crate::browser::{Browser, SEEN};
use crate::harness::{QUICK, QUIET};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Workspace;
use testkit::server::Net;
use testkit::workspace::built;

pub const BOX: &str = "[data-testid=ask-box]";
pub const OFFLINE: &str = "[data-testid=offline]";
/// Off the fixed ports, and with nothing to fetch.
const SERVE: &str = "--port 0 --starter static --bridges off --memory off --model none";

/// A user's computer with the desktop program on it.
pub struct Desktop<'a> {
    // Ended first: the window goes before the folder that it keeps its things in.
    window: Option<Browser>,
    bus: Child,
    daemon: PathBuf,
    pub workspace: Workspace,
    net: Option<&'a Net>,
}

impl Desktop<'static> {
    /// Its window is open.
    pub fn here() -> Self {
        Desktop::open(None, "loopwrightd")
    }
}

impl<'a> Desktop<'a> {
    /// Somebody's computer in the internet, its window open.
    pub fn in_net(net: &'a Net) -> Self {
        Self::open(Some(net), "loopwrightd")
    }

    /// With another build of the daemon's program, which servers get, too.
    pub fn in_net_with(net: &'a Net, daemon: &str) -> Self {
        Self::open(Some(net), daemon)
    }

    fn open(net: Option<&'a Net>, daemon: &str) -> Self {
        let workspace = Workspace::new().unwrap();
        workspace.settings(&format!("{QUIET}{QUICK}")).unwrap();
        let daemon = workspace.copy_program(&built(daemon).unwrap()).unwrap();
        let bus = bus(&workspace);
        let mut desktop = Desktop { window: None, bus, daemon, workspace, net };
        desktop.open_again();
        desktop
    }

    pub fn window(&self) -> &Browser {
        self.window.as_ref().unwrap_or_else(|| panic!("the window is closed"))
    }

    /// A new start of the program, on what it has kept.
    pub fn open_again(&mut self) {
        self.close();
        let window = match self.net {
            None => open(&self.workspace, &self.daemon, Command::new("WebKitWebDriver")),
            Some(net) => {
                let driver = net.command("WebKitWebDriver").unwrap();
                net.inside(|| open(&self.workspace, &self.daemon, driver)).unwrap()
            }
        };
        window.see(".bar");
        self.window = Some(window);
    }

    /// Its window is closed, and the program has ended.
    pub fn close(&mut self) {
        let Some(window) = self.window.take() else { return };
        window.close_window();
        drop(window);
        // Without a manager of windows nobody tells the program that its window is wanted no more.
        for process in self.processes() {
            signal("-TERM", &process);
            let deadline = Instant::now() + SEEN;
            while process.exists() {
                assert!(Instant::now() < deadline, "the program does not end");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }

    /// The program is killed: nothing of it can still write or say anything. [`Self::open_again`] starts it anew.
    pub fn kill(&mut self) {
        let found = self.processes();
        assert!(!found.is_empty(), "the desktop program runs");
        found.iter().for_each(|process| signal("-KILL", process));
        self.close();
    }

    /// Those of the program that belong to this one.
    fn processes(&self) -> Vec<PathBuf> {
        let program = built("loopwright").unwrap();
        let own = |process: &Path| {
            let environment = std::fs::read(process.join("environ")).unwrap_or_default();
            std::fs::read_link(process.join("exe")).is_ok_and(|exe| exe == program)
                && String::from_utf8_lossy(&environment).contains(&*self.workspace.path().to_string_lossy())
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
        all.filter(|process| own(process)).collect()
    }

    /// A command of the local daemon.
    pub fn loopwrightd(&self, args: &[&str]) -> String {
        let mut command = Command::new(&self.daemon);
        let done = command.args(args).arg("--home").arg(self.workspace.home()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    }

    pub fn go(&self, hash: &str) {
        self.window().js("location.hash = arguments[0]", vec![json!(hash)]);
    }

    /// Where the program keeps its own things.
    pub fn data(&self) -> PathBuf {
        self.workspace.path().join("desktop")
    }
}

impl Drop for Desktop<'_> {
    fn drop(&mut self) {
        self.window = None;
        let mut stop = Command::new(&self.daemon);
        let _ = stop.args(["stop", "--sites", "--home"]).arg(self.workspace.home()).output();
        let _ = self.bus.kill();
        let _ = self.bus.wait();
    }
}

fn signal(which: &str, process: &Path) {
    // One that has ended meanwhile is as it is wanted.
    let _ = Command::new("kill").arg(which).arg(process.file_name().unwrap()).status();
}

/// A session bus by a path, which reaches into every network; nothing is started by it.
fn bus(workspace: &Workspace) -> Child {
    let socket = bus_socket(workspace);
    let settings = workspace.path().join("bus.conf");
    let rules = "<policy context=\"default\"><allow send_destination=\"*\"/><allow receive_sender=\"*\"/><allow own=\"*\"/></policy>";
    let text = format!(
        "<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\" \
         \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n\
         <busconfig><type>session</type><listen>unix:path={}</listen>{rules}</busconfig>\n",
        socket.display()
    );
    std::fs::write(&settings, text).unwrap();
    let bus = Command::new("dbus-daemon")
        .arg("--nofork")
        .arg(format!("--config-file={}", settings.display()))
        .current_dir(workspace.path())
        .spawn()
        .unwrap_or_else(|error| panic!("start dbus-daemon (./dev setup window installs it): {error}"));
    let deadline = Instant::now() + SEEN;
    while !socket.exists() {
        assert!(Instant::now() < deadline, "dbus-daemon does not listen");
        std::thread::sleep(Duration::from_millis(5));
    }
    bus
}

fn bus_socket(workspace: &Workspace) -> PathBuf {
    workspace.path().join("bus")
}

/// The driver starts the program itself, with the environment that it was started with.
fn open(workspace: &Workspace, daemon: &Path, mut driver: Command) -> Browser {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let address = format!("127.0.0.1:{port}");
    let driver = driver
        .args(["--host=127.0.0.1".to_owned(), format!("--port={port}")])
        .env("TAURI_AUTOMATION", "true")
        .env("TAURI_WEBVIEW_AUTOMATION", "true")
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", bus_socket(workspace).display()))
        .envs([("GTK_A11Y", "none"), ("NO_AT_BRIDGE", "1")])
        .env("HOME", workspace.path())
        .env_remove("SSH_AUTH_SOCK")
        .env("LOOPWRIGHT_DESKTOP", workspace.path().join("desktop"))
        .env("LOOPWRIGHT_HOME", workspace.home())
        .env("LOOPWRIGHT_DAEMON", daemon)
        .env("LOOPWRIGHT_SERVE", SERVE)
        .current_dir(workspace.path())
        .stdout(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("start WebKitWebDriver (./dev setup window installs it): {error}"));
    let deadline = Instant::now() + SEEN;
    while TcpStream::connect(&address).is_err() {
        assert!(Instant::now() < deadline, "WebKitWebDriver does not listen");
        std::thread::yield_now();
    }
    let program = built("loopwright").unwrap();
    let wanted = json!({ "webkitgtk:browserOptions": { "binary": program, "args": [] } });
    let Value::Object(wanted) = wanted else { panic!("no object") };
    Browser::driven(driver, address, wanted)
}

/// The window, and others that lie over it, for `docs/screens`; only where pictures are wanted (`LOOPWRIGHT_WINDOW_PICTURES`, a folder).
pub fn picture(name: &str) {
    let Some(folder) = std::env::var_os("LOOPWRIGHT_WINDOW_PICTURES") else { return };
    let file = PathBuf::from(folder).join(format!("{name}.png"));
    let shot =
        Command::new("import").args(["-window", "root", "-trim", "+repage"]).arg(&file).status().unwrap();
    assert!(shot.success());
    // A third of the size; without it the picture is as good.
    let _ = Command::new("pngquant").args(["--force", "--ext", ".png", "128"]).arg(&file).status();
}
