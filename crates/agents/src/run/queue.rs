//! Before a run begins: its place among the account's runs, and its turn to start. No clock goes meanwhile, and it can
//! be cancelled.

use super::minute;
use crate::leases::{Lease, Turnstile};
use crate::profile::Profile;
use crate::{Control, Event, Job, Setup};
use futures_util::FutureExt;
use protocol::fact::AttemptEnd;
use std::collections::VecDeque;
use std::future::Future;
use tokio::sync::mpsc;

pub(super) struct Place {
    pub lease: Lease,
    pub turnstile: Turnstile,
    /// Words that were given meanwhile.
    pub steered: VecDeque<String>,
}

/// Waits for its turn; an end, when it was stopped before.
pub(super) async fn wait(
    setup: &Setup,
    profile: &Profile,
    job: &Job,
    events: &mpsc::Sender<Event>,
    control: &mut mpsc::Receiver<Control>,
) -> Result<Place, AttemptEnd> {
    let mut steered = VecDeque::new();
    let (leases, title) = (&setup.leases, profile.title);
    let why = format!("another run of {title} to end: its account takes one more then");
    let lease = turn(leases.lease(&job.agent), &why, events, control, &mut steered).await?;
    let why = format!("another start of {title}: its account takes one at a time");
    let turnstile = turn(leases.turnstile(&job.agent), &why, events, control, &mut steered).await?;
    let why = "the next minute: its program would write over a session of this one".to_owned();
    turn(minute::over(setup, profile, job, super::now()), &why, events, control, &mut steered).await?;
    Ok(Place { lease, turnstile, steered })
}

async fn turn<T>(
    turn: impl Future<Output = T>,
    why: &str,
    events: &mpsc::Sender<Event>,
    control: &mut mpsc::Receiver<Control>,
    steered: &mut VecDeque<String>,
) -> Result<T, AttemptEnd> {
    let mut turn = std::pin::pin!(turn);
    if let Some(now) = turn.as_mut().now_or_never() {
        return Ok(now);
    }
    // A reader that does not read learns it from the start.
    let _ = events.try_send(Event::Waiting { for_: why.to_owned() });
    loop {
        tokio::select! {
            ours = &mut turn => return Ok(ours),
            Some(order) = control.recv() => match order {
                Control::Cancel => return Err(AttemptEnd::Cancelled),
                Control::HandOver => return Err(AttemptEnd::HandedOver),
                Control::Steer(words) => steered.push_back(words),
                // Nothing was asked yet.
                Control::Answer { .. } => {}
            },
        }
    }
}
