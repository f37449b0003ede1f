//! The .deb on a bare Debian 12: it brings what it needs, its window opens on the workspace of that computer with the daemon
//! that came along, and once it is removed nothing of it is there.
//!
//! `./dev test bundle` makes it first and says where it lies (`LOOPWRIGHT_BUNDLE`).

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

mod browser;
mod harness;

use browser::Browser;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use testkit::server::{Net, Server, Spec};

const BOX: &str = "[data-testid=ask-box]";
const DRIVER: u16 = 4444;
/// Where the desktop program keeps the local workspace of the user `debian`.
const HOME: &str = "/home/debian/.local/share/dev.loopwright.desktop/local";

fn bundle() -> PathBuf {
    let folder = std::env::var_os("LOOPWRIGHT_BUNDLE").map(PathBuf::from);
    folder.unwrap_or_else(|| panic!("LOOPWRIGHT_BUNDLE names no folder: ./dev test bundle"))
}

fn installer() -> PathBuf {
    let found = std::fs::read_dir(bundle().join("desktop")).unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = found.filter(|path| path.extension().is_some_and(|end| end == "deb")).collect();
    assert_eq!(found.len(), 1, "one .deb: {found:?}");
    found[0].clone()
}

fn on(server: &Server, command: &str) -> String {
    let ran = server.exec_with(&format!("export DEBIAN_FRONTEND=noninteractive; {command}"), None, 900);
    ran.unwrap().ok().unwrap_or_else(|error| panic!("{command}: {error}"))
}

fn install(server: &Server) {
    on(server, "apt-get -qq -y install --no-install-recommends /root/loopwright.deb >/dev/null 2>&1");
}

fn purge(server: &Server) {
    on(server, "apt-get -qq -y purge loopwright >/dev/null 2>&1");
    assert_eq!(on(server, "dpkg -l loopwright 2>/dev/null | grep -c '^[a-z]i\\|^rc' || true"), "0");
}

