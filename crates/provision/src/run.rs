//! A run: one step after the other, each thing with a receipt before and after. A run that was cut short goes on by
//! looking at everything again.

use crate::change;
use crate::hands::Hands;
use crate::house::House;
use crate::journal::{Journal, JournalError};
use crate::place::Root;
use crate::plan::{Planned, covers, plan};
use crate::saved;
use crate::steps::{self, Look, Step};
use crate::stop::{Stop, obstacle};
use crate::upgrade::Fresh;
use crate::{remove, upgrade};
use protocol::setup::{Choice, Obstacle, ObstacleKind, Receipt, SetupEntry, SetupEvent, Wish, Work};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What a set-up works on, and with.
pub struct Setup<'a> {
    pub root: Root,
    pub hands: &'a dyn Hands,
    pub house: &'a dyn House,
    /// This very program, with its version and hash.
    pub program: PathBuf,
    pub version: String,
    pub sha256: String,
}

/// What was asked for. Kept beside the journal, so that a cut run goes on as it was meant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub work: Work,
    #[serde(default)]
    pub wish: Wish,
    /// `begin`: the desktop's public key.
    #[serde(default)]
    pub key: Option<String>,
    /// `upgrade`: the program to upgrade to.
    #[serde(default)]
    pub fresh: Option<Fresh>,
    /// `remove`: the workspace stays.
    #[serde(default)]
    pub keep_data: bool,
    /// `remove`: where the export goes.
    #[serde(default)]
    pub export: Option<String>,
}

impl Order {
    pub fn new(work: Work, wish: Wish) -> Order {
        Order { work, wish, key: None, fresh: None, keep_data: false, export: None }
    }

    pub(crate) fn chose(&self, step: &str, choice: Choice) -> bool {
        self.wish.choices.iter().any(|(of, chosen)| of == step && *chosen == choice)
    }
}

/// What came of asking for a run.
#[derive(Debug)]
pub enum Begun {
    /// It is written down as begun; entries with a higher number are its own.
    Started { after: u64 },
    /// The plan is not the one that the user saw.
    Differs(protocol::setup::Plan),
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Done { changes: u32 },
    Blocked(Obstacle),
    Failed(Obstacle),
}

/// Writes into the journal and tells whoever watches.
pub(crate) struct Log<'a> {
    pub journal: &'a mut Journal,
    pub hands: &'a dyn Hands,
    pub watch: &'a mut dyn FnMut(&SetupEntry),
    pub step: String,
}

impl From<JournalError> for Stop {
    fn from(error: JournalError) -> Stop {
        let (kind, action) = match &error {
            JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                (ObstacleKind::Disk, "make room on the disk, then go on")
            }
            JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::ReadOnlyFilesystem => {
                (ObstacleKind::ReadOnly, "make the file system writable, then go on")
            }
            JournalError::Io { source, .. } if source.kind() == std::io::ErrorKind::PermissionDenied => {
                (ObstacleKind::Rights, "run it as root")
            }
            JournalError::Io { .. } => (ObstacleKind::Other, "look at the cause, then go on"),
            JournalError::Line { .. } => {
                (ObstacleKind::Newer, "use the version that wrote it, or a newer one")
            }
        };
        Stop::Failed(obstacle(kind, format!("failed to {error}"), action))
    }
}

impl Log<'_> {
    pub fn say(&mut self, event: SetupEvent) -> Result<(), Stop> {
        let entry = self.journal.append(self.hands.now(), event)?;
        (self.watch)(entry);
        Ok(())
    }

    /// A step that began and has not ended.
    fn is_open(&self, id: &str) -> bool {
        let last = self.journal.entries().iter().rev().find_map(|entry| match &entry.event {
            SetupEvent::StepStarted { step, undo: false } if step == id => Some(true),
            SetupEvent::StepDone { step, undo: false, .. } if step == id => Some(false),
            SetupEvent::Started { resumed: false, .. } => Some(false),
            _ => None,
        });
        last == Some(true)
    }

    pub fn doing(&mut self, words: impl Into<String>) -> Result<(), Stop> {
        self.say(SetupEvent::Doing { step: self.step.clone(), words: words.into(), done: None, of: None })
    }

    pub fn waiting(&mut self, obstacle: Obstacle) -> Result<(), Stop> {
        self.say(SetupEvent::Waiting { step: self.step.clone(), obstacle })
    }

    pub fn intent(&mut self, receipt: &Receipt) -> Result<(), Stop> {
        self.say(SetupEvent::Intent { step: self.step.clone(), receipt: receipt.clone() })
    }

    pub fn wrote(&mut self, receipt: Receipt) -> Result<(), Stop> {
        self.say(SetupEvent::Wrote { step: self.step.clone(), receipt })
    }
}

