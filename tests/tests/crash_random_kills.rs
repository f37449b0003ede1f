//! The daemon is killed at random moments while it works on a queue of requests, and so are the programs that it has at
//! work and the edge: what was accepted is carried out, and the site stays up.

#![expect(clippy::unwrap_used, reason = "test code, its helpers included")]

mod crash;
mod harness;

use crash::{
    Dice, Visitor, ask, doomed, edge_state, launched, live, live_release, marked, runs, thinking, visit,
    workspace,
};
use harness::{BAKERY, House, PATIENCE, QUICK, asking_as};
use protocol::fact::{AttemptEnd, Entry, Outcome};
use protocol::{Fact, Request, RequestId};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use testkit::{Daemon, Workspace};

const KILLS: u64 = 100;
const LONGEST: u64 = 1500;
/// A request is sent before every so many lives.
const PER_REQUEST: u64 = 2;

/// A client that sends each request until it is told that it was accepted.
#[derive(Default)]
struct Client {
    sent: Vec<Request>,
    accepted: BTreeMap<usize, RequestId>,
}

impl Client {
    fn sends(&mut self) {
        let n = self.sent.len();
        self.sent
            .push(asking_as(&format!("kill-{n}"), &format!("Change the opening hours to 7:{n:02}–18:00")));
    }

    /// Whatever was not accepted yet, up to `until`.
    fn asks(&mut self, daemon: &mut Daemon, until: Instant) {
        for (n, request) in self.sent.iter().enumerate() {
            if self.accepted.contains_key(&n) {
                continue;
            }
            let Some((accepted, _)) = ask(daemon, request, until) else { return };
            self.accepted.insert(n, accepted);
        }
    }
}

#[test]
fn a_hundred_kills_lose_no_request_and_no_visit() {
    let mut dice = Dice::new();
    println!("the same again: LOOPWRIGHT_TEST_SEED={}", dice.0);
    let house = live(thinking());
    let first = house.live(BAKERY);
    let visitor = Visitor::of(&house.show(&first).url.unwrap());
    let House { daemon, workspace } = house;
    daemon.kill9().unwrap();
    let mut client = Client::default();
    for life in 0..KILLS {
        if life % PER_REQUEST == 0 {
            client.sends();
        }
        let mut daemon = launched(&workspace);
        let until = Instant::now() + Duration::from_millis(dice.below(LONGEST));
        client.asks(&mut daemon, until);
        std::thread::sleep(until.saturating_duration_since(Instant::now()));
        daemon.kill9().unwrap();
        // Every other time like a power cut: what it had at work dies with it.
        if dice.below(2) == 0 {
            kill_its_programs(&workspace);
        }
    }
    let mut house = live(workspace);
    client.asks(&mut house.daemon, Instant::now() + PATIENCE);
    assert_eq!(client.accepted.len(), client.sent.len());
    let live = all_have_ended(&house, &client);
    let visits = visitor.leaves();
    let entries = house.daemon.entries().unwrap();
    let lost =
        |entry: &&Entry| matches!(&entry.fact, Fact::AttemptFinished(run) if run.end == AttemptEnd::Lost);
    let lost = entries.iter().filter(lost).count();
    println!("{live} of {} requests live, {lost} runs lost, {} visits", client.sent.len(), visits.served);
    assert!(lost > 0, "no kill found an agent at work");
    assert!(visits.failed.is_empty(), "{:?} of {} visits", visits.failed, visits.served);
}

