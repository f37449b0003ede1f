//! The dashboard's folder must exist when the daemon is compiled; a placeholder says how to build the real one. And a bare
//! server has no npm that could be asked where packages come from: this program remembers what the machine that built it
//! uses.

use std::env;
use std::process::Command;

fn main() -> std::io::Result<()> {
    let dist = std::path::Path::new("../../ui/dist");
    if !dist.join("index.html").exists() {
        std::fs::create_dir_all(dist)?;
        std::fs::write(
            dist.join("index.html"),
            "<!doctype html><title>Loopwright</title><p>Run ./dev run.\n",
        )?;
    }
    println!("cargo:rerun-if-changed=../../ui/dist");
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=LOOPWRIGHT_REGISTRY");
    let registry = env::var("LOOPWRIGHT_REGISTRY").ok().or_else(ask_npm).unwrap_or_default();
    println!("cargo:rustc-env=LOOPWRIGHT_REGISTRY={}", registry.trim());
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_ENV", "gnu") && packs_relocations() {
        // The table of addresses to set at the start is read whole, and stays: packed it is a twentieth of 1.5 MB.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
}

/// Nothing where there is no npm: then only servers with settings of their own can install agents.
fn ask_npm() -> Option<String> {
    let said = Command::new("npm").args(["config", "get", "registry"]).current_dir("/").output().ok()?;
    let text = String::from_utf8(said.stdout).ok()?;
    (said.status.success() && text.starts_with("http")).then_some(text)
}

fn is(name: &str, value: &str) -> bool {
    env::var(name).is_ok_and(|found| found == value)
}

/// The loader of glibc 2.36 is the first that can read them; what is built for another machine does without.
fn packs_relocations() -> bool {
    let same = env::var("HOST").is_ok_and(|host| is("TARGET", &host));
    let asked = Command::new("getconf").arg("GNU_LIBC_VERSION").output();
    let version = asked.ok().and_then(|out| String::from_utf8(out.stdout).ok()).unwrap_or_default();
    let minor = version.trim().strip_prefix("glibc 2.").and_then(|minor| minor.parse::<u32>().ok());
    same && minor.is_some_and(|minor| minor >= 36)
}
