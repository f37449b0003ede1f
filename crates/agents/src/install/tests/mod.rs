//! Installing from a registry on loopback: what counts, what does not, and what stays.

mod hostile;
mod registry;
mod shop;

use super::*;
use registry::address;
use shop::{claude, lock, says, shop};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::Mutex;

#[tokio::test]
async fn a_version_is_fetched_once_and_can_be_written_by_nobody_else() {
    let shop = shop();
    let pin = shop.pin("1.0.0");
    let done = shop.install(&pin).await.unwrap();
    assert_eq!(done, Done { version: "1.0.0".into(), was_there: false, check: None });
    assert_eq!(says(&shop.program()), "1.0.0 (Fake)");
    assert_eq!(shop.installed(), Some(("1.0.0".into(), None)));
    assert_eq!(shop.registry.asked().len(), 3, "the one that belongs in two places is fetched once");
    assert!(shop.told.lock().unwrap().contains(&"fetched and checked 3 of 3 packages".to_owned()));
    let version = shop.program().canonicalize().unwrap();
    let rg = version.ancestors().nth(3).unwrap().join("lib/vendor/x64/rg");
    assert!(version.ancestors().nth(5).unwrap().join("acp/node_modules/lib/README").is_file());
    assert_eq!(fs::metadata(&rg).unwrap().mode() & 0o777, 0o755, "{}", rg.display());
    let out =
        Command::new("find").arg(&shop.room.folder).args(["-not", "-type", "l", "-perm", "/022"]).output();
    assert_eq!(String::from_utf8(out.unwrap().stdout).unwrap(), "", "others may write these");
    let out = Command::new("find")
        .arg(shop.room.folder.join("claude-code"))
        .args(["-not", "-perm", "-444"])
        .output();
    assert_eq!(String::from_utf8(out.unwrap().stdout).unwrap(), "", "others cannot read these");
    // Again: nothing is fetched, and a link that somebody broke is right again.
    fs::remove_file(shop.program()).unwrap();
    assert!(shop.install(&pin).await.unwrap().was_there);
    assert_eq!(says(&shop.program()), "1.0.0 (Fake)");
    assert_eq!(shop.registry.asked(), [""; 0]);
}

#[tokio::test]
async fn a_package_with_another_hash_is_refused_by_name() {
    let shop = shop();
    let pin = shop.pin("1.0.0");
    shop.registry.put(&address("lib", "1.0.0"), registry::archive(&[("package/evil", 0o755, "#!/bin/sh\n")]));
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(&error, Error::Integrity { package } if package == "lib@1.0.0"), "{error}");
    assert!(error.next().contains("registry"));
    assert_eq!(shop.installed(), None);
    assert_eq!(shop.versions(), [""; 0]);
    assert!(!shop.program().exists());
}

#[tokio::test]
async fn an_interrupted_installation_counts_for_nothing_and_is_gone_on_with() {
    let shop = shop();
    let pin = shop.pin("1.0.0");
    shop.registry.break_off(&address("acp", "1.0.0"), true);
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(&error, Error::Fetch { package, .. } if package == "acp@1.0.0"), "{error}");
    assert!(error.next().contains("install again"));
    assert_eq!((shop.installed(), shop.versions().len()), (None, 0));
    // As if it had been killed while it unpacked.
    fs::create_dir_all(shop.room.folder.join(".new/cli")).unwrap();
    fs::write(shop.room.folder.join(".new/cli/half"), "").unwrap();
    shop.registry.break_off(&address("acp", "1.0.0"), false);
    let before = shop.registry.asked();
    assert!(before.len() >= 3, "{before:?}");
    shop.install(&pin).await.unwrap();
    assert_eq!(shop.registry.asked(), [address("acp", "1.0.0")], "what was there is not fetched again");
    assert_eq!(says(&shop.program()), "1.0.0 (Fake)");
    for litter in [".new", ".old", ".downloads"] {
        assert!(!shop.room.folder.join(litter).exists(), "{litter}");
    }
}

#[tokio::test]
async fn a_run_goes_on_with_the_version_it_began_with_and_the_last_good_one_stays() {
    let shop = shop();
    shop.install(&shop.pin("1.0.0")).await.unwrap();
    let setup = with_installed(&shop.room.folder, shop.room.setup.clone());
    let profile = crate::profile::find(&claude()).unwrap();
    let run = crate::launch::find(&setup, profile.cli.as_ref().unwrap()).unwrap();
    shop.install(&shop.pin("2.0.0")).await.unwrap();
    assert_eq!((says(&run), says(&shop.program())), ("1.0.0 (Fake)".into(), "2.0.0 (Fake)".into()));
    assert_eq!(shop.installed(), Some(("2.0.0".into(), Some("1.0.0".into()))));
    shop.install(&shop.pin("3.0.0")).await.unwrap();
    assert_eq!(shop.versions(), ["2.0.0", "3.0.0"]);
    assert_eq!(rollback(&shop.room.folder, &claude()).await.unwrap(), "2.0.0");
    assert_eq!(says(&shop.program()), "2.0.0 (Fake)");
    assert_eq!(rollback(&shop.room.folder, &claude()).await.unwrap(), "3.0.0");
    assert_eq!(shop.installed(), Some(("3.0.0".into(), Some("2.0.0".into()))));
}

