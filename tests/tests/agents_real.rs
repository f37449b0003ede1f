//! The real Claude Code and Codex, as they come from npm, driven by `agents` against the scripted model server: the file is
//! written by the real program and the tokens that we record are the tokens that the server billed.
//!
//! Each test runs in a namespace with nothing but loopback, with made-up keys, as a user of its own when we are root (Claude
//! Code refuses to work unasked as root). The programs are installed by `scripts/agent-clis/install`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]

use agents::{Accounts, Control, Event, Job, Leases, Permissions, RunAs, RunEnd, RunLimits, Setup};
use protocol::fact::{AttemptEnd, Readiness, Usage};
use protocol::{AgentId, At, AttemptId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use testkit::model::{ModelServer, Scenario, Step, Tokens, codex_config};
use testkit::namespace::{agent_programs, alone, node_dir};
use testkit::{RETRY_MARK, Workspace};
use tokio::sync::mpsc;

/// A number that no user of the machine has.
const AGENT: RunAs = RunAs { uid: 61_789, gid: 61_789 };
const BRIEF: &str = "# Task\nA page for a bakery called Sauerteig, with opening hours.";

/// A workspace with a worktree, a model server, and the agents set up to use it.
struct Bench {
    workspace: Workspace,
    model: ModelServer,
    setup: Setup,
    tree: PathBuf,
}

impl Bench {
    fn new(scenario: Scenario) -> Bench {
        let programs = agent_programs().unwrap();
        let workspace = Workspace::new().unwrap();
        let model = ModelServer::start(scenario).unwrap();
        let run_as = rustix::process::geteuid().is_root().then_some(AGENT);
        let tree = worktree(&workspace, run_as);
        let codex_home = workspace.open_folder("codex-home", 0o777).unwrap();
        std::fs::write(codex_home.join("config.toml"), codex_config(&model.openai_url(), "SCRIPTED_KEY"))
            .unwrap();
        let path = std::env::split_paths(&std::env::var_os("PATH").unwrap()).collect::<Vec<_>>();
        let setup = Setup {
            path: [vec![programs], path].concat(),
            node: node_dir(),
            practice: vec![],
            homes: run_as.map(|_| workspace.open_folder("home/agents", 0o711).unwrap()),
            user_home: workspace.open_folder("user", 0o755).unwrap(),
            run_as,
            runtime: workspace.open_folder("home/run", 0o711).unwrap(),
            env: BTreeMap::from([
                (
                    claude(),
                    env(&[("ANTHROPIC_BASE_URL", &model.base_url()), ("ANTHROPIC_API_KEY", "sk-made-up")]),
                ),
                (codex(), env(&[("CODEX_HOME", codex_home.to_str().unwrap()), ("SCRIPTED_KEY", "made-up")])),
            ]),
            accounts: Accounts::default(),
            leases: Leases::default(),
        };
        Bench { workspace, model, setup, tree }
    }

    fn job(&self, agent: &AgentId, brief: &str) -> Job {
        Job {
            attempt: AttemptId::new(format!("att-{agent}")).unwrap(),
            agent: agent.clone(),
            worktree: self.tree.clone(),
            brief: brief.into(),
            limits: RunLimits::new(Duration::from_secs(60), Duration::from_secs(120)),
            mcp: vec![],
            resume: None,
            permissions: Permissions::Allow,
        }
    }

    /// One run to its end, and all that it told.
    async fn run(&self, agent: &AgentId, brief: &str) -> (RunEnd, Vec<Event>) {
        let (events, mut told) = mpsc::channel(64);
        let (_control, orders) = mpsc::channel(1);
        let all = tokio::spawn(async move {
            let mut all = Vec::new();
            while let Some(event) = told.recv().await {
                all.push(event);
            }
            all
        });
        let end = agents::run(&self.setup, self.job(agent, brief), events, orders).await;
        (end, all.await.unwrap())
    }

    fn file(&self, path: &str) -> String {
        std::fs::read_to_string(self.tree.join(path))
            .unwrap_or_else(|e| panic!("{path}: {e}; {}", self.log()))
    }

    /// What the model server saw, for a failed test's words.
    fn log(&self) -> String {
        let calls = self.model.log().into_iter().map(|entry| match entry.call {
            None => format!("{} {} {}", entry.status, entry.method, entry.path),
            Some(call) => {
                format!("{} {} {} {:?}", entry.status, call.conversation, call.results, call.newest)
            }
        });
        calls.collect::<Vec<_>>().join("\n")
    }
}

fn claude() -> AgentId {
    AgentId::new("claude-code").unwrap()
}

fn codex() -> AgentId {
    AgentId::new("codex").unwrap()
}

fn env(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A repository with instruction files, owned by the user that the agents run as.
fn worktree(workspace: &Workspace, owner: Option<RunAs>) -> PathBuf {
    let tree = workspace.open_folder("tree", 0o755).unwrap();
    std::fs::write(tree.join("AGENTS.md"), format!("# Rules\nWork in app/ only. {RETRY_MARK}: nothing.\n"))
        .unwrap();
    std::fs::write(tree.join("CLAUDE.md"), "@AGENTS.md\n").unwrap();
    let git = |args: &[&str]| {
        let named = ["-c", "user.name=t", "-c", "user.email=t@localhost"];
        assert!(Command::new("git").args(named).args(args).current_dir(&tree).status().unwrap().success());
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "start"]);
    if let Some(owner) = owner {
        let whose = format!("{}:{}", owner.uid, owner.gid);
        assert!(Command::new("chown").arg("-R").arg(whose).arg(&tree).status().unwrap().success());
    }
    tree
}

/// Four calls of the model: a new file, a change of it, a command, the last word.
fn page() -> Scenario {
    let content = "<h1>Sauerteig</h1>\n<p>8 to 12</p>\n";
    Scenario::always(
        "page",
        vec![
            Step::Text { text: "I write the page.".into() },
            Step::Write { path: "app/index.html".into(), content: content.into() },
            Step::Edit {
                path: "app/index.html".into(),
                old: "<p>8 to 12</p>\n".into(),
                new: "<p>9 to 13</p>\n".into(),
            },
            Step::Shell { command: "id -u > app/who.txt".into() },
            // Claude Code asks for a title beside its work; it has come in before the work is over.
            Step::Delay { ms: 300 },
            Step::Text { text: "The page is there.".into() },
        ],
    )
}

fn in_runtime<T>(body: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(body)
}

async fn does_the_work(agent: AgentId) -> (Usage, Tokens) {
    let bench = Bench::new(page());
    let ready = agents::probe(&bench.setup, &agent, At(0)).await;
    let Readiness::SignedIn { version } = ready else { panic!("not ready: {ready:?}") };
    assert!(version.contains('.'), "{version}");
    assert_eq!(bench.model.billed().total, Tokens::default(), "a probe costs nothing");

    let (end, events) = bench.run(&agent, BRIEF).await;
    assert_eq!(end.end, AttemptEnd::TurnEnded, "{}\n{events:?}", bench.log());
    assert_eq!(bench.file("app/index.html"), "<h1>Sauerteig</h1>\n<p>9 to 13</p>\n");
    if bench.setup.run_as.is_some() {
        assert_eq!(bench.file("app/who.txt").trim(), AGENT.uid.to_string());
    }
    let touched = events.iter().filter(|event| **event == Event::Touched).count();
    assert!(touched >= 3, "a checkpoint's moment after each tool: {events:?}");
    assert!(
        events.iter().any(|e| matches!(e, Event::Line { text, .. } if text.contains("The page is there.")))
    );
    assert!(end.model.is_some() && end.raw.is_some());
    assert!(nobody_works_in(bench.workspace.path()), "nothing of the run lives on");
    // The brief came through whole, and the instruction files did not choose what is played.
    let call =
        bench.model.log().into_iter().find_map(|entry| entry.call.filter(|c| !c.tools.is_empty())).unwrap();
    assert_eq!((call.conversation.as_str(), call.prompt.trim()), ("page", BRIEF));
    let billed = bench.model.billed().total;
    assert_eq!(end.usage.input, Some(billed.input), "{:?} of {billed:?}\n{}", end.usage, bench.log());
    (end.usage, billed)
}

fn nobody_works_in(folder: &Path) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    !processes
        .filter_map(|p| std::fs::read_link(p.path().join("cwd")).ok())
        .any(|cwd| cwd.starts_with(folder))
}

