mod crashes;
mod obstacles;
mod world;

use crate::*;
use protocol::setup::{Change, Choice, SetupEvent, SetupState, StepPlan, Wish, Work};
use world::{KEY, World};

#[test]
fn a_plan_tells_all_and_touches_nothing() {
    let world = World::new();
    let before = world.manifest();
    let plan = seen(&world.setup(), &World::order(Work::Apply)).unwrap();
    assert_eq!(world.manifest(), before);
    assert!(!world.at(paths::SETUP).exists());
    let ids: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(ids.first().zip(ids.last()), Some((&"system", &"exposure")));
    let all: Vec<&Change> = plan.steps.iter().flat_map(|step| step.changes()).collect();
    assert!(all.contains(&&Change::User { name: "loopwright-agent".into() }), "{all:?}");
    assert!(all.contains(&&Change::Package { name: "git".into() }));
    assert!(all.contains(&&Change::Unit { name: "loopwright.service".into() }));
    assert_eq!(plan.blocked().count(), 0);
}

#[test]
fn a_bare_server_is_set_up_and_again_is_nothing_to_do() {
    let world = World::new();
    world.installed();
    let plan = seen(&world.setup(), &World::order(Work::Apply)).unwrap();
    assert_eq!(plan.changes(), 0, "{plan:#?}");
    let before = world.manifest();
    assert_eq!(world.run(&World::order(Work::Apply), |_| ()).unwrap(), Outcome::Done { changes: 0 });
    assert_eq!(world.run(&World::order(Work::Begin), |_| ()).unwrap(), Outcome::Done { changes: 0 });
    assert_eq!(world.manifest(), before);
    let keys = world.read("/var/lib/loopwright/desk/.ssh/authorized_keys");
    let entry =
        format!("restrict,port-forwarding,command=\"/opt/loopwright/current/loopwrightd ssh-entry\" {KEY}\n");
    assert_eq!(keys, entry);
    assert!(!world.at("/etc/systemd/system/loopwright-setup-resume.service").exists());
    let state = SetupState::of(&read(&world.root()).unwrap(), false);
    assert!(matches!(state, SetupState::Done { .. }), "{state:?}");
}

#[test]
fn a_second_desktop_gets_a_key_beside_the_first() {
    let world = World::new();
    world.installed();
    let other = KEY.replace("AAAAI", "AAAAJ").replace(" desk", " \"evil\"\u{7f} other");
    let order = Order { key: Some(other), ..World::order(Work::Begin) };
    assert_eq!(world.run(&order, |_| ()).unwrap(), Outcome::Done { changes: 1 });
    let keys = world.read("/var/lib/loopwright/desk/.ssh/authorized_keys");
    assert_eq!(keys.lines().count(), 2);
    assert!(keys.lines().all(|line| line.matches('"').count() == 2), "{keys}");
}

#[test]
fn another_plan_than_the_one_seen_is_not_carried_out() {
    let world = World::new();
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    let setup = world.setup();
    let order = World::order(Work::Apply);
    let seen_plan = seen(&setup, &order).unwrap();
    let mut journal = Journal::open(&setup.root, |_| ()).unwrap();
    let wider = Order { wish: Wish { firewall: true, ..order.wish.clone() }, ..order.clone() };
    let begun = begin_run(&setup, &mut journal, &wider, Some(&seen_plan.hash)).unwrap();
    assert!(matches!(begun, Begun::Differs(_)));
    // What was made in the meantime is no difference.
    world.write("/fake/packages/git", "installed");
    world.write("/fake/packages/bubblewrap", "installed");
    let begun = begin_run(&setup, &mut journal, &order, Some(&seen_plan.hash)).unwrap();
    assert!(matches!(begun, Begun::Started { .. }));
}

#[test]
fn repair_makes_what_drifted_as_it_was() {
    let world = World::new();
    world.installed();
    let good = world.manifest();
    world.write("/etc/systemd/system/loopwright.service", "broken");
    world.unit("loopwright-edge.socket", false);
    std::fs::remove_file(world.at("/usr/local/bin/loopwrightd")).unwrap();
    let done = world.run(&World::order(Work::Repair), |_| ()).unwrap();
    assert_eq!(done, Outcome::Done { changes: 3 });
    assert_eq!(world.manifest(), good);
    // What was repaired is still ours, and goes.
    world.run(&Order { keep_data: true, ..World::order(Work::Remove) }, |_| ()).unwrap();
    assert!(!world.at("/etc/systemd/system/loopwright.service").exists());
}

