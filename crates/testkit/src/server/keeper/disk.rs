//! The disk of a server: a sparse file with ext4 in it, laid over the image. Mounted in the keeper's mount namespace only, so
//! that it is gone when the keeper is.

use crate::server::host::run;
use crate::server::image::{remove_tree, text};
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

pub struct Disk {
    /// What is the server's `/`.
    pub root: PathBuf,
    file: PathBuf,
    mount: PathBuf,
}

impl Disk {
    /// `layers`: what lies beneath it, the topmost first.
    pub fn make(folder: &Path, layers: &[PathBuf], mib: u32) -> Result<Self> {
        let disk =
            Self { root: folder.join("root"), file: folder.join("disk.img"), mount: folder.join("disk") };
        fs::create_dir_all(&disk.root)?;
        fs::create_dir_all(&disk.mount)?;
        fs::File::create(&disk.file)?.set_len(u64::from(mib) << 20)?;
        run(&["mkfs.ext4", "-q", "-m0", text(&disk.file)?])?;
        run(&["mount", "-o", "loop", text(&disk.file)?, text(&disk.mount)?]).map_err(unable)?;
        let (upper, work) = (disk.mount.join("upper"), disk.mount.join("work"));
        fs::create_dir(&upper)?;
        fs::create_dir(&work)?;
        let lower = layers.iter().map(|layer| text(layer)).collect::<Result<Vec<_>>>()?.join(":");
        let options = format!("lowerdir={lower},upperdir={},workdir={}", text(&upper)?, text(&work)?);
        run(&["mount", "-t", "overlay", "-o", &options, "vda", text(&disk.root)?]).map_err(unable)?;
        Ok(disk)
    }

    /// What the server has changed, copied so that it can lie beneath another's disk.
    pub fn copy_changes(&self, to: &Path) -> Result<()> {
        run(&["cp", "--archive", text(&self.mount.join("upper"))?, text(to)?]).map(drop)
    }

    pub fn remove(&self) -> Result<()> {
        run(&["umount", text(&self.root)?])?;
        run(&["umount", text(&self.mount)?])?;
        fs::remove_file(&self.file)?;
        remove_tree(&self.root)?;
        remove_tree(&self.mount)
    }
}

fn unable(error: Error) -> Error {
    Error::other(format!(
        "{error}. This machine has to allow loop and overlay mounts: use one that does (not a restricted container)"
    ))
}
