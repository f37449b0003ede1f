//! The state of a run's loop that is no stream: what was ordered, what is open, and which clocks go.

use super::aside::Told;
use super::asks::{self, Asks, is_question};
use super::ending::Ending;
use super::refusals::Refusals;
use super::talk::Remark;
use super::transcript::Transcript;
use crate::leases::Turnstile;
use crate::{Control, Event, Job, Permissions, RunLimits};
use protocol::fact::ModelUsage;
use protocol::view::LineKind;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;

/// Lines of the error output that are kept for the reason of a failure.
const LAST_WORDS: usize = 12;
/// After `session/cancel`, before the tree is killed.
pub(super) const CANCEL_GRACE: Duration = Duration::from_millis(1200);

/// What stays of a run when its loop is over.
#[derive(Default)]
pub(super) struct Seen {
    pub refusals: Refusals,
    /// Calls of the model, as told beside the protocol.
    pub calls: Vec<ModelUsage>,
    pub stderr: VecDeque<String>,
    pub session: Option<String>,
    /// The session is one of an earlier run.
    pub resumed: bool,
    pub handed_over: bool,
}

pub(super) struct Desk<'a> {
    pub job: &'a Job,
    pub transcript: &'a mut Transcript,
    pub seen: &'a mut Seen,
    /// Gone once the agent's output ended.
    pub to_protocol: Option<mpsc::UnboundedSender<String>>,
    pub cancel: Arc<Notify>,
    /// Gone once nobody can order any more.
    pub control: Option<mpsc::Receiver<Control>>,
    pub steered: VecDeque<String>,
    pub asks: Asks,
    pub clocks: Clocks,
    /// When a cancelled run is ended by force.
    pub stop_at: Option<Instant>,
    /// Whether somebody reads our events.
    pub listening: bool,
    /// Held until the session is open.
    pub turnstile: Option<Turnstile>,
    /// Decided by something that was heard.
    pub over: Option<Ending>,
}