/// WebKit's driver in a session of the user `debian` with a display and a bus of its own. It ends with the session.
fn driver(net: &Net, server: &Server) -> Child {
    let order = format!(
        "export TAURI_WEBVIEW_AUTOMATION=true GTK_A11Y=none NO_AT_BRIDGE=1; exec dbus-run-session -- \
         xvfb-run -a -s '-screen 0 1440x900x24 -fbdir /var/tmp' WebKitWebDriver --host=all --port={DRIVER}"
    );
    let mut ssh = net.command("ssh").unwrap();
    ssh.args(["-F", "none", "-tt", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
    ssh.args(["-o", "LogLevel=ERROR", "-i"]).arg(net.key().unwrap());
    ssh.arg(format!("debian@{}", server.ip())).arg(order);
    ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn window(net: &Net, server: &Server) -> Browser {
    let driver = driver(net, server);
    on(server, &format!("timeout 60 sh -c 'until ss -ltn | grep -q :{DRIVER}; do sleep 0.2; done'"));
    let address = format!("127.0.0.1:{}", server.forward(DRIVER).unwrap());
    let wanted = json!({ "webkitgtk:browserOptions": { "binary": "/usr/bin/loopwright", "args": [] } });
    let Value::Object(wanted) = wanted else { panic!("no object") };
    Browser::driven(driver, address, wanted)
}

/// The display as X keeps it; only where pictures are wanted (`LOOPWRIGHT_WINDOW_PICTURES`, a folder).
fn picture(server: &Server) {
    let Some(folder) = std::env::var_os("LOOPWRIGHT_WINDOW_PICTURES") else { return };
    let screen = on(server, "base64 -w0 /var/tmp/Xvfb_screen0");
    let file = Path::new(&folder).join("bundle-debian-12.png");
    let mut convert = Command::new("sh");
    convert.args(["-c", "base64 -d | convert xwd:- \"$1\"", "sh"]).arg(file).stdin(Stdio::piped());
    let mut convert = convert.spawn().unwrap();
    convert.stdin.take().unwrap().write_all(screen.as_bytes()).unwrap();
    assert!(convert.wait().unwrap().success());
}

#[test]
fn the_installer_on_a_bare_debian_12() {
    let net = Net::up().unwrap();
    let server = net.start(Spec { memory_mib: 2048, cpus: 2, ..Spec::default() }).unwrap();
    server.put(&installer(), "/root/loopwright.deb", 0o644).unwrap();
    on(&server, "apt-get -qq -o APT::Update::Error-Mode=any update");

    // By itself, without what is only recommended: what it needs comes along.
    install(&server);
    assert_eq!(on(&server, "ldd /usr/bin/loopwright | grep 'not found' || true"), "");
    assert!(on(&server, "loopwrightd --version").starts_with("loopwrightd "));
    let opens = on(&server, "grep -h 'MimeType\\|^Exec' /usr/share/applications/*.desktop | grep loopwright");
    assert_eq!(opens, "Exec=loopwright %u\nMimeType=x-scheme-handler/loopwright");
    // The servers' programs are those that were hashed: one beside the window, the other among the resources.
    let sums = on(&server, "cat /usr/lib/Loopwright/servers/SHA256SUMS");
    let lie = on(
        &server,
        "cd /usr/lib/Loopwright/servers && cp /usr/bin/loopwrightd /tmp/loopwrightd-x86_64 && \
         sha256sum loopwrightd-aarch64 && cd /tmp && sha256sum loopwrightd-x86_64 && rm loopwrightd-x86_64",
    );
    assert_eq!(lie, sums);
    let files = on(&server, "dpkg -L loopwright | grep -i loopwright");
    assert!(files.lines().count() > 5, "{files}");

    purge(&server);
    let left = format!("for path in $(echo '{files}'); do [ ! -e $path ] || echo $path; done");
    assert_eq!(on(&server, &left), "");
    // Its dependencies stay, as apt leaves them; what is left beside them is dpkg's own memory of its last state.
    let before = server.manifest().unwrap();
    install(&server);
    purge(&server);
    let changes = before.changes(&server.manifest().unwrap());
    let own = ["/var/lib/dpkg/", "/var/lib/apt/extended_states", "/usr/share/icons/hicolor/icon-theme.cache"];
    let foreign: Vec<_> = changes.iter().filter(|line| !own.iter().any(|path| line.contains(path))).collect();
    assert_eq!(foreign, Vec::<&String>::new());

    install(&server);
    on(
        &server,
        "apt-get -qq -y install --no-install-recommends xvfb xauth dbus webkit2gtk-driver fonts-dejavu-core >/dev/null 2>&1",
    );
    let opened = window(&net, &server);
    // Nothing is asked first, and the daemon that came along answers.
    opened.see(BOX);
    opened.says(".heard", "Live");
    assert_eq!(opened.js("return document.title", vec![]).as_str(), Some("Loopwright"));
    picture(&server);
    let as_user = |words: &str| on(&server, &format!("runuser -u debian -- {words} --home {HOME}"));
    let version = format!("\"daemon\":\"{}\"", env!("CARGO_PKG_VERSION"));
    let hello = as_user("loopwrightd hello --json");
    assert!(hello.replace(' ', "").contains(&version), "{hello}");
    as_user("loopwrightd stop --sites");
    drop(opened);

    purge(&server);
    assert_eq!(on(&server, &left), "");
    assert_eq!(on(&server, "pgrep -a loopwright || true"), "");
}

/// The same file on no distribution at all: nothing but the kernel and one shell.
#[test]
fn the_servers_program_needs_nothing_of_a_server() {
    let root = tempfile::tempdir().unwrap();
    for arch in ["x86_64", "aarch64"] {
        let program = bundle().join("servers").join(format!("loopwrightd-{arch}"));
        let headers =
            Command::new("readelf").args(["--wide", "--program-headers"]).arg(&program).output().unwrap();
        let headers = String::from_utf8_lossy(&headers.stdout).into_owned();
        assert!(headers.contains("LOAD") && !headers.contains("INTERP"), "{headers}");
    }
    std::fs::copy(bundle().join("servers/loopwrightd-x86_64"), root.path().join("loopwrightd")).unwrap();
    let said = Command::new("chroot").arg(root.path()).args(["/loopwrightd", "--version"]).output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&said.stdout).trim_end(),
        format!("loopwrightd {}", env!("CARGO_PKG_VERSION")),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
}
