//! The builds of the server's program that come with this one: `loopwrightd-x86_64` and `loopwrightd-aarch64` in a folder.
//! A program that was made for a bundle has their hashes built in and trusts nothing else; one that was not reads them in
//! the folder's `SHA256SUMS`. In development there is only this computer's own build.

use super::told_by;
use protocol::setup::{Found, Installed};
use protocol::{ApiError, Code};
use remote::{Program, Source};
use sha2::{Digest, Sha256};
use std::env::consts::ARCH;
use std::io::Read;
use std::path::{Path, PathBuf};

const SUMS: &str = "SHA256SUMS";
const NAME: &str = "loopwrightd-";
/// `ARCH=HASH …`
const TRUSTED: Option<&str> = option_env!("LOOPWRIGHT_SERVER_HASHES");

/// What this desktop brings, before the server is asked.
pub fn offered(_: &Found) -> Installed {
    Installed { version: env!("CARGO_PKG_VERSION").into(), sha256: None, complete: false }
}

/// Reads files; call it where it may take its time. `own` is this computer's daemon.
pub fn all(folder: Option<&Path>, own: Option<&Path>) -> Result<Vec<Program>, ApiError> {
    // Only Linux's own program is one for servers too.
    let own = own.filter(|_| cfg!(target_os = "linux"));
    let found = match (TRUSTED, folder.filter(|folder| folder.join(SUMS).is_file()), own) {
        (Some(trusted), folder, own) => Ok(bundle(trusted, folder, own)),
        (None, Some(folder), own) => {
            std::fs::read_to_string(folder.join(SUMS)).map(|sums| bundle(&listed(&sums), Some(folder), own))
        }
        (None, None, Some(own)) => hashed(own).map(|sha256| vec![program(own.to_owned(), &sha256, ARCH)]),
        (None, None, None) => Ok(Vec::new()),
    };
    let found = found.map_err(|e| told_by(&e, "install this program again"))?;
    if found.is_empty() {
        return Err(ApiError::new(Code::Internal, "no program for a server comes with this one")
            .next("install this program again"));
    }
    Ok(found)
}

fn program(file: PathBuf, sha256: &str, arch: &str) -> Program {
    Program {
        source: Source::File(file),
        sha256: sha256.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        arch: arch.into(),
    }
}

/// The hashes are those of when the bundle was made: a file that changed since is refused when it is sent. The one for
/// servers like this computer may be the daemon of this computer itself.
fn bundle(hashes: &str, folder: Option<&Path>, own: Option<&Path>) -> Vec<Program> {
    let of = |entry: &str| {
        let (arch, sha256) = entry.split_once('=')?;
        let bundled = folder.map(|folder| folder.join(format!("{NAME}{arch}"))).filter(|file| file.is_file());
        let file = bundled.or_else(|| own.filter(|_| arch == ARCH).map(Path::to_owned))?;
        Some(program(file, sha256, arch))
    };
    hashes.split(' ').filter_map(of).collect()
}

/// A SHA256SUMS in the form of the hashes that are built in.
fn listed(sums: &str) -> String {
    let of = |line: &str| {
        let (sha256, name) = line.split_once("  ")?;
        Some(format!("{}={sha256}", name.trim().strip_prefix(NAME)?))
    };
    sums.lines().filter_map(of).collect::<Vec<_>>().join(" ")
}

/// Reads the file; call it where that may take its time.
pub fn hashed(file: &Path) -> std::io::Result<String> {
    let mut from = std::fs::File::open(file)?;
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(protocol::hex(hash.finalize())),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(programs: &[Program]) -> Vec<(&str, &str)> {
        programs.iter().map(|program| (program.arch.as_str(), program.sha256.as_str())).collect()
    }

    #[test]
    fn a_folder_names_its_builds_and_without_one_there_is_our_own() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("loopwrightd");
        std::fs::write(&own, "abc").unwrap();
        let ours = all(Some(dir.path()), Some(&own)).unwrap();
        assert_eq!(ours[0].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        for file in ["loopwrightd-aarch64", "loopwrightd-x86_64"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        std::fs::write(dir.path().join(SUMS), "00ff  loopwrightd-aarch64\n11  loopwrightd-x86_64\n").unwrap();
        let bundled = all(Some(dir.path()), Some(&own)).unwrap();
        assert_eq!(named(&bundled), [("aarch64", "00ff"), ("x86_64", "11")]);
        assert!(all(None, None).is_err());
    }

    #[test]
    fn built_in_hashes_count_and_a_build_for_this_processor_may_be_our_own() {
        let dir = tempfile::tempdir().unwrap();
        let own = dir.path().join("loopwrightd");
        std::fs::write(dir.path().join("loopwrightd-other"), "").unwrap();
        std::fs::write(dir.path().join(SUMS), "66  loopwrightd-other\n").unwrap();
        let hashes = format!("other=00ff {ARCH}=11 absent=22");
        let found = bundle(&hashes, Some(dir.path()), Some(&own));
        assert_eq!(named(&found), [("other", "00ff"), (ARCH, "11")]);
        assert!(matches!(&found[1].source, Source::File(file) if *file == own));
        assert_eq!(named(&bundle(&hashes, None, None)), []);
    }
}