#[test]
fn removing_leaves_the_server_as_it_was() {
    let world = World::new();
    let before = world.manifest();
    world.installed();
    let order = Order { export: Some("/exports".into()), ..World::order(Work::Remove) };
    let would = removal(&world.setup(), &read(&world.root()).unwrap(), &order).unwrap();
    assert!(would.removes.contains(&Change::Package { name: "libgit".into() }), "{would:?}");
    assert_eq!(would.keeps, []);
    let done = world.run(&order, |_| ()).unwrap();
    assert!(matches!(done, Outcome::Done { .. }), "{done:?}");
    let mut after = world.manifest();
    let exports = after.keys().filter(|name| name.ends_with(".tar.gz")).count();
    assert_eq!(exports, 1, "{after:#?}");
    after.retain(|name, _| !name.starts_with("/exports"));
    assert_eq!(after, before);
    assert!(!world.at(paths::STATE).exists());
}

#[test]
fn what_changed_since_is_kept_and_told() {
    let world = World::new();
    world.installed();
    world.write("/etc/sudoers.d/loopwright", "mine");
    world.write("/etc/systemd/system/loopwright.service", "mine, too");
    world.write("/opt/loopwright/notes.txt", "my notes");
    world.write("/fake/packages/needs-git", "installed");
    let order = Order { keep_data: true, ..World::order(Work::Remove) };
    let would = removal(&world.setup(), &read(&world.root()).unwrap(), &order).unwrap();
    let mut told: Vec<String> =
        would.keeps.iter().map(|left| format!("{:?}: {}", left.what, left.why)).collect();
    told.sort();
    let told = told.join("\n");
    for words in [
        "sudoers.d/loopwright",
        "loopwright.service",
        "other things are in it: notes.txt",
        "\"git\" }: needs-git needs it",
        "you asked to keep it",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    world.run(&order, |_| ()).unwrap();
    assert_eq!(world.read("/etc/sudoers.d/loopwright"), "mine");
    assert_eq!(world.read("/opt/loopwright/notes.txt"), "my notes");
    assert_eq!(world.read("/var/lib/loopwright/workspace/journal.db"), "facts");
    assert!(world.at("/fake/packages/git").exists() && !world.at("/fake/packages/bubblewrap").exists());
    assert!(!world.at(paths::SETUP).exists() && !world.at(paths::VERSIONS).exists());
}

#[test]
fn a_replaced_file_gets_its_original_back() {
    let world = World::new();
    world.write("/etc/sudoers.d/loopwright", "from before");
    let before = world.manifest();
    world.installed();
    assert!(world.read("/etc/sudoers.d/loopwright").contains("NOPASSWD"));
    let order = Order { export: Some("/exports".into()), ..World::order(Work::Remove) };
    world.run(&order, |_| ()).unwrap();
    let mut after = world.manifest();
    after.retain(|name, _| !name.starts_with("/exports"));
    assert_eq!(after.get("/etc/sudoers.d/loopwright"), Some(&"644 Some((0, 0)) from before".to_owned()));
    let names = |all: &std::collections::BTreeMap<String, String>| all.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
}

fn upgrade(world: &World, version: &str) -> Order {
    let path = format!("/var/lib/loopwright/desk/incoming/{version}");
    world.write(&path, &format!("program {version}"));
    let path = world.at(&path);
    let sha256 = crate::saved::hash_of(&path).unwrap();
    let fresh = Fresh { path, version: version.to_owned(), sha256 };
    Order { fresh: Some(fresh), ..World::order(Work::Upgrade) }
}

#[test]
fn an_upgrade_switches_and_a_sick_one_goes_back() {
    let world = World::new();
    let before = world.manifest();
    world.installed();
    let first = std::fs::read_link(world.at(paths::CURRENT)).unwrap();
    *world.sick.borrow_mut() = Some("0.2.0".into());
    let done = world.run(&upgrade(&world, "0.2.0"), |_| ()).unwrap();
    let Outcome::Failed(obstacle) = done else { panic!("{done:?}") };
    assert!(obstacle.cause.contains("0.2.0 did not pass its health check"), "{}", obstacle.cause);
    assert!(obstacle.cause.contains("version 0.1.0 runs again"), "{}", obstacle.cause);
    assert_eq!(std::fs::read_link(world.at(paths::CURRENT)).unwrap(), first);
    let done = world.run(&upgrade(&world, "0.3.0"), |_| ()).unwrap();
    assert!(matches!(done, Outcome::Done { changes: 3 }), "{done:?}");
    assert_eq!(world.read("/usr/local/bin/loopwrightd").as_str(), "");
    let now = std::fs::read_link(world.at(paths::CURRENT)).unwrap();
    assert_eq!(world.read(&format!("{}/loopwrightd", now.display())), "program 0.3.0");
    let old = world.run(&upgrade(&world, "0.2.9"), |_| ());
    assert!(matches!(old, Err(Stop::Blocked(_))), "{old:?}");
    let order = Order { export: Some("/exports".into()), ..World::order(Work::Remove) };
    world.run(&order, |_| ()).unwrap();
    let mut after = world.manifest();
    after.retain(|name, _| !name.starts_with("/exports"));
    assert_eq!(after, before);
}

#[test]
fn behind_another_web_server_one_loopback_port_is_enough() {
    let world = World::new();
    world.listens(80, 812, "nginx", Some("nginx.service"));
    let mut order = World::order(Work::Apply);
    order.wish.choices.push(("units".into(), Choice::BehindProxy));
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    world.run(&order, |_| ()).unwrap();
    let socket = world.read("/etc/systemd/system/loopwright-edge.socket");
    assert!(socket.contains("ListenStream=127.0.0.1:8480") && !socket.contains("=80"), "{socket}");
    let told = read(&world.root()).unwrap().into_iter().any(|entry| {
        matches!(entry.event, SetupEvent::Doing { words, .. } if words.contains("proxy_pass http://127.0.0.1:8480;"))
    });
    assert!(told);
}

#[test]
fn a_service_that_was_stopped_runs_again_after_the_removal() {
    let world = World::new();
    world.unit("nginx.service", true);
    world.listens(80, 812, "nginx", Some("nginx.service"));
    let mut order = World::order(Work::Apply);
    order.wish.choices.push(("units".into(), Choice::StopService));
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    world.run(&order, |_| ()).unwrap();
    assert_eq!(world.read("/fake/units/nginx.service"), "disabled inactive");
    world.run(&Order { export: Some("/exports".into()), ..World::order(Work::Remove) }, |_| ()).unwrap();
    assert_eq!(world.read("/fake/units/nginx.service"), "enabled active");
}

#[test]
fn the_packages_lock_is_waited_for_with_its_holders_name() {
    use std::os::unix::fs::MetadataExt;
    let world = World::new();
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    world.write("/var/lib/dpkg/lock-frontend", "");
    let inode = world.at("/var/lib/dpkg/lock-frontend").metadata().unwrap().ino();
    world.write("/proc/locks", &format!("1: POSIX  ADVISORY  WRITE 900 08:01:{inode} 0 EOF\n"));
    world.write("/proc/900/comm", "unattended-upgr\n");
    world.run(&World::order(Work::Apply), |_| ()).unwrap();
    let waited: Vec<String> = read(&world.root())
        .unwrap()
        .into_iter()
        .filter_map(|entry| {
            if let SetupEvent::Waiting { obstacle, .. } = entry.event { Some(obstacle.cause) } else { None }
        })
        .collect();
    assert_eq!(waited, ["the system's own updates run: unattended-upgr (process 900)"]);
}

#[test]
fn what_is_chosen_to_be_left_out_is_left_out() {
    let world = World::new();
    let mut order = World::order(Work::Apply);
    order.wish.choices.push(("swap".into(), Choice::Skip));
    let plan = seen(&world.setup(), &order).unwrap();
    let swap = plan.steps.iter().find(|step| step.id == "swap").unwrap();
    assert!(matches!(swap.state, StepPlan::Skipped { .. }));
    // The program itself is none of that.
    order.wish.choices.push(("binary".into(), Choice::Skip));
    let plan = seen(&world.setup(), &order).unwrap();
    assert!(matches!(plan.steps[1].state, StepPlan::Needed { .. }));
}
