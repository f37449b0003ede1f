//! What the commands have in common.

use super::line::greet;
use super::tell::Tell;
use anyhow::{Context, Result};
use protocol::setup::{Greeting, SetupEvent, SetupState, Work};
use provision::{Fresh, Hands, House, Lock, Root, Setup, paths};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

pub fn setup<'a>(root: Root, hands: &'a dyn Hands, house: &'a dyn House) -> Result<Setup<'a>> {
    let program = std::env::current_exe().context("failed to find this program's own file")?;
    let sha256 = sha256(&program)?;
    Ok(Setup { root, hands, house, program, version: env!("CARGO_PKG_VERSION").to_owned(), sha256 })
}

pub fn sha256(path: &Path) -> Result<String> {
    let failed = || format!("failed to read {}", path.display());
    let mut file = std::fs::File::open(path).with_context(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).with_context(failed)?;
        if read == 0 {
            return Ok(protocol::hex(hash.finalize()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

pub fn words(work: Work) -> &'static str {
    match work {
        Work::Begin => "begins to set this server up",
        Work::Apply => "sets this server up",
        Work::Repair => "repairs this server",
        Work::Upgrade => "upgrades Loopwright",
        Work::Remove => "removes Loopwright",
    }
}

pub fn greeting(setup: &Setup<'_>) -> Result<Greeting> {
    let entries = provision::read(&setup.root)?;
    let state = SetupState::of(&entries, Lock::holder(&setup.root).is_some());
    Ok(greet(&setup.version, setup.sha256.clone(), state))
}

/// The program to upgrade to, which says its own version.
pub fn fresh(program: &Path, wanted: Option<String>) -> Result<Fresh> {
    let path = std::path::absolute(program)?;
    let sha256 = sha256(&path)?;
    if let Some(wanted) = wanted.filter(|wanted| !wanted.eq_ignore_ascii_case(&sha256)) {
        anyhow::bail!("{} has the SHA-256 {sha256}, not {wanted}; send it again", path.display());
    }
    // What was uploaded need not be executable where it lies, and that place need not allow it.
    let tried = tempfile(&path)?;
    let said = Command::new(&tried).arg("--version").env_clear().stdin(Stdio::null()).output();
    let _ = std::fs::remove_file(&tried);
    let said = said.with_context(|| format!("{} does not start on this server", path.display()))?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let version = text.split_whitespace().nth(1).filter(|_| said.status.success());
    let version = version.with_context(|| format!("{} does not say its version", path.display()))?;
    Ok(Fresh { path, version: version.to_owned(), sha256 })
}

fn tempfile(program: &Path) -> Result<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let to = Path::new(paths::SETUP).join("tried");
    std::fs::copy(program, &to)
        .and_then(|_| std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o700)))
        .with_context(|| format!("failed to copy {} to {}", program.display(), to.display()))?;
    Ok(to)
}

/// Lets a service of its own carry the begun run on: it outlives the connection, and a crash.
pub fn detach() -> Result<()> {
    let program = std::env::current_exe().context("failed to find this program's own file")?;
    let unit = ["--unit=loopwright-setup", "--collect", "--quiet", "--service-type=exec"];
    let properties = ["--property=Restart=on-abnormal", "--property=RestartSec=1"];
    let said = Command::new("systemd-run")
        .args(unit)
        .args(properties)
        .arg(&program)
        .args(["setup", "resume"])
        .stdin(Stdio::null())
        .output();
    if said.as_ref().is_ok_and(|said| said.status.success()) {
        return Ok(());
    }
    Command::new("setsid")
        .arg(&program)
        .args(["setup", "resume"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map(drop)
        .context("failed to start the set-up by itself; run it without --detach")
}

/// After an upgrade the new program looks whether all is as it wants it: the units' texts belong to the version.
pub fn repair_by_new(tell: &Tell) -> Result<ExitCode> {
    let mut command = Command::new(paths::PROGRAM);
    command.args(["setup", "repair"]).args(tell.json.then_some("--json"));
    let ended = command.stdin(Stdio::null()).status().context("failed to start the new version")?;
    Ok(ended.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// What stands in the journal after a number, and with `follow` what comes, to the end of the run.
pub fn status(root: &Root, after: u64, follow: bool, tell: &Tell) -> Result<ExitCode> {
    if !follow {
        for entry in provision::read(root)?.iter().filter(|entry| entry.seq > after) {
            tell.entry(entry)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    // Watched before it is read, so that nothing is missed between the two.
    let Ok(mut journal) = provision::Follow::new(root) else { return Ok(ExitCode::SUCCESS) };
    let mut open = false;
    loop {
        for entry in journal.fresh()? {
            match entry.event {
                SetupEvent::Started { .. } => open = true,
                SetupEvent::Finished { .. } => open = false,
                _ => {}
            }
            if entry.seq > after {
                tell.entry(&entry)?;
            }
        }
        if !open || !journal.wait() {
            return Ok(ExitCode::SUCCESS);
        }
    }
}
