//! Packages of apps: installed once for a lockfile into a shared, read-only folder that worktrees and releases link to.
//! No script of a package ever runs on install. What is there works with no network.

use crate::error::{Error, Result};
use crate::git::SYSTEM_PATH;
use crate::run::{Ended, Ran, Run, relevant};
use crate::starter;
use crate::yard::{Yard, give, make_dir, remove_all, write};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::process::Command;

/// The oldest Node that the starters' packages take.
const OLDEST_NODE: (u32, u32) = (22, 22);
const LISTS: &[&str] = &["dependencies", "devDependencies", "optionalDependencies"];

/// What came of making an app's packages ready.
#[derive(Debug)]
pub enum Deps {
    /// There is nothing to install.
    None,
    /// The folder `node_modules` that the app links to.
    Ready(PathBuf),
    /// The app's own files are the cause.
    Refused { summary: String, lines: Vec<String>, log: Vec<u8> },
}

struct Wanted {
    package: Vec<u8>,
    lock: Vec<u8>,
    key: String,
}

impl Yard {
    /// Installs a starter's packages, so that its first project can be worked on at once.
    pub async fn prepare_deps(&self, starter: &str) -> Result<()> {
        let starter = starter::find(starter)?;
        let (Some(package), Some(lock)) =
            (starter.file("app/package.json"), starter.file("app/package-lock.json"))
        else {
            return Ok(());
        };
        match self.install(self.wanted(package.to_vec(), lock.to_vec()).await?).await? {
            Deps::None | Deps::Ready(_) => Ok(()),
            Deps::Refused { summary, .. } => Err(Error::Deps(summary)),
        }
    }

    /// Whether a starter's packages are there already.
    pub async fn has_deps(&self, starter: &str) -> Result<bool> {
        let starter = starter::find(starter)?;
        let (Some(package), Some(lock)) =
            (starter.file("app/package.json"), starter.file("app/package-lock.json"))
        else {
            return Ok(true);
        };
        let wanted = self.wanted(package.to_vec(), lock.to_vec()).await?;
        Ok(self.deps_dir(&wanted.key).is_dir())
    }

    /// Makes the packages of the app in `app` ready and links them there as `node_modules`.
    pub async fn ensure_deps(&self, app: &Path) -> Result<Deps> {
        let Some((package, lock)) = read_both(app) else { return Ok(Deps::None) };
        if let Err(summary) = in_step(&package, &lock) {
            return Ok(Deps::Refused {
                lines: vec![summary.clone()],
                log: summary.clone().into_bytes(),
                summary,
            });
        }
        let deps = self.install(self.wanted(package, lock).await?).await?;
        link(self, app).await?;
        Ok(deps)
    }

    fn deps_dir(&self, key: &str) -> PathBuf {
        self.home.join("deps").join(key).join("node_modules")
    }

