//! The loop of a run: what comes from the agent, from the user and from the clocks, in one place. The reader of our
//! events may be slow: then the agent's output waits in its pipe, and the clocks go on.

use super::talk::{self, Line, Remark, Topic};
use super::transcript::Transcript;
use super::wire::{Lines, TooLong};
use crate::profile::Profile;
use crate::supervise::Tree;
use crate::{Control, Event, Job, RunLimits};
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::RequestPermissionRequest;
use agent_client_protocol::{Agent, Client, Error, Lines as AcpLines};
use futures_util::{sink, stream};
use protocol::view::LineKind;
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
const MAX_MESSAGE: usize = 16 << 20;
const MAX_STDERR_LINE: usize = 4 << 10;
/// Lines of the error output that are kept for the reason of a failure.
const LAST_WORDS: usize = 12;
/// After `session/cancel`, before the tree is killed.
const CANCEL_GRACE: Duration = Duration::from_millis(1200);
/// After the end of its output, for answers that are already under way.
const LAST_ANSWER: Duration = Duration::from_millis(500);
/// Events that may wait for their reader before the agent is held back.
const QUEUE: usize = 256;

/// How the conversation ended.
#[derive(Debug)]
pub(super) enum Ending {
    TurnEnded,
    Cancelled,
    Silent(Duration),
    TooLong(Duration),
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

pub(super) struct Driven {
    pub ending: Ending,
    pub stderr: VecDeque<String>,
}

pub(super) async fn drive(
    tree: &mut Tree,
    profile: &Profile,
    job: &Job,
    transcript: &mut Transcript,
    events: &mpsc::Sender<Event>,
    control: mpsc::Receiver<Control>,
) -> Driven {
    let (Some(stdin), Some(stdout), Some(stderr)) =
        (tree.child.stdin.take(), tree.child.stdout.take(), tree.child.stderr.take())
    else {
        return Driven { ending: Ending::Broken("it has no pipes".into()), stderr: VecDeque::new() };
    };
    let mut pipes = Pipes {
        output: Lines::new(BufReader::new(stdout), MAX_MESSAGE, TooLong::Fail),
        errors: Lines::new(BufReader::new(stderr), MAX_STDERR_LINE, TooLong::Cut),
        errors_open: true,
    };
    let (to_protocol, from_agent) = mpsc::unbounded_channel();
    let (steer, steering) = mpsc::unbounded_channel();
    let (remarks, mut remarked) = mpsc::unbounded_channel();
    let cancel = Arc::new(Notify::new());
    let topic = Topic { worktree: job.worktree.clone(), mode: profile.mode, brief: job.brief.clone() };
    let line = Line { steering, cancel: cancel.clone(), remarks };
    let mut conversation = Box::pin(converse(stdin, from_agent, topic, line));
    let mut desk = Desk {
        transcript,
        to_protocol: Some(to_protocol),
        steer,
        cancel,
        control: Some(control),
        stderr: VecDeque::new(),
        stop_at: None,
        listening: true,
    };
    let ending =
        listen(&mut desk, &mut pipes, conversation.as_mut(), &mut remarked, events, job.limits).await;
    drop(conversation);
    while let Ok(remark) = remarked.try_recv() {
        desk.remark(remark);
    }
    let ending = if desk.stop_at.is_some() { Ending::Cancelled } else { ending };
    if matches!(ending, Ending::Gone | Ending::Broken(_)) {
        desk.last_words(&mut pipes).await;
    }
    Driven { ending, stderr: desk.stderr }
}

/// Takes what comes from all sides, until the run ends in whatever way.
async fn listen(
    desk: &mut Desk<'_>,
    pipes: &mut Pipes,
    mut conversation: Pin<&mut impl Future<Output = Ending>>,
    remarked: &mut mpsc::UnboundedReceiver<Remark>,
    events: &mpsc::Sender<Event>,
    limits: RunLimits,
) -> Ending {
    let begun = Instant::now();
    let mut heard = begun;
    loop {
        let room = desk.transcript.waiting() < QUEUE;
        tokio::select! { biased;
            order = next_order(&mut desk.control) => desk.order(order),
            () = sleep_until(begun + limits.wall) => break Ending::TooLong(limits.wall),
            () = until(desk.stop_at) => break Ending::Cancelled,
            () = sleep_until(heard + limits.idle), if room => break Ending::Silent(limits.idle),
            sent = events.reserve(), if desk.listening && desk.transcript.waiting() > 0 => match sent {
                Ok(place) => if let Some(event) = desk.transcript.pop() { place.send(event) },
                Err(_) => desk.listening = false,
            },
            Some(remark) = remarked.recv() => desk.remark(remark),
            ending = &mut conversation => break ending,
            line = pipes.output.next(), if room => match line {
                Some(Ok(line)) => { heard = Instant::now(); desk.heard(line); }
                Some(Err(reason)) => break Ending::Broken(reason),
                None => break last_answer(desk, conversation.as_mut()).await,
            },
            line = pipes.errors.next(), if room && pipes.errors_open => match line {
                Some(Ok(line)) => desk.complained(&line),
                _ => pipes.errors_open = false,
            },
        }
        if !room {
            // While its output waited for our reader, its silence was not its own.
            heard = Instant::now();
        }
        if !desk.listening {
            desk.transcript.take_queue();
        }
    }
}

/// What the agent writes.
struct Pipes {
    output: Lines<BufReader<ChildStdout>>,
    errors: Lines<BufReader<ChildStderr>>,
    errors_open: bool,
}

/// The state of the loop that is not a stream.
struct Desk<'a> {
    transcript: &'a mut Transcript,
    /// Gone once the agent's output ended.
    to_protocol: Option<mpsc::UnboundedSender<String>>,
    steer: mpsc::UnboundedSender<String>,
    cancel: Arc<Notify>,
    /// Gone once nobody can order any more.
    control: Option<mpsc::Receiver<Control>>,
    stderr: VecDeque<String>,
    /// When a cancelled run is ended by force.
    stop_at: Option<Instant>,
    /// Whether somebody reads our events.
    listening: bool,
}

