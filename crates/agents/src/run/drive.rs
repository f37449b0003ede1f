//! The loop of a run: what comes from the agent, from the user and from the clocks, in one place. The reader of our
//! events may be slow: then the agent's output waits in its pipe, and the clocks go on.

use super::aside::Aside;
use super::asks::Asks;
use super::converse::converse;
use super::desk::{CANCEL_GRACE, Clocks, Desk, Seen};
use super::ending::Ending;
use super::talk::{Line, Remark, Topic};
use super::transcript::Transcript;
use super::watch::Watch;
use super::wire::{Lines, TooLong};
use crate::leases::Turnstile;
use crate::profile::Profile;
use crate::supervise::Tree;
use crate::{Control, Event, Job, Permissions, RunLimits};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::BufReader;
use tokio::process::{ChildStderr, ChildStdout};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// The longest message that is taken from an agent.
pub(super) const MAX_MESSAGE: usize = 16 << 20;
const MAX_STDERR_LINE: usize = 4 << 10;
/// After the end of its output, for answers that are already under way.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// Events that may wait for their reader before the agent is held back.
const QUEUE: usize = 256;

/// What a run is driven with.
pub(super) struct Drive<'a, H> {
    pub profile: &'static Profile,
    pub job: &'a Job,
    pub transcript: &'a mut Transcript,
    pub seen: &'a mut Seen,
    pub aside: &'a mut Aside,
    pub watch: &'a mut Watch<H>,
    pub events: &'a mpsc::Sender<Event>,
    pub control: mpsc::Receiver<Control>,
    /// Words that were given before it began.
    pub steered: VecDeque<String>,
    pub turnstile: Turnstile,
}

pub(super) async fn drive<H>(tree: &mut Tree, drive: Drive<'_, H>) -> Ending
where
    H: Fn() -> Option<String> + Clone + Send + 'static,
{
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (tree.child.stdin.take(), tree.child.stdout.take(), tree.child.stderr.take())
    else {
        return Ending::Broken("it has no pipes".into());
    };
    let mut pipes = Pipes {
        output: Lines::new(BufReader::new(stdout), MAX_MESSAGE, TooLong::Fail),
        errors: Lines::new(BufReader::new(stderr), MAX_STDERR_LINE, TooLong::Cut),
        errors_open: true,
    };
    let (to_protocol, from_agent) = mpsc::unbounded_channel();
    let (remarks, mut remarked) = mpsc::unbounded_channel();
    let cancel = Arc::new(Notify::new());
    let job = drive.job;
    let topic = Topic {
        profile: drive.profile,
        mode: match job.permissions {
            Permissions::Allow => drive.profile.mode,
            Permissions::Ask => drive.profile.asking,
        },
        worktree: job.worktree.clone(),
        brief: job.brief.clone(),
        mcp: job.mcp.clone(),
        resume: job.resume.clone(),
        name: job.attempt.to_string(),
    };
    let line = Line { cancel: cancel.clone(), remarks };
    let mut conversation = Box::pin(converse(stdin, from_agent, topic, line));
    let mut desk = Desk {
        job,
        transcript: drive.transcript,
        seen: drive.seen,
        to_protocol: Some(to_protocol),
        cancel,
        control: Some(drive.control),
        steered: drive.steered,
        asks: Asks::default(),
        clocks: Clocks::new(job.limits),
        stop_at: None,
        listening: true,
        turnstile: Some(drive.turnstile),
        over: None,
    };
    let sides = Sides { aside: drive.aside, watch: drive.watch, events: drive.events };
    let ending = listen(&mut desk, &mut pipes, conversation.as_mut(), &mut remarked, sides).await;
    let ending = match ending {
        stopped @ Ending::Stopped { .. } => stopped,
        _ if desk.stop_at.is_some() => Ending::Stopped { forced: false },
        other => other,
    };
    if ending.leaves_a_turn_open() {
        wind_down(&mut desk, &mut pipes, conversation.as_mut(), &mut remarked).await;
    }
    drop(conversation);
    while let Ok(remark) = remarked.try_recv() {
        desk.remark(remark);
    }
    if matches!(ending, Ending::Gone | Ending::Broken(_)) {
        last_words(&mut desk, &mut pipes).await;
    }
    ending
}

struct Sides<'a, H> {
    aside: &'a mut Aside,
    watch: &'a mut Watch<H>,
    events: &'a mpsc::Sender<Event>,
}

