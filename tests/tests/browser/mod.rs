//! A real Chromium on the real dashboard, driven by chromedriver as a person would use it: by what is on the page.
//!
//! Everything waits for something to be seen, up to a deadline; nothing waits for time to pass. The page itself looks once
//! per frame, so a state that is there for a moment only is seen too. Profile and processes lie in the test's workspace and
//! are swept away with it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use crate::harness::House;
use fantoccini::wd::Capabilities;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Workspace;
use tokio::runtime::Runtime;

/// How long something may take to be seen. Far above what it takes, for a machine that does other things too.
pub const SEEN: Duration = Duration::from_secs(60);

/// Once per frame, until `look` finds something or the time is over.
const WATCH: &str = "const [within, ...args] = [...arguments], done = args.pop(), end = performance.now() + within; \
     const look = (...args) => { LOOK }; \
     const step = () => { let found = null; try { found = look(...args) } catch { found = null } \
     if (found) done([found]); else if (performance.now() > end) done(null); else requestAnimationFrame(step) }; step();";

pub struct Browser {
    client: Client,
    driver: Child,
    address: String,
    session: String,
    runtime: Runtime,
}

impl Browser {
    pub fn open(workspace: &Workspace) -> Browser {
        let (width, height) = (1440, 900);
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .current_dir(workspace.path())
            .env("TMPDIR", workspace.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("start chromedriver (./dev setup tests installs it): {error}"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = lines.find_map(|line| {
            line.split_once("started successfully on port ").map(|(_, port)| port.to_owned())
        });
        let port: u16 = port.unwrap().trim_end_matches('.').parse().unwrap();
        // Its pipe is read to the end, or it would stop when it is full.
        std::thread::spawn(move || lines.for_each(drop));
        let address = format!("127.0.0.1:{port}");
        let browser = Self::driven(driver, address, capabilities(workspace, width, height));
        browser.resize(width, height);
        browser
    }

    /// What a driver that listens there opens.
    pub fn driven(driver: Child, address: String, wanted: Capabilities) -> Browser {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(wanted);
        let url = format!("http://{address}");
        let client =
            runtime.block_on(builder.connect(&url)).unwrap_or_else(|error| panic!("open {url}: {error}"));
        let session = runtime.block_on(client.session_id()).unwrap().unwrap();
        let browser = Browser { client, driver, address, session, runtime };
        browser.command("timeouts", json!({ "script": 120_000, "pageLoad": 60_000 }));
        browser
    }

    /// The page's size, without the window's frame.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// Signed in to this house's dashboard by a one-time link.
    pub fn signed_in(house: &House) -> Browser {
        let browser = Self::open(&house.workspace);
        browser.goto(&link(house));
        browser.see("[data-testid=ask-box]");
        browser
    }

    fn run<T, E: std::fmt::Display>(&self, doing: impl Future<Output = Result<T, E>>) -> T {
        match self.runtime.block_on(doing) {
            Ok(done) => done,
            Err(error) => panic!("{error}\n{}", self.page()),
        }
    }

    pub fn goto(&self, url: &str) {
        self.run(self.client.goto(url));
    }

    pub fn reload(&self) {
        self.run(self.client.refresh());
    }

    /// As by its own button; the program may end with it.
    pub fn close_window(&self) {
        let _ = self.runtime.block_on(self.client.close_window());
    }

    pub fn url(&self) -> String {
        self.run(self.client.current_url()).to_string()
    }

    pub fn js(&self, script: &str, args: Vec<Value>) -> Value {
        self.run(self.client.execute(script, args))
    }

    /// A script that says itself when it is done, by its last argument.
    pub fn js_async(&self, script: &str, args: Vec<Value>) -> Value {
        self.run(self.client.execute_async(script, args))
    }

    /// Waits until the page has it: the body of a function that gives something that is not falsy.
    pub fn until(&self, what: &str, look: &str, args: Vec<Value>) -> Value {
        self.until_within(SEEN, what, look, args)
    }

    pub fn until_within(&self, within: Duration, what: &str, look: &str, args: Vec<Value>) -> Value {
        let (script, deadline) = (WATCH.replace("LOOK", look), Instant::now() + within);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut given = vec![json!(u64::try_from(left.as_millis()).unwrap())];
            given.extend(args.iter().cloned());
            match self.runtime.block_on(self.client.execute_async(&script, given)) {
                Ok(Value::Array(found)) => return found.into_iter().next().unwrap(),
                Ok(_) => panic!("not seen within {} s: {what}\n{}", within.as_secs(), self.page()),
                // The page was exchanged under the watch; the next one is watched.
                Err(_) if Instant::now() < deadline => {}
                Err(error) => panic!("not seen: {what}: {error}\n{}", self.page()),
            }
        }
    }

    /// Waits for an element that is shown.
    pub fn see(&self, css: &str) {
        self.until(
            css,
            "return [...document.querySelectorAll(args[0])].some(e => e.getClientRects().length)",
            vec![json!(css)],
        );
    }

    pub fn gone(&self, css: &str) {
        self.until(
            &format!("{css} gone"),
            "const [c] = args; return !document.querySelector(c)",
            vec![json!(css)],
        );
    }

    /// Waits until an element that matches holds this text.
    pub fn says(&self, css: &str, text: &str) {
        let look =
            "return [...document.querySelectorAll(args[0])].some(e => e.textContent.includes(args[1]))";
        self.until(&format!("{css} with {text:?}"), look, vec![json!(css), json!(text)]);
    }

    pub fn text(&self, css: &str) -> String {
        self.see(css);
        let text =
            self.js("return document.querySelector(arguments[0])?.textContent ?? ''", vec![json!(css)]);
        text.as_str().unwrap().to_owned()
    }

    pub fn value(&self, css: &str) -> String {
        let text = self.js("return document.querySelector(arguments[0])?.value ?? ''", vec![json!(css)]);
        text.as_str().unwrap().to_owned()
    }

    pub fn count(&self, css: &str) -> u64 {
        self.js("return document.querySelectorAll(arguments[0]).length", vec![json!(css)]).as_u64().unwrap()
    }

    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let script = "return document.querySelector(arguments[0])?.getAttribute(arguments[1]) ?? null";
        self.js(script, vec![json!(css), json!(name)]).as_str().map(str::to_owned)
    }

