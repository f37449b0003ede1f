//! A server that is odd in every harmless way, and what comes up while it is set up.

use super::rows::assert_told;
use super::{Desk, Met, applied, debian, followed, of, repaired, root, settled, wish};
use crate::setup::ok;
use protocol::setup::{Choice, ObstacleKind, SetupEvent, SetupState};
use remote::{Begun, Entry};
use testkit::server::{Fault, Net, Server};

/// Nothing of this is a reason not to set a server up.
pub const ODD: &str = r#"
apt-get -qq update && apt-get -qq -y install busybox >/dev/null && ln -sf busybox /bin/sh
printf 'LANG=xx_YY.UTF-8\nLC_ALL=tr_TR.UTF-8\n' >>/etc/environment
for h in /root /home/admin; do printf 'umask 077\necho "Welcome back, it is"; date\n' >$h/.profile; { echo 'umask 077; echo noise; echo noise >&2'; cat $h/.bashrc; } >$h/rc; mv $h/rc $h/.bashrc; done
sed -i 's/^UMASK.*/UMASK 077/' /etc/login.defs; printf 'session optional pam_umask.so umask=077\n' >>/etc/pam.d/common-session
printf 'Defaults lecture=always\nDefaults umask=0077\n' >/etc/sudoers.d/99-odd
chown root: /home/admin && chmod 755 /home/admin
mount -t tmpfs -o noexec,mode=1777 none /tmp
echo '127.0.0.1 localhost' >/etc/hosts
sed -i '/^Subsystem/d' /etc/ssh/sshd_config
printf 'MaxSessions 1\nUseDNS yes\nX11Forwarding no\n' >/etc/ssh/sshd_config.d/00-odd.conf
systemctl reset-failed ssh; systemctl restart ssh"#;