    async fn wanted(&self, package: Vec<u8>, lock: Vec<u8>) -> Result<Wanted> {
        let (major, _) = self.node_version().await?;
        let mut hash = blake3::Hasher::new();
        for part in
            [lock.as_slice(), &serde_json::to_vec(&lists(&package)).unwrap_or_default(), &major.to_be_bytes()]
        {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let key = hash.finalize().to_hex().chars().take(40).collect();
        Ok(Wanted { package, lock, key })
    }

    async fn install(&self, wanted: Wanted) -> Result<Deps> {
        let target = self.deps_dir(&wanted.key);
        if target.is_dir() {
            return Ok(Deps::Ready(target));
        }
        let deps = self.home.join("deps");
        make_dir(&deps)?;
        let lock = File::create(deps.join(".lock")).map_err(Error::io("lock the packages folder"))?;
        // One installs, the others wait for it and find it done.
        let _held = tokio::task::spawn_blocking(move || {
            rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map(|()| lock)
        })
        .await
        .map_err(|error| Error::io("lock the packages folder")(std::io::Error::other(error)))?
        .map_err(|error| Error::io("lock the packages folder")(error.into()))?;
        if target.is_dir() {
            return Ok(Deps::Ready(target));
        }
        let fresh = deps.join(format!(".new-{}", wanted.key));
        let scratch = deps.join(".scratch");
        for dir in [&fresh, &scratch] {
            remove_all(dir)?;
            make_dir(dir)?;
        }
        write(&fresh.join("package.json"), serde_json::to_vec(&lists(&wanted.package)).unwrap_or_default())?;
        write(&fresh.join("package-lock.json"), &wanted.lock)?;
        let ran = self.npm_ci(&fresh, &scratch).await?;
        remove_all(&scratch)?;
        if ran.ended != Ended::Exit(0) {
            remove_all(&fresh)?;
            return refused(&ran, &fresh);
        }
        make_dir(&fresh.join("node_modules"))?; // npm makes none where nothing is needed
        self.close(&fresh)?;
        let final_dir = deps.join(&wanted.key);
        remove_all(&final_dir)?;
        std::fs::rename(&fresh, &final_dir).map_err(Error::io("move the packages into place"))?;
        Ok(Deps::Ready(target))
    }

    async fn npm_ci(&self, dir: &Path, scratch: &Path) -> Result<Ran> {
        let cache = self.npm_cache.clone().unwrap_or_else(|| self.home.join("deps/.npm"));
        make_dir(&cache)?;
        if let Some(agent) = self.run_as_agent {
            for dir in [dir, scratch, &cache] {
                give(dir, agent)?;
            }
        }
        let mut env = self.tool_env(scratch)?;
        env.extend(self.npm_settings().await);
        env.push(("npm_config_cache".into(), cache.into()));
        // Whatever host a lockfile names: our registry is asked.
        let args = [
            "npm",
            // Not `ci`: it refuses a lockfile that lacks optional packages of other platforms, and a registry need not
            // have those. What is locked is installed as locked, by its integrity; `in_step` has compared the rest.
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--prefer-offline",
            "--replace-registry-host=always",
        ];
        let run = Run {
            argv: args.map(str::to_owned).to_vec(),
            cwd: dir.to_owned(),
            env,
            run_as: self.run_as_agent,
            timeout: Duration::from_secs(600),
            memory_mb: 2048,
        };
        run.run().await
    }

    /// The environment of the app's tools: nothing of the daemon's own.
    pub(crate) fn tool_env(&self, scratch: &Path) -> Result<Vec<(String, OsString)>> {
        let mut path = OsString::new();
        if let Some(node) = &self.node {
            path.push(node);
            path.push(":");
        }
        path.push(SYSTEM_PATH);
        let mut env: Vec<(String, OsString)> = vec![("PATH".into(), path)];
        for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            env.push((name.into(), scratch.into()));
        }
        let words = [
            ("LANG", "C.UTF-8"),
            ("CI", "1"),
            ("NO_COLOR", "1"),
            ("npm_config_audit", "false"),
            ("npm_config_fund", "false"),
            ("npm_config_update_notifier", "false"),
            ("npm_config_ignore_scripts", "true"),
            ("npm_config_prefer_offline", "true"),
        ];
        env.extend(words.map(|(name, value)| (name.to_owned(), value.into())));
        Ok(env)
    }

    /// Which registry and proxy this machine's npm uses. Asked of npm itself, as the daemon's user with the daemon's
    /// environment: that is where a person set them. Nothing secret is among them.
    async fn npm_settings(&self) -> Vec<(String, OsString)> {
        let ask = |path: Option<OsString>| {
            let mut command = Command::new("npm");
            command
                .args(["config", "list", "--json"])
                .current_dir("/")
                .stdin(std::process::Stdio::null())
                .kill_on_drop(true);
            path.into_iter().for_each(|path| {
                command.env("PATH", path);
            });
            command
        };
        let own =
            self.tool_env(Path::new("/")).ok().and_then(|env| env.into_iter().next()).map(|(_, path)| path);
        let mut out = Vec::new();
        for mut command in [ask(None), ask(own)] {
            let answer = tokio::time::timeout(Duration::from_secs(20), command.output()).await;
            if let Ok(Ok(answer)) = answer
                && answer.status.success()
            {
                out = answer.stdout;
                break;
            }
        }
        let settings: Map<String, Value> = serde_json::from_slice(&out).unwrap_or_default();
        let names = ["registry", "proxy", "https-proxy", "noproxy", "cafile", "strict-ssl"];
        let value = |name: &str| match settings.get(name)? {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Bool(yes) => Some(yes.to_string()),
            _ => None,
        };
        names
            .iter()
            .filter_map(|name| Some((format!("npm_config_{}", name.replace('-', "_")), value(name)?.into())))
            .collect()
    }

