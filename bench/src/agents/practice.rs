//! A whole run of ours around an agent that costs nothing: the practice agent without its pauses does next to nothing itself.

use crate::row::Row;
use crate::socket::alone;
use ::agents::{Job, Permissions, RunLimits, Setup};
use anyhow::{Result, ensure};
use protocol::fact::AttemptEnd;
use protocol::{At, AttemptId, CommitId, ProjectId};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const RUNS: usize = 9;
const LIMIT: Duration = Duration::from_secs(60);

pub fn run() -> Result<Vec<Row>> {
    let workspace = testkit::Workspace::new()?;
    let program = workspace.copy_program(&testkit::workspace::built("loopwrightd")?)?;
    let samples = alone(runs(&workspace.home(), &program))?;
    let how = "agents::run on a fresh worktree of the static starter: process, handshake, session, one turn that writes the \
               page, and the end of the whole process tree; as this very user";
    Ok(vec![Row::median("a whole run of the practice agent without pauses", "ms", &samples, how)])
}

async fn runs(home: &Path, program: &Path) -> Result<Vec<f64>> {
    let yard = ::deploy::Yard {
        home: home.to_owned(),
        node: None,
        run_as_agent: None,
        run_as_app: None,
        npm_cache: None,
        proxies: Default::default(),
        own_exe: program.to_owned(),
    };
    let project = ProjectId::new("my-site")?;
    let base = yard.create_project(&project, "My site", "static", At(0)).await?;
    let setup = setup(home, program);
    let mut samples = Vec::new();
    for number in 0..RUNS {
        samples.push(one_run(&yard, &setup, &project, &base, number).await?);
    }
    Ok(samples)
}

fn setup(home: &Path, program: &Path) -> Setup {
    Setup {
        path: Vec::new(),
        node: None,
        practice: vec![program.to_string_lossy().into_owned(), "practice-agent".into()],
        homes: Some(home.join("agents")),
        user_home: home.to_owned(),
        run_as: None,
        runtime: home.join("run"),
        env: BTreeMap::from([(
            ::agents::practice(),
            BTreeMap::from([("PRACTICE_PAUSE_MS".into(), "0".into())]),
        )]),
        accounts: ::agents::Accounts::default(),
        leases: ::agents::Leases::default(),
    }
}

async fn one_run(
    yard: &::deploy::Yard,
    setup: &Setup,
    project: &ProjectId,
    base: &CommitId,
    number: usize,
) -> Result<f64> {
    let attempt = AttemptId::new(format!("r{number}-t1-a1"))?;
    let worktree = yard.worktree(project, &attempt, base).await?;
    let job = Job {
        attempt: attempt.clone(),
        agent: ::agents::practice(),
        worktree,
        brief: "# Task\n\nA page for a bakery called Sauerteig with opening hours and an order form\n".into(),
        limits: RunLimits::new(LIMIT, LIMIT),
        mcp: Vec::new(),
        resume: None,
        permissions: Permissions::Allow,
    };
    let (events, mut heard) = mpsc::channel(64);
    let (_control, controlled) = mpsc::channel(1);
    let clock = Instant::now();
    let hear = async { while heard.recv().await.is_some() {} };
    let (end, ()) = tokio::join!(::agents::run(setup, job, events, controlled), hear);
    let took = crate::spine::ms(clock.elapsed());
    ensure!(end.end == AttemptEnd::TurnEnded, "the practice agent ended with {:?}", end.end);
    ensure!(yard.checkpoint(project, &attempt, "bench").await?.is_some(), "the practice agent wrote nothing");
    Ok(took)
}