#[test]
fn claude_code_writes_the_page_and_costs_what_was_billed() {
    alone("claude_code_writes_the_page_and_costs_what_was_billed", || {
        let (usage, billed) = in_runtime(does_the_work(claude()));
        let expected = Usage {
            input: Some(billed.input),
            cache_read: Some(billed.cache_read),
            cache_write: Some(billed.cache_write),
            output: Some(billed.output),
            reasoning: None,
            ..usage.clone()
        };
        assert_eq!(usage, expected);
        assert!(usage.cost_usd.is_some_and(|dollars| dollars > 0.0));
    });
}

#[test]
fn codex_writes_the_page_and_costs_what_was_billed() {
    alone("codex_writes_the_page_and_costs_what_was_billed", || {
        let (usage, billed) = in_runtime(does_the_work(codex()));
        let expected = Usage {
            input: Some(billed.input),
            cache_read: Some(billed.cache_read),
            cache_write: Some(billed.cache_write),
            output: Some(billed.output),
            reasoning: Some(billed.reasoning),
            cost_usd: None,
            ..usage.clone()
        };
        assert_eq!(usage, expected);
    });
}

#[test]
fn a_refused_key_is_signed_out() {
    alone("a_refused_key_is_signed_out", || {
        let refused = Step::Http { status: 401, times: None, resets_at: None };
        in_runtime(async {
            let bench = Bench::new(Scenario::always("refused", vec![refused]));
            for agent in [claude(), codex()] {
                let (end, _) = bench.run(&agent, BRIEF).await;
                assert!(matches!(end.end, AttemptEnd::SignedOut { .. }), "{agent}: {:?}", end.end);
            }
        });
    });
}

