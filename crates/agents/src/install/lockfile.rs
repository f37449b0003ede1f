//! Reads npm's lock file (version 3): which packages belong where, and the hash of each.

use super::platform::Platform;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

/// A SHA-512, the only kind of hash that is taken.
pub(super) type Hash = [u8; 64];

/// One package to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Package {
    /// Its name in the registry.
    pub name: String,
    pub version: String,
    pub hash: Hash,
    /// Where it belongs, below the folder of the lock file.
    pub place: PathBuf,
    /// Its programs, below its own folder. npm makes them executable whatever the archive says.
    pub programs: Vec<PathBuf>,
}

impl Package {
    pub fn label(&self) -> String {
        format!("{}@{}", self.name, self.version)
    }

    /// A file name that is this package's alone.
    pub fn file(&self) -> String {
        let hex = protocol::hex(self.hash.get(..20).unwrap_or(&self.hash));
        format!("{hex}.tgz")
    }
}

#[derive(Deserialize)]
struct Lock {
    #[serde(rename = "lockfileVersion")]
    version: u32,
    packages: BTreeMap<String, Row>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Row {
    /// Only where it differs from the folder's.
    name: Option<String>,
    version: Option<String>,
    integrity: Option<String>,
    optional: bool,
    in_bundle: bool,
    link: bool,
    os: Vec<String>,
    cpu: Vec<String>,
    libc: Vec<String>,
    bin: BTreeMap<String, PathBuf>,
    dependencies: BTreeMap<String, String>,
    optional_dependencies: BTreeMap<String, String>,
    peer_dependencies: BTreeMap<String, String>,
}

impl Row {
    fn needs(&self) -> impl Iterator<Item = &String> {
        let also = self.optional_dependencies.keys().chain(self.peer_dependencies.keys());
        self.dependencies.keys().chain(also)
    }
}

/// The packages that this machine needs. `optional`: with those that the programs can do without.
pub(super) fn packages(text: &str, platform: Platform, optional: bool) -> Result<Vec<Package>, String> {
    let mut lock: Lock = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if lock.version != 3 {
        return Err(format!("a lock file of version {} is not known", lock.version));
    }
    lock.packages
        .retain(|_, row| !row.optional || (optional && platform.takes(&row.os, &row.cpu, &row.libc)));
    let mut packages = Vec::new();
    for place in reached(&lock.packages) {
        let Some(row) = lock.packages.remove(&place) else { continue };
        // The first row is the lock file's own; a bundled package comes within the one that bundles it.
        if !place.is_empty() && !row.in_bundle {
            packages.push(package(&place, row).map_err(|reason| format!("`{place}`: {reason}"))?);
        }
    }
    Ok(packages)
}

/// What is still needed by anything: a package that only another system's one needs is not.
fn reached(rows: &BTreeMap<String, Row>) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![String::new()];
    while let Some(place) = open.pop() {
        if let Some(row) = rows.get(&place) {
            open.extend(row.needs().filter_map(|name| resolve(rows, &place, name)));
            // Each is looked at once, so that a circle ends.
            open.retain(|next| !reached.contains(next));
            reached.insert(place);
        }
    }
    reached
}

/// As Node looks for a module: in the folder itself, then in those around it.
fn resolve(rows: &BTreeMap<String, Row>, from: &str, name: &str) -> Option<String> {
    let mut around = Some(from);
    while let Some(folder) = around {
        let slash = if folder.is_empty() { "" } else { "/" };
        let place = format!("{folder}{slash}node_modules/{name}");
        if rows.contains_key(&place) {
            return Some(place);
        }
        around = match folder.rfind("node_modules/") {
            Some(at) => folder.get(..at).map(|outer| outer.trim_end_matches('/')),
            None => None,
        };
    }
    None
}

fn package(place: &str, row: Row) -> Result<Package, String> {
    if row.link {
        return Err("a link is not a package".to_owned());
    }
    let own = place.rsplit_once("node_modules/").map(|(_, name)| name.to_owned());
    let name = row.name.or(own).ok_or("it has no name")?;
    let version = row.version.ok_or("it has no version")?;
    let hash = hash(&row.integrity.ok_or("it has no hash")?)?;
    let programs: Vec<PathBuf> = row.bin.into_values().map(|path| plain(&path)).collect();
    let place = PathBuf::from(place);
    if ![&place].into_iter().chain(&programs).all(|path| stays_below(path)) {
        return Err("a path leads out of its folder".to_owned());
    }
    Ok(Package { name, version, hash, place, programs })
}

