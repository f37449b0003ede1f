//! The real LightRAG, where it is installed: its own server on loopback, its default storages, and a model and embedder
//! that answer at once ([`model`]), so that neither side's figures hold a model's time.

mod model;
mod rules;

use super::face::{Face, free_port};
use crate::process;
use anyhow::{Context, Result, bail, ensure};
use model::ScriptedModel;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The word lists that it cuts texts with, which it would fetch at its first start, under the names that it looks for.
const WORD_LISTS: [(&str, &str); 2] = [
    ("o200k_base.tiktoken", "fb374d419588a4632f3f557e76b4b70aebbca790"),
    ("cl100k_base.tiktoken", "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"),
];

pub struct LightRag {
    child: Child,
    pub face: Face,
    pub model: ScriptedModel,
    /// Until it answered.
    pub wall_s: f64,
    pub processor_s: f64,
    _folder: tempfile::TempDir,
}

impl LightRag {
    /// `venv`: where `lightrag-hku[api]` is installed.
    pub fn start(venv: &Path) -> Result<LightRag> {
        let program = venv.join("bin/lightrag-server");
        ensure!(program.is_file(), "there is no {}", program.display());
        let folder = tempfile::tempdir_in("/var/tmp")?;
        let lists = word_lists(venv, folder.path())?;
        let model = ScriptedModel::start()?;
        let port = free_port()?;
        let (storage, input) = (folder.path().join("rag"), folder.path().join("in"));
        for made in [&storage, &input] {
            std::fs::create_dir_all(made)?;
        }
        let log = folder.path().join("server.log");
        let output = File::create(&log)?;
        let endpoint = model.address();
        let mut command = Command::new(&program);
        command
            .args(["--host", "127.0.0.1", "--port", &port.to_string()])
            .current_dir(folder.path())
            .env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", folder.path());
        command.envs([("LANG", "C.UTF-8"), ("LOG_LEVEL", "WARNING"), ("RERANK_BINDING", "null")]);
        command.envs([("TIKTOKEN_CACHE_DIR", &lists), ("LOG_DIR", &folder.path().to_owned())]);
        command.envs([("WORKING_DIR", &storage), ("INPUT_DIR", &input)]);
        command.envs([("LLM_BINDING", "openai"), ("LLM_BINDING_HOST", &endpoint), ("LLM_MODEL", "scripted")]);
        command.envs([("LLM_BINDING_API_KEY", "none"), ("EMBEDDING_BINDING_API_KEY", "none")]);
        command.envs([("EMBEDDING_BINDING", "openai"), ("EMBEDDING_BINDING_HOST", &endpoint)]);
        command.envs([("EMBEDDING_MODEL", "scripted"), ("EMBEDDING_SEND_DIM", "false")]);
        command.envs([("EMBEDDING_DIM", rules::DIM.to_string()), ("EMBEDDING_TOKEN_LIMIT", "8192".into())]);
        let clock = Instant::now();
        let child = command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output).spawn()?;
        let face = Face::new(port, None);
        let mut server = LightRag { child, face, model, wall_s: 0.0, processor_s: 0.0, _folder: folder };
        server.wait(clock, &log)?;
        Ok(server)
    }

    fn wait(&mut self, clock: Instant, log: &Path) -> Result<()> {
        while !self.face.healthy() {
            let ended = self.child.try_wait()?.is_some();
            if ended || clock.elapsed() > Duration::from_secs(90) {
                let said = std::fs::read_to_string(log).unwrap_or_default();
                let tail: Vec<&str> = said.lines().rev().take(5).collect();
                bail!("LightRAG did not answer: {}", tail.into_iter().rev().collect::<Vec<_>>().join(" / "));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        self.wall_s = clock.elapsed().as_secs_f64();
        self.processor_s = process::processor(self.pid())?;
        Ok(())
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for LightRag {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where it is installed, in MB on the disk.
pub fn installed_mb(venv: &Path) -> Result<f64> {
    let said = Command::new("du").args(["-sb", "--"]).arg(venv).output().context("failed to start du")?;
    let text = String::from_utf8(said.stdout)?;
    let bytes: f64 = text.split_whitespace().next().context("du said nothing")?.parse()?;
    Ok(bytes / 1e6)
}

/// A folder with the word lists: the one of `TIKTOKEN_CACHE_DIR`, `VENV/tiktoken`, or copies of what crate `tiktoken-rs`
/// carries, if cargo has it.
fn word_lists(venv: &Path, scratch: &Path) -> Result<PathBuf> {
    let told = std::env::var_os("TIKTOKEN_CACHE_DIR").map(PathBuf::from);
    for folder in told.into_iter().chain([venv.join("tiktoken")]) {
        if folder.join(WORD_LISTS[0].1).is_file() {
            return Ok(folder);
        }
    }
    let assets = unpacked().context(
        "LightRAG's word lists are not here: set TIKTOKEN_CACHE_DIR, or `cargo add tiktoken-rs` in a throw-away crate and \
         `cargo fetch` it",
    )?;
    let folder = scratch.join("tiktoken");
    std::fs::create_dir_all(&folder)?;
    for (asset, name) in WORD_LISTS {
        std::fs::copy(assets.join(asset), folder.join(name))?;
    }
    Ok(folder)
}

fn unpacked() -> Option<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")))?;
    let registries = std::fs::read_dir(home.join("registry/src")).ok()?.flatten();
    let crates =
        registries.filter_map(|registry| std::fs::read_dir(registry.path()).ok()).flatten().flatten();
    let named = crates.filter(|it| it.file_name().to_string_lossy().starts_with("tiktoken-rs-"));
    named.map(|it| it.path().join("assets")).find(|assets| assets.join(WORD_LISTS[0].0).is_file())
}
