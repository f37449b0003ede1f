//! The first contact, whole, against a real sshd and a program that plays ours.

use crate::sshd::{PASSWORD, Sshd, now, password, somebody};
use bytes::Bytes;
use protocol::setup::{ObstacleKind, SetupEvent};
use remote::{
    Begin, Begun, Contact, Entry, EntryError, FirstError, Local, Program, SignIn, Source, Stage, UploadError,
    Way, connect,
};
use rustix::process::Signal;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

/// A program of some size: what follows a script's end is not read.
pub fn program(server: &Sshd, size: usize) -> Program {
    let script = include_str!("program.sh").replace("@D@", &server.folder.path().display().to_string());
    let mut bytes = script.into_bytes();
    let mut state = 1_u32;
    while bytes.len() < size {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.extend_from_slice(&state.to_be_bytes());
    }
    let sha256 = protocol::hex(Sha256::digest(&bytes));
    let arch = std::env::consts::ARCH.to_owned();
    Program { source: Source::Bytes(Bytes::from(bytes)), sha256, version: "0.2.0".into(), arch }
}

pub async fn meet(server: &Sshd, local: &Local, user: &str, with: SignIn) -> Contact {
    let target = server.target(user);
    let way = Way { target: &target, with: with.clone(), jumps: vec![], ask: Some(somebody("x").0) };
    Contact::look(connect(local, way).await.unwrap(), &with, now).await.unwrap()
}

async fn begin(
    contact: &mut Contact,
    local: &Local,
    program: &Program,
    answer: &'static str,
) -> (Result<Begun, FirstError>, Vec<String>) {
    let (ask, mut heard) = somebody(answer);
    let programs = [program.clone()];
    let how = Begin { local, programs: &programs, name: "lap'top", jumps: vec![], ask: Some(ask) };
    let begun = contact.begin(&how, &mut |_| {}, &CancellationToken::new()).await;
    let mut asked = Vec::new();
    while let Ok(question) = heard.try_recv() {
        asked.push(question);
    }
    (begun, asked)
}

#[tokio::test]
async fn as_root_and_then_by_our_own_key_which_can_do_only_what_it_needs() {
    let server = Sshd::start("");
    let (local, program) = (server.local(), program(&server, 1 << 20));
    let mut contact = meet(&server, &local, "root", password(PASSWORD)).await;
    let begun = begin(&mut contact, &local, &program, "x").await.0.unwrap();
    assert_eq!((begun.target.user.as_str(), begun.greeting.version.as_str()), ("loopwright-desk", "0.2.0"));
    assert_eq!(begun.greeting.sha256, program.sha256);
    let keys = std::fs::read_to_string(server.path("keys/loopwright-desk")).unwrap();
    assert!(keys.contains(&begun.key.public_line().unwrap()) && keys.contains("loopwright laptop"), "{keys}");
    // Whatever is asked for, the forced command answers.
    let forced = begun.session.exec("echo in; id -u", b"", std::time::Duration::from_secs(20)).await;
    assert!(forced.is_err(), "{forced:?}");
    let again = begin(&mut contact, &local, &program, "x").await.0.unwrap();
    assert_eq!(again.key.fingerprint(), begun.key.fingerprint(), "a second try left a second key");
}

#[tokio::test]
async fn the_sudo_password_is_the_one_that_was_typed_or_is_asked_for() {
    let server = Sshd::start("");
    let (local, program) = (server.local(), program(&server, 1));
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let (begun, asked) = begin(&mut contact, &local, &program, "x").await;
    begun.unwrap();
    assert_eq!(asked, Vec::<String>::new());
    let key = remote::OurKey::make("x").unwrap();
    server.let_in("deploy", &key.public_line().unwrap());
    let mut contact = meet(&server, &local, "deploy", SignIn::Key(key.clone())).await;
    let (begun, asked) = begin(&mut contact, &local, &program, PASSWORD).await;
    begun.unwrap();
    assert_eq!(asked, ["sudo false"]);
    let mut contact = meet(&server, &local, "deploy", SignIn::Key(key)).await;
    let (begun, asked) = begin(&mut contact, &local, &program, "wrong").await;
    assert!(matches!(begun, Err(FirstError::Blocked(o)) if o.kind == ObstacleKind::Rights));
    assert_eq!(asked[..2], ["sudo false", "sudo true"]);
    let seen = server.log();
    assert!(!seen.contains(PASSWORD) && !seen.contains("wrong"), "{seen}");
}

