//! Taking everything of ours off the server: the receipts, walked backwards. Data is exported first. The desktop's own way
//! in, the program and the journal go last, after the run has said that it is done.

use crate::hands::Call;
use crate::journal::Journal;
use crate::packages;
use crate::place::paths;
use crate::run::{Log, Order, Setup};
use crate::stop::{Stop, io, obstacle};
use crate::undo::{Verdict, is_own_tree, judge, undo};
use crate::upgrade;
use flate2::Compression;
use flate2::write::GzEncoder;
use protocol::setup::{Change, ObstacleKind, Receipt, SetupEntry, SetupEvent, Was};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What would be left, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub what: Change,
    pub why: String,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    pub removes: Vec<Change>,
    pub keeps: Vec<Left>,
}

/// An export that was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removing {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

/// These go after the end was told: the way in, and the program that does this.
const LAST: [&str; 3] = ["desk", "binary", "upgrade"];

/// One receipt for each thing, newest first: what we wrote last, and what was there before we ever touched it.
fn receipts(entries: &[SetupEntry]) -> Vec<(String, Receipt)> {
    let mut first: BTreeMap<String, Option<Was>> = BTreeMap::new();
    let mut all: Vec<(String, Receipt)> = Vec::new();
    for entry in entries {
        if let SetupEvent::Wrote { step, receipt } = &entry.event {
            let name = name(&receipt.change);
            let before = first.entry(name.clone()).or_insert_with(|| receipt.before.clone()).clone();
            all.retain(|(_, known)| self::name(&known.change) != name);
            all.push((step.clone(), Receipt { before, ..receipt.clone() }));
        }
    }
    all.reverse();
    all
}

pub(crate) fn steps(journal: &Journal) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    for (step, _) in receipts(journal.entries()) {
        if !steps.contains(&step) {
            steps.push(step);
        }
    }
    steps
}

/// Two changes of one thing have the same name.
fn name(change: &Change) -> String {
    match change {
        Change::File { path, .. } | Change::Folder { path } | Change::Link { path, .. } => path.clone(),
        Change::Swap { path, .. } => path.clone(),
        Change::User { name } => format!("user {name}"),
        Change::Package { name } => format!("package {name}"),
        Change::Unit { name } => format!("/etc/systemd/system/{name}"),
        Change::Service { name, .. } => format!("service {name}"),
        Change::Firewall { rule } => format!("firewall: {rule}"),
        Change::Program { name, .. } => format!("program {name}"),
        Change::Project { name } => format!("project {name}"),
        Change::Domain { name } => format!("domain {name}"),
        Change::Port { port } => format!("port {port}"),
    }
}

pub(crate) fn words(change: &Change) -> String {
    name(change)
}

fn ours(receipts: &[(String, Receipt)]) -> BTreeSet<String> {
    receipts.iter().map(|(_, receipt)| name(&receipt.change)).collect()
}

/// What a removal would do. Touches nothing.
pub fn removal(setup: &Setup<'_>, entries: &[SetupEntry], order: &Order) -> Result<Removal, Stop> {
    let receipts = receipts(entries);
    let ours = ours(&receipts);
    let mut removal = Removal::default();
    for (_, receipt) in &receipts {
        let change = receipt.change.clone();
        match judge(setup, order, receipt, &ours)? {
            Verdict::Undo => removal.removes.push(change),
            Verdict::Keep(why) => removal.keeps.push(Left { what: change, why }),
            Verdict::Nothing => {}
        }
    }
    let (go, kept) = packages::removable(setup, &package_names(&receipts))?;
    removal.removes.extend(go.into_iter().map(|name| Change::Package { name }));
    let left = |(name, why)| Left { what: Change::Package { name }, why };
    removal.keeps.extend(kept.into_iter().map(left));
    Ok(removal)
}

fn package_names(receipts: &[(String, Receipt)]) -> Vec<String> {
    let name = |(_, receipt): &(String, Receipt)| match &receipt.change {
        Change::Package { name } if receipt.before.is_none() => Some(name.clone()),
        _ => None,
    };
    receipts.iter().filter_map(name).collect()
}

pub(crate) fn remove(setup: &Setup<'_>, order: &Order, log: &mut Log<'_>) -> Result<u32, Stop> {
    let all = receipts(log.journal.entries());
    let ours = ours(&all);
    quiet(setup, log)?;
    if !order.keep_data && setup.root.at(paths::WORKSPACE).join("journal.db").exists() {
        let dir = order.export.clone().unwrap_or_else(|| "/var/backups".to_owned());
        if Path::new(&dir).starts_with(paths::STATE) {
            let cause = format!("{dir} is removed, too, and the export with it");
            return Err(Stop::Blocked(obstacle(ObstacleKind::Other, cause, "export to another folder")));
        }
        log.step = "folders".to_owned();
        log.doing(format!("exporting your data to {dir}"))?;
        let made = export(setup, &dir)?;
        log.doing(format!("your data is in {} ({} bytes, SHA-256 {})", made.path, made.bytes, made.sha256))?;
    }
    let mut changes = 0;
    let mut rest = all.as_slice();
    while let Some((step, _)) = rest.first() {
        let count = rest.iter().take_while(|(of, _)| of == step).count();
        let (group, others) = rest.split_at(count);
        if !LAST.contains(&step.as_str()) {
            changes += take_back(setup, order, log, step, group, &ours)?;
        }
        rest = others;
    }
    Ok(changes)
}