fn steps_of(order: &Order) -> Vec<Step> {
    let begin = ["system", "binary", "desk"];
    let all = steps::all().into_iter();
    match order.work {
        Work::Begin => all.filter(|step| begin.contains(&step.id)).collect(),
        Work::Apply | Work::Repair | Work::Upgrade | Work::Remove => all.collect(),
    }
}

/// The plan of an order, with what it rests on.
pub(crate) fn look(setup: &Setup<'_>, order: &Order) -> Result<Planned, Stop> {
    plan(setup, order, &steps_of(order))
}

/// Whether anything at all may be written here: looked at before the journal is made.
pub fn may_begin(setup: &Setup<'_>, order: &Order) -> Result<(), Stop> {
    let first: Vec<Step> = steps_of(order).into_iter().take(1).collect();
    let planned = plan(setup, order, &first)?;
    match (order.work, planned.plan.blocked().next()) {
        (Work::Begin, Some((_, obstacle))) => Err(Stop::Blocked(obstacle.clone())),
        (_, Some((_, obstacle))) if obstacle.kind == ObstacleKind::Rights => {
            Err(Stop::Blocked(obstacle.clone()))
        }
        _ => Ok(()),
    }
}

/// Begins a run: everything that could stop it is looked at before anything is touched.
pub fn begin_run(
    setup: &Setup<'_>,
    journal: &mut Journal,
    order: &Order,
    seen: Option<&str>,
) -> Result<Begun, Stop> {
    let after = journal.last();
    let (hash, ids) = match order.work {
        Work::Begin | Work::Apply | Work::Repair => {
            let planned = look(setup, order)?;
            let blocked = planned.plan.blocked().next().map(|(step, why)| (step.id.clone(), why.clone()));
            if let Some((step, obstacle)) = blocked {
                blocked_at_once(setup, journal, order, &planned.plan.hash, step, &obstacle)?;
                return Err(Stop::Blocked(obstacle));
            }
            if seen.is_some_and(|seen| !covers(seen, &planned.plan)) {
                return Ok(Begun::Differs(planned.plan));
            }
            let ids = planned.plan.steps.iter().map(|step| step.id.clone()).collect();
            (planned.plan.hash, ids)
        }
        Work::Upgrade => {
            upgrade::ready(setup, order)?;
            (String::new(), vec!["upgrade".to_owned()])
        }
        Work::Remove => (String::new(), remove::steps(journal)),
    };
    let resumed = journal_unfinished(journal.entries()).is_some();
    saved::save_order(&setup.root, order)?;
    set_resume(setup, true)?;
    let (work, version) = (order.work, setup.version.clone());
    journal
        .append(setup.hands.now(), SetupEvent::Started { work, version, plan: hash, steps: ids, resumed })?;
    Ok(Begun::Started { after })
}

/// So that whoever looks later sees why nothing was done.
fn blocked_at_once(
    setup: &Setup<'_>,
    journal: &mut Journal,
    order: &Order,
    hash: &str,
    step: String,
    obstacle: &Obstacle,
) -> Result<(), Stop> {
    let (now, work) = (setup.hands.now(), order.work);
    if work == Work::Begin {
        return Ok(());
    }
    saved::save_order(&setup.root, order)?;
    let (version, plan) = (setup.version.clone(), hash.to_owned());
    journal.append(
        now,
        SetupEvent::Started { work, version, plan, steps: vec![step.clone()], resumed: false },
    )?;
    journal.append(now, SetupEvent::Blocked { step, obstacle: obstacle.clone() })?;
    journal.append(now, SetupEvent::Finished { work, ok: false, changes: 0, millis: 0 })?;
    Ok(())
}

/// The work of a run that began and did not finish.
pub fn unfinished(entries: &[SetupEntry]) -> Option<Work> {
    journal_unfinished(entries).map(|(work, _)| work)
}

/// With the number of its first entry.
fn journal_unfinished(entries: &[SetupEntry]) -> Option<(Work, u64)> {
    let mut open = None;
    for entry in entries {
        match &entry.event {
            SetupEvent::Started { work, resumed, .. } => match open {
                Some((_, first)) if *resumed => open = Some((*work, first)),
                _ => open = Some((*work, entry.seq)),
            },
            SetupEvent::Finished { .. } => open = None,
            _ => {}
        }
    }
    open
}