    /// A real click with the pointer, on the first one that is shown and can be used. A page that is being drawn anew
    /// under the pointer is clicked again.
    pub fn click(&self, css: &str) {
        let usable = "return [...document.querySelectorAll(args[0])].some(e => e.getClientRects().length && !e.disabled)";
        let deadline = Instant::now() + SEEN;
        loop {
            self.until(&format!("{css} to click"), usable, vec![json!(css)]);
            let clicked =
                self.runtime.block_on(async { self.client.find(Locator::Css(css)).await?.click().await });
            match clicked {
                Ok(()) => return,
                Err(_) if Instant::now() < deadline => {}
                Err(error) => panic!("click {css}: {error}\n{}", self.page()),
            }
        }
    }

    /// Types into a field, after what is in it.
    pub fn type_into(&self, css: &str, text: &str) {
        self.see(css);
        self.run(async { self.client.find(Locator::Css(css)).await?.send_keys(text).await });
    }

    /// Picks one of a list by its value.
    pub fn choose(&self, css: &str, value: &str) {
        let there =
            "return [...document.querySelectorAll(args[0] + ' option')].some(o => o.value === args[1])";
        self.until(&format!("{value} in {css}"), there, vec![json!(css), json!(value)]);
        self.run(async { self.client.find(Locator::Css(css)).await?.select_by_value(value).await });
    }

    /// Keys to whatever has the focus.
    pub fn keys(&self, text: &str) {
        self.run(async { self.client.active_element().await?.send_keys(text).await });
    }

    /// Inside the first frame that matches.
    pub fn in_frame<T>(&self, css: &str, look: impl FnOnce(&Browser) -> T) -> T {
        self.see(css);
        self.run(async { self.client.find(Locator::Css(css)).await?.enter_frame().await });
        let found = look(self);
        self.run(self.client.clone().enter_parent_frame());
        found
    }

    /// Clicks what opens another tab, and looks there; then that tab is closed.
    pub fn in_new_tab<T>(&self, css: &str, look: impl FnOnce(&Browser) -> T) -> T {
        let home = self.run(self.client.window());
        self.click(css);
        let deadline = Instant::now() + SEEN;
        let opened = loop {
            let windows = self.run(self.client.windows());
            match windows.into_iter().find(|window| *window != home) {
                Some(window) => break window,
                None => assert!(Instant::now() < deadline, "no new tab\n{}", self.page()),
            }
        };
        self.run(self.client.switch_to_window(opened));
        let found = look(self);
        self.run(self.client.close_window());
        self.run(self.client.switch_to_window(home));
        found
    }

    /// Whether a dialog of the page stands open.
    pub fn dialog(&self) -> Option<String> {
        self.runtime.block_on(self.client.get_alert_text()).ok()
    }