    /// Makes an installed folder ours and read-only.
    fn close(&self, dir: &Path) -> Result<()> {
        if self.run_as_agent.is_some() {
            let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
            give(dir, crate::RunAs { uid, gid })?;
        }
        read_only(dir)?;
        // The topmost must be movable by us.
        std::fs::set_permissions(dir, Permissions::from_mode(0o755))
            .map_err(Error::io("close the packages folder"))
    }

    /// Major and minor version of the yard's Node; asked once for each program file.
    pub(crate) async fn node_version(&self) -> Result<(u32, u32)> {
        type Program = (PathBuf, Option<SystemTime>, u64);
        static SEEN: LazyLock<Mutex<HashMap<Program, (u32, u32)>>> = LazyLock::new(Mutex::default);
        let Some(dir) = &self.node else {
            return Err(Error::Node("no Node is set up; run the setup again".into()));
        };
        let program = dir.join("node");
        let about = std::fs::metadata(&program)
            .map_err(|_| Error::Node(format!("there is no node in {}", dir.display())))?;
        let seen_as = (program.clone(), about.modified().ok(), about.len());
        if let Some(version) = SEEN.lock().unwrap_or_else(PoisonError::into_inner).get(&seen_as) {
            return Ok(*version);
        }
        let said = Command::new(&program).arg("--version").env_clear().kill_on_drop(true).output().await;
        let said = said.map_err(Error::io("run node --version"))?.stdout;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        let mut numbers = said.trim_start_matches('v').split('.').map(|n| n.parse::<u32>().unwrap_or(0));
        let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if version < OLDEST_NODE {
            let (major, minor) = OLDEST_NODE;
            return Err(Error::Node(format!(
                "Node {major}.{minor} or newer is needed, and {said:?} was found"
            )));
        }
        SEEN.lock().unwrap_or_else(PoisonError::into_inner).insert(seen_as, version);
        Ok(version)
    }
}

/// Links an app to the folder of its packages, whether that is installed yet or not.
pub(crate) async fn link(yard: &Yard, app: &Path) -> Result<()> {
    let Some((package, lock)) = read_both(app) else { return Ok(()) };
    if yard.node.is_none() {
        return Ok(());
    }
    let target = yard.deps_dir(&yard.wanted(package, lock).await?.key);
    let link = app.join("node_modules");
    if std::fs::read_link(&link).is_ok_and(|there| there == target) {
        return Ok(());
    }
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => remove_all(&link)?,
        _ => {}
    }
    std::os::unix::fs::symlink(&target, &link).map_err(Error::io("link the packages"))
}

/// Manifest and lockfile of an app that has both, as plain files.
fn read_both(app: &Path) -> Option<(Vec<u8>, Vec<u8>)> {
    let plain = |path: &Path| {
        std::fs::symlink_metadata(path).is_ok_and(|about| about.is_file() && about.len() < 16 << 20)
    };
    let is_dir = std::fs::symlink_metadata(app).is_ok_and(|about| about.is_dir());
    let (package, lock) = (app.join("package.json"), app.join("package-lock.json"));
    if !is_dir || !plain(&package) || !plain(&lock) {
        return None;
    }
    Some((std::fs::read(package).ok()?, std::fs::read(lock).ok()?))
}