/// Reads `sha512-…` out of npm's list of hashes.
pub(super) fn hash(integrity: &str) -> Result<Hash, String> {
    let text = integrity.split_whitespace().find_map(|one| one.strip_prefix("sha512-"));
    let bytes = STANDARD.decode(text.ok_or("it has no sha512")?).map_err(|e| e.to_string())?;
    Hash::try_from(bytes).map_err(|_| "its sha512 has a wrong length".to_owned())
}

/// Whether a path has only plain parts, so that it cannot leave the folder that it is joined to.
pub(super) fn stays_below(path: &Path) -> bool {
    path.components().next().is_some() && path.components().all(|part| matches!(part, Component::Normal(_)))
}

fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Platform = Platform { os: "linux", cpu: "x64", libc: Some("glibc") };

    /// With rows that the lock file's own row needs all.
    fn lock(names: &str, rows: &str) -> String {
        let needs: Vec<_> = names.split_whitespace().map(|name| format!(r#""{name}": "*""#)).collect();
        let own = format!(r#""": {{"dependencies": {{{}}}}}"#, needs.join(","));
        format!(r#"{{"lockfileVersion": 3, "packages": {{{own}, {rows}}}}}"#)
    }

    fn integrity() -> String {
        format!("sha1-x sha512-{}", STANDARD.encode([7u8; 64]))
    }

    #[test]
    fn an_alias_is_fetched_by_its_real_name_and_put_under_the_other() {
        let rows = format!(
            r#""node_modules/a": {{"version": "1.0.0", "integrity": "{0}", "dependencies": {{"@s/b": "*"}}}},
            "node_modules/a/node_modules/@s/b": {{"name": "@s/real", "version": "1.0.0-x", "integrity": "{0}",
                "bin": {{"b": "./bin/b.js"}}, "dependencies": {{"a": "*"}}}}"#,
            integrity()
        );
        let found = packages(&lock("a", &rows), HERE, true).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].label(), "@s/real@1.0.0-x");
        assert_eq!(found[1].place, Path::new("node_modules/a/node_modules/@s/b"));
        assert_eq!(found[1].programs, [PathBuf::from("bin/b.js")]);
        assert_eq!(found[1].hash, [7u8; 64]);
    }

    #[test]
    fn what_is_for_other_machines_or_needed_only_there_is_left_out() {
        let row = |name: &str, more: &str| {
            format!(r#""node_modules/{name}": {{"version": "1.0.0", "integrity": "{}"{more}}}"#, integrity())
        };
        let rows = [
            row("plain", r#", "peerDependencies": {"peer": "*", "nowhere": "*"}"#),
            row("peer", r#", "optionalDependencies": {"mac": "*", "musl": "*", "here": "*"}"#),
            row("mac", r#", "optional": true, "os": ["darwin"], "dependencies": {"lib": "*"}"#),
            row("lib", r#", "optional": true"#),
            row("musl", r#", "optional": true, "os": ["linux"], "libc": ["musl"]"#),
            row("here", r#", "optional": true, "os": ["linux"], "cpu": ["x64"]"#),
            row("inside", r#", "inBundle": true"#),
            row("unused", ""),
        ];
        let names = |optional| -> Vec<String> {
            let found = packages(&lock("plain inside", &rows.join(",")), HERE, optional).unwrap();
            found.into_iter().map(|package| package.name).collect()
        };
        assert_eq!(names(true), ["here", "peer", "plain"]);
        assert_eq!(names(false), ["peer", "plain"]);
    }

    #[test]
    fn what_cannot_be_checked_or_leads_out_is_refused() {
        for (name, row) in [
            ("a", r#""version": "1.0.0""#.to_owned()),
            ("a", r#""version": "1.0.0", "integrity": "sha1-abc=""#.to_owned()),
            ("a", r#""version": "1.0.0", "integrity": "sha512-AAAA""#.to_owned()),
            ("a", format!(r#""link": true, "version": "1.0.0", "integrity": "{}""#, integrity())),
            ("../../a", format!(r#""version": "1.0.0", "integrity": "{}""#, integrity())),
            ("a", format!(r#""version": "1", "integrity": "{}", "bin": {{"a": "../x"}}"#, integrity())),
        ] {
            let text = lock(name, &format!(r#""node_modules/{name}": {{{row}}}"#));
            assert!(packages(&text, HERE, true).is_err(), "{row}");
        }
    }
}
