//! Cut at every moment, gone on with: the same end.

use super::world::World;
use crate::*;
use protocol::At;
use protocol::setup::{SetupEvent, SetupState, Work};
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    /// The moment at which this thread's run ends; each moment counts down.
    static LEFT: Cell<u64> = const { Cell::new(u64::MAX) };
}

fn cut(_: Moment<'_>) {
    let left = LEFT.get();
    if left == 0 {
        LEFT.set(u64::MAX);
        std::panic::resume_unwind(Box::new("cut"));
    }
    LEFT.set(left.saturating_sub(1));
}

/// Whether it came to its end.
fn until(moment: u64, work: impl FnOnce()) -> bool {
    LEFT.set(moment);
    let ended = catch_unwind(AssertUnwindSafe(work)).is_ok();
    LEFT.set(u64::MAX);
    ended
}

fn install(world: &World, hook: Hook) {
    for work in [Work::Begin, Work::Apply] {
        let done = world.run(&World::order(work), hook).unwrap();
        assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    }
}

fn remove(world: &World, hook: Hook) {
    let order = Order { keep_data: true, ..World::order(Work::Remove) };
    let done = world.run(&order, hook).unwrap();
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
}

#[test]
fn cut_at_every_moment_a_set_up_comes_to_the_same_end_and_is_removed_without_a_trace() {
    let whole = World::new();
    let bare = whole.manifest();
    install(&whole, |_| ());
    let good = whole.manifest();
    let mut moment = 0;
    loop {
        let world = World::new();
        let ended = until(moment, || install(&world, cut));
        if ended {
            break;
        }
        if moment % 7 == 3 {
            // Cut once more, while it goes on.
            until(moment / 2, || install(&world, cut));
        }
        install(&world, |_| ());
        assert_eq!(world.manifest(), good, "cut at {moment}");
        let again = seen(&world.setup(), &World::order(Work::Apply)).unwrap();
        assert_eq!(again.changes(), 0, "cut at {moment}");
        world.run(&Order { export: Some("/exports".into()), ..World::order(Work::Remove) }, |_| ()).unwrap();
        let mut left = world.manifest();
        left.retain(|name, _| !name.starts_with("/exports"));
        assert_eq!(left, bare, "cut at {moment}");
        moment += 1;
    }
    assert!(moment > 100, "only {moment} moments");
}

#[test]
fn cut_at_every_moment_a_removal_comes_to_the_same_end() {
    let whole = World::new();
    install(&whole, |_| ());
    remove(&whole, |_| ());
    let good = whole.manifest();
    let mut moment = 0;
    loop {
        let world = World::new();
        install(&world, |_| ());
        if until(moment, || remove(&world, cut)) {
            break;
        }
        remove(&world, |_| ());
        assert_eq!(world.manifest(), good, "cut at {moment}");
        moment += 1;
    }
    assert!(moment > 20, "only {moment} moments");
}

#[test]
fn a_start_of_the_machine_goes_on_with_a_cut_run() {
    let world = World::new();
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    assert!(!until(30, || drop(world.run(&World::order(Work::Apply), cut))));
    let resume = "/etc/systemd/system/multi-user.target.wants/loopwright-setup-resume.service";
    assert!(std::fs::symlink_metadata(world.at(resume)).is_ok());
    let state = SetupState::of(&read(&world.root()).unwrap(), false);
    assert!(matches!(state, SetupState::Unfinished { work: Work::Apply, .. }), "{state:?}");
    let setup = world.setup();
    let mut journal = Journal::open(&setup.root, |_| ()).unwrap();
    let done = go_on(&setup, &mut journal, &mut |_| ()).unwrap();
    assert!(matches!(done, Outcome::Done { changes } if changes > 0), "{done:?}");
    assert!(std::fs::symlink_metadata(world.at(resume)).is_err());
    assert_eq!(go_on(&setup, &mut journal, &mut |_| ()).unwrap(), Outcome::Done { changes: 0 });
}

#[test]
fn a_journal_that_is_torn_anywhere_is_read_up_to_its_last_whole_record() {
    let world = World::new();
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    let file = world.at(paths::SETUP).join("journal.jsonl");
    let text = std::fs::read(&file).unwrap();
    let from = text.len() - 1200;
    for length in from..=text.len() {
        std::fs::write(&file, &text[..length]).unwrap();
        let whole = text[..length].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(read(&world.root()).unwrap().len(), whole);
        let mut journal = Journal::open(&world.root(), |_| ()).unwrap();
        assert_eq!(journal.last(), whole as u64);
        let event = SetupEvent::Doing { step: "x".into(), words: "y".into(), done: None, of: None };
        journal.append(At(1), event).unwrap();
        assert_eq!(read(&world.root()).unwrap().len(), whole + 1);
    }
    std::fs::write(&file, "{\"seq\":1,\"at\":1,\"event\":\"from_tomorrow\"}\n").unwrap();
    assert!(matches!(Journal::open(&world.root(), |_| ()), Err(JournalError::Line { line: 1, .. })));
}

#[test]
fn the_lock_names_its_holder_and_one_of_a_dead_process_is_taken_over() {
    let world = World::new();
    let owner = Owner::this("sets this server up");
    let lock = Lock::take(&world.root(), &owner).unwrap();
    let says = Lock::take(&world.root(), &owner).unwrap_err().to_string();
    assert!(says.contains(&format!("process {} sets this server up", std::process::id())), "{says}");
    assert_eq!(Lock::holder(&world.root()), Some(owner.clone()));
    drop(lock);
    assert_eq!(Lock::holder(&world.root()), None);
    // Another start of the machine gave our number to somebody else.
    let stale = Owner { boot: "before".into(), ..owner.clone() };
    std::fs::write(world.at(paths::SETUP).join("lock"), serde_json::to_vec(&stale).unwrap()).unwrap();
    assert_eq!(Lock::holder(&world.root()), None);
    Lock::take(&world.root(), &owner).unwrap();
}

#[test]
fn who_follows_is_told_of_each_record() {
    let world = World::new();
    let mut journal = Journal::open(&world.root(), |_| ()).unwrap();
    let mut follow = Follow::new(&world.root()).unwrap();
    assert!(follow.fresh().unwrap().is_empty());
    let event =
        |words: &str| SetupEvent::Doing { step: "x".into(), words: words.into(), done: None, of: None };
    for number in 1..=3 {
        journal.append(At(number), event("working")).unwrap();
        assert!(follow.wait());
        // One write may wake us more than once.
        let mut came = follow.fresh().unwrap();
        while came.is_empty() {
            assert!(follow.wait());
            came = follow.fresh().unwrap();
        }
        assert_eq!(came.len(), 1);
    }
    std::fs::remove_dir_all(world.at(paths::SETUP)).unwrap();
    while follow.wait() {}
}
