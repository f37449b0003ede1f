//! The builds of the server's program that come with this one: `loopwrightd-x86_64` and `loopwrightd-aarch64` in a folder
//! with their hashes in `SHA256SUMS`. In development there is only this computer's own build.

use super::told_by;
use protocol::setup::{Found, Installed};
use protocol::{ApiError, Code};
use remote::{Program, Source};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};

const SUMS: &str = "SHA256SUMS";
const NAME: &str = "loopwrightd-";

/// What this desktop brings, before the server is asked.
pub fn offered(_: &Found) -> Installed {
    Installed { version: env!("CARGO_PKG_VERSION").into(), sha256: None, complete: false }
}

/// Reads files; call it where it may take its time.
pub fn all(folder: Option<&Path>, own: Option<&Path>) -> Result<Vec<Program>, ApiError> {
    let bundled = folder.filter(|folder| folder.join(SUMS).is_file());
    let found = match (bundled, own) {
        (Some(folder), _) => bundle(folder),
        (None, Some(own)) => {
            hashed(own).map(|sha256| vec![program(own.to_owned(), sha256, std::env::consts::ARCH)])
        }
        (None, None) => Ok(Vec::new()),
    };
    let found = found.map_err(|e| told_by(&e, "install this program again"))?;
    if found.is_empty() {
        return Err(ApiError::new(Code::Internal, "no program for a server comes with this one")
            .next("install this program again"));
    }
    Ok(found)
}

fn program(file: PathBuf, sha256: String, arch: &str) -> Program {
    Program {
        source: Source::File(file),
        sha256,
        version: env!("CARGO_PKG_VERSION").into(),
        arch: arch.into(),
    }
}

/// The hashes are those that were written when the bundle was made: a file that changed since is refused when it is sent.
fn bundle(folder: &Path) -> std::io::Result<Vec<Program>> {
    let sums = std::fs::read_to_string(folder.join(SUMS))?;
    let of = |line: &str| {
        let (sha256, name) = line.split_once("  ")?;
        let arch = name.trim().strip_prefix(NAME)?;
        Some(program(folder.join(name.trim()), sha256.to_owned(), arch))
    };
    Ok(sums.lines().filter_map(of).collect())
}

fn hashed(file: &Path) -> std::io::Result<String> {
    let mut from = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_names_its_builds_and_without_one_there_is_our_own() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("loopwrightd");
        std::fs::write(&own, "abc").unwrap();
        let ours = all(Some(dir.path()), Some(&own)).unwrap();
        assert_eq!(ours[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        std::fs::write(dir.path().join(SUMS), "00ff  loopwrightd-aarch64\n11  loopwrightd-x86_64\n").unwrap();
        let bundled = all(Some(dir.path()), Some(&own)).unwrap();
        let named: Vec<_> = bundled.iter().map(|p| (p.arch.as_str(), p.sha256.as_str())).collect();
        assert_eq!(named, [("aarch64", "00ff"), ("x86_64", "11")]);
        assert!(all(None, None).is_err());
    }
}