/// How it is made and undone, its kind, its cause, the next step, and the choices.
type Obstructed = ([Fault; 2], ObstacleKind, &'static str, &'static str, &'static [Choice]);

/// What blocks a plan, as the desktop gets it; each is gone once its cause is.
pub async fn obstacles(entry: &Entry, server: &Server) {
    let blocked = async || {
        let plan = entry.plan(Some(&wish())).await.unwrap();
        plan.blocked().next().map(|(_, obstacle)| obstacle.clone())
    };
    let table: [Obstructed; 2] = [
        (
            [Fault::DpkgBroken, Fault::DpkgMended],
            ObstacleKind::PackagesBroken,
            "packages are half-way installed: fault-half",
            "let the package system finish them (`dpkg --configure -a`)",
            &[Choice::RepairPackages],
        ),
        (
            [Fault::PortBusy(80), Fault::PortFree(80)],
            ObstacleKind::Port,
            "port 80 is held by python3 (pid *)",
            "put Loopwright behind it, or stop it",
            &[Choice::BehindProxy, Choice::StopService],
        ),
    ];
    for ([made, undone], kind, cause, next, choices) in table {
        server.fault(made).unwrap();
        let obstacle = blocked().await.unwrap();
        let refused = applied(entry, &wish(), |_| {}).await;
        server.fault(undone).unwrap();
        settled(server);
        assert_eq!((obstacle.kind, obstacle.choices.as_slice()), (kind, choices), "{obstacle:?}");
        assert_told(Met::<()>::Err(of(&obstacle)), cause, next);
        assert_told(refused, cause, next);
    }
    assert_eq!(blocked().await, None);
}

/// The system's own updates are waited for, by name; a second set-up and a second desktop meanwhile.
pub async fn while_others_are_at_work(net: &Net, server: &Server, entry: &Entry) {
    server.fault(Fault::AptLock(600)).unwrap();
    let after = entry.apply(Some(&wish()), None).await.unwrap();
    let other = Desk::new("tower");
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let watched = followed(entry, after, move |entry| {
        if let SetupEvent::Waiting { obstacle, .. } = &entry.event {
            tell.send((entry.at, obstacle.clone())).unwrap();
        }
    });
    let meanwhile = async {
        let (at, obstacle) = told.recv().await.unwrap();
        assert!(at.0 > 0 && obstacle.kind == ObstacleKind::PackageLock, "{obstacle:?}");
        assert_told(
            Met::<()>::Err(of(&obstacle)),
            "the system's own updates run: unattended-upgr (process *)",
            "wait; it goes on by itself",
        );
        // Another computer of the same user, which is let in beside the first and told who is at work.
        let second = other.look(&debian(net, server)).await.unwrap();
        assert!(
            second
                .found()
                .packages
                .locked_by
                .as_deref()
                .is_some_and(|by| by.starts_with("unattended-upgr (pid "))
        );
        assert!(
            second.found().installed.as_ref().is_some_and(|there| !there.complete),
            "{:?}",
            second.found()
        );
        drop(second);
        assert_told(
            other.begin(&debian(net, server)).await,
            "another set-up runs since *:*:* UTC: process * goes on with a run that has begun",
            "wait for its end: `loopwrightd setup status --follow` on the server shows it",
        );
        server.fault(Fault::AptFree).unwrap();
    };
    let (ended, ()) = tokio::join!(watched, meanwhile);
    assert!(ended.unwrap() > 10);
    settled(server);
    assert_eq!(applied(entry, &wish(), |_| {}).await, Ok(0));
    settled(server);
    let second = other.begin(&debian(net, server)).await.unwrap();
    let hello = Entry::new(second.session.clone()).hello().await.unwrap();
    assert!(matches!(hello.setup, SetupState::Done { .. }), "{hello:?}");
    let keys = ok(server, "cat /var/lib/loopwright/desk/.ssh/authorized_keys");
    assert_eq!(keys.lines().count(), 2, "{keys}");
    for name in ["loopwright laptop", "loopwright tower"] {
        assert!(keys.lines().all(|line| line.starts_with("restrict,")) && keys.contains(name), "{keys}");
    }
    // The first one's connection and key go on.
    entry.hello().await.unwrap();
}

/// Whatever the umask of whoever signed in.
pub fn agents_can_read(server: &Server) {
    let as_agent = "setpriv --reuid loopwright-agent --regid loopwright-agent --clear-groups";
    ok(
        server,
        &format!(
            "{as_agent} sh -c 'git --version && n=$(find /opt/loopwright/tools -path \"*/bin/node\" | head -n 1) && \"$n\" --version'"
        ),
    );
    ok(server, "loopwrightd ask 'A page for a bakery' --agent practice --wait");
}

/// Other versions of ours that lie there.
pub async fn installations(desk: &Desk, server: &Server, begun: &Begun) {
    let link = ok(server, "readlink /opt/loopwright/current");
    let folder = link.rsplit('/').next().unwrap().to_owned();
    let hash = folder.rsplit('-').next().unwrap();
    let pretend = |version: &str| {
        ok(
            server,
            &format!(
                "cd /opt/loopwright/versions && mv {folder} {version}-{hash} && ln -sfn {}/{version}-{hash} ../current",
                "/opt/loopwright/versions"
            ),
        );
    };
    let back = |version: &str| {
        ok(
            server,
            &format!(
                "cd /opt/loopwright/versions && mv {version}-{hash} {folder} && ln -sfn {link} ../current"
            ),
        );
    };
    pretend("99.1.0");
    let newer = desk.begin(&root(server)).await;
    back("99.1.0");
    let cause = format!("the server has version 99.1.0, this app brings {}", desk.program().version);
    assert_told(newer, &cause, "update this app");

    // An older one that runs stays as it is until it is upgraded, which sees to its health.
    pretend("0.0.1");
    let found = desk.found(&root(server)).await;
    assert_eq!(found.installed.map(|there| (there.version, there.complete)), Some(("0.0.1".into(), true)));
    desk.begin(&root(server)).await.unwrap();
    assert!(ok(server, "readlink /opt/loopwright/current").ends_with(&format!("/0.0.1-{hash}")));
    let entry = Entry::new(begun.session.clone());
    let path = entry.put(desk.program(), &mut |_| {}, &Default::default()).await.unwrap();
    let after = entry.upgrade(&path, &desk.program().sha256).await.unwrap();
    repaired(&entry, after).await;
    assert_eq!(ok(server, "readlink /opt/loopwright/current"), link);
    ok(server, &format!("rm -r /opt/loopwright/versions/0.0.1-{hash}"));
}
