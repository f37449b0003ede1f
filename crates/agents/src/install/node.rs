//! Node for the agents. One that is new enough is used as it is; where there is none, a pinned one comes from the package
//! registry, with its npm, into the folder of installed agents. Its hashes stand here: the registry is not trusted.

use super::error::Error;
use super::folder::{self, Folder};
use super::lockfile::{self, Package};
use super::platform::Platform;
use super::unpack::{make_folder, unpack};
use super::{Room, stage};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(super) const NEED_MB: u64 = 300;

const NODE: &str = "24.21.0";
const NPM: &str = "11.21.2";
/// Packages of Node's program, by npm's words for the system.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "linux-x64",
        "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
    ),
    (
        "linux-arm64",
        "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
    ),
];
const NPM_HASH: &str =
    "sha512-7HPApk+AflMUavSseL1Pm6CnYqMIHk53x+KmuhqmTDqPkjPMgxIpTPcTqsE91EKNw4gFBJV9fnXiSdGm1DXq9A==";
/// The oldest that every agent runs on.
const OLDEST: (u32, u32) = (22, 22);

/// Whether the set-up finds a Node that is new enough, ours included.
pub(super) fn is_there(room: &Room, folder: &Folder) -> bool {
    found(room, folder).is_some()
}

pub(super) fn found(room: &Room, folder: &Folder) -> Option<String> {
    let setup = super::with_installed(folder.path(), room.setup.clone());
    let says = says_version(&crate::launch::node(&setup)?)?;
    numbers(&says).filter(|version| *version >= OLDEST)?;
    Some(says)
}

pub(super) fn wanted() -> Option<&'static str> {
    let platform = Platform::here().to_string();
    PROGRAMS.iter().any(|(name, _)| *name == platform).then_some(NODE)
}

pub(super) fn install(room: &Room, folder: &Folder) -> Result<(), Error> {
    if let Some(node) = &room.setup.node {
        let reason =
            format!("{} was given, and it is none of {}.{} or newer", node.display(), OLDEST.0, OLDEST.1);
        return Err(Error::NoNode { reason });
    }
    let own = folder.path().join("node").join(format!("{NODE}-{NPM}"));
    if !own.is_dir() {
        build(room, folder, &own)?;
    }
    let bin = folder.path().join("bin");
    make_folder(&bin)?;
    for program in ["node", "npm", "npx"] {
        let to = Path::new("../node").join(format!("{NODE}-{NPM}")).join("bin").join(program);
        folder::link(&to, &bin.join(program))?;
    }
    match version_of(&bin.join("node")) {
        Some(_) => Ok(()),
        None => Err(Error::NoNode { reason: format!("Node {NODE} was fetched and does not start") }),
    }
}

fn build(room: &Room, folder: &Folder, own: &Path) -> Result<(), Error> {
    let platform = Platform::here().to_string();
    let Some((_, hash)) = PROGRAMS.iter().find(|(name, _)| *name == platform) else {
        return Err(Error::NoNode { reason: format!("there is no packaged one for {platform}") });
    };
    let packages = [
        package(&format!("node-{platform}"), NODE, hash, "")?,
        package("npm", NPM, NPM_HASH, "lib/node_modules/npm")?,
    ];
    (room.tell)(format!("fetching Node {NODE} and npm {NPM}"));
    let registry = stage::registry(room, folder)?;
    let fresh = folder.beside();
    make_folder(&fresh)?;
    for package in &packages {
        let mut place = fresh.clone();
        for part in package.place.components() {
            place.push(part);
            make_folder(&place)?;
        }
        unpack(&registry.fetch(package)?, &place, &package.label())?;
    }
    for program in ["npm", "npx"] {
        write_program(&fresh.join("bin").join(program), own, program)?;
    }
    // This npm has a settings file of its own; it must reach the same registry as the machine's.
    let etc = fresh.join("etc");
    make_folder(&etc)?;
    write(&etc.join("npmrc"), &registry.source().as_npmrc(), 0o644)?;
    let parent = own.parent().unwrap_or(folder.path());
    make_folder(parent)?;
    stage::put_in_place(&fresh, parent, &format!("{NODE}-{NPM}"))
}

fn package(name: &str, version: &str, hash: &str, place: &str) -> Result<Package, Error> {
    let wrong = |reason| Error::Table { agent: name.to_owned(), reason };
    Ok(Package {
        name: name.to_owned(),
        version: version.to_owned(),
        hash: lockfile::hash(hash).map_err(wrong)?,
        place: PathBuf::from(place),
        programs: Vec::new(),
    })
}

/// Run by its own Node, whatever node is first on a path; what npm starts finds the same one.
fn write_program(at: &Path, own: &Path, name: &str) -> Result<(), Error> {
    let own = own.display();
    let script = format!(
        "#!/bin/sh\nPATH=\"{own}/bin:$PATH\"; export PATH\nexec \"{own}/bin/node\" \"{own}/lib/node_modules/npm/bin/{name}-cli.js\" \"$@\"\n"
    );
    match fs::remove_file(at) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(Error::at("replace", at, e)),
        _ => {}
    }
    write(at, &script, 0o755)
}

fn write(at: &Path, text: &str, mode: u32) -> Result<(), Error> {
    fs::write(at, text)
        .and_then(|()| fs::set_permissions(at, fs::Permissions::from_mode(mode)))
        .map_err(|e| Error::at("write", at, e))
}

fn version_of(node: &Path) -> Option<(u32, u32)> {
    numbers(&says_version(node)?)
}

/// What `node --version` says.
fn says_version(node: &Path) -> Option<String> {
    let said = Command::new(node).arg("--version").env_clear().stdin(Stdio::null()).output().ok()?;
    Some(String::from_utf8_lossy(&said.stdout).trim().strip_prefix('v')?.to_owned())
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nodes_age_is_what_it_says() {
        let dir = tempfile::tempdir().unwrap();
        let node = dir.path().join("node");
        for (says, version) in [("v22.22.0", Some((22, 22))), ("v9.1.2", Some((9, 1))), ("hello", None)] {
            write(&node, &format!("#!/bin/sh\necho {says}\n"), 0o755).unwrap();
            assert_eq!(version_of(&node), version);
        }
        assert_eq!(version_of(&dir.path().join("nothing")), None);
        for (version, enough) in [((22, 22), true), ((24, 1), true), ((22, 19), false), ((9, 30), false)] {
            assert_eq!(version >= OLDEST, enough, "{version:?}");
        }
    }

    /// ./dev sets a machine up before anything of ours is built; both must mean the same Node.
    #[test]
    fn the_scripts_pin_the_same_node() {
        let script = include_str!("../../../../scripts/node.sh");
        let hex = |hash: &str| protocol::hex(lockfile::hash(hash).unwrap());
        assert!(
            script.contains(&format!("NODE_VERSION={NODE}\n"))
                && script.contains(&format!("NPM_VERSION={NPM}\n"))
        );
        for (platform, hash) in PROGRAMS {
            let line = format!("NODE_SHA512_{}={}\n", platform.replace('-', "_"), hex(hash));
            assert!(script.contains(&line), "{line}");
        }
        assert!(script.contains(&format!("NPM_SHA512={}\n", hex(NPM_HASH))));
        assert!(script.contains(&format!("(a=={}&&b>={})", OLDEST.0, OLDEST.1)));
    }

    #[test]
    fn every_hash_can_be_read() {
        for (_, hash) in PROGRAMS {
            lockfile::hash(hash).unwrap();
        }
        lockfile::hash(NPM_HASH).unwrap();
    }
}