#[tokio::test]
async fn without_an_earlier_version_there_is_no_way_back() {
    let shop = shop();
    shop.install(&shop.pin("1.0.0")).await.unwrap();
    let error = rollback(&shop.room.folder, &claude()).await.unwrap_err();
    assert!(matches!(error, Error::NothingBefore { .. }), "{error}");
    remove(&shop.room.folder, &claude()).await.unwrap();
    assert_eq!((shop.installed(), shop.versions().len()), (None, 0));
    assert!(fs::symlink_metadata(shop.program()).is_err());
    remove(&shop.room.folder, &claude()).await.unwrap();
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_a_process_runs_is_not_removed_under_it() {
    let shop = shop();
    shop.install(&shop.pin("1.0.0")).await.unwrap();
    let script = shop.program().canonicalize().unwrap();
    let mut run = Command::new("tail").args(["-f", "--"]).arg(&script).spawn().unwrap();
    for version in ["2.0.0", "3.0.0"] {
        shop.install(&shop.pin(version)).await.unwrap();
    }
    assert_eq!(shop.versions(), ["1.0.0", "2.0.0", "3.0.0"]);
    let error = remove(&shop.room.folder, &claude()).await.unwrap_err();
    assert!(matches!(error, Error::InUse { pid, .. } if pid == run.id()), "{error}");
    assert!(script.exists() && shop.installed().is_some());
    run.kill().unwrap();
    run.wait().unwrap();
    remove(&shop.room.folder, &claude()).await.unwrap();
    assert_eq!(shop.versions(), [""; 0]);
}

/// Fails, and says what its programs were.
struct Failing;

impl Check for Failing {
    async fn check(&self, setup: &Setup, agent: &AgentId) -> Result<String, Vec<String>> {
        let profile = crate::profile::find(agent).unwrap();
        let program = crate::launch::find(setup, profile.cli.as_ref().unwrap()).unwrap();
        Err(vec!["scenario resume".to_owned(), says(&program)])
    }
}

#[tokio::test]
async fn a_version_that_fails_its_check_is_kept_out_of_use() {
    let shop = shop();
    shop.install(&shop.pin("1.0.0")).await.unwrap();
    let next = shop.pin("2.0.0");
    let error = install(&shop.room, &next, &Failing).await.unwrap_err();
    let Error::Check { version, failed, kept, in_use } = &error else { panic!("{error}") };
    assert_eq!((version.as_str(), in_use.as_deref()), ("2.0.0", Some("1.0.0")));
    assert_eq!(failed, &["scenario resume", "2.0.0 (Fake)"], "the new version was checked");
    assert_eq!(fs::read_to_string(kept.join(".failed")).unwrap(), "scenario resume\n2.0.0 (Fake)\n");
    assert!(error.to_string().contains("scenario resume") && error.next().contains("1.0.0 stays in use"));
    assert_eq!(shop.installed(), Some(("1.0.0".into(), None)));
    assert_eq!(says(&shop.program()), "1.0.0 (Fake)");
    // The user knows better: what is there is taken, without being fetched again.
    shop.registry.asked();
    shop.install(&next).await.unwrap();
    assert_eq!(shop.registry.asked(), [""; 0]);
    assert_eq!(shop.installed(), Some(("2.0.0".into(), Some("1.0.0".into()))));
    assert!(!kept.join(".failed").exists());
}

#[tokio::test]
async fn a_program_that_is_another_version_or_does_not_start_is_not_used() {
    let shop = shop();
    let mut wrong = shop.pin("1.0.0");
    wrong.version = "1.0.1".into();
    let error = shop.install(&wrong).await.unwrap_err().to_string();
    assert!(error.contains("it should be version 1.0.1 and says: 1.0.0 (Fake)"), "{error}");
    let mut absent = shop.pin("1.0.0");
    absent.programs[0].file = "cli/node_modules/@maker/*/nothing".into();
    let error = shop.install(&absent).await.unwrap_err();
    assert!(matches!(&error, Error::NoProgram { program, .. } if program == "claude"), "{error}");
    assert_eq!(shop.installed(), None);
}

#[tokio::test]
async fn too_little_room_is_said_before_anything_is_fetched() {
    let shop = shop();
    let pin = Pin { need_mb: u64::MAX / 2, ..shop.pin("1.0.0") };
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(error, Error::NoRoom { .. }) && error.to_string().contains("MB are needed"), "{error}");
    assert_eq!(shop.registry.asked(), [""; 0]);
}