/// No visitor wakes a site up, and nothing of ours writes any more.
fn quiet(setup: &Setup<'_>, log: &mut Log<'_>) -> Result<(), Stop> {
    log.step = "units".to_owned();
    if crate::want::unit_file(&setup.root, "loopwright.service").exists() {
        log.doing("stopping the sites and the daemon")?;
        setup.run(&Call::new("systemctl", &["stop", "loopwright-edge.socket", "loopwright.service"]))?;
        setup.house.end_sites();
        setup.run(&Call::new("systemctl", &["stop", "loopwright-edge.service"]))?;
    }
    Ok(())
}

fn take_back(
    setup: &Setup<'_>,
    order: &Order,
    log: &mut Log<'_>,
    step: &str,
    group: &[(String, Receipt)],
    ours: &BTreeSet<String>,
) -> Result<u32, Stop> {
    let begun = setup.hands.now();
    log.step = step.to_owned();
    log.say(SetupEvent::StepStarted { step: step.to_owned(), undo: true })?;
    let mut changes = 0;
    for (_, receipt) in group {
        let verdict = match judge(setup, order, receipt, ours)? {
            Verdict::Undo => undo(setup, receipt)?,
            other => other,
        };
        match verdict {
            Verdict::Undo => changes += 1,
            Verdict::Nothing => {}
            Verdict::Keep(why) => {
                log.say(SetupEvent::Kept { step: step.to_owned(), what: receipt.change.clone(), why })?;
            }
        }
    }
    let packages = package_names(group);
    if !packages.is_empty() {
        let (go, stay) = packages::removable(setup, &packages)?;
        log.doing(format!("removing {} packages", go.len()))?;
        packages::purge(setup, &go, &mut |obstacle| log.waiting(obstacle))?;
        changes += u32::try_from(go.len()).unwrap_or(u32::MAX);
        for (name, why) in stay {
            log.say(SetupEvent::Kept { step: step.to_owned(), what: Change::Package { name }, why })?;
        }
    }
    let millis = setup.hands.now().since(begun);
    log.say(SetupEvent::StepDone { step: step.to_owned(), undo: true, millis, changes })?;
    Ok(changes)
}

/// After the end was told and read: what the telling itself needed. Cut before its last act, it is begun again by a start
/// of the machine; then by nothing of ours, for systemd itself does that act.
pub(crate) fn last(setup: &Setup<'_>, order: &Order, log: &mut Log<'_>) -> Result<(), Stop> {
    let all = receipts(log.journal.entries());
    let ours = ours(&all);
    let desk: Vec<_> = all.iter().filter(|(of, _)| of == "desk").cloned().collect();
    let binary: Vec<_> = all.iter().filter(|(of, _)| of == "binary" || of == "upgrade").cloned().collect();
    // The way in, and the names of the program but for the one by which a start of the machine finds it.
    let in_use = |receipt: &Receipt| match &receipt.change {
        Change::Link { path, .. } => path == paths::CURRENT,
        _ => true,
    };
    let first = desk.iter().chain(binary.iter().filter(|(_, receipt)| !in_use(receipt)));
    for (_, receipt) in first {
        if judge(setup, order, receipt, &ours)? == Verdict::Undo {
            undo(setup, receipt)?;
        }
    }
    let packages = package_names(&[desk, binary.clone()].concat());
    let (go, _) = packages::removable(setup, &packages)?;
    packages::purge(setup, &go, &mut |_| Ok(()))?;
    let mut sweep = Sweep { trees: vec![paths::SETUP.to_owned()], folders: Vec::new() };
    let mut rest = Vec::new();
    for (_, receipt) in binary.iter().filter(|(_, receipt)| in_use(receipt)) {
        if judge(setup, order, receipt, &ours)? == Verdict::Undo {
            sweep.take(receipt);
            rest.push(receipt);
        }
    }
    sweep.folders.push(paths::STATE.to_owned());
    upgrade::set_sweep(setup, &sweep.lines())?;
    setup.run(&Call::new("systemctl", &["daemon-reload"]))?;
    // Where this very process is that unit, as after a start of the machine, it ends here: a start would wait for itself.
    setup.run(&Call::new("systemctl", &["restart", paths::RESUME_UNIT]))?;
    for receipt in rest {
        undo(setup, receipt)?;
    }
    let folder = setup.root.at(paths::SETUP);
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(io(format!("remove {}", folder.display()))(e));
        }
        _ => {}
    }
    // Somebody else's things, or data that is kept, may be in it.
    let _ = std::fs::remove_dir(setup.root.at(paths::STATE));
    upgrade::set_resume(setup, false)?;
    setup.run(&Call::new("systemctl", &["daemon-reload"]))?;
    Ok(())
}

