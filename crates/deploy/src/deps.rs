//! Packages of apps: installed once for a lockfile into a shared, read-only folder that worktrees and releases link to.
//! No script of a package ever runs on install. What is there works with no network.

mod unused;

use crate::error::{Error, Result};
use crate::git::SYSTEM_PATH;
use crate::hands;
use crate::leftovers::WORK;
use crate::run::{Ended, Ran, Run, relevant};
use crate::starter;
use crate::yard::{Yard, in_place, make_dir, remove_all, write};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
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
        // Held open: what stands at the path may be another folder, or a link, by the time the packages are here.
        let Some(dir) = hands::open_dir(app).ok() else { return Ok(Deps::None) };
        let Some((package, lock)) = read_both(&dir) else { return Ok(Deps::None) };
        if let Err(summary) = in_step(&package, &lock) {
            return Ok(Deps::Refused {
                lines: vec![summary.clone()],
                log: summary.clone().into_bytes(),
                summary,
            });
        }
        let deps = self.install(self.wanted(package, lock).await?).await?;
        if let Deps::Ready(target) = &deps {
            self.link(&dir, target)?;
        }
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
        if unused::is_ready(&target) {
            return Ok(Deps::Ready(target));
        }
        let deps = self.home.join("deps");
        // One installs, the others wait for it and find it done.
        let _held = lock(&deps).await?;
        if unused::is_ready(&target) {
            return Ok(Deps::Ready(target));
        }
        let fresh = deps.join(format!(".new-{}", wanted.key));
        let scratch = deps.join(".scratch");
        for dir in [&fresh, &scratch] {
            in_place(|| remove_all(dir))?;
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
        let installed = fresh.clone();
        // Tens of thousands of files.
        tokio::task::spawn_blocking(move || hands::close(&installed))
            .await
            .map_err(|error| Error::io("close the packages folder")(std::io::Error::other(error)))??;
        let final_dir = deps.join(&wanted.key);
        remove_all(&final_dir)?;
        std::fs::rename(&fresh, &final_dir).map_err(Error::io("move the packages into place"))?;
        Ok(Deps::Ready(target))
    }

    async fn npm_ci(&self, dir: &Path, scratch: &Path) -> Result<Ran> {
        let cache = self.npm_cache.clone().unwrap_or_else(|| self.home.join("deps/.npm"));
        make_dir(&cache)?;
        if let Some(agent) = self.run_as_agent {
            // The cache holds all that was ever downloaded.
            in_place(|| [dir, scratch, &cache].iter().try_for_each(|dir| hands::give(dir, agent)))?;
        }
        let mut env = self.tool_env(scratch)?;
        env.extend(self.proxies.iter().map(|(name, value)| (name.clone(), value.into())));
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
        env.push((WORK.into(), self.home.clone().into()));
        for name in ["HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"] {
            env.push((name.into(), scratch.into()));
        }
        let words = [
            ("LANG", "C.UTF-8"),
            ("CI", "1"),
            // A network whose proxy looks into TLS has its authority among the system's.
            ("NODE_USE_SYSTEM_CA", "1"),
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
            Value::Array(all) => {
                let all: Vec<&str> = all.iter().filter_map(Value::as_str).filter(|s| !s.is_empty()).collect();
                Some(all.join(",")).filter(|all| !all.is_empty())
            }
            _ => None,
        };
        names
            .iter()
            .filter_map(|name| Some((format!("npm_config_{}", name.replace('-', "_")), value(name)?.into())))
            .collect()
    }

    fn link(&self, app: &OwnedFd, target: &Path) -> Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let deps = self.home.join("deps");
        make_dir(&deps)?;
        let aside = deps.join(format!(".old-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        // What was there under the name may be a large folder of the agent's.
        in_place(|| {
            remove_all(&aside)?;
            hands::link_in(app, "node_modules", target, &aside)
        })
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

/// Held as long as the returned file is open.
async fn lock(deps: &Path) -> Result<File> {
    make_dir(deps)?;
    // Nobody else may open it: who can, can hold it.
    let lock = File::options().create(true).truncate(false).write(true).mode(0o600).open(deps.join(".lock"));
    let lock = lock.map_err(Error::io("lock the packages folder"))?;
    tokio::task::spawn_blocking(move || {
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).map(|()| lock)
    })
    .await
    .map_err(|error| Error::io("lock the packages folder")(std::io::Error::other(error)))?
    .map_err(|error| Error::io("lock the packages folder")(error.into()))
}

/// Links an app to the folder of its packages, whether that is installed yet or not.
pub(crate) async fn link(yard: &Yard, app: &Path) -> Result<()> {
    let Some(dir) = hands::open_dir(app).ok() else { return Ok(()) };
    let Some((package, lock)) = read_both(&dir) else { return Ok(()) };
    if yard.node.is_none() {
        return Ok(());
    }
    yard.link(&dir, &yard.deps_dir(&yard.wanted(package, lock).await?.key))
}

/// Manifest and lockfile of an app that has both, as plain files.
fn read_both(app: &OwnedFd) -> Option<(Vec<u8>, Vec<u8>)> {
    const MOST: u64 = 16 << 20;
    Some((hands::read_plain(app, "package.json", MOST)?, hands::read_plain(app, "package-lock.json", MOST)?))
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
