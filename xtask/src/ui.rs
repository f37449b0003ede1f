//! The dashboard: `ui` compiled to wasm, bound to JavaScript by wasm-bindgen, and laid beside the static files.
//!
//! ui/static/* and the two made files (`ui.js`, `ui_bg.wasm`) are all that ui/dist holds; the daemon embeds that folder.
//! ui/dist is replaced in one step, so a daemon that is being built never sees half of it. The desktop's window has more
//! pages: the same crate with its feature `desktop`, and ui/desktop/* over the static files, in ui/dist-desktop.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use wasm_bindgen_cli_support::Bindgen;

use crate::order;
use crate::stamp;

const WASM: &str = "wasm32-unknown-unknown";

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// The cargo profile, and the folder that cargo builds it in.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Profile::Dev => ("dev", "debug"),
            Profile::Release => ("wasm-release", "wasm-release"),
        }
    }
}

/// Where the pages are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pages {
    Dashboard,
    Desktop,
}

impl Pages {
    fn dist(self) -> &'static str {
        match self {
            Pages::Dashboard => "ui/dist",
            Pages::Desktop => "ui/dist-desktop",
        }
    }

    /// Static files, the later ones over the earlier.
    fn fixed(self) -> &'static [&'static str] {
        match self {
            Pages::Dashboard => &["ui/static"],
            Pages::Desktop => &["ui/static", "ui/desktop"],
        }
    }

    /// The ending of its stamp beside the wasm.
    fn stamp(self) -> &'static str {
        match self {
            Pages::Dashboard => "dist-stamp",
            Pages::Desktop => "desktop-stamp",
        }
    }

    fn features(self) -> &'static [&'static str] {
        match self {
            Pages::Dashboard => &[],
            Pages::Desktop => &["--features", "desktop"],
        }
    }
}

pub fn build(pages: Pages, profile: Profile) -> Result<()> {
    let started = Instant::now();
    let root = root();
    same_wasm_bindgen(&root)?;
    let wasm = compile(&root, pages, profile)?;
    let fixed: Vec<PathBuf> =
        pages.fixed().iter().map(|dir| root.join(dir)).filter(|dir| dir.is_dir()).collect();
    let dist = root.join(pages.dist());

    let mut inputs = vec![wasm.clone(), env::current_exe()?];
    for dir in &fixed {
        inputs.extend(stamp::files_below(dir)?);
    }
    let stamp = stamp::of(&inputs)?;
    let stamp_file = wasm.with_extension(pages.stamp());
    let made =
        dist.join("ui_bg.wasm").is_file() && fs::read_to_string(&stamp_file).is_ok_and(|old| old == stamp);
    if !made {
        let _ = fs::remove_file(&stamp_file);
        lay_out(&wasm, &fixed, &dist, profile)?;
        forget_other_stamps(pages, &stamp_file, &wasm);
        fs::write(&stamp_file, stamp)?;
    }
    let size = fs::metadata(dist.join("ui_bg.wasm"))?.len();
    let state = if made { "unchanged" } else { "made" };
    eprintln!(
        "  {:<10} {state}, {size} bytes of wasm, {:.1} s",
        pages.dist(),
        started.elapsed().as_secs_f32()
    );
    Ok(())
}

fn root() -> PathBuf {
    // `cargo run` tells where the package is now; the path at compile time is only for a bare start of the binary.
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map_or(package.clone(), Path::to_path_buf)
}

/// wasm-bindgen's macro and its binder speak a private format: another version of either gives a page that does not start.
fn same_wasm_bindgen(root: &Path) -> Result<()> {
    let lock = fs::read_to_string(root.join("Cargo.lock")).context("failed to read Cargo.lock")?;
    let ours = locked(&lock, "wasm-bindgen-cli-support");
    let theirs = locked(&lock, "wasm-bindgen");
    ensure!(
        ours == theirs,
        "Cargo.lock has wasm-bindgen {} and wasm-bindgen-cli-support {}: set the latter in xtask/Cargo.toml to the former",
        theirs.unwrap_or("none"),
        ours.unwrap_or("none")
    );
    Ok(())
}

fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Runs cargo for the wasm target; returns the raw module.
fn compile(root: &Path, pages: Pages, profile: Profile) -> Result<PathBuf> {
    let (cargo_profile, folder) = profile.names();
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir)).join("ui");
    let mut cargo = Command::new("cargo");
    // What `cargo run` set for us must not reach the inner cargo; its compiler may be another one than ours.
    for (name, _) in env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
        .env_remove("CARGO")
        .env_remove("CARGO_TARGET_DIR")
        // Leptos then boxes views instead of making one type of each tree: smaller, and quicker to compile.
        .env("RUSTFLAGS", "--cfg erase_components")
        .env("RUSTC", wasm_rustc(root)?)
        .current_dir(root)
        .args([
            "build",
            "--package",
            "ui",
            "--lib",
            "--target",
            WASM,
            "--profile",
            cargo_profile,
            "--target-dir",
        ])
        .arg(&target)
        .args(pages.features());
    let status = cargo.status().context("failed to start cargo")?;
    ensure!(status.success(), "the dashboard did not compile ({status})");
    Ok(target.join(WASM).join(folder).join("ui.wasm"))
}

fn wasm_rustc(root: &Path) -> Result<PathBuf> {
    if let Some(rustc) = env::var_os("LOOPWRIGHT_WASM_RUSTC") {
        return Ok(rustc.into());
    }
    let found = Command::new("bash")
        .arg(root.join("scripts/wasm-target"))
        .stderr(Stdio::inherit())
        .output()
        .context("failed to start bash")?;
    if !found.status.success() {
        bail!("no compiler for {WASM}; ./dev setup says what to do");
    }
    Ok(String::from_utf8(found.stdout)?.trim().into())
}

/// Makes the whole folder beside the old one, then swaps them.
fn lay_out(wasm: &Path, fixed: &[PathBuf], dist: &Path, profile: Profile) -> Result<()> {
    let next = dist.with_extension("next");
    let _ = fs::remove_dir_all(&next);
    fs::create_dir_all(&next)?;
    for dir in fixed {
        for file in stamp::files_below(dir)? {
            let to = next.join(file.strip_prefix(dir)?);
            if let Some(folder) = to.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::copy(&file, &to).with_context(|| format!("failed to copy {}", file.display()))?;
        }
    }
    let release = profile == Profile::Release;
    Bindgen::new()
        .input_path(wasm)
        .web(true)?
        .typescript(false)
        .debug(!release)
        .keep_debug(!release)
        .remove_name_section(release)
        .remove_producers_section(release)
        .out_name("ui")
        .generate(&next)
        .context("failed to bind the wasm to JavaScript")?;
    if release {
        let bound = next.join("ui_bg.wasm");
        fs::write(&bound, order::by_likeness(&fs::read(&bound)?)?)?;
    }
    let _ = fs::remove_dir_all(dist);
    fs::rename(&next, dist).with_context(|| format!("failed to put {} in place", dist.display()))
}

/// A dev build and a release build share ui/dist: the other one's stamp no longer tells the truth.
fn forget_other_stamps(pages: Pages, ours: &Path, wasm: &Path) {
    for folder in ["debug", "wasm-release"] {
        let Some(stamp) = wasm
            .parent()
            .and_then(Path::parent)
            .map(|dir| dir.join(folder).join("ui").with_extension(pages.stamp()))
        else {
            continue;
        };
        if stamp != ours {
            let _ = fs::remove_file(stamp);
        }
    }
}
