//! A desktop whose line is cut: the crate `remote` as the desktop app uses it.

use super::line::Line;
use crate::setup::desk::{now, somebody};
use protocol::desk::{Link, Target};
use protocol::setup::{SetupEntry, SetupEvent};
use remote::{
    Begin, Begun, Contact, Entry, Local, OurKey, Program, Session, SignIn, Stage, Tunnel, TunnelTo, Way,
};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub fn root_at(host: &str, port: u16) -> Target {
    Target { host: host.to_owned(), port, user: "root".to_owned(), jump: None }
}

/// Trusts the first key that is shown.
pub async fn signed_in(local: &Local, target: &Target) -> Session {
    let with = SignIn::Password("rootpw".to_owned().into());
    remote::connect(local, Way { target, with, jumps: Vec::new(), ask: Some(somebody(&[])) }).await.unwrap()
}

/// The first contact over a line that is cut at these bytes of the upload, and then at each further stage. Gives what came of
/// it, and from which byte on each upload went.
pub async fn met(local: &Local, line: &Line, program: Program, cuts: &[i64]) -> (Begun, Vec<u64>) {
    let target = root_at("127.0.0.1", line.port());
    let with = SignIn::Password("rootpw".to_owned().into());
    let mut contact = Contact::look(signed_in(local, &target).await, &with, now).await.unwrap();
    let programs = [program];
    let begin = Begin { local, programs: &programs, name: "a laptop", jumps: Vec::new(), ask: None };
    let stop = CancellationToken::new();
    let mut from = Vec::new();
    let mut bytes = cuts.iter();
    let mut stages = vec![Stage::Reconnecting, Stage::Installing];
    loop {
        let cut_at = match bytes.next() {
            Some(bytes) => {
                line.cut_after(*bytes);
                None
            }
            None => stages.pop(),
        };
        let mut first = true;
        let mut on = |stage: Stage| {
            if let (Stage::Uploading(progress), true) = (&stage, std::mem::take(&mut first)) {
                from.push(progress.done);
            }
            if Some(stage) == cut_at {
                line.cut();
            }
        };
        match contact.begin(&begin, &mut on, &stop).await {
            Ok(begun) if cut_at.is_none_or(|stage| stage == Stage::Reconnecting) => return (begun, from),
            Ok(_) => {}
            Err(error) => assert!(from.len() <= cuts.len() + 3, "{error}"),
        }
        contact.go_on(signed_in(local, &target).await);
    }
}

pub fn tunnel(local: &Local, target: Target, key: &OurKey, session: Option<Session>) -> Tunnel {
    let to = TunnelTo { target, key: key.clone(), jumps: Vec::new(), loopback: None };
    match session {
        Some(session) => Tunnel::on(local.clone(), to, session),
        None => Tunnel::start(local.clone(), to),
    }
}

/// Waits for a session, over which a set-up can be followed when there is no daemon yet.
pub async fn session(tunnel: &Tunnel) -> Session {
    let mut states = tunnel.states();
    loop {
        let lost = matches!(*states.borrow_and_update(), Link::Lost { .. });
        match tunnel.session() {
            Some(session) => return session,
            // Nothing here tests how long it waits by itself.
            None if lost => {
                tokio::time::sleep(Duration::from_millis(300)).await;
                tunnel.nudge();
            }
            None => {}
        }
        states.changed().await.unwrap();
    }
}

/// Follows a run to its end, over as many connections as it takes; none of its records is missed and none comes twice.
pub async fn followed(tunnel: &Tunnel, after: u64, heard: &watch::Sender<Vec<SetupEntry>>) {
    let mut last = after;
    loop {
        let session = session(tunnel).await;
        let Ok(mut run) = Entry::new(session.clone()).follow(last).await else {
            session.closed().await;
            continue;
        };
        while let Some(Ok(entry)) = run.next().await {
            assert_eq!(entry.seq, last + 1);
            last = entry.seq;
            let over = matches!(entry.event, SetupEvent::Finished { .. });
            heard.send_modify(|heard| heard.push(entry));
            if over {
                return;
            }
        }
    }
}
