//! Where images, snapshots and the state of running servers are kept, and who holds what. A lock is `flock`: the kernel gives
//! it back however its holder ended, so that nothing here needs to guess whether a process lives.

use super::host;
use rustix::fs::{FlockOperation, flock};
use std::fs::File;
use std::io::{Error, Read, Result, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a new server waits for another one's end.
const PATIENCE: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub struct Place(PathBuf);

impl Place {
    /// `LOOPWRIGHT_SERVERS`, else a folder in the user's cache.
    pub fn of_this_user() -> Result<Self> {
        let folder = match std::env::var_os("LOOPWRIGHT_SERVERS") {
            Some(folder) => PathBuf::from(folder),
            None => cache()?.join("loopwright-servers"),
        };
        if !folder.is_absolute() || folder.starts_with("/run") || folder.as_os_str().len() > 60 {
            let shown = folder.display();
            return Err(Error::other(format!(
                "{shown} cannot hold servers: set LOOPWRIGHT_SERVERS to a short absolute path outside of /run"
            )));
        }
        for part in ["images", "snapshots", "run", "keys", "slots"] {
            std::fs::create_dir_all(folder.join(part))
                .map_err(|error| Error::other(format!("cannot make {}: {error}", folder.display())))?;
        }
        Ok(Self(folder))
    }

    pub fn image(&self, key: &str) -> PathBuf {
        self.0.join("images").join(key)
    }

    pub fn images(&self) -> PathBuf {
        self.0.join("images")
    }

    pub fn snapshot(&self, name: &str) -> PathBuf {
        self.0.join("snapshots").join(name)
    }

    pub fn run(&self, net: &str) -> PathBuf {
        self.0.join("run").join(net)
    }

    pub fn socket(&self, net: &str) -> PathBuf {
        self.run(net).join("control.sock")
    }

    pub fn log(&self, net: &str) -> PathBuf {
        self.0.join("run").join(format!("{net}.log"))
    }

    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The names of the nets whose keeper lives.
    pub fn nets(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.0.join("run"))?.flatten() {
            if entry.path().is_dir() && try_lock(&entry.path().join("lock"))?.is_none() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }

    /// The state folder of a new net, held until the answer is dropped. Clears first what dead keepers left.
    pub fn claim(&self, net: &str) -> Result<File> {
        let _sweeping = lock(&self.0.join("sweep.lock"))?;
        for entry in std::fs::read_dir(self.0.join("run"))?.flatten() {
            if entry.path().is_dir()
                && let Some(_held) = try_lock(&entry.path().join("lock"))?
            {
                clear(&entry.path())?;
            }
        }
        let folder = self.run(net);
        if folder.exists() {
            return Err(Error::other(format!("a net named {net} is up already: throwaway down {net}")));
        }
        std::fs::create_dir(&folder)?;
        lock(&folder.join("lock"))
    }

    /// One of the few places for a running server, held until the answer is dropped. There are as many as
    /// `LOOPWRIGHT_SERVER_SLOTS` says, else two: what two cores bear.
    pub fn slot(&self, who: &str) -> Result<File> {
        let count = std::env::var("LOOPWRIGHT_SERVER_SLOTS").ok().and_then(|text| text.parse().ok());
        self.slot_among(who, count.unwrap_or(2), PATIENCE)
    }

    fn slot_among(&self, who: &str, count: u32, patience: Duration) -> Result<File> {
        let deadline = Instant::now() + patience;
        loop {
            for number in 1..=count {
                if let Some(mut file) = try_lock(&self.0.join(format!("slots/{number}")))? {
                    file.set_len(0)?;
                    writeln!(file, "{who}")?;
                    return Ok(file);
                }
            }
            if Instant::now() >= deadline {
                return Err(Error::other(format!(
                    "all {count} places for servers are taken ({}): end one with throwaway down, or set LOOPWRIGHT_SERVER_SLOTS",
                    self.holders(count)
                )));
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    fn holders(&self, count: u32) -> String {
        let names = (1..=count).map(|number| {
            std::fs::read_to_string(self.0.join(format!("slots/{number}")))
                .unwrap_or_default()
                .trim()
                .to_owned()
        });
        names.collect::<Vec<_>>().join(", ")
    }
}

fn cache() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache"))).ok_or_else(|| {
        Error::other("neither HOME nor XDG_CACHE_HOME is set: set LOOPWRIGHT_SERVERS to a folder")
    })
}

fn open(path: &Path) -> Result<File> {
    File::options().read(true).write(true).create(true).truncate(false).open(path)
}

/// Waits for it.
pub fn lock(path: &Path) -> Result<File> {
    let file = open(path)?;
    flock(&file, FlockOperation::LockExclusive)?;
    Ok(file)
}

/// None when somebody has it.
pub fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = open(path)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is left of a net whose keeper is dead: its processes, mounts and namespaces went with it; files and control groups did not.
fn clear(folder: &Path) -> Result<()> {
    let mut listed = String::new();
    if let Ok(mut file) = File::open(folder.join("cgroups")) {
        file.rewind()?;
        file.read_to_string(&mut listed)?;
    }
    for group in listed.lines() {
        host::remove_cgroup(Path::new(group))?;
    }
    std::fs::remove_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_dead_keeper_left_is_cleared_and_a_living_one_is_kept() -> Result<()> {
        let folder = tempfile::tempdir()?;
        for part in ["run", "slots"] {
            std::fs::create_dir(folder.path().join(part))?;
        }
        let place = Place(folder.path().to_owned());
        let alive = place.claim("alive")?;
        drop(place.claim("dead")?);
        std::fs::write(place.run("dead").join("disk.img"), "much")?;
        assert_eq!(place.nets()?, ["alive"]);
        let _third = place.claim("third")?;
        assert!(!place.run("dead").exists() && place.run("alive").exists());
        assert!(place.claim("alive").is_err());
        drop(alive);
        place.claim("alive")?;
        Ok(())
    }

    #[test]
    fn no_more_servers_than_places_and_the_refusal_says_who_has_them() -> Result<()> {
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("slots"))?;
        let place = Place(folder.path().to_owned());
        let one = place.slot_among("one/a", 2, Duration::ZERO)?;
        let _two = place.slot_among("two/b", 2, Duration::ZERO)?;
        let refused = place.slot_among("three/c", 2, Duration::ZERO).unwrap_err().to_string();
        assert!(refused.contains("one/a, two/b"), "{refused}");
        drop(one);
        place.slot_among("three/c", 2, Duration::ZERO)?;
        Ok(())
    }
}
