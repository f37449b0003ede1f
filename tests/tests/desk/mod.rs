//! The desktop's window in a real Chromium: its pages as they are shipped, under the window's policy, with a scripted
//! program behind the bridge (`desk.js`).

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

pub mod rows;

use crate::browser::Browser;
use protocol::desk::{DeskAnswer, DeskEvent};
use protocol::{ApiError, Code};
use serde_json::{Map, Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use testkit::Workspace;

/// As src-tauri sets it, but for the bridge's own address.
const POLICY: &str = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; frame-src 'none'; object-src 'none'";

pub struct Window {
    pub browser: Browser,
    address: String,
    _workspace: Workspace,
}

/// What the program answers.
pub fn give(answer: &DeskAnswer) -> Value {
    json!({ "give": answer })
}

pub fn refuse(code: Code, message: &str, next: &str) -> Value {
    json!({ "refuse": ApiError::new(code, message).next(next) })
}

/// It answers when it is released.
pub fn hold() -> Value {
    json!({ "hold": true })
}

impl Window {
    /// With answers that are there before the page asks.
    pub fn open(script: &[(&str, Value)]) -> Window {
        let workspace = Workspace::new().unwrap();
        let address = serve(dist());
        let browser = Browser::open(&workspace);
        let script: Map<String, Value> = rows::usual()
            .into_iter()
            .chain(script.iter().map(|(name, a)| ((*name).to_owned(), json!([a]))))
            .collect();
        let source = include_str!("desk.js").replace("FIRST_SCRIPT", &Value::Object(script).to_string());
        browser.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": source }));
        Window { browser, address, _workspace: workspace }
    }

    pub fn goto(&self, hash: &str) {
        self.browser.goto(&format!("{}/{hash}", self.address));
        self.browser.see(".bar");
    }

    pub fn script(&self, name: &str, answers: &[Value]) {
        self.browser.js("desk.script(...arguments)", vec![json!(name), json!(answers)]);
    }

    pub fn tell(&self, event: &DeskEvent) {
        self.browser.js("desk.tell(...arguments)", vec![json!(event)]);
    }

    /// Answers what was held back.
    pub fn release(&self, name: &str, answer: &Value) {
        self.browser.until(
            &format!("{name} to be asked"),
            "return desk.release(...args)",
            vec![json!(name), answer.clone()],
        );
    }

    /// Waits until it was asked as often, and gives the last one.
    pub fn asked(&self, name: &str, times: usize) -> Value {
        self.browser.until(
            &format!("{name} asked {times} times"),
            "const all = desk.asked(args[0]); return all.length >= args[1] && all[args[1] - 1]",
            vec![json!(name), json!(times)],
        )
    }

    /// A picture of it; in both themes all that is written can be read, and nothing sticks out of a small window.
    pub fn picture(&self, name: &str) {
        for scheme in ["light", "dark"] {
            self.browser.prefers(scheme);
            let faint = self.browser.js("return desk.faint()", vec![]);
            assert_eq!(faint, json!([]), "{name}, {scheme}");
        }
        self.browser.resize(420, 800);
        let wide = "return [...document.querySelectorAll('main, .bar')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.className)";
        assert_eq!(self.browser.js(wide, vec![]), json!([]), "{name}, in a small window");
        self.browser.resize(1440, 900);
        self.browser.picture(name);
    }

    pub fn times(&self, name: &str) -> usize {
        let all = self.browser.js("return desk.asked(arguments[0])", vec![json!(name)]);
        all.as_array().unwrap().len()
    }
}

/// The pages of the window; `./dev ui --desktop` makes them.
fn dist() -> PathBuf {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ui/dist-desktop");
    assert!(dist.join("ui_bg.wasm").is_file(), "ui/dist-desktop is missing: ./dev ui --desktop makes it");
    dist
}

/// A file server on loopback, for as long as the test runs.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for wire in listener.incoming().map_while(Result::ok) {
            let folder = folder.clone();
            std::thread::spawn(move || {
                let _ = answer(&wire, &folder);
            });
        }
    });
    address
}

fn answer(mut wire: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut reader = BufReader::new(wire);
    let mut first = String::new();
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            break;
        }
    }
    let path = first.split_whitespace().nth(1).unwrap_or("/").trim_start_matches('/');
    let name = if path.is_empty() { "index.html" } else { path };
    let body = if name.contains("..") { None } else { std::fs::read(folder.join(name)).ok() };
    let kind = match Path::new(name).extension().and_then(|e| e.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        Some("wasm") => "application/wasm",
        _ => "application/octet-stream",
    };
    let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
    write!(
        wire,
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\ncontent-security-policy: {POLICY}\r\nconnection: close\r\n\r\n",
        body.len()
    )?;
    wire.write_all(&body)
}