#[test]
fn a_used_up_quota_is_told_as_one() {
    alone("a_used_up_quota_is_told_as_one", || {
        let soon =
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() + 7200;
        let used_up = Step::Http { status: 429, times: None, resets_at: Some(soon.cast_signed()) };
        in_runtime(async {
            let bench = Bench::new(Scenario::always("used up", vec![used_up]));
            for agent in [claude(), codex()] {
                let (end, _) = bench.run(&agent, BRIEF).await;
                assert!(matches!(end.end, AttemptEnd::QuotaGone { .. }), "{agent}: {:?}", end.end);
            }
        });
    });
}

#[test]
fn a_passing_fault_of_the_server_is_survived() {
    alone("a_passing_fault_of_the_server_is_survived", || {
        let steps = vec![
            Step::Http { status: 500, times: Some(1), resets_at: None },
            Step::Drop { times: Some(1) },
            Step::Write { path: "app/index.html".into(), content: "here\n".into() },
        ];
        in_runtime(async {
            for agent in [claude(), codex()] {
                let bench = Bench::new(Scenario::always("shaky", steps.clone()));
                let (end, _) = bench.run(&agent, BRIEF).await;
                assert_eq!(end.end, AttemptEnd::TurnEnded, "{agent}: {}", bench.log());
                assert_eq!(bench.file("app/index.html"), "here\n");
            }
        });
    });
}

/// A pipe that the agent's tool writes to when it runs; the order to cancel follows at once.
fn cancel_when_it_runs(bench: &Bench, control: mpsc::Sender<Control>) {
    let pipe = bench.workspace.path().join("running");
    assert!(Command::new("mkfifo").args(["-m", "666"]).arg(&pipe).status().unwrap().success());
    std::thread::spawn(move || {
        std::fs::read(pipe).unwrap();
        control.blocking_send(Control::Cancel).unwrap();
    });
}

#[test]
fn a_cancelled_run_ends_with_its_tool() {
    alone("a_cancelled_run_ends_with_its_tool", || {
        in_runtime(async {
            for agent in [claude(), codex()] {
                // Not a bare `sleep`, which Claude Code refuses.
                let command = "echo up > ../running; python3 -c 'import time; time.sleep(300)'";
                let steps = vec![Step::Shell { command: command.into() }];
                let bench = Bench::new(Scenario::always("long", steps));
                let (events, mut told) = mpsc::channel(64);
                let (control, orders) = mpsc::channel(1);
                cancel_when_it_runs(&bench, control);
                let reader = tokio::spawn(async move { while told.recv().await.is_some() {} });
                let end = agents::run(&bench.setup, bench.job(&agent, BRIEF), events, orders).await;
                reader.await.unwrap();
                assert_eq!(end.end, AttemptEnd::Cancelled, "{agent}: {}", bench.log());
                assert!(nobody_works_in(bench.workspace.path()), "{agent}: nothing of the run lives on");
            }
        });
    });
}
