//! The commands of `loopwrightd setup`, and how each of them ends: 0 done, 1 failed, 3 blocked, 4 another plan.

use super::house::Daemon;
use super::tell::Tell;
use super::work;
use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use protocol::setup::{Choice, Greeting, Obstacle, ObstacleKind, SetupState, Wish, Work};
use provision::{Begun, Journal, Lock, Order, Outcome, Owner, Real, Root, Setup, Stop, paths};
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(Debug, Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The program and the desktop's way in: the first thing that is done on a bare server.
    Begin {
        /// The desktop's public key.
        #[arg(long)]
        key: String,
    },
    /// All that would be done. Touches nothing.
    Plan {
        /// The desktop's public key, where its way in is a part of what is planned.
        #[arg(long)]
        key: Option<String>,
        #[command(flatten)]
        wish: Wished,
    },
    /// Does it.
    Apply {
        #[command(flatten)]
        wish: Wished,
        /// The plan that was seen: nothing else is done.
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Makes what is not as it was set up so again.
    Repair {
        #[arg(long, value_name = "HASH")]
        plan: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Goes on with a run that was cut short.
    #[command(hide = true)]
    Resume,
    /// What was done, and is being done.
    Status {
        /// Only entries with a higher number.
        #[arg(long, default_value_t = 0)]
        after: u64,
        /// To the end of the run.
        #[arg(long)]
        follow: bool,
    },
    /// Switches to another version of the program, and back if it is not healthy.
    Upgrade {
        program: PathBuf,
        /// What its SHA-256 must be.
        #[arg(long)]
        sha256: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Takes everything of ours away.
    Remove {
        /// Only say what would go, and what would stay.
        #[arg(long)]
        dry_run: bool,
        /// The workspace stays.
        #[arg(long)]
        keep_data: bool,
        /// Where the data is exported to before [default: /var/backups].
        #[arg(long, value_name = "DIR")]
        export: Option<String>,
        #[command(flatten)]
        how: How,
    },
    /// Your data in one archive.
    Export {
        #[arg(default_value = paths::EXPORTS)]
        dir: String,
    },
    /// How the server does.
    Health,
}

#[derive(Debug, Args)]
struct Wished {
    /// What is wished for, as JSON: a file, or - for the standard input [default: that of the last run].
    #[arg(long, value_name = "FILE|-")]
    wish: Option<String>,
    /// An answer to what a plan asked: packages=repair_packages.
    #[arg(long = "choice", value_name = "STEP=CHOICE")]
    choices: Vec<String>,
}

#[derive(Debug, Args)]
struct How {
    /// Return once it has begun; it goes on by itself.
    #[arg(long)]
    detach: bool,
}

impl Wished {
    fn read(&self, root: &Root) -> Result<Wish> {
        let mut wish = match self.wish.as_deref() {
            None => provision::read_wish(root).unwrap_or_default(),
            Some("-") => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text).context("failed to read the wish")?;
                serde_json::from_str(&text).context("failed to read the wish")?
            }
            Some(file) => {
                let text = std::fs::read(file).with_context(|| format!("failed to read {file}"))?;
                serde_json::from_slice(&text).with_context(|| format!("failed to read the wish in {file}"))?
            }
        };
        for words in &self.choices {
            let (step, choice) = words.split_once('=').context("a choice is STEP=CHOICE")?;
            let choice: Choice = serde_json::from_value(choice.into())
                .with_context(|| format!("there is no choice called {choice}"))?;
            wish.choices.retain(|(of, _)| of != step);
            wish.choices.push((step.to_owned(), choice));
        }
        Ok(wish)
    }
}

pub fn run(options: Options, json: bool) -> Result<ExitCode> {
    let root = Root::new("/");
    // Whoever signs in may have one that makes everything private; agents and sites read what is made here.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let tell = Tell { json };
    let daemon = Daemon::new()?;
    let setup = work::setup(root, &Real, &daemon)?;
    match carry_out(&setup, options.command, &tell) {
        Ok(code) => Ok(code),
        Err(error) => match error.downcast::<Stop>() {
            Ok(Stop::Blocked(obstacle)) => tell.obstacle(&obstacle).map(|()| ExitCode::from(3)),
            Ok(Stop::Failed(obstacle)) => tell.error(&obstacle).map(|()| ExitCode::FAILURE),
            Err(error) if json => {
                let obstacle = Obstacle {
                    kind: ObstacleKind::Other,
                    cause: format!("{error:#}"),
                    action: "correct it, then try again".to_owned(),
                    choices: Vec::new(),
                };
                tell.error(&obstacle).map(|()| ExitCode::FAILURE)
            }
            Err(error) => Err(error),
        },
    }
}

fn carry_out(setup: &Setup<'_>, command: Command, tell: &Tell) -> Result<ExitCode> {
    let last = || provision::read_wish(&setup.root).unwrap_or_default();
    match command {
        Command::Begin { key } => {
            let order = Order { key: Some(key), ..Order::new(Work::Begin, Wish::default()) };
            // What was wished for before stays so.
            let order = Order { wish: last(), ..order };
            let code = begin(setup, &order, None, false, tell, false)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
            tell.greeting(&work::greeting(setup)?)?;
            Ok(code)
        }
        Command::Plan { key, wish } => {
            let order = Order { key, ..Order::new(Work::Apply, wish.read(&setup.root)?) };
            tell.plan(&provision::seen(setup, &order)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Apply { wish, plan, how } => {
            let order = Order::new(Work::Apply, wish.read(&setup.root)?);
            begin(setup, &order, plan.as_deref(), how.detach, tell, true)
        }
        Command::Repair { plan, how } => {
            begin(setup, &Order::new(Work::Repair, last()), plan.as_deref(), how.detach, tell, true)
        }
        Command::Resume => {
            let lock = Lock::take(&setup.root, &Owner::this("goes on with a run that has begun"))?;
            let mut journal = Journal::open(&setup.root, crate::faults::at_moment)?;
            let work = provision::unfinished(journal.entries());
            let outcome = provision::go_on(setup, &mut journal, &mut |_| ())?;
            drop((journal, lock));
            if work == Some(Work::Upgrade) && matches!(outcome, Outcome::Done { .. }) {
                return work::repair_by_new(tell);
            }
            end(outcome, tell)
        }
        Command::Status { after, follow } => work::status(&setup.root, after, follow, tell),
        Command::Upgrade { program, sha256, how } => {
            let fresh = work::fresh(&program, sha256)?;
            let order = Order { fresh: Some(fresh), ..Order::new(Work::Upgrade, last()) };
            begin(setup, &order, None, how.detach, tell, true)
        }
        Command::Remove { dry_run, keep_data, export, how } => {
            let order = Order { keep_data, export, ..Order::new(Work::Remove, last()) };
            if dry_run {
                let entries = provision::read(&setup.root)?;
                tell.removal(&provision::removal(setup, &entries, &order)?)?;
                return Ok(ExitCode::SUCCESS);
            }
            begin(setup, &order, None, how.detach, tell, true)
        }
        Command::Export { dir } => {
            tell.export(&provision::export(setup, &dir)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Health => {
            tell.health(&provision::health(setup))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Begins a run, and carries it to its end or leaves that to a service.
fn begin(
    setup: &Setup<'_>,
    order: &Order,
    seen: Option<&str>,
    detach: bool,
    tell: &Tell,
    shown: bool,
) -> Result<ExitCode> {
    provision::may_begin(setup, order)?;
    let lock = Lock::take(&setup.root, &Owner::this(work::words(order.work)))?;
    let mut journal = Journal::open(&setup.root, crate::faults::at_moment)?;
    let after = match provision::begin_run(setup, &mut journal, order, seen)? {
        Begun::Differs(plan) => {
            tell.plan(&plan)?;
            return Ok(ExitCode::from(4));
        }
        Begun::Started { after } => after,
    };
    if detach {
        // Who goes on needs both.
        drop((journal, lock));
        work::detach()?;
        tell.after(after)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut watch = |entry: &protocol::setup::SetupEntry| {
        if shown {
            // Who does not listen any more is no reason to stop half-way.
            let _ = tell.entry(entry);
        }
    };
    let outcome = provision::go_on(setup, &mut journal, &mut watch)?;
    drop((journal, lock));
    if matches!((order.work, &outcome), (Work::Upgrade, Outcome::Done { .. })) {
        return work::repair_by_new(tell);
    }
    end(outcome, tell)
}

fn end(outcome: Outcome, tell: &Tell) -> Result<ExitCode> {
    match outcome {
        Outcome::Done { changes } => tell.done(changes).map(|()| ExitCode::SUCCESS),
        Outcome::Blocked(obstacle) => tell.obstacle(&obstacle).map(|()| ExitCode::from(3)),
        Outcome::Failed(obstacle) => tell.error(&obstacle).map(|()| ExitCode::FAILURE),
    }
}

/// Who we are, as the desktop is told first.
pub(super) fn greet(version: &str, sha256: String, setup: SetupState) -> Greeting {
    Greeting {
        version: version.to_owned(),
        api: protocol::API_VERSION,
        sha256,
        arch: std::env::consts::ARCH.to_owned(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        control: paths::CONTROL.to_owned(),
        setup,
    }
}
