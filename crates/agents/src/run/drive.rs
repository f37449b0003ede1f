//! The loop of a run: what comes from the agent, from the user and from the clocks, in one place. The reader of our
//! events may be slow: then the agent's output waits in its pipe, and the clocks go on.

use super::aside::Aside;
use super::asks::Asks;
use super::desk::{CANCEL_GRACE, Clocks, Desk, Seen};
use super::talk::{self, Line, Remark, Topic};
use super::transcript::Transcript;
use super::watch::Watch;
use super::wire::{Lines, TooLong};
use crate::leases::Turnstile;
use crate::profile::Profile;
use crate::supervise::Tree;
use crate::{Control, Event, Job, Permissions, RunLimits};
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{CreateElicitationRequest, RequestPermissionRequest};
use agent_client_protocol::{Agent, Client, Error, Lines as AcpLines};
use futures_util::{sink, stream};
use protocol::fact::AttemptEnd;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until};

/// The longest message that is taken from an agent.
pub(super) const MAX_MESSAGE: usize = 16 << 20;
const MAX_STDERR_LINE: usize = 4 << 10;
/// After the end of its output, for answers that are already under way.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// Events that may wait for their reader before the agent is held back.
const QUEUE: usize = 256;

/// How the conversation ended.
#[derive(Debug)]
pub(super) enum Ending {
    TurnEnded,
    /// By an order of ours, which it heard or had to be forced to.
    Stopped {
        forced: bool,
    },
    Silent(Duration),
    TooLong(Duration),
    /// Its service refused it for too long.
    RefusedTooLong,
    Stuck(String),
    OverLimit(String),
    /// It asked, and nobody can answer.
    Unanswered(String),
    Judged(AttemptEnd),
    /// It answered with an error.
    Refused {
        code: i64,
        text: String,
    },
    /// It broke the protocol.
    Broken(String),
    /// Its output ended.
    Gone,
}

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

impl Ending {
    /// The agent may still be at work, and would tell what it spent if it was told to stop.
    fn leaves_a_turn_open(&self) -> bool {
        match self {
            Ending::Silent(_)
            | Ending::TooLong(_)
            | Ending::RefusedTooLong
            | Ending::Stuck(_)
            | Ending::Judged(_) => true,
            Ending::TurnEnded
            | Ending::Stopped { .. }
            | Ending::OverLimit(_)
            | Ending::Unanswered(_)
            | Ending::Refused { .. }
            | Ending::Broken(_)
            | Ending::Gone => false,
        }
    }
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
        Ending::Refused { .. } if !is_closed(&ending) => ending,
        _ => Ending::Gone,
    }
}

/// The protocol's own word for "nobody is there", which is no answer of the agent.
fn is_closed(ending: &Ending) -> bool {
    matches!(ending, Ending::Refused { code: -32603, text } if text.contains("closed") || text.contains("connection"))
}

async fn converse(
    stdin: ChildStdin,
    from_agent: mpsc::UnboundedReceiver<String>,
    topic: Topic,
    line: Line,
) -> Ending {
    let outgoing = sink::unfold(stdin, |mut stdin, line: String| async move {
        stdin.write_all(line.as_bytes()).await?;
        stdin.write_all(b"\n").await?;
        stdin.flush().await?;
        Ok::<_, std::io::Error>(stdin)
    });
    let incoming = stream::unfold(from_agent, |mut lines| async move {
        let line = lines.recv().await?;
        Some((Ok::<_, std::io::Error>(line), lines))
    });
    let (permissions, forms) = (line.remarks.clone(), line.remarks.clone());
    let talked = Client
        .v1()
        .name("loopwright")
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _cx| {
                // When nobody listens, the run is over.
                let _ = permissions.send(Remark::Permission(request, responder));
                Ok(())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: CreateElicitationRequest, responder, _cx| {
                let _ = forms.send(Remark::Form(request, responder));
                Ok(())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(
            AcpLines::new(Box::pin(outgoing), Box::pin(incoming)),
            async |cx: ConnectionTo<Agent>| Ok::<_, Error>(talk::talk(cx, topic, line).await),
        )
        .await;
    talked.unwrap_or_else(|error| Ending::Broken(format!("the conversation broke off: {}", error.message)))
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
