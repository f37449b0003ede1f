//! What a desktop without its window brings to the crate `remote`.

use protocol::At;
use remote::{AgentAt, Hidden, KnownHosts, Limits, Local, Pins, Program, Question, Source};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;
use tokio::sync::mpsc;

pub fn now() -> At {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    At(i64::try_from(since.as_millis()).unwrap())
}

pub fn local(folder: &Path) -> Local {
    Local {
        pins: Pins::open(folder.join("pins.json")).unwrap(),
        known_hosts: KnownHosts::default(),
        agent: AgentAt::None,
        clock: now,
        limits: Limits::default(),
    }
}

/// The server's program, as it is sent.
pub fn sent(path: PathBuf) -> Program {
    let sha256 = protocol::hex(Sha256::digest(std::fs::read(&path).unwrap()));
    let said = Command::new(&path).arg("--version").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let version = said.split_whitespace().nth(1).unwrap().to_owned();
    Program { source: Source::File(path), sha256, version, arch: std::env::consts::ARCH.to_owned() }
}

/// Trusts every new key, and answers what the server or sudo asks: one text after the other, the last again.
pub fn somebody(answers: &'static [&'static str]) -> mpsc::Sender<Question> {
    let (asker, mut questions) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut given = 0;
        let mut next = || {
            given += 1;
            answers.get(given - 1).or(answers.last()).map(|text| Hidden::from((*text).to_owned()))
        };
        while let Some(question) = questions.recv().await {
            // Who has no answer says nothing: the question is dropped.
            match question {
                Question::Fingerprint { reply, .. } => drop(reply.send(true)),
                Question::Answers { prompts, reply, .. } => {
                    let all: Option<Vec<_>> = prompts.iter().map(|_| next()).collect();
                    all.map(|all| reply.send(all));
                }
                Question::SudoPassword { reply, .. } => drop(next().map(|text| reply.send(text))),
            }
        }
    });
    asker
}
