//! The real agents' programs, against the scripted service: what a run of ours adds to the same program without us, how
//! soon everything is dead after a cancel, and what a hundred runs leave behind.

use super::bare::Started;
use crate::row::{Row, median};
use ::agents::{Control, Job, Leases, Permissions, RunAs, RunLimits, Setup};
use anyhow::{Context, Result, anyhow, ensure};
use conformance::model::{ModelServer, Scenario, Step};
use conformance::suite::{Agreement, Candidate, Case, Room, cases, processes, run_all};
use protocol::fact::AttemptEnd;
use protocol::{AgentId, At, AttemptId};
use rustix::time::{ClockId, clock_gettime};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use testkit::namespace::{node_dir, tools_dir};
use tokio::sync::mpsc;

/// A number that no user of the machine has.
const AGENT: RunAs = RunAs { uid: 61_789, gid: 61_789 };
const PAIRS: usize = 5;
const CANCELS: usize = 3;
const HUNDRED: usize = 20;
const LIMIT: Duration = Duration::from_secs(90);
const BRIEF: &str = "# Task\nA page for a bakery called Sauerteig, with opening hours.";

pub fn rows() -> Result<Vec<Row>> {
    let workspace = testkit::Workspace::new()?;
    let place = workspace.open_folder("agents", 0o755)?;
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(all(&place))
}

async fn all(place: &Path) -> Result<Vec<Row>> {
    let base = Setup {
        path: vec![tools_dir().join("agents/bin")],
        node: node_dir(),
        practice: Vec::new(),
        homes: None,
        user_home: place.to_owned(),
        run_as: rustix::process::geteuid().is_root().then_some(AGENT),
        runtime: place.to_owned(),
        env: BTreeMap::new(),
        accounts: ::agents::Accounts::default(),
        leases: Leases::default(),
    };
    let mut rows = Vec::new();
    let mut hundred = Hundred::default();
    for profile in ::agents::catalogue().iter().filter(|profile| !profile.practice) {
        let there =
            Candidate::find(&base, &profile.id, &place.join(format!("{}-probe", profile.id)), now()?).await?;
        let candidate = there.map_err(|missing| anyhow!("{} cannot be tried: {missing}", profile.title))?;
        rows.extend(added(&candidate, profile.title, &place.join(format!("{}-added", profile.id))).await?);
        rows.push(cancelled(&candidate, profile.title, &place.join(format!("{}-cancel", profile.id))).await?);
        hundred.add(&candidate, &place.join(format!("{}-hundred", profile.id))).await?;
    }
    rows.extend(hundred.rows());
    Ok(rows)
}

fn now() -> Result<At> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH)?;
    Ok(At(i64::try_from(since.as_millis())?))
}

/// A place to work in, and the service that the program is sent to.
struct Desk {
    room: Room,
    model: ModelServer,
    agent: AgentId,
}

impl Desk {
    async fn new(candidate: &Candidate, steps: Vec<Step>, place: &Path) -> Result<Desk> {
        let model = ModelServer::start(Scenario::always("bench", steps))?;
        let there = ::agents::stand_in(&candidate.agent, &model.base_url()).context("it needs no service")?;
        let room = Room::new(&candidate.setup, &candidate.agent, there, place).await?;
        Ok(Desk { room, model, agent: candidate.agent.clone() })
    }

    fn job(&self, attempt: &AttemptId) -> Job {
        Job {
            attempt: attempt.clone(),
            agent: self.agent.clone(),
            worktree: self.room.tree.clone(),
            brief: BRIEF.into(),
            limits: RunLimits::new(LIMIT, LIMIT),
            mcp: Vec::new(),
            resume: None,
            permissions: Permissions::Allow,
        }
    }
}

fn write() -> Vec<Step> {
    let page = "<h1>Sauerteig</h1>\n".to_owned();
    vec![
        Step::Write { path: "app/index.html".into(), content: page },
        // Claude Code names the session in a call of its own, which must not outlive the turn.
        Step::Delay { ms: 300 },
        Step::Text { text: "The page is there.".into() },
    ]
}

/// One and the other in turn, so that what the machine does meanwhile meets both.
async fn added(candidate: &Candidate, title: &str, place: &Path) -> Result<Vec<Row>> {
    let desk = Desk::new(candidate, write(), place).await?;
    let started = ours(&desk, 0, Some(&place.join("kept"))).await?.1.context("it was not seen to start")?;
    let (mut wall, mut cpu) = (Vec::new(), Vec::new());
    for number in 1..=PAIRS {
        let (with, _) = ours(&desk, number, None).await?;
        let without = clocked(started.turn(&desk.room.tree, BRIEF, desk.room.setup.run_as)).await;
        without.1?;
        wall.push(with.wall - without.0.wall);
        cpu.push(with.cpu - without.0.cpu);
    }
    ensure!(desk.model.billed().total.calls > 0, "the service was not asked");
    let how = |what: &str| {
        format!(
            "{what} of agents::run, less that of the same program started directly with the same command line, environment and \
             user, and the fewest ACP messages, to its own end; a file is written in both"
        )
    };
    Ok(vec![
        Row::median(format!("added to a run of {title}: wall"), "ms", &wall, how("wall time")).at_most(100.0),
        Row::median(
            format!("added to a run of {title}: processor"),
            "ms",
            &cpu,
            how("our own processor time"),
        )
        .at_most(50.0),
    ])
}