#[tokio::test]
async fn a_user_that_sudo_does_not_know_is_blocked() {
    let server = Sshd::start("");
    std::fs::write(server.path("etc/sudoers"), "root ALL=(ALL) ALL\n").unwrap();
    let local = server.local();
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let (begun, asked) = begin(&mut contact, &local, &program(&server, 1), "x").await;
    assert!(
        matches!(&begun, Err(FirstError::Blocked(o)) if o.kind == ObstacleKind::Rights && o.action.contains("root")),
        "{begun:?}"
    );
    assert_eq!(asked, Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_was_cut_goes_on_from_where_it_was() {
    let server = Sshd::start("");
    std::fs::write(server.home("deploy").join(".bashrc"), "echo noise; echo 'at 999999999'\n").unwrap();
    let (local, program) = (server.local(), program(&server, 24 << 20));
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let programs = [program.clone()];
    let how = Begin { local: &local, programs: &programs, name: "x", jumps: vec![], ask: None };
    let mut cut = false;
    let mut on = |stage: Stage| {
        if let Stage::Uploading(progress) = stage
            && progress.done > 8 << 20
            && !cut
        {
            cut = true;
            server.signal(Signal::KILL);
        }
    };
    let error = contact.begin(&how, &mut on, &CancellationToken::new()).await.unwrap_err();
    assert!(matches!(error, FirstError::Upload(UploadError::Exec(_))), "{error:?}");
    let with = password(PASSWORD);
    let target = server.target("deploy");
    contact.go_on(connect(&local, Way { target: &target, with, jumps: vec![], ask: None }).await.unwrap());
    let mut first = None;
    let mut on = |stage: Stage| {
        if let Stage::Uploading(progress) = stage {
            first.get_or_insert(progress.done);
        }
    };
    let begun = contact.begin(&how, &mut on, &CancellationToken::new()).await.unwrap();
    assert!(first.is_some_and(|done| done > 0), "it began anew: {first:?}");
    assert_eq!(begun.greeting.sha256, program.sha256);
    assert!(!server.home("deploy").join(".loopwright-upload").exists(), "what was sent still lies there");
}

#[tokio::test]
async fn an_upload_can_be_stopped_and_what_lies_there_is_not_believed() {
    let server = Sshd::start("");
    let (local, program) = (server.local(), program(&server, 4 << 20));
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let programs = [program.clone()];
    let how = Begin { local: &local, programs: &programs, name: "x", jumps: vec![], ask: None };
    let stop = CancellationToken::new();
    let by = stop.clone();
    let stopped = contact.begin(&how, &mut move |_| by.cancel(), &stop).await.unwrap_err();
    assert!(matches!(stopped, FirstError::Upload(UploadError::Stopped)), "{stopped:?}");
    let folder = server.home("deploy").join(".loopwright-upload");
    std::fs::write(folder.join(format!("{}.part", program.sha256)), "somebody else's").unwrap();
    std::fs::write(folder.join(&program.sha256), "somebody else's").unwrap();
    let begun = contact.begin(&how, &mut |_| {}, &CancellationToken::new()).await.unwrap();
    assert_eq!(begun.greeting.sha256, program.sha256);
}

#[tokio::test]
async fn a_full_disk_is_told_as_that() {
    let server = Sshd::full();
    let local = server.local();
    let mut contact = meet(&server, &local, "deploy", password(PASSWORD)).await;
    let (begun, _) = begin(&mut contact, &local, &program(&server, 1 << 20), "x").await;
    assert!(
        matches!(&begun, Err(FirstError::Upload(UploadError::NotStored { words })) if words.contains("space")),
        "{begun:?}"
    );
}

#[tokio::test]
async fn what_the_program_refuses_is_passed_on() {
    let server = Sshd::start("");
    let newer = r#"{"obstacle":{"kind":"newer","cause":"0.3.0 is there","action":"update this app"}}"#;
    std::fs::write(server.path("refuse"), newer).unwrap();
    let local = server.local();
    let mut contact = meet(&server, &local, "root", password(PASSWORD)).await;
    let (begun, _) = begin(&mut contact, &local, &program(&server, 1), "x").await;
    assert!(matches!(&begun, Err(FirstError::Blocked(o)) if o.kind == ObstacleKind::Newer), "{begun:?}");
}

#[tokio::test]
async fn a_server_that_lets_only_some_users_in_says_which_setting_it_is() {
    let server = Sshd::start("AllowUsers root deploy");
    let local = server.local();
    let mut contact = meet(&server, &local, "root", password(PASSWORD)).await;
    let (begun, _) = begin(&mut contact, &local, &program(&server, 1), "x").await;
    let Err(FirstError::Blocked(obstacle)) = begun else { panic!("{begun:?}") };
    assert!(
        obstacle.cause.contains("AllowUsers") && obstacle.action.contains("loopwright-desk"),
        "{obstacle:?}"
    );
}

#[tokio::test]
async fn the_verbs() {
    let server = Sshd::start("MaxSessions 2");
    let (local, program) = (server.local(), program(&server, 16 << 20));
    let mut contact = meet(&server, &local, "root", password(PASSWORD)).await;
    let begun = begin(&mut contact, &local, &program, "x").await.0.unwrap();
    let entry = Entry::new(begun.session.clone());
    let wish = protocol::setup::Wish { domain: Some("it's.example".into()), ..Default::default() };
    assert_eq!(entry.plan(Some(&wish)).await.unwrap().hash, "abc");
    let sent = std::fs::read_to_string(server.home("loopwright-desk").join("wish")).unwrap();
    assert_eq!(serde_json::from_str::<protocol::setup::Wish>(&sent).unwrap(), wish);
    assert_eq!(entry.apply(Some(&wish), Some("abc")).await.unwrap(), 4);
    let changed = entry.apply(Some(&wish), Some("old")).await.unwrap_err();
    assert!(matches!(changed, EntryError::PlanChanged(plan) if plan.hash == "def"));
    let blocked = entry.repair().await.unwrap_err();
    assert!(matches!(&blocked, EntryError::Blocked(o) if o.kind == ObstacleKind::Running), "{blocked:?}");
    assert_eq!(entry.status(4).await.unwrap().len(), 1);
    let mut follow = entry.follow(4).await.unwrap();
    assert_eq!(follow.next().await.unwrap().unwrap().seq, 5);
    // It is still under way, and other verbs go on beside it.
    entry.hello().await.unwrap();
    std::fs::write(server.path("go"), "").unwrap();
    let last = follow.next().await.unwrap().unwrap();
    assert!(matches!(last.event, SetupEvent::Finished { ok: true, .. }));
    assert!(follow.next().await.is_none());
    let export = entry.export().await.unwrap();
    let mut copy = Vec::new();
    assert_eq!(entry.get(&export.path, 2, &mut copy).await.unwrap(), 6);
    assert_eq!(copy, b"ntent\n");
    put(&server, &local, &entry, &begun, &program).await;
    let health = entry.health().await.unwrap_err();
    assert!(matches!(&health, EntryError::Refused { words } if words.contains("hello, stdio")), "{health:?}");
    std::fs::remove_file(server.path("go")).unwrap();
    let mut follow = entry.follow(4).await.unwrap();
    follow.next().await.unwrap().unwrap();
    server.signal(Signal::KILL);
    let cut = follow.next().await.unwrap().unwrap_err();
    assert!(cut.lost() && follow.next().await.is_none(), "{cut:?}");
}

/// Cut in the middle, and then the rest.
async fn put(server: &Sshd, local: &Local, entry: &Entry, begun: &Begun, program: &Program) {
    let stop = CancellationToken::new();
    let by = stop.clone();
    let there = server.home("loopwright-desk").join(&program.sha256);
    let mut on = |_: remote::Progress| {
        if std::fs::metadata(&there).is_ok_and(|file| file.len() > 0) {
            by.cancel();
        }
    };
    let stopped = entry.put(program, &mut on, &stop).await.unwrap_err();
    assert!(matches!(stopped, UploadError::Stopped), "{stopped:?}");
    let way = Way { target: &begun.target, with: SignIn::Key(begun.key.clone()), jumps: vec![], ask: None };
    let again = Entry::new(connect(local, way).await.unwrap());
    let mut first = None;
    let mut on = |progress: remote::Progress| {
        first.get_or_insert(progress.done);
    };
    let path = again.put(program, &mut on, &CancellationToken::new()).await.unwrap();
    assert_eq!(path, there.display().to_string());
    assert!(first.is_some_and(|done| done > 0), "{first:?}");
}
