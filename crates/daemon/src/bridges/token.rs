//! The bridges' token: made once, kept in a file that only the daemon's user can read. Who wants another one removes the
//! file and starts the daemon again.

use crate::names;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What a token has at least. A file that was cut short must not let everybody in.
const LENGTH: usize = 32;

/// The token in the file, made if there is none; else why there is none, with the next step.
pub fn take(file: &Path) -> Result<String, String> {
    let failed = |what: &str, e: std::io::Error| format!("failed to {what} {}: {e}", file.display());
    match std::fs::read_to_string(file) {
        Ok(text) => known(file, text.trim()),
        Err(e) if e.kind() == ErrorKind::NotFound => {
            let token = names::secret().map_err(|e| failed("make", e))?;
            write(file, &token).map_err(|e| failed("write", e))?;
            Ok(token)
        }
        Err(e) => Err(failed("read", e)),
    }
}

fn known(file: &Path, token: &str) -> Result<String, String> {
    if token.len() >= LENGTH && token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(token.to_owned());
    }
    Err(format!("{} holds no token; remove it and ask again", file.display()))
}

/// Whole or not at all, also when the machine stops in the middle.
fn write(file: &Path, token: &str) -> std::io::Result<()> {
    let fresh = file.with_extension("token.new");
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
    writeln!(out, "{token}")?;
    out.sync_all()?;
    std::fs::rename(fresh, file)
}

/// Takes the same time wherever the two differ.
pub fn same(one: &str, other: &str) -> bool {
    // The comparison of hashes is constant-time; hashing takes what the caller's own text takes.
    blake3::hash(one.as_bytes()) == blake3::hash(other.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_is_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bridge.token");
        let token = take(&file).unwrap();
        assert!(token.len() >= LENGTH);
        assert_eq!(take(&file).unwrap(), token);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(same(&token, &token.clone()) && !same(&token, &token[1..]) && !same(&token, ""));
    }

    #[test]
    fn a_file_without_a_token_lets_nobody_in() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("bridge.token");
        for text in ["", "\n", "short", "with a space 0123456789012345678901234567890123456789"] {
            std::fs::write(&file, text).unwrap();
            assert!(take(&file).unwrap_err().contains("remove it"));
        }
    }
}
