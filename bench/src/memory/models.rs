//! The embedding models that level 1 needs, kept between runs: fetched by the daemon's own command if they are not there.

use super::kept::Kept;
use anyhow::{Context, Result, ensure};
use embed::{Catalogue, Embedder, Model};
use std::path::Path;
use std::process::Command;
use testkit::workspace::built;

/// The folder that models are in, with this one's file in it.
pub fn have<'d>(dir: Option<&'d Path>, model: &Model) -> Result<&'d Path> {
    let dir = dir.context("no folder for models is known: set LOOPWRIGHT_TOOLS, or give --models DIR")?;
    if !Catalogue::is_here(dir, model.name)? {
        std::fs::create_dir_all(dir)?;
        let mut fetch = Command::new(built("loopwrightd")?);
        let fetched = fetch.args(["model", "fetch", model.name, "--folder"]).arg(dir).output()?;
        let said = String::from_utf8_lossy(&fetched.stderr);
        ensure!(fetched.status.success(), "model {} could not be fetched: {}", model.name, said.trim());
    }
    Ok(dir)
}

/// Fetched if needed, and loaded; its vectors are kept beside it.
pub fn open(dir: Option<&Path>, model: &Model) -> Result<Box<dyn Embedder>> {
    let dir = have(dir, model)?;
    Ok(Box::new(Kept::new(Catalogue::open(dir, model.name)?, &dir.join("vectors"))?))
}
