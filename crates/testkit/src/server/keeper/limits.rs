//! The control groups of a server: limits of memory and processor, and one version-2 group by which all of it is frozen or ended.
//! On a machine where controllers are of version 1 each has a tree of its own; else they are in the version-2 tree.

use crate::server::host;
use crate::server::spec::Spec;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

pub struct Limits {
    /// The version-2 group, which holds everything the server runs.
    whole: PathBuf,
    /// Files that a process writes itself to, to be in them.
    joins: Vec<PathBuf>,
    groups: Vec<PathBuf>,
    /// What is written into the version-2 group itself.
    settings: Vec<(&'static str, String)>,
}

impl Limits {
    /// `list` is where the groups are noted, for whoever clears up after a keeper that was killed.
    pub fn make(name: &str, spec: &Spec, list: &Path) -> Result<Self> {
        let whole = host::cgroup2()?.join(name);
        let mut limits = Self {
            joins: vec![whole.join("cgroup.procs")],
            groups: vec![whole.clone()],
            settings: Vec::new(),
            whole,
        };
        // nspawn makes the same name again in the tree that systemd uses to name things.
        let systemd = Path::new("/sys/fs/cgroup/systemd");
        if systemd.exists() {
            limits.groups.push(systemd.join(name));
        }
        let settings = [
            ("memory", "memory.limit_in_bytes", "memory.max", (u64::from(spec.memory_mib) << 20).to_string()),
            ("cpu", "cpu.cfs_quota_us", "cpu.max", (u64::from(spec.cpus) * 100_000).to_string()),
        ];
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let trees = settings.map(|(controller, first, second, value)| {
            let tree = own_group(&own, controller).map(|path| path.join(name));
            (controller, tree, first, second, value)
        });
        limits.groups.extend(trees.iter().filter_map(|(_, tree, ..)| tree.clone()));
        limits.note(list)?;
        for (controller, tree, first, second, value) in trees {
            match tree {
                Some(group) => {
                    make(&group)?;
                    write(&group.join(first), &value)?;
                    limits.joins.push(group.join("cgroup.procs"));
                }
                None => {
                    let above = limits.whole.parent().unwrap_or(Path::new("/"));
                    write(&above.join("cgroup.subtree_control"), &format!("+{controller}"))?;
                    limits.settings.push((second, value));
                }
            }
        }
        limits.renew()?;
        Ok(limits)
    }

    /// Ends what is left and makes the version-2 group anew. One in which everything was killed once is not used again: a systemd
    /// that starts its services straight into groups (257 does, with kernel 6.18) finds them killed as they start.
    pub fn renew(&self) -> Result<()> {
        host::remove_cgroup(&self.whole)?;
        make(&self.whole)?;
        self.settings.iter().try_for_each(|(file, value)| write(&self.whole.join(file), value))
    }

    fn note(&self, list: &Path) -> Result<()> {
        let mut text = fs::read_to_string(list).unwrap_or_default();
        for group in &self.groups {
            text.push_str(&format!("{}\n", group.display()));
        }
        fs::write(list, text)
    }

    pub fn joins(&self) -> &[PathBuf] {
        &self.joins
    }

    pub fn freeze(&self, frozen: bool) -> Result<()> {
        write(&self.whole.join("cgroup.freeze"), if frozen { "1" } else { "0" })
    }

    /// Every process ends at once, frozen or not.
    pub fn kill(&self) -> Result<()> {
        self.freeze(false)?;
        write(&self.whole.join("cgroup.kill"), "1")
    }

    pub fn remove(&self) -> Result<()> {
        self.groups.iter().try_for_each(|group| host::remove_cgroup(group))
    }
}

/// Where this process is in the tree of a version-1 controller; none if there is no such tree.
fn own_group(listed: &str, controller: &str) -> Option<PathBuf> {
    let root = Path::new("/sys/fs/cgroup").join(controller);
    let mut lines =
        listed.lines().filter_map(|line| line.splitn(3, ':').skip(1).collect::<Vec<_>>().try_into().ok());
    let [_, path] = lines.find(|[names, _]: &[&str; 2]| names.split(',').any(|name| name == controller))?;
    Some(root.join(path.trim_start_matches('/')))
}

fn make(group: &Path) -> Result<()> {
    fs::create_dir_all(group)
        .map_err(|error| Error::other(format!("cannot make the control group {}: {error}", group.display())))
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text)
        .map_err(|error| Error::other(format!("cannot write {text} to {}: {error}", file.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_controllers_own_tree_is_found() {
        let listed = "4:memory:/a/b\n2:cpu,cpuacct:/\n0::/user\n";
        assert_eq!(own_group(listed, "memory"), Some("/sys/fs/cgroup/memory/a/b".into()));
        assert_eq!(own_group(listed, "cpu"), Some("/sys/fs/cgroup/cpu/".into()));
        assert_eq!(own_group("0::/user\n", "memory"), None);
    }
}
