//! What this machine is, in npm's words.

use std::path::Path;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Platform {
    pub os: &'static str,
    pub cpu: &'static str,
    /// Only Linux has one.
    pub libc: Option<&'static str>,
}

impl Platform {
    pub fn here() -> Self {
        let os = match std::env::consts::OS {
            "macos" => "darwin",
            "windows" => "win32",
            other => other,
        };
        let cpu = match std::env::consts::ARCH {
            "x86_64" => "x64",
            "aarch64" => "arm64",
            other => other,
        };
        Self { os, cpu, libc: (os == "linux").then(|| libc(Path::new("/"))) }
    }

    /// Whether npm would install a package with these lists here. An entry with `!` excludes.
    pub fn takes(self, os: &[String], cpu: &[String], libc: &[String]) -> bool {
        allows(os, self.os) && allows(cpu, self.cpu) && self.libc.is_none_or(|own| allows(libc, own))
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.os, self.cpu)
    }
}

fn allows(list: &[String], own: &str) -> bool {
    let mut named = list.iter().filter(|entry| !entry.starts_with('!')).peekable();
    let excluded = list.iter().any(|entry| entry.strip_prefix('!') == Some(own));
    !excluded && (named.peek().is_none() || named.any(|entry| entry == own))
}

/// What the system's programs are linked with, not what this one is: it may be linked statically.
fn libc(root: &Path) -> &'static str {
    let loaders = ["lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1"];
    let musl = ["lib/ld-musl-x86_64.so.1", "lib/ld-musl-aarch64.so.1"];
    let has = |files: &[&str]| files.iter().any(|file| root.join(file).exists());
    if !has(&loaders) && has(&musl) { "musl" } else { "glibc" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_systems_are_read_as_npm_does() {
        let here = Platform { os: "linux", cpu: "x64", libc: Some("glibc") };
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        assert!(here.takes(&[], &[], &[]));
        assert!(here.takes(&list(&["darwin", "linux"]), &list(&["x64"]), &list(&["glibc"])));
        assert!(here.takes(&list(&["!win32"]), &[], &[]));
        assert!(!here.takes(&list(&["!linux"]), &[], &[]));
        assert!(!here.takes(&list(&["linux"]), &list(&["arm64"]), &[]));
        assert!(!here.takes(&list(&["linux"]), &list(&["x64"]), &list(&["musl"])));
        let mac = Platform { os: "darwin", cpu: "arm64", libc: None };
        assert!(mac.takes(&list(&["darwin"]), &list(&["arm64"]), &list(&["glibc"])));
    }

    #[test]
    fn a_system_with_both_loaders_is_no_musl_one() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(root.path().join("lib")).unwrap();
        assert_eq!(libc(root.path()), "glibc");
        std::fs::write(root.path().join("lib/ld-musl-aarch64.so.1"), "").unwrap();
        assert_eq!(libc(root.path()), "musl");
        std::fs::write(root.path().join("lib/ld-linux-aarch64.so.1"), "").unwrap();
        assert_eq!(libc(root.path()), "glibc");
    }
}