#[derive(Debug, Clone, Copy)]
struct Spent {
    wall: f64,
    cpu: f64,
}

async fn clocked<T>(work: impl Future<Output = T>) -> (Spent, T) {
    let processor = || {
        let now = clock_gettime(ClockId::ProcessCPUTime);
        now.tv_sec as f64 * 1e3 + now.tv_nsec as f64 / 1e6
    };
    let (clock, before) = (Instant::now(), processor());
    let done = work.await;
    (Spent { wall: crate::spine::ms(clock.elapsed()), cpu: processor() - before }, done)
}

/// A run as the daemon makes one. With `kept`, it is looked at how the program was started.
async fn ours(desk: &Desk, number: usize, kept: Option<&Path>) -> Result<(Spent, Option<Started>)> {
    let attempt = AttemptId::new(format!("bench-{}-{number}", desk.agent))?;
    let (events, mut told) = mpsc::channel(64);
    let (_control, orders) = mpsc::channel(1);
    let setup = &desk.room.setup;
    let hear = async { while told.recv().await.is_some() {} };
    let look = async {
        let Some(kept) = kept else { return Ok(None) };
        let tmp = setup.runtime.join("tmp").join(attempt.as_str());
        let found = Started::of(attempt.as_str(), &tmp, kept, setup.run_as);
        tokio::time::timeout(LIMIT, found).await.context("it was not seen to start")?.map(Some)
    };
    let run = ::agents::run(setup, desk.job(&attempt), events, orders);
    let ((spent, end), (), started) = tokio::join!(clocked(run), hear, look);
    ensure!(end.end == AttemptEnd::TurnEnded, "{} ended with {:?}", desk.agent, end.end);
    Ok((spent, started?))
}

/// From the order to the moment when no process of the run is left.
async fn cancelled(candidate: &Candidate, title: &str, place: &Path) -> Result<Row> {
    let sleep = "echo up > ../running; python3 -c 'import time; time.sleep(300)'".to_owned();
    let mut samples = Vec::new();
    for number in 0..CANCELS {
        let folder = place.join(number.to_string());
        let desk = Desk::new(candidate, vec![Step::Shell { command: sleep.clone() }], &folder).await?;
        let attempt = AttemptId::new(format!("bench-cancel-{}-{number}", desk.agent))?;
        let (events, mut told) = mpsc::channel(64);
        let (control, orders) = mpsc::channel(1);
        let run = ::agents::run(&desk.room.setup, desk.job(&attempt), events, orders);
        let hear = async { while told.recv().await.is_some() {} };
        let order = async {
            desk.room.tool_runs().await?;
            let clock = Instant::now();
            control.send(Control::Cancel).await?;
            anyhow::Ok(clock)
        };
        let (end, (), clock) = tokio::join!(run, hear, order);
        samples.push(crate::spine::ms(clock?.elapsed()) / 1e3);
        ensure!(end.end == AttemptEnd::Cancelled, "{} ended with {:?}", desk.agent, end.end);
        let left = processes(attempt.as_str(), desk.room.place());
        ensure!(left.is_empty(), "{} left {left:?}", desk.agent);
    }
    let how = "from Control::Cancel, while its shell tool sleeps, to the end of agents::run; afterwards no process with the run's \
               mark or in its folder is left, the tool's included";
    Ok(Row::median(format!("{title}: cancel to everything dead"), "s", &samples, how).at_most(2.0))
}

/// What is counted over the runs of all agents.
#[derive(Default)]
struct Hundred {
    runs: usize,
    left: Vec<String>,
    disagreed: usize,
    calls: u64,
    seconds: Vec<f64>,
}

impl Hundred {
    async fn add(&mut self, candidate: &Candidate, place: &Path) -> Result<()> {
        let write = |case: &Case| case.name == "write";
        let case = cases(0).into_iter().find(write).context("there is no scenario `write`")?;
        let again = vec![case; HUNDRED];
        for row in run_all(candidate, &again, place, 2, |_| ()).await {
            ensure!(row.ok, "{}: {}", row.agent, row.wrong.join("; "));
            self.runs += 1;
            self.left.extend(row.leftovers);
            self.disagreed += usize::from(matches!(row.tokens, Agreement::Unknown | Agreement::Wrong));
            self.calls += row.billed.calls;
            self.seconds.push(row.seconds);
        }
        Ok(())
    }

    fn rows(self) -> Vec<Row> {
        let left = format!(
            "processes by mark and folder, and files in the runs' temporary folders, after each of {} runs of the real programs, \
             {HUNDRED} of each agent, two at a time ({:.1} s each)",
            self.runs,
            median(&self.seconds)
        );
        let tokens = format!(
            "runs in which a class of tokens differs from the scripted service's bill of {} calls",
            self.calls
        );
        vec![
            summed(Row::new("left behind", "things", self.left.len() as f64, self.runs, left)),
            summed(Row::new(
                "recorded is not what was billed",
                "runs",
                self.disagreed as f64,
                self.runs,
                tokens,
            )),
        ]
    }
}

fn summed(mut row: Row) -> Row {
    row.summed = true;
    row.at_most(0.0)
}