/// What of a package.json decides which packages there are.
fn lists(package: &[u8]) -> Map<String, Value> {
    let whole: Map<String, Value> = serde_json::from_slice(package).unwrap_or_default();
    whole
        .into_iter()
        .filter(|(name, _)| LISTS.contains(&name.as_str()) || name == "name" || name == "overrides")
        .collect()
}

/// Whether the lockfile is of this package.json.
fn in_step(package: &[u8], lock: &[u8]) -> std::result::Result<(), String> {
    let package: Value = serde_json::from_slice(package)
        .map_err(|error| format!("package.json is not valid JSON: {error}"))?;
    let lock: Value = serde_json::from_slice(lock)
        .map_err(|error| format!("package-lock.json is not valid JSON: {error}"))?;
    let own = lock.pointer("/packages/").cloned().unwrap_or(Value::Null);
    for list in LISTS {
        let empty = Map::new();
        let wanted = package.get(list).and_then(Value::as_object).unwrap_or(&empty);
        let locked = own.get(list).and_then(Value::as_object).unwrap_or(&empty);
        let names = wanted.keys().chain(locked.keys());
        if let Some(name) = names.into_iter().find(|name| wanted.get(*name) != locked.get(*name)) {
            return Err(format!(
                "package-lock.json does not match package.json ({name}); run npm install --package-lock-only --ignore-scripts"
            ));
        }
    }
    Ok(())
}

fn refused(ran: &Ran, dir: &Path) -> Result<Deps> {
    let log = String::from_utf8_lossy(&ran.log).into_owned();
    let has = |words: &[&str]| words.iter().any(|word| log.contains(word));
    let lines = relevant(&ran.log, &dir.to_string_lossy());
    let summary = match &ran.ended {
        Ended::NotFound => {
            return Err(Error::Node("npm is not installed beside node; run the setup again".into()));
        }
        Ended::TimedOut => {
            return Err(Error::Deps(
                "npm took longer than 10 minutes; look at the network and try again".into(),
            ));
        }
        Ended::OutOfMemory => {
            return Err(Error::Deps("npm ran out of memory: needed more than 2048 MB".into()));
        }
        _ if has(&["ENOSPC"]) => {
            return Err(Error::io("install the packages")(std::io::ErrorKind::StorageFull.into()));
        }
        _ if has(&[
            "ENOTFOUND",
            "ECONNREFUSED",
            "EAI_AGAIN",
            "ETIMEDOUT",
            "ECONNRESET",
            "ENETUNREACH",
            "EHOSTUNREACH",
        ]) =>
        {
            let say = "the package registry cannot be reached, and these packages are not here yet; look at the network and try again";
            return Err(Error::Deps(say.into()));
        }
        _ if has(&["in sync", "EUSAGE"]) => {
            "package-lock.json does not match package.json; run npm install --package-lock-only --ignore-scripts"
        }
        _ if has(&["EINTEGRITY"]) => "a package is not the one that package-lock.json names (integrity)",
        _ if has(&["E404", "ETARGET"]) => {
            "a package or version in package-lock.json does not exist in the registry"
        }
        _ => "npm could not install the packages",
    };
    Ok(Deps::Refused { summary: summary.to_owned(), lines, log: ran.log.clone() })
}

fn read_only(path: &Path) -> Result<()> {
    let failed = |error| Error::io(format!("close {}", path.display()))(error);
    let about = std::fs::symlink_metadata(path).map_err(failed)?;
    if about.is_symlink() {
        return Ok(());
    }
    if about.is_dir() {
        for entry in std::fs::read_dir(path).map_err(failed)? {
            read_only(&entry.map_err(failed)?.path())?;
        }
    }
    let mode = about.permissions().mode() & 0o555;
    let readable = mode | 0o444 | if about.is_dir() || mode & 0o111 != 0 { 0o111 } else { 0 };
    std::fs::set_permissions(path, Permissions::from_mode(readable)).map_err(failed)
}