/// Installs another one meanwhile.
struct Meanwhile<'a>(&'a shop::Shop, Mutex<Option<Error>>);

impl Check for Meanwhile<'_> {
    async fn check(&self, _: &Setup, _: &AgentId) -> Result<String, Vec<String>> {
        let other = self.0.install(&self.0.pin("2.0.0")).await;
        *self.1.lock().unwrap() = other.err();
        Ok("passed".to_owned())
    }
}

#[tokio::test]
async fn one_installs_at_a_time() {
    let shop = shop();
    let check = Meanwhile(&shop, Mutex::default());
    let done = install(&shop.room, &shop.pin("1.0.0"), &check).await.unwrap();
    assert_eq!(done.check.as_deref(), Some("passed"));
    let other = check.1.into_inner().unwrap();
    assert!(matches!(other, Some(Error::Busy { .. })), "{other:?}");
    assert_eq!(shop.installed(), Some(("1.0.0".into(), None)));
}

#[tokio::test]
async fn a_registry_that_keeps_archives_elsewhere_is_asked_where() {
    let shop = shop();
    let pin = shop.pin("1.0.0");
    let moved = shop.registry.take(&address("@maker/cli", "1.0.0"));
    shop.registry.put("/download/cli.tgz", moved);
    let about = format!(
        r#"{{"versions": {{"1.0.0": {{"dist": {{"tarball": "{}/download/cli.tgz"}}}}}}}}"#,
        shop.registry.url
    );
    shop.registry.put("/@maker%2fcli", about.into_bytes());
    shop.install(&pin).await.unwrap();
    assert_eq!(says(&shop.program()), "1.0.0 (Fake)");
    let gone = shop.pin("2.0.0");
    shop.registry.take(&address("lib", "2.0.0"));
    let error = shop.install(&gone).await.unwrap_err();
    assert!(error.to_string().contains("fetch lib@2.0.0") && error.to_string().contains("does not have it"));
}

#[tokio::test]
async fn without_a_network_or_a_registry_the_next_step_is_said() {
    let mut shop = shop();
    let pin = shop.pin("1.0.0");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    shop.room.machine.env.insert("npm_config_registry".into(), format!("http://{nobody}"));
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(error, Error::Fetch { .. }) && error.next().contains("online"), "{error}");
    let cafile = shop.dir.path().join("none.pem");
    fs::write(&cafile, "").unwrap();
    shop.room.machine.env.insert("npm_config_cafile".into(), cafile.to_string_lossy().into_owned());
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(error, Error::Certificates { .. }) && error.next().contains("cafile"), "{error}");
    shop.room.machine.env.clear();
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(error, Error::NoRegistry) && error.next().contains(".npmrc"), "{error}");
    shop.room.setup.node = Some(shop.dir.path().join("no-node"));
    let error = shop.install(&pin).await.unwrap_err();
    assert!(matches!(error, Error::NoNode { .. }) && error.next().contains("22.22"), "{error}");
}

#[tokio::test]
async fn where_agents_are_another_user_their_programs_are_not_theirs_to_change() {
    let mut shop = shop();
    let root = rustix::process::geteuid().is_root();
    // Where the test is not root there is no other user to become; what is then left is that the owner is us.
    let run_as = crate::RunAs { uid: 65534, gid: 65534 };
    shop.room.setup.run_as = root.then_some(run_as);
    let mut pin = shop.pin("1.0.0");
    let script = "#!/bin/sh\ntouch \"$0\" \"$(dirname \"$0\")/new\" && echo changed\necho 1.0.0 $(id -u) >\"$TMPDIR/out\"; cat \"$TMPDIR/out\"\n";
    let cli = shop.registry.publish("@maker/cli", "1.0.0", &[("package/claude", 0o6777, script)]);
    pin.parts[0].lock = lock("@maker/cli", &[cli]);
    pin.executable.clear();
    let error = install(&shop.room, &pin, &Saying).await.unwrap_err().to_string();
    let uid = rustix::process::geteuid().as_raw();
    assert!(error.contains(&format!("1.0.0 {}", if root { run_as.uid } else { uid })), "{error}");
    assert_eq!(error.contains("changed"), !root, "{error}");
    let kept = fs::read_dir(shop.room.folder.join("claude-code")).unwrap().next().unwrap().unwrap().path();
    let program = fs::metadata(kept.join("bin/claude")).unwrap();
    assert_eq!(
        (program.uid(), program.mode() & 0o7777),
        (uid, 0o755),
        "no right of another user's comes along"
    );
}

/// Lets the program speak for itself, as the user that it is given.
struct Saying;

impl Check for Saying {
    async fn check(&self, setup: &Setup, agent: &AgentId) -> Result<String, Vec<String>> {
        let pin = Pin { version: "never".into(), ..super::pin(agent).unwrap() };
        Err(vec![start::says_version(setup, &pin, &setup.runtime).await.unwrap_err()])
    }
}
