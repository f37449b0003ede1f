//! A temporary home with a worktree, and a run of a program in it.

use agents::{Control, Event, Job, Permissions, RunEnd, RunLimits, Setup, practice, run};
use protocol::AttemptId;
use protocol::view::LineKind;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

pub struct Room {
    home: tempfile::TempDir,
    pub setup: Setup,
    pub limits: RunLimits,
    pub permissions: Permissions,
    pub agent: protocol::AgentId,
    pub mcp: Vec<agents::McpServer>,
    pub resume: Option<String>,
    last: std::sync::Mutex<Option<AttemptId>>,
}

pub struct Run {
    pub end: RunEnd,
    pub events: Vec<Event>,
}

impl Room {
    pub fn new() -> Room {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(home.path().join("tree")).unwrap();
        let setup = Setup {
            path: vec![home.path().join("bin")],
            node: None,
            practice: vec![env!("CARGO_BIN_EXE_practice-agent").to_owned()],
            homes: None,
            user_home: home.path().to_owned(),
            run_as: None,
            runtime: home.path().join("run"),
            env: BTreeMap::new(),
            leases: agents::Leases::default(),
            accounts: agents::Accounts::default(),
        };
        let limits = RunLimits::new(Duration::from_secs(60), Duration::from_secs(120));
        let mut room = Room {
            home,
            setup,
            limits,
            permissions: Permissions::Allow,
            agent: practice(),
            mcp: Vec::new(),
            resume: None,
            last: std::sync::Mutex::new(None),
        };
        room.pause_ms(0);
        room
    }

    pub fn pause_ms(&mut self, ms: u64) {
        let env = BTreeMap::from([("PRACTICE_PAUSE_MS".to_owned(), ms.to_string())]);
        self.setup.env.insert(practice(), env);
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }
    pub fn worktree(&self) -> PathBuf {
        self.home.path().join("tree")
    }
    pub fn attempt(&self) -> AttemptId {
        self.last.lock().unwrap().clone().unwrap()
    }

    /// Uses a Python program as the agent.
    pub fn scripted(&mut self, script: &str) {
        let path = self.home.path().join("agent.py");
        std::fs::write(&path, script).unwrap();
        self.setup.practice = vec!["python3".to_owned(), path.display().to_string()];
    }

    /// Uses a Python program as the real agent that is called so; it is found as `program`.
    pub fn impersonated(&mut self, agent: &str, program: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let bin = self.home.path().join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::write(bin.join(program), format!("#!/usr/bin/env python3\n{script}")).unwrap();
        std::fs::set_permissions(bin.join(program), std::fs::Permissions::from_mode(0o755)).unwrap();
        self.agent = protocol::AgentId::new(agent).unwrap();
    }

    pub async fn run_practice(&self, brief: &str) -> Run {
        self.run_practice_with(brief, |_| None).await
    }

    /// `react` sees each event until it has answered one with an order.
    pub async fn run_practice_with(&self, brief: &str, react: impl Fn(&Event) -> Option<Control>) -> Run {
        let mut ordered = false;
        let once = |event: &Event| {
            let order = if ordered { None } else { react(event) };
            ordered |= order.is_some();
            order
        };
        self.run_with_orders(brief, once).await
    }

    /// `react` sees each event and may answer it with an order.
    pub async fn run_with_orders(
        &self,
        brief: &str,
        mut react: impl FnMut(&Event) -> Option<Control>,
    ) -> Run {
        let job = self.job(brief);
        let (events, mut heard) = mpsc::channel(16);
        let (orders, control) = mpsc::channel(16);
        let mut all = Vec::new();
        let listen = async {
            while let Some(event) = heard.recv().await {
                if let Some(order) = react(&event) {
                    orders.send(order).await.unwrap();
                }
                all.push(event);
            }
        };
        let (end, ()) = tokio::join!(run(&self.setup, job, events, control), listen);
        Run { end, events: all }
    }

    /// Nobody is there who could answer anything.
    pub async fn run_alone(&self, brief: &str) -> Run {
        let (events, mut heard) = mpsc::channel(16);
        let (orders, control) = mpsc::channel(1);
        drop(orders);
        let job = self.job(brief);
        let mut all = Vec::new();
        let listen = async {
            while let Some(event) = heard.recv().await {
                all.push(event);
            }
        };
        let (end, ()) = tokio::join!(run(&self.setup, job, events, control), listen);
        Run { end, events: all }
    }

    fn job(&self, brief: &str) -> Job {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let attempt = AttemptId::new(name).unwrap();
        *self.last.lock().unwrap() = Some(attempt.clone());
        Job {
            attempt,
            agent: self.agent.clone(),
            worktree: self.worktree(),
            brief: brief.to_owned(),
            limits: self.limits,
            mcp: self.mcp.clone(),
            resume: self.resume.clone(),
            permissions: self.permissions,
        }
    }

    /// No process carries the attempt's mark, and its records are gone.
    pub fn nothing_is_left(&self) {
        let mark = format!("LOOPWRIGHT_ATTEMPT={}", self.attempt());
        let left: Vec<_> = std::fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                std::fs::read(entry.path().join("environ"))
                    .is_ok_and(|environ| environ.split(|b| *b == 0).any(|var| var == mark.as_bytes()))
            })
            .map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default())
            .collect();
        assert!(left.is_empty(), "still alive: {left:?}");
        assert!(!self.setup.runtime.join("attempts").join(format!("{}.json", self.attempt())).exists());
        assert!(!self.setup.runtime.join("tmp").join(self.attempt().as_str()).exists());
    }
}

impl Run {
    pub fn asked(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::Asked { .. }))
    }

    /// All that the agent said.
    pub fn text(&self) -> String {
        let text = |event: &Event| match event {
            Event::Line { kind: LineKind::Text, text } => Some(text.clone()),
            _ => None,
        };
        self.events.iter().filter_map(text).collect::<Vec<_>>().join("\n")
    }

    pub fn touched(&self) -> usize {
        self.events.iter().filter(|event| **event == Event::Touched).count()
    }

    pub fn says(&self, of: LineKind, words: &str) -> bool {
        self.events
            .iter()
            .any(|e| matches!(e, Event::Line { kind, text } if *kind == of && text.contains(words)))
    }
}