/// Every accepted request is closed, and the machine and the records show it. The number of those that are live.
fn all_have_ended(house: &House, client: &Client) -> usize {
    let mut live = 0;
    for request in client.accepted.values() {
        let closed = crash::closed(house, request);
        let lost = closed.outcome == Outcome::Failed && closed.why.contains("because the daemon went away");
        assert!(closed.outcome == Outcome::Live || lost, "{request}: {}\n{}", closed.why, house.story());
        live += usize::from(closed.outcome == Outcome::Live);
    }
    let entries = house.daemon.entries().unwrap();
    for request in client.accepted.values() {
        runs(&entries, request).keys().for_each(crash::nothing_lives_of);
        let times = |kind| {
            let of = entries.iter().filter(|entry| entry.fact.request() == Some(request));
            of.filter(|entry| entry.fact.kind() == kind).count()
        };
        assert_eq!(
            [times("request.received"), times("deployment.recorded"), times("request.closed")],
            [1, 1, 1]
        );
        assert!(times("attempt.landed") == times("release.live") && times("release.live") < 2);
    }
    let received = entries.iter().filter(|entry| matches!(entry.fact, Fact::RequestReceived(_))).count();
    assert_eq!(received, client.sent.len() + 1, "each client id is one request");
    // The starter, and two commits for each request that is live: its change and its step.
    let commits = house.git(&["log", "--format=%s", "main"]);
    assert_eq!(commits.lines().count(), 1 + 2 * (live + 1), "{commits}");
    assert!(live > 0, "{}", house.story());
    crash::no_worktree_is_left(house);
    crash::repository_is_whole(house);
    house.is_sound();
    live
}

/// The gits, builds and dev servers of this home.
fn kill_its_programs(workspace: &Workspace) {
    for pid in marked(&format!("LOOPWRIGHT_WORK={}", workspace.home().display())) {
        let _ = kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), Signal::KILL);
    }
}

#[test]
fn a_daemon_that_dies_of_every_record_gives_up_in_words() {
    let house = live(workspace(QUICK));
    let first = house.live(BAKERY);
    let url = house.show(&first).url.unwrap();
    let House { daemon, workspace } = house;
    daemon.kill9().unwrap();
    let request = asking_as("doomed", "Change the opening hours to 7:30–18:00");
    for life in 0.. {
        assert!(life < 60, "it goes on for ever");
        let mut daemon = doomed(&workspace, 1);
        let accepted = ask(&mut daemon, &request, Instant::now() + PATIENCE).map(|(accepted, _)| accepted);
        let closed = daemon.wait_for(PATIENCE, |entry| match &entry.fact {
            Fact::RequestClosed(closed) if Some(&closed.request) == accepted.as_ref() => Some(closed.clone()),
            _ => None,
        });
        if let Ok(closed) = closed {
            assert_eq!(closed.outcome, Outcome::Failed);
            assert!(closed.why.contains("4 runs were lost because the daemon went away"), "{}", closed.why);
            break;
        }
        daemon.wait_end(PATIENCE).unwrap();
    }
    visit(&url).unwrap();
}

#[test]
fn an_edge_that_is_killed_comes_back_by_itself_and_the_apps_live_on() {
    let house = live(workspace(QUICK));
    let first = house.live(BAKERY);
    let url = house.show(&first).url.unwrap();
    let (release, app) = live_release(&house.workspace);
    let app = app.unwrap();
    let edge = |house: &House| edge_state(&house.workspace).ok().and_then(|state| state["pid"].as_i64());
    for times in 1..=3 {
        let before = edge(&house).unwrap();
        kill_process(Pid::from_raw(i32::try_from(before).unwrap()).unwrap(), Signal::KILL).unwrap();
        let until = Instant::now() + PATIENCE;
        // Neither its end nor its return can be waited for from outside, so it is visited again.
        while edge(&house).is_none_or(|now| now == before) || visit(&url).is_err() {
            assert!(Instant::now() < until, "the site is away after {times} kills\n{}", house.story());
            std::thread::park_timeout(Duration::from_millis(5));
        }
        assert_eq!(
            live_release(&house.workspace),
            (release.clone(), Some(app)),
            "the app's process lives on"
        );
    }
    // And with work under way, the request is live all the same.
    let request = house.ask("Change the opening hours to 7:30–18:00");
    house.wait(|entry| match &entry.fact {
        Fact::CheckFinished(check) if check.request == request => Some(()),
        _ => None,
    });
    let now = edge(&house).unwrap();
    kill_process(Pid::from_raw(i32::try_from(now).unwrap()).unwrap(), Signal::KILL).unwrap();
    house.ends_live(&request);
    assert!(house.page(&request).contains("7:30"), "{}", house.page(&request));
    let quiet = { house }.daemon.quit().unwrap();
    assert!(quiet.success());
}