impl Desk<'_> {
    pub fn order(&mut self, order: Option<Control>) {
        match order {
            Some(Control::Cancel) => self.stop("cancel was sent"),
            Some(Control::HandOver) => {
                self.seen.handed_over |= self.stop_at.is_none();
                self.stop("it is stopped, so that another agent goes on");
            }
            Some(Control::Steer(words)) => self.steer(words),
            Some(Control::Answer { ask, option, text }) => {
                let events = self.asks.answer(&ask, option, text);
                self.tell(events);
            }
            None => {
                self.control = None;
                self.nobody_answers();
            }
        }
        self.clocks.pause(self.asks.is_open());
    }

    pub fn remark(&mut self, remark: Remark) {
        match remark {
            Remark::Say(text) => self.transcript.say(LineKind::Daemon, &text),
            Remark::Replaying => self.transcript.replaying = true,
            Remark::Resumed => self.seen.resumed = true,
            Remark::Opened(session) => {
                self.transcript.replaying = false;
                self.seen.session = Some(session);
                self.turnstile = None;
            }
            Remark::Prompted => self.transcript.prompted(),
            Remark::TurnOver(next) => {
                self.transcript.flush();
                if self.to_protocol.is_none() || self.stop_at.is_some() {
                    // Nobody is there to hear more, or it was stopped.
                    let _ = next.send(None);
                } else if let Some(words) = self.steered.pop_front() {
                    // A conversation that is gone needs no words.
                    let _ = next.send(Some(words));
                } else if self.asks_in_words() {
                    let question = self.transcript.last_words.clone();
                    let event = self.asks.words(&question, next);
                    self.tell(vec![event]);
                } else {
                    let _ = next.send(None);
                }
            }
            Remark::Permission(request, responder) => match self.job.permissions {
                Permissions::Allow => asks::allowed(&request, responder),
                Permissions::Ask => {
                    let event = self.asks.permission(&request, responder);
                    self.tell(vec![event]);
                }
            },
            Remark::Form(request, responder) => {
                if let Some(event) = self.asks.form(&request, responder) {
                    self.tell(vec![event]);
                }
            }
        }
        if self.control.is_none() {
            self.nobody_answers();
        }
        self.clocks.pause(self.asks.is_open());
    }

    pub fn heard(&mut self, line: String) {
        if self.transcript.heard(&line)
            && let Some(protocol) = &self.to_protocol
        {
            // A conversation that is over needs no answers.
            let _ = protocol.send(line);
        }
        if let Some(what) = self.transcript.tools.stuck(self.job.limits.repeats) {
            self.over = Some(Ending::Stuck(what));
        }
    }

    pub fn told(&mut self, told: Told) {
        if let Some(end) = self.seen.told(told, super::now()) {
            self.over = Some(Ending::Judged(end));
        }
    }

    pub fn complained(&mut self, line: &str) {
        if line.trim().is_empty() {
            return;
        }
        self.transcript.noise(LineKind::Stderr, line);
        if self.seen.stderr.len() == LAST_WORDS {
            self.seen.stderr.pop_front();
        }
        self.seen.stderr.push_back(protocol::clean::line(line, 400));
    }

    /// A turn in which nothing was done and that ends as a question does.
    fn asks_in_words(&self) -> bool {
        self.stop_at.is_none()
            && self.transcript.tools.used_in_turn == 0
            && is_question(&self.transcript.last_words)
            && super::failure::in_words(self.transcript, &self.seen.stderr, super::now()).is_none()
    }

    fn stop(&mut self, words: &str) {
        if self.stop_at.is_some() {
            return;
        }
        self.stop_at = Some(Instant::now() + CANCEL_GRACE);
        self.cancel.notify_one();
        self.transcript.say(LineKind::Daemon, words);
        let events = self.asks.drop_all();
        self.tell(events);
    }

    fn steer(&mut self, words: String) {
        // A question that waits for words is answered by them.
        if let Some(ask) = self.asks.waits_for_words() {
            let events = self.asks.answer(&ask, None, Some(words));
            return self.tell(events);
        }
        self.transcript.say(LineKind::Daemon, "your words wait for the end of this turn");
        self.steered.push_back(words);
    }

    fn nobody_answers(&mut self) {
        if self.asks.is_open() && self.stop_at.is_none() {
            self.over = Some(Ending::Unanswered(self.asks.question.clone()));
            let events = self.asks.drop_all();
            self.tell(events);
        }
    }

    fn tell(&mut self, events: Vec<Event>) {
        self.transcript.flush();
        for event in events {
            self.transcript.push(event);
        }
    }
}

impl Seen {
    pub fn told(&mut self, told: Told, now: protocol::At) -> Option<protocol::fact::AttemptEnd> {
        let end = self.refusals.heard(&told, now);
        if let Told::Answered(call) = told {
            self.calls.push(call);
        }
        end
    }
}

/// How long it may go on, and how long it may be silent. Both stand still while it waits for a person.
pub(super) struct Clocks {
    limits: RunLimits,
    begun: Instant,
    heard: Instant,
    paused: Option<Instant>,
}

impl Clocks {
    pub fn new(limits: RunLimits) -> Clocks {
        let now = Instant::now();
        Clocks { limits, begun: now, heard: now, paused: None }
    }

    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// When it has been silent for too long.
    pub fn idle(&self) -> Option<Instant> {
        self.paused.is_none().then(|| self.heard + self.limits.idle)
    }

    /// When it has gone on for too long.
    pub fn wall(&self) -> Option<Instant> {
        self.paused.is_none().then(|| self.begun + self.limits.wall)
    }

    fn pause(&mut self, pause: bool) {
        match (self.paused, pause) {
            (None, true) => self.paused = Some(Instant::now()),
            (Some(since), false) => {
                self.begun += since.elapsed();
                self.heard();
                self.paused = None;
            }
            _ => {}
        }
    }
}
