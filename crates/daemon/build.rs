//! The dashboard's folder must exist when the daemon is compiled; a placeholder says how to build the real one.

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
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_ENV", "gnu") && packs_relocations() {
        // The table of addresses to set at the start is read whole, and stays: packed it is a twentieth of 1.5 MB.
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    Ok(())
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