/// Carries the begun run to its end, whoever began it.
pub fn go_on(
    setup: &Setup<'_>,
    journal: &mut Journal,
    watch: &mut dyn FnMut(&SetupEntry),
) -> Result<Outcome, Stop> {
    let begun = setup.hands.now();
    // A run that others began was cut: the machine may have started since.
    let begun_here = journal.opened_at();
    let Some((work, first)) = journal_unfinished(journal.entries()) else {
        // It was cut after it had said that it is done.
        match saved::read_order(&setup.root).filter(|order| order.work == Work::Remove) {
            Some(order) if is_removed(journal.entries()) => {
                let mut log = Log { journal, hands: setup.hands, watch, step: String::new() };
                remove::last(setup, &order, &mut log)?;
            }
            _ => forget_resume(setup)?,
        }
        return Ok(Outcome::Done { changes: 0 });
    };
    let missing = || obstacle(ObstacleKind::Other, "what the run was asked for is lost", "begin it again");
    let order = saved::read_order(&setup.root).filter(|order| order.work == work).ok_or_else(missing);
    let order = order.map_err(Stop::Failed)?;
    for entry in journal.entries().iter().filter(|entry| entry.seq >= first) {
        watch(entry);
    }
    let mut log = Log { journal, hands: setup.hands, watch, step: String::new() };
    let done = change::settle(setup, &mut log).and_then(|()| match work {
        Work::Begin | Work::Apply | Work::Repair => {
            steps_of(&order).iter().try_fold(0, |sum, step| Ok(sum + do_step(setup, &order, step, &mut log)?))
        }
        Work::Upgrade => upgrade::upgrade(setup, &order, &mut log),
        Work::Remove => remove::remove(setup, &order, &mut log),
    });
    let step = log.step.clone();
    let (outcome, changes) = match done {
        Ok(changes) => (Outcome::Done { changes }, changes),
        Err(Stop::Blocked(obstacle)) => {
            log.say(SetupEvent::Blocked { step, obstacle: obstacle.clone() })?;
            (Outcome::Blocked(obstacle), 0)
        }
        Err(Stop::Failed(obstacle)) => {
            log.say(SetupEvent::Failed { step, obstacle: obstacle.clone() })?;
            (Outcome::Failed(obstacle), 0)
        }
    };
    let ok = matches!(outcome, Outcome::Done { .. });
    let millis = setup.hands.now().since(begun);
    log.say(SetupEvent::Finished { work, ok, changes, millis })?;
    if ok && work == Work::Remove {
        remove::last(setup, &order, &mut log)?;
    } else {
        // What stopped is for the user to go on with; a start of the machine would only stop again.
        set_resume(setup, false)?;
        // With nothing changed systemd never read it.
        if outcome != (Outcome::Done { changes: 0 }) || first < begun_here {
            reload(setup)?;
        }
    }
    Ok(outcome)
}

/// Nothing is to be gone on with.
fn forget_resume(setup: &Setup<'_>) -> Result<(), Stop> {
    let was = crate::want::unit_file(&setup.root, crate::place::paths::RESUME_UNIT).exists();
    set_resume(setup, false)?;
    if was { reload(setup) } else { Ok(()) }
}

/// systemd keeps what it has read until then.
fn reload(setup: &Setup<'_>) -> Result<(), Stop> {
    setup.run(&crate::hands::Call::new("systemctl", &["daemon-reload"])).map(drop)
}

/// The last run was a removal that came to its end.
fn is_removed(entries: &[SetupEntry]) -> bool {
    let last = entries.last().map(|entry| &entry.event);
    matches!(last, Some(SetupEvent::Finished { work: Work::Remove, ok: true, .. }))
}

fn do_step(setup: &Setup<'_>, order: &Order, step: &Step, log: &mut Log<'_>) -> Result<u32, Stop> {
    log.step = step.id.to_owned();
    let wants = match steps::look(setup, order, step)? {
        Look::Wants(wants) => wants,
        Look::Skipped(_) => return Ok(0),
        Look::Blocked(obstacle) => return Err(Stop::Blocked(obstacle)),
    };
    let begun = setup.hands.now();
    let mut changes = 0;
    for want in &wants {
        if want.check(setup)?.is_empty() {
            continue;
        }
        if changes == 0 {
            log.say(SetupEvent::StepStarted { step: step.id.to_owned(), undo: false })?;
        }
        changes += change::make(setup, log, want)?;
    }
    // One that was cut after its last effect is done, too, and who watches is told so.
    if changes == 0 && !log.is_open(step.id) {
        return Ok(0);
    }
    verify(setup, step, &wants)?;
    if step.id == "units" && order.chose("units", Choice::BehindProxy) {
        log.doing(steps::proxy_words())?;
    }
    let millis = setup.hands.now().since(begun);
    log.say(SetupEvent::StepDone { step: step.id.to_owned(), undo: false, millis, changes })?;
    Ok(changes)
}

/// What was made is looked at again, by the same look that found it missing.
fn verify(setup: &Setup<'_>, step: &Step, wants: &[crate::want::Want]) -> Result<(), Stop> {
    for want in wants {
        if let Some(change) = want.check(setup)?.first() {
            let what = remove::words(change);
            let cause = format!("{}: {what} is not as it was made a moment ago", step.title);
            let action = "something else on this server changes it; find out what, then go on";
            return Err(Stop::Failed(obstacle(ObstacleKind::Taken, cause, action)));
        }
    }
    Ok(())
}

/// While a run is unfinished, a start of the machine goes on with it.
fn set_resume(setup: &Setup<'_>, on: bool) -> Result<(), Stop> {
    upgrade::set_resume(setup, on)
}