/// Takes what comes from all sides, until the run ends in whatever way.
async fn listen<H>(
    desk: &mut Desk<'_>,
    pipes: &mut Pipes,
    mut conversation: Pin<&mut impl Future<Output = Ending>>,
    remarked: &mut mpsc::UnboundedReceiver<Remark>,
    sides: Sides<'_, H>,
) -> Ending
where
    H: Fn() -> Option<String> + Clone + Send + 'static,
{
    let Sides { aside, watch, events } = sides;
    let RunLimits { idle, wall, refused, .. } = desk.job.limits;
    let mut tools_over = 0;
    loop {
        let room = desk.transcript.waiting() < QUEUE;
        tokio::select! { biased;
            order = next_order(&mut desk.control) => desk.order(order),
            () = until(desk.clocks.wall()) => break Ending::TooLong(wall),
            () = until(desk.stop_at) => break Ending::Stopped { forced: true },
            () = until(desk.clocks.idle()), if room => break Ending::Silent(idle),
            () = until(desk.seen.refusals.deadline(refused)) => break Ending::RefusedTooLong,
            over = watch.over() => break Ending::OverLimit(over),
            sent = events.reserve(), if desk.listening && desk.transcript.waiting() > 0 => match sent {
                Ok(place) => if let Some(event) = desk.transcript.pop() { place.send(event) },
                Err(_) => desk.listening = false,
            },
            Some(remark) = remarked.recv() => {
                desk.remark(remark);
                if let Some(session) = &desk.seen.session { aside.session(session) }
            }
            Some(told) = aside.next() => { desk.clocks.heard(); desk.told(told) }
            ending = &mut conversation => break ending,
            line = pipes.output.next(), if room => match line {
                Some(Ok(line)) => { desk.clocks.heard(); desk.heard(line); }
                Some(Err(reason)) => break Ending::Broken(reason),
                None => break last_answer(desk, conversation.as_mut(), remarked).await,
            },
            line = pipes.errors.next(), if room && pipes.errors_open => match line {
                Some(Ok(line)) => desk.complained(&line),
                _ => pipes.errors_open = false,
            },
        }
        if let Some(over) = desk.over.take() {
            break over;
        }
        if desk.transcript.tools.over != tools_over {
            tools_over = desk.transcript.tools.over;
            watch.look();
        }
        if !room {
            // While its output waited for our reader, its silence was not its own.
            desk.clocks.heard();
        }
        if !desk.listening {
            desk.transcript.take_queue();
        }
    }
}

/// Cancels the turn, for what the agent has to say about it.
async fn wind_down(
    desk: &mut Desk<'_>,
    pipes: &mut Pipes,
    mut conversation: Pin<&mut impl Future<Output = Ending>>,
    remarked: &mut mpsc::UnboundedReceiver<Remark>,
) {
    let deadline = Instant::now() + CANCEL_GRACE;
    desk.stop_at = Some(deadline);
    desk.cancel.notify_one();
    loop {
        tokio::select! { biased;
            () = sleep_until(deadline) => return,
            Some(remark) = remarked.recv() => desk.remark(remark),
            _ = &mut conversation => return,
            line = pipes.output.next() => match line {
                Some(Ok(line)) => desk.heard(line),
                _ => return,
            },
        }
    }
}

/// What the agent writes.
struct Pipes {
    output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
    errors_open: bool,
}

/// What it wrote to its error output just before it went away.
async fn last_words(desk: &mut Desk<'_>, pipes: &mut Pipes) {
    let deadline = Instant::now() + LAST_ANSWER;
    while pipes.errors_open
        && let Ok(Some(Ok(line))) = tokio::time::timeout_at(deadline, pipes.errors.next()).await
    {
        desk.complained(&line);
    }
}

/// Its output ended. An answer that came just before still counts.
async fn last_answer(
    desk: &mut Desk<'_>,
    mut conversation: Pin<&mut impl Future<Output = Ending>>,
    remarked: &mut mpsc::UnboundedReceiver<Remark>,
) -> Ending {
    desk.to_protocol = None;
    let deadline = Instant::now() + LAST_ANSWER;
    let ending = loop {
        tokio::select! { biased;
            Some(remark) = remarked.recv() => desk.remark(remark),
            ending = &mut conversation => break ending,
            () = sleep_until(deadline) => break Ending::Gone,
        }
    };
    match ending {
        Ending::TurnEnded | Ending::Stopped { .. } => ending,
        Ending::Refused { .. } if !ending.is_closed() => ending,
        _ => Ending::Gone,
    }
}

async fn next_order(control: &mut Option<mpsc::Receiver<Control>>) -> Option<Control> {
    match control {
        Some(control) => control.recv().await,
        None => std::future::pending().await,
    }
}

async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
