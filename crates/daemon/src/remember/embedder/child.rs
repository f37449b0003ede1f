//! The daemon's end of the process that computes vectors. The process is a room of its own for the model: its memory goes
//! back to the system as a whole when it ends, and when it dies nothing else does.

use super::wire::{Ask, Lane, Told, hear};
use crate::context::hold;
use embed::Error;
use std::collections::HashMap;
use std::io::{self, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A text takes a fraction of a second; a machine that swaps takes longer.
const PER_TEXT: Duration = Duration::from_secs(10);
const AT_LEAST: Duration = Duration::from_secs(30);
/// Loading reads tens of megabytes from the disk.
const LOADING: Duration = Duration::from_secs(60);

type Answer = Result<Vec<Vec<f32>>, String>;
/// Who waits for which answer; `None` once the process is gone.
type Waiting = Arc<Mutex<Option<HashMap<u64, SyncSender<Answer>>>>>;

pub struct Child {
    process: Mutex<std::process::Child>,
    stdin: Mutex<Option<ChildStdin>>,
    waiting: Waiting,
    count: AtomicU64,
    model: String,
    dim: usize,
}

impl Child {
    /// Starts the process and waits until the model is loaded.
    pub fn start(program: &Path, folder: &Path, name: &str) -> io::Result<Self> {
        let mut command = Command::new(program);
        command.args(["model", "serve", name, "--folder"]).arg(folder).env_clear().current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut process = command.spawn()?;
        let (stdin, stdout) = (process.stdin.take(), process.stdout.take());
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        // From here on dropping it ends the process.
        let mut child = Self {
            process: Mutex::new(process),
            stdin: Mutex::new(stdin),
            waiting: waiting.clone(),
            count: AtomicU64::new(0),
            model: String::new(),
            dim: 0,
        };
        let (ready, loaded) = sync_channel(1);
        let stdout = stdout.ok_or_else(|| io::Error::other("it has no output"))?;
        std::thread::Builder::new().name("vectors".into()).spawn(move || listen(stdout, &ready, &waiting))?;
        let ready =
            loaded.recv_timeout(LOADING).map_err(|_| io::Error::other("the model was not loaded in time"))?;
        (child.model, child.dim) = ready.map_err(io::Error::other)?;
        Ok(child)
    }

    pub fn model(&self) -> &str {
        &self.model
    }

    pub fn dim(&self) -> usize {
        self.dim
    }

    pub fn embed(&self, texts: &[&str], lane: Lane) -> Result<Vec<Vec<f32>>, Error> {
        self.ask(texts, lane).map_err(|e| Error::Elsewhere(e.into()))
    }

    fn ask(&self, texts: &[&str], lane: Lane) -> Result<Vec<Vec<f32>>, String> {
        const GONE: &str = "the process that computes vectors has ended";
        let id = self.count.fetch_add(1, Ordering::Relaxed);
        let (tx, rx) = sync_channel(1);
        hold(&self.waiting).as_mut().ok_or(GONE)?.insert(id, tx);
        let ask = Ask { id, lane, texts: texts.iter().map(|text| (*text).to_owned()).collect() };
        let mut line = serde_json::to_vec(&ask).map_err(|e| e.to_string())?;
        line.push(b'\n');
        let written = hold(&self.stdin)
            .as_mut()
            .map_or(Err(io::ErrorKind::BrokenPipe.into()), |to| to.write_all(&line));
        let patience = AT_LEAST.max(PER_TEXT.saturating_mul(u32::try_from(texts.len()).unwrap_or(u32::MAX)));
        let answer = match written {
            Ok(()) => rx.recv_timeout(patience).unwrap_or_else(|_| Err(GONE.to_owned())),
            Err(_) => Err(GONE.to_owned()),
        };
        if let Some(waiting) = hold(&self.waiting).as_mut() {
            waiting.remove(&id);
        }
        let vectors = answer?;
        if vectors.len() == texts.len() { Ok(vectors) } else { Err("it gave too few vectors".to_owned()) }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        hold(&self.stdin).take();
        let mut process = hold(&self.process);
        let _ = process.kill();
        let _ = process.wait();
    }
}

/// Hands each answer to who waits for it, until the process ends.
fn listen(stdout: ChildStdout, ready: &SyncSender<Result<(String, usize), String>>, waiting: &Waiting) {
    let mut from = BufReader::new(stdout);
    let mut dim = 0;
    while let Ok(Some((told, vectors))) = hear(&mut from, dim) {
        let (id, answer) = match told {
            Told::Ready { model, dim: numbers } => {
                dim = numbers;
                let _ = ready.try_send(Ok((model, numbers)));
                continue;
            }
            Told::NotReady { why } => {
                let _ = ready.try_send(Err(why));
                continue;
            }
            Told::Vectors { id, .. } => (id, Ok(vectors)),
            Told::Failed { id, why } => (id, Err(why)),
        };
        let waits = hold(waiting).as_mut().and_then(|waiting| waiting.remove(&id));
        if let Some(waits) = waits {
            let _ = waits.try_send(answer);
        }
    }
    let _ = ready
        .try_send(Err("the process that loads the model ended at once: see the daemon's log".to_owned()));
    // Their senders go, and with them who waits.
    hold(waiting).take();
}