impl Desk<'_> {
    fn order(&mut self, order: Option<Control>) {
        match order {
            Some(Control::Cancel) if self.stop_at.is_none() => {
                self.stop_at = Some(Instant::now() + CANCEL_GRACE);
                self.cancel.notify_one();
                self.transcript.say(LineKind::Daemon, "cancel was sent");
            }
            Some(Control::Cancel) => {}
            Some(Control::Steer(words)) => {
                self.transcript.say(LineKind::Daemon, "your words wait for the end of this turn");
                // Too late is told by the run's end.
                let _ = self.steer.send(words);
            }
            None => self.control = None,
        }
    }

    fn remark(&mut self, remark: Remark) {
        match remark {
            Remark::Say(text) => self.transcript.say(LineKind::Daemon, &text),
            Remark::Prompted => self.transcript.prompts += 1,
        }
    }

    fn heard(&mut self, line: String) {
        if self.transcript.heard(&line)
            && let Some(protocol) = &self.to_protocol
        {
            // A conversation that is over needs no answers.
            let _ = protocol.send(line);
        }
    }

    fn complained(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.transcript.noise(LineKind::Stderr, line);
        if self.stderr.len() == LAST_WORDS {
            self.stderr.pop_front();
        }
        self.stderr.push_back(protocol::clean::line(line, 400));
    }

    /// What it wrote to its error output just before it went away.
    async fn last_words(&mut self, pipes: &mut Pipes) {
        let deadline = Instant::now() + LAST_ANSWER;
        while pipes.errors_open
            && let Ok(Some(Ok(line))) = tokio::time::timeout_at(deadline, pipes.errors.next()).await
        {
            self.complained(&line);
        }
    }
}

/// Its output ended. An answer that came just before still counts.
async fn last_answer(desk: &mut Desk<'_>, conversation: impl Future<Output = Ending>) -> Ending {
    desk.to_protocol = None;
    match tokio::time::timeout(LAST_ANSWER, conversation).await {
        Ok(ending @ (Ending::TurnEnded | Ending::Cancelled)) => ending,
        Ok(ending @ Ending::Refused { .. }) if !is_closed(&ending) => ending,
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
    let talked = Client
        .v1()
        .name("loopwright")
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _cx| {
                responder.respond(talk::allow(&request))
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