    /// What the console said of the dashboard's own page since it was last asked, warnings and errors only. A frame is
    /// another origin, and may well lose its server.
    pub fn complaints(&self) -> Vec<String> {
        let own = self.js("return location.origin", vec![]);
        let own = own.as_str().unwrap();
        let answer = self.command("se/log", json!({ "type": "browser" }));
        let lines = answer.as_array().unwrap_or_else(|| panic!("the console's log: {answer}"));
        let bad = lines.iter().filter(|line| matches!(line["level"].as_str(), Some("SEVERE" | "WARNING")));
        let said = bad.map(|line| line["message"].as_str().unwrap_or_default().to_owned());
        said.filter(|said| !said.starts_with("http") || said.starts_with(own) || said.contains("Policy"))
            .collect()
    }

    /// Nothing was refused by the page's policy, and nothing failed.
    pub fn is_quiet(&self) {
        assert_eq!(self.complaints(), Vec::<String>::new());
    }

    pub fn devtools(&self, method: &str, params: Value) -> Value {
        self.command("goog/cdp/execute", json!({ "cmd": method, "params": params }))
    }

    pub fn prefers(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }, { "name": "prefers-reduced-motion", "value": "reduce" }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// A picture in each theme for `docs/screens`, when nothing is being loaded any more; only where pictures are wanted
    /// (`LOOPWRIGHT_SCREENS`).
    pub fn picture(&self, name: &str) {
        if std::env::var_os("LOOPWRIGHT_SCREENS").is_none() {
            return;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens");
        std::fs::create_dir_all(&folder).unwrap();
        for scheme in ["light", "dark"] {
            self.prefers(scheme);
            self.js("document.querySelector('.notice button')?.click()", vec![]);
            self.until("nothing loading", "return !document.querySelector('.bone')", vec![]);
            let picture = folder.join(format!("{name}-{scheme}.png"));
            std::fs::write(&picture, self.png()).unwrap();
            // A third of the size; without it the picture is as good.
            let _ = Command::new("pngquant").args(["--force", "--ext", ".png", "128"]).arg(&picture).status();
        }
    }

    pub fn png(&self) -> Vec<u8> {
        self.run(self.client.screenshot())
    }

    /// What fantoccini has no words for.
    fn command(&self, path: &str, body: Value) -> Value {
        let path = format!("/session/{}/{path}", self.session);
        let (status, value) = post(&self.address, &path, &body.to_string());
        assert!(status.contains(" 200 "), "{path}: {status} {value}");
        value["value"].clone()
    }

    /// What is on the page, for a failed test's words.
    pub fn page(&self) -> String {
        let script = "const dialog = document.querySelector('dialog[open]'); \
             return [location.href, dialog?.textContent ?? '', document.body?.innerText ?? ''].join('\\n')";
        match self.runtime.block_on(self.client.execute(script, vec![])) {
            Ok(Value::String(text)) => text.chars().take(4000).collect(),
            other => format!("the page cannot be read: {other:?}"),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.runtime.block_on(self.client.clone().close());
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

fn capabilities(workspace: &Workspace, width: u32, height: u32) -> Capabilities {
    let profile = workspace.path().join("chromium");
    let args = [
        "--headless".to_owned(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--disable-quic".into(),
        "--disable-dev-shm-usage".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--hide-scrollbars".into(),
        format!("--window-size={width},{height}"),
        format!("--user-data-dir={}", profile.display()),
    ];
    let wanted = json!({
        "goog:chromeOptions": { "args": args },
        "goog:loggingPrefs": { "browser": "ALL" },
        "unhandledPromptBehavior": "ignore",
    });
    wanted.as_object().unwrap().clone()
}

/// One exchange with chromedriver, which leaves the connection open: the body is as long as it says.
fn post(address: &str, path: &str, body: &str) -> (String, Value) {
    let mut wire = TcpStream::connect(address).unwrap();
    wire.set_read_timeout(Some(SEEN)).unwrap();
    let length = body.len();
    write!(wire, "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = BufReader::new(wire);
    let (mut status, mut length) = (String::new(), 0);
    answer.read_line(&mut status).unwrap();
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).unwrap();
    (status, serde_json::from_slice(&body).unwrap())
}

/// A fresh one-time link to the dashboard.
pub fn link(house: &House) -> String {
    let (status, body) = house.daemon.exchange("POST", "/api/link", b"").unwrap();
    let answer: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, 200, "{answer}");
    answer["url"].as_str().unwrap().to_owned()
}
