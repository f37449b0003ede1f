//! A running `loopwrightd serve`, started and asked as a client would: over its control socket, by the wire that
//! `protocol` fixes. It shares no code with the daemon's own client.

mod http;

use crate::workspace::{Workspace, built};
use protocol::fact::Entry;
use protocol::{ApiError, Code, Request, Response};
use std::fs::File;
use std::io::{BufRead, Error, ErrorKind, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a daemon may take to answer for the first time, or to end. Far above what it needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one call may take.
const CALL: Duration = Duration::from_secs(60);

pub struct Daemon {
    child: Child,
    socket: PathBuf,
    log: PathBuf,
}

impl Daemon {
    /// Starts `loopwrightd serve --local --home HOME ARGS`, as built with the tests, and waits until it answers. Of our
    /// environment it gets only PATH; a daemon that died before may be started again on the same workspace.
    pub fn start(workspace: &Workspace, args: &[&str], env: &[(&str, &str)]) -> Result<Daemon> {
        Self::start_program(&built("loopwrightd")?, workspace, args, env)
    }

    /// The same with another program, such as one with fault injection.
    pub fn start_program(
        program: &Path,
        workspace: &Workspace,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Daemon> {
        let mut daemon = Self::launch(program, workspace, args, env)?;
        daemon.wait_until_it_answers()?;
        Ok(daemon)
    }

    /// The same without waiting for an answer, for a daemon that is expected to end.
    pub fn launch(
        program: &Path,
        workspace: &Workspace,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Daemon> {
        let home = workspace.home();
        let log = workspace.path().join("daemon.log");
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(program);
        command.args(["serve", "--local", "--home"]).arg(&home).args(args);
        // Daemons of other tests run beside this one, and the bridges' ports are fixed.
        if !args.contains(&"--bridges") {
            command.args(["--bridges", "off"]);
        }
        // So is the memory's.
        if !args.contains(&"--memory") {
            command.args(["--memory", "off"]);
        }
        // None is fetched unless a test says so.
        if !args.contains(&"--model") {
            command.args(["--model", "none"]);
        }
        command.env_clear().env("HOME", workspace.path()).env("LANG", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).envs(env.iter().copied());
        command.current_dir(workspace.path()).stdin(Stdio::null());
        let child = command.stdout(output.try_clone()?).stderr(output).spawn()?;
        Ok(Daemon { child, socket: home.join("run/control.sock"), log })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has printed, with all that were started on this workspace before it.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it. A daemon that gives no answer is told as [`Code::Internal`].
    pub fn call(&self, request: &Request) -> std::result::Result<Response, ApiError> {
        self.try_call(request).unwrap_or_else(|lost| {
            Err(ApiError::new(Code::Internal, format!("no answer from the daemon: {lost}")))
        })
    }

    /// Asks it; the outer error is a daemon that gave no answer, as when it was killed meanwhile.
    pub fn try_call(&self, request: &Request) -> Result<std::result::Result<Response, ApiError>> {
        let body = serde_json::to_vec(request)?;
        let (status, answer) = http::exchange(&self.socket, "POST", "/api/request", &body, CALL)?;
        if status == 200 {
            return Ok(Ok(serde_json::from_slice(&answer)?));
        }
        let shown = String::from_utf8_lossy(&answer).into_owned();
        let error =
            serde_json::from_slice(&answer).map_err(|_| Error::other(format!("HTTP {status}: {shown}")))?;
        Ok(Err(error))
    }

    /// One plain exchange on the control socket, for what is no [`Request`]: status and body.
    pub fn exchange(&self, method: &str, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        http::exchange(&self.socket, method, path, body, CALL)
    }

    /// Asks it to end, its sites too.
    pub fn quit(&mut self) -> Result<ExitStatus> {
        self.exchange("POST", "/api/stop", br#"{"sites":true}"#)?;
        self.wait_end(PATIENCE)
    }

    /// The newest entry's number, as the head stream gives it, and every entry up to it.
    pub fn entries(&self) -> Result<Vec<Entry>> {
        let mut all = Vec::new();
        self.pull(0, &mut |entry| {
            all.push(entry);
            None::<()>
        })?;
        Ok(all)
    }

    /// The first thing that `find` makes of an entry, oldest first, waiting for new ones. The head stream wakes it; a
    /// deadline or a daemon that went away ends it with what was seen last.
    pub fn wait_for<T>(&self, within: Duration, mut find: impl FnMut(&Entry) -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + within;
        let mut seen = Vec::new();
        let found = self.follow(deadline, &mut |entry| {
            seen.push(entry.fact.kind());
            find(&entry)
        });
        found.map_err(|error| {
            let last = seen.iter().rev().take(8).rev().copied().collect::<Vec<_>>().join(", ");
            // A read that ends at its deadline says only `resource temporarily unavailable`.
            let late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
            let error =
                if late { Error::new(ErrorKind::TimedOut, format!("not within {within:?}")) } else { error };
            let why = format!("{error}; last of {} entries: {last}\n{}", seen.len(), tail(&self.printed()));
            Error::new(error.kind(), why)
        })
    }

    /// The first thing that `find` makes of what is read live and stands in no entry: looked at once at first, then at
    /// each wake-up of the head stream.
    pub fn wait_live<T>(&self, within: Duration, mut find: impl FnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + within;
        // The stream first: what changes between the first look and the first wait is not missed.
        let mut heads = http::stream(&self.socket, "/api/head", deadline)?;
        let mut line = String::new();
        loop {
            if let Some(found) = find() {
                return Ok(found);
            }
            line.clear();
            while !line.starts_with("data:") {
                line.clear();
                heads.get_ref().until(deadline)?;
                if heads.read_line(&mut line)? == 0 {
                    return Err(Error::new(ErrorKind::UnexpectedEof, "the head stream ended"));
                }
            }
        }
    }

    fn follow<T>(&self, deadline: Instant, find: &mut impl FnMut(Entry) -> Option<T>) -> Result<T> {
        // The stream first: what is appended between the first read and the first wait is not missed.
        let mut heads = http::stream(&self.socket, "/api/head", deadline)?;
        let mut cursor = 0;
        let mut line = String::new();
        loop {
            match self.pull(cursor, find)? {
                Pulled::Found(found) => return Ok(found),
                Pulled::Upto(head) => cursor = head,
            }
            loop {
                line.clear();
                heads.get_ref().until(deadline)?;
                if heads.read_line(&mut line)? == 0 {
                    return Err(Error::new(ErrorKind::UnexpectedEof, "the head stream ended"));
                }
                let head = line.strip_prefix("data:").and_then(|data| data.trim().parse::<u64>().ok());
                if head.is_some_and(|head| head > cursor) {
                    break;
                }
            }
        }
    }

    /// Reads on from `cursor` to the head.
    fn pull<T>(&self, mut cursor: u64, find: &mut impl FnMut(Entry) -> Option<T>) -> Result<Pulled<T>> {
        loop {
            let request = Request::Journal { after: cursor, limit: Some(500) };
            let Response::Journal { entries, .. } = self.try_call(&request)?.map_err(Error::other)? else {
                return Err(Error::other("the daemon answered something else than the journal"));
            };
            if entries.is_empty() {
                return Ok(Pulled::Upto(cursor));
            }
            for entry in entries {
                cursor = entry.seq;
                if let Some(found) = find(entry) {
                    return Ok(Pulled::Found(found));
                }
            }
        }
    }

    /// SIGKILL, as a crash would; what it started lives on.
    pub fn kill9(mut self) -> Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// SIGTERM, and its end.
    pub fn stop(mut self) -> Result<ExitStatus> {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
        self.wait_end(PATIENCE)
    }

    /// Waits until it ends by itself.
    pub fn wait_end(&mut self, within: Duration) -> Result<ExitStatus> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            self.pause(deadline, "it did not end")?;
        }
    }

    fn wait_until_it_answers(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(Error::other(format!(
                    "the daemon ended with {status}\n{}",
                    tail(&self.printed())
                )));
            }
            match self.try_call(&Request::Hello) {
                Ok(_) => return Ok(()),
                Err(_) => self.pause(deadline, "it did not answer")?,
            }
        }
    }

    /// A socket that is not there yet and a child that has not ended yet cannot be waited for without `unsafe`, so these
    /// two are looked at again, up to a deadline. Everything else waits for facts.
    fn pause(&self, deadline: Instant, what: &str) -> Result<()> {
        if Instant::now() >= deadline {
            return Err(Error::new(ErrorKind::TimedOut, format!("{what}\n{}", tail(&self.printed()))));
        }
        std::thread::park_timeout(Duration::from_millis(2));
        Ok(())
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

enum Pulled<T> {
    Found(T),
    Upto(u64),
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

#[cfg(test)]
mod tests;