/// What is taken away by systemd, without a program of ours.
struct Sweep {
    trees: Vec<String>,
    folders: Vec<String>,
}

impl Sweep {
    /// What had an original is put back by its receipt alone.
    fn take(&mut self, receipt: &Receipt) {
        match &receipt.change {
            _ if receipt.before.is_some() => {}
            Change::Folder { path } if is_own_tree(path) => self.trees.push(path.clone()),
            Change::Folder { path } => self.folders.push(path.clone()),
            Change::File { path, .. } | Change::Link { path, .. } => self.trees.push(path.clone()),
            _ => {}
        }
    }

    fn lines(&self) -> Vec<String> {
        let trees = self.trees.iter().map(|path| format!("/bin/rm -rf {path}"));
        trees.chain(self.folders.iter().map(|path| format!("-/bin/rmdir {path}"))).collect()
    }
}

/// What can be fetched or made again is not exported.
const LEFT_OUT: [&str; 5] = ["deps", "run", "models", "tools", "worktrees"];

/// Writes the workspace into one archive in `dir`.
pub fn export(setup: &Setup<'_>, dir: &str) -> Result<Removing, Stop> {
    let to = setup.root.at(dir);
    std::fs::create_dir_all(&to).map_err(io(format!("make {dir}")))?;
    let host = crate::facts::text(&setup.root, "/etc/hostname").unwrap_or_default();
    let host: String = host.trim().chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let file_name = format!("loopwright-{host}-{}.tar.gz", stamp(setup.hands.now().0));
    let path = to.join(&file_name);
    let failed = || io(format!("export the workspace to {dir}"));
    let part = crate::saved::beside(&path);
    let _ = std::fs::remove_file(&part);
    let file = File::options().write(true).create_new(true).mode(0o600).open(&part).map_err(failed())?;
    let still = Still::hold(setup);
    archive(&setup.root.at(paths::WORKSPACE), file).map_err(failed())?;
    drop(still);
    if let Some((_, gid)) =
        crate::facts::user(&setup.root, paths::DESK_USER).filter(|_| dir == paths::EXPORTS)
    {
        use std::os::unix::fs::PermissionsExt;
        setup.hands.own(&part, (0, gid)).map_err(failed())?;
        std::fs::set_permissions(&part, std::fs::Permissions::from_mode(0o640)).map_err(failed())?;
    }
    std::fs::rename(&part, &path).map_err(failed())?;
    crate::journal::sync_folder(&to).map_err(failed())?;
    let bytes = path.metadata().map_err(failed())?.len();
    let sha256 = crate::saved::hash_of(&path).map_err(failed())?;
    Ok(Removing { path: format!("{dir}/{file_name}"), bytes, sha256 })
}

/// `20261122T183000Z`.
fn stamp(millis: i64) -> String {
    let since = std::time::Duration::from_millis(millis.unsigned_abs());
    let text = httpdate::fmt_http_date(std::time::UNIX_EPOCH + since);
    let parts: Vec<&str> = text.split([' ', ',', ':']).filter(|part| !part.is_empty()).collect();
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    match parts.as_slice() {
        [_, day, month, year, hour, minute, second, _] => {
            let month = months.iter().position(|name| name == month).unwrap_or(0) + 1;
            format!("{year}{month:02}{day}T{hour}{minute}{second}Z")
        }
        _ => millis.to_string(),
    }
}

/// The daemon stands still while its files are read: what lies on the disk then is what a power cut would leave, which
/// its database is made for. Agents and sites go on.
struct Still<'a> {
    setup: &'a Setup<'a>,
    pid: Option<String>,
}

impl<'a> Still<'a> {
    fn hold(setup: &'a Setup<'a>) -> Still<'a> {
        let asked = Call::new("systemctl", &["show", "-p", "MainPID", "--value", "loopwright.service"]);
        let said = setup.hands.run(&asked).map(|said| said.out).unwrap_or_default();
        let pid = Some(said.trim().to_owned()).filter(|pid| pid.parse::<u32>().is_ok_and(|pid| pid > 1));
        let still = Still { setup, pid };
        still.signal("-STOP");
        still
    }

    fn signal(&self, signal: &str) {
        if let Some(pid) = &self.pid {
            let _ = self.setup.hands.run(&Call::new("kill", &[signal, pid]));
        }
    }
}

impl Drop for Still<'_> {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

fn archive(from: &Path, to: File) -> std::io::Result<()> {
    let mut tar = tar::Builder::new(GzEncoder::new(BufWriter::new(to), Compression::fast()));
    tar.follow_symlinks(false);
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(from.join(&folder))? {
            let entry = entry?;
            let name = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let left_out = LEFT_OUT.iter().any(|name| entry.file_name() == *name);
                if !left_out {
                    tar.append_dir(Path::new("workspace").join(&name), entry.path())?;
                    open.push(name);
                }
            } else if kind.is_file() || kind.is_symlink() {
                tar.append_path_with_name(entry.path(), Path::new("workspace").join(&name))?;
            }
        }
    }
    let mut file = tar.into_inner()?.finish()?;
    file.flush()?;
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()
}
