//! What stands in the way is told by its cause, with the one thing to do, before anything is touched.

use super::world::{World, kind_of};
use protocol::setup::{Choice, ObstacleKind, Work};

type Spoil = fn(&World);

#[test]
fn a_server_that_cannot_be_set_up_is_refused_in_words_and_left_alone() {
    let table: &[(&str, Spoil, ObstacleKind, &str)] = &[
        ("no root", |w| w.root_user.set(false), ObstacleKind::Rights, "run it with sudo"),
        (
            "another system",
            |w| w.write("/etc/os-release", "ID=fedora\nVERSION_ID=43\nPRETTY_NAME=\"Fedora 43\"\n"),
            ObstacleKind::System,
            "Fedora 43 is not a system",
        ),
        (
            "an old Ubuntu",
            |w| w.write("/etc/os-release", "ID=ubuntu\nVERSION_ID=\"20.04\"\n"),
            ObstacleKind::System,
            "Ubuntu 22.04",
        ),
        ("no systemd", |w| w.write("/proc/1/comm", "sh\n"), ObstacleKind::System, "process 1 is sh"),
        (
            "little memory",
            |w| w.write("/proc/meminfo", "MemTotal: 400000 kB\n"),
            ObstacleKind::Memory,
            "390 MB of memory",
        ),
        ("a full disk", |w| w.free.set(1 << 30), ObstacleKind::Disk, "1024 MB are free"),
        (
            "a disk that cannot be written",
            |w| w.read_only.set(true),
            ObstacleKind::ReadOnly,
            "cannot be written",
        ),
        (
            "no network",
            |w| *w.date.borrow_mut() = Err(std::io::ErrorKind::TimedOut.into()),
            ObstacleKind::Network,
            "package source mirror.test",
        ),
        (
            "a clock that is behind",
            |w| *w.date.borrow_mut() = Ok(Some("Wed, 26 Nov 2025 08:26:40 GMT".into())),
            ObstacleKind::Clock,
            "hours behind",
        ),
        (
            "an earlier installation",
            |w| w.write("/opt/loopwright/versions/x/y", ""),
            ObstacleKind::Taken,
            "mv /opt/loopwright /opt/loopwright.old",
        ),
    ];
    for (name, spoil, kind, words) in table {
        let world = World::new();
        spoil(&world);
        let before = world.manifest();
        for work in [Work::Begin, Work::Apply] {
            let (told, says) = kind_of(world.run(&World::order(work), |_| ())).expect(name);
            assert_eq!(told, *kind, "{name}: {says}");
            assert!(says.contains(words), "{name}: {says}");
        }
        let mut after = world.manifest();
        // The folder of the records alone.
        after.remove("/var/lib/loopwright");
        assert_eq!(after, before, "{name}");
    }
}

#[test]
fn good_systems_are_known() {
    for text in
        ["ID=debian\nVERSION_ID=\"13\"", "ID=ubuntu\nVERSION_ID=\"24.04\"", "ID=ubuntu\nVERSION_ID=\"26.04\""]
    {
        let world = World::new();
        world.write("/etc/os-release", text);
        assert_eq!(kind_of(world.run(&World::order(Work::Begin), |_| ())), None, "{text}");
    }
}

#[test]
fn a_taken_port_names_its_holder_and_the_ways_out() {
    let world = World::new();
    world.listens(80, 812, "nginx", Some("nginx.service"));
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    let plan = crate::seen(&world.setup(), &World::order(Work::Apply)).unwrap();
    let (step, obstacle) = plan.blocked().next().unwrap();
    assert_eq!((step.id.as_str(), obstacle.kind), ("units", ObstacleKind::Port));
    assert_eq!(obstacle.cause, "port 80 is held by nginx (pid 812)");
    assert_eq!(obstacle.action, "put Loopwright behind it, or stop it");
    assert_eq!(obstacle.choices, [Choice::BehindProxy, Choice::StopService]);
    let before = world.manifest();
    assert!(kind_of(world.run(&World::order(Work::Apply), |_| ())).is_some());
    assert_eq!(world.manifest(), before);
    // One that is no service cannot be stopped for good.
    let world = World::new();
    world.listens(443, 813, "python3", None);
    let plan = crate::seen(&world.setup(), &World::order(Work::Apply)).unwrap();
    assert_eq!(plan.blocked().next().unwrap().1.choices, [Choice::BehindProxy]);
}

#[test]
fn half_installed_packages_are_finished_only_by_choice() {
    let world = World::new();
    world.write("/fake/packages/half", "half-configured");
    world.run(&World::order(Work::Begin), |_| ()).unwrap();
    let (kind, says) = kind_of(world.run(&World::order(Work::Apply), |_| ())).unwrap();
    assert_eq!(kind, ObstacleKind::PackagesBroken, "{says}");
    assert!(!world.calls.borrow().iter().any(|call| call.contains("--configure")));
    let mut order = World::order(Work::Apply);
    order.wish.choices.push(("packages".into(), Choice::RepairPackages));
    assert_eq!(kind_of(world.run(&order, |_| ())), None);
    assert_eq!(world.read("/fake/packages/half"), "installed");
}

#[test]
fn what_apt_says_is_understood() {
    for (words, kind, tries) in [
        ("E: Failed to fetch http://x  Could not resolve 'x'", ObstacleKind::Network, 3),
        ("E: Could not get lock /var/lib/dpkg/lock-frontend", ObstacleKind::PackageLock, 3),
        ("write error: No space left on device", ObstacleKind::Disk, 1),
        ("E: dpkg was interrupted, you must manually run", ObstacleKind::PackagesBroken, 1),
        ("E: Release file is not valid yet (invalid for another 1d)", ObstacleKind::Clock, 1),
        ("E: Unable to locate package git", ObstacleKind::Other, 1),
    ] {
        let world = World::new();
        world.run(&World::order(Work::Begin), |_| ()).unwrap();
        *world.apt_fails.borrow_mut() = vec![words.to_owned(); tries];
        let (told, says) = kind_of(world.run(&World::order(Work::Apply), |_| ())).expect(words);
        assert_eq!(told, kind, "{says}");
        // What passes by itself is tried again, and goes on.
        if tries == 3 {
            *world.apt_fails.borrow_mut() = vec![words.to_owned(); 2];
        }
        assert_eq!(kind_of(world.run(&World::order(Work::Apply), |_| ())), None, "{words}");
    }
}

#[test]
fn a_key_that_is_none_is_refused() {
    for key in ["", "ssh-rsa AAAA x", "ssh-ed25519 AAAA\"\ncommand=x", "restrict ssh-ed25519 AAAA"] {
        let world = World::new();
        let order = crate::Order { key: Some(key.to_owned()), ..World::order(Work::Begin) };
        assert!(kind_of(world.run(&order, |_| ())).is_some(), "{key}");
    }
}
