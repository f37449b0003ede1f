//! The real window in a display and a session bus of its own, driven by WebKit's own driver.

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Workspace;

const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(10);
/// Off the fixed ports, and with nothing to fetch.
const SERVE: &str = "--port 0 --starter static --bridges off --memory off --model none";

pub struct Driver {
    child: Child,
    session: String,
}

impl Driver {
    /// With the window opened. What is left of it at the end stands in the workspace, and is swept away with that.
    pub fn start(workspace: &Workspace, daemon: &Path, program: &Path) -> Result<Driver> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("dbus-run-session");
        command.args([
            "--",
            "xvfb-run",
            "-a",
            "-s",
            "-screen 0 1440x900x24",
            "WebKitWebDriver",
            "--host=127.0.0.1",
        ]);
        command.arg(format!("--port={port}"));
        command.env("GTK_A11Y", "none").env("NO_AT_BRIDGE", "1");
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        command
            .env("LOOPWRIGHT_DESKTOP", workspace.path().join("desktop"))
            .env("LOOPWRIGHT_HOME", workspace.home());
        command.env("LOOPWRIGHT_DAEMON", daemon).env("LOOPWRIGHT_SERVE", SERVE);
        command
            .current_dir(workspace.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = command
            .spawn()
            .context("failed to start a display (./dev setup window installs what it takes)")?;
        let mut driver = Driver { child, session: String::new() };
        driver.wait(port)?;
        let wanted = json!({ "webkitgtk:browserOptions": { "binary": program, "args": [] } });
        let made = post(
            &format!("http://127.0.0.1:{port}/session"),
            &json!({ "capabilities": { "alwaysMatch": wanted } }),
        )?;
        let id = made["sessionId"].as_str().context("the driver gave no session")?;
        driver.session = format!("http://127.0.0.1:{port}/session/{id}");
        Ok(driver)
    }

    fn wait(&mut self, port: u16) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(ended) = self.child.try_wait()? {
                bail!("WebKit's driver ended with {ended} (./dev setup window installs what it takes)");
            }
            if Instant::now() > deadline {
                bail!("WebKit's driver does not listen");
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    /// The number that a script gives, once it gives one.
    pub fn until(&self, script: &str) -> Result<f64> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told =
                post(&format!("{}/execute/sync", self.session), &json!({ "script": script, "args": [] }));
            match told.map(|value| value.as_f64()) {
                Ok(Some(number)) => return Ok(number),
                // Not yet; or the page was exchanged meanwhile.
                Ok(None) | Err(_) if Instant::now() < deadline => std::thread::sleep(LOOK),
                Ok(None) => bail!("the page never came to `{script}`"),
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // Ends the window in order; what does not end is swept away.
            let _ = ureq::delete(&self.session).call();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn post(url: &str, body: &Value) -> Result<Value> {
    let sent =
        ureq::post(url).header("content-type", "application/json").send(serde_json::to_vec(body)?.as_slice());
    let text = sent.with_context(|| format!("the driver refused {url}"))?.body_mut().read_to_string()?;
    let mut answer: Value = serde_json::from_str(&text)?;
    Ok(answer["value"].take())
}
