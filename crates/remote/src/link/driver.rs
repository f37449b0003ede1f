//! Does what the machine says, and tells it what happens.

use super::machine::{Input, Machine, Todo};
use super::{Lines, Open, TunnelTo};
use crate::Clock;
use crate::connect::{Local, Session, SignIn, Way, connect};
use crate::control::Control;
use crate::entry::Entry;
use protocol::desk::Link;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep};

#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    Want(bool),
    Nudge,
}

pub(super) async fn drive(
    local: Local,
    to: TunnelTo,
    open: Open,
    mut orders: mpsc::UnboundedReceiver<Order>,
    said: watch::Sender<Link>,
) {
    let mut machine = Machine::new();
    let mut working = work(local.clone(), to.clone(), open.clone(), Todo::Nothing, Link::Off);
    loop {
        let (input, ended) = tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Want(wanted)) => (Input::Want(wanted), false),
                Some(Order::Nudge) => (Input::Nudge, false),
                None => break,
            },
            input = &mut working => (input, true),
        };
        let before = machine.link().clone();
        // A nudge while it is up is a question: does the line still live?
        let input = match before {
            Link::Up { .. } if input == Input::Nudge => match dead(&open).await {
                Some(why) => Input::Gone { why },
                None => Input::Nudge,
            },
            _ => input,
        };
        let todo = machine.take(input, (local.clock)(), chance());
        if todo == Todo::Stop {
            close(&open).await;
        }
        // What is under way goes on when an order changed nothing.
        if ended || before != *machine.link() {
            working = work(local.clone(), to.clone(), open.clone(), todo, machine.link().clone());
        }
        said.send_if_modified(|link| {
            let changed = link != machine.link();
            link.clone_from(machine.link());
            changed
        });
    }
    close(&open).await;
}

type Working = Pin<Box<dyn Future<Output = Input> + Send>>;

/// Works on what is to be done until something is to be told.
fn work(local: Local, to: TunnelTo, open: Open, todo: Todo, link: Link) -> Working {
    Box::pin(async move {
        match (todo, link) {
            (Todo::Connect, _) => open_all(&local, &to, &open).await,
            (Todo::Wait(millis), _) => tokio::select! {
                () = sleep(Duration::from_millis(millis)) => Input::Due,
                () = woke(local.clock) => Input::Nudge,
            },
            (_, Link::Up { .. }) => tokio::select! {
                why = gone(&open) => Input::Gone { why },
                () = woke(local.clock) => Input::Nudge,
            },
            _ => std::future::pending().await,
        }
    })
}

async fn open_all(local: &Local, to: &TunnelTo, open: &Open) -> Input {
    let session = match open.get().session.filter(|session| !session.is_closed()) {
        Some(session) => session,
        None => {
            let with = SignIn::Key(to.key.clone());
            let way = Way { target: &to.target, with, jumps: to.jumps.clone(), ask: None };
            match connect(local, way).await {
                Ok(session) => session,
                Err(error) if error.is_final() => {
                    let host_key = error.changed_key().cloned();
                    return Input::Refused { why: error.to_string(), next: error.next(), host_key };
                }
                Err(error) => return Input::Failed { why: error.to_string() },
            }
        }
    };
    open.set(Lines { session: Some(session.clone()), ..open.get() });
    let greeting = match Entry::new(session.clone()).hello().await {
        Ok(greeting) => greeting,
        Err(error) => {
            if error.lost() {
                session.close().await;
            }
            return Input::Failed { why: error.to_string() };
        }
    };
    open.set(Lines { session: Some(session.clone()), greeting: Some(greeting.clone()), control: None });
    match Control::open(&session, &greeting, to.loopback).await {
        Ok(control) => {
            let (route, why) = (control.route(), control.why().map(str::to_owned));
            open.set(Lines { session: Some(session), greeting: Some(greeting), control: Some(control) });
            Input::Connected { route, why }
        }
        Err(error) => Input::Failed { why: error.to_string() },
    }
}

async fn gone(open: &Open) -> String {
    match open.get().session {
        Some(session) => session.closed().await.why,
        None => "the connection was cut".into(),
    }
}

async fn dead(open: &Open) -> Option<String> {
    let session = open.get().session?;
    if alive(&session).await {
        return None;
    }
    session.close().await;
    Some("the connection did not outlive this computer's sleep or its change of network".into())
}

/// A server that lives answers within this, even when it is busy.
const ANSWER: Duration = Duration::from_secs(5);

async fn alive(session: &Session) -> bool {
    tokio::time::timeout(ANSWER, session.ping()).await.is_ok_and(|answered| answered)
}

async fn close(open: &Open) {
    let session = open.get().session;
    open.set(Lines::default());
    if let Some(session) = session {
        session.close().await;
    }
}

/// How often the two clocks are compared: no system tells a program in one common way that the computer has slept.
const GLANCE: Duration = Duration::from_secs(5);
/// More than a busy computer is late by.
const SLEPT: Duration = Duration::from_secs(15);

/// Returns when the time of day has run ahead of the time that this program lived through, or a glance came far too late.
async fn woke(clock: Clock) {
    let (mut day, mut lived) = (clock(), Instant::now());
    loop {
        sleep(GLANCE).await;
        let (day_now, lived_now) = (clock(), Instant::now());
        if slept(day_now.since(day), lived_now.duration_since(lived)) {
            return;
        }
        (day, lived) = (day_now, lived_now);
    }
}

fn slept(day: u64, lived: Duration) -> bool {
    Duration::from_millis(day) > lived.max(GLANCE) + SLEPT || lived > GLANCE + SLEPT
}

/// Between 0 and 1; the middle where the system has no random numbers.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::At;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[test]
    fn sleep_shows_in_either_clock_and_a_busy_computer_is_not_asleep() {
        let seconds = |s: u64| Duration::from_secs(s);
        assert!(slept(3_600_000, seconds(5)));
        assert!(slept(3_600_000, seconds(3_600)));
        assert!(!slept(5_000, seconds(5)) && !slept(12_000, seconds(12)) && !slept(0, seconds(6)));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_glance_after_a_sleep_sees_it() {
        static GLANCES: AtomicI64 = AtomicI64::new(0);
        fn day() -> At {
            let glance = GLANCES.fetch_add(1, Ordering::SeqCst);
            At(if glance < 3 { glance * 5_000 } else { 3_600_000 })
        }
        woke(day).await;
        assert_eq!(GLANCES.load(Ordering::SeqCst), 4);
    }
}
