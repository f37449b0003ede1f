//! Files beside the journal: what the last run was asked for, and the originals of what was replaced.

use crate::journal::sync_folder;
use crate::place::{Root, paths};
use crate::run::Order;
use crate::stop::{Stop, io};
use protocol::setup::Wish;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(crate) fn hash(bytes: &[u8]) -> String {
    protocol::hex(Sha256::digest(bytes))
}

pub(crate) fn hash_of(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok(protocol::hex(hash.finalize()));
        }
        hash.update(buffer.get(..read).unwrap_or_default());
    }
}

/// Where a file is written before it gets its name. Always the same, so that nothing is left over after a cut.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".loopwright-new");
    path.with_file_name(name)
}

/// The file is the old one or the new one, whatever happens; on the disk when it returns. `finish` is done to it before.
pub(crate) fn replace(
    path: &Path,
    content: &mut dyn Read,
    mode: u32,
    finish: impl FnOnce(&Path) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let fresh = beside(path);
    match std::fs::remove_file(&fresh) {
        Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&fresh)?;
    std::io::copy(content, &mut file)?;
    file.flush()?;
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    finish(&fresh)?;
    file.sync_all()?;
    std::fs::rename(&fresh, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}

fn originals(root: &Root) -> PathBuf {
    root.at(paths::SETUP).join("saved")
}

/// Keeps the content of a file that is about to be replaced; gives its hash.
pub(crate) fn keep(root: &Root, path: &Path) -> Result<String, Stop> {
    let failed = || io(format!("keep the original of {}", path.display()));
    let content = std::fs::read(path).map_err(failed())?;
    let hash = hash(&content);
    let folder = originals(root);
    std::fs::create_dir_all(&folder).map_err(failed())?;
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).map_err(failed())?;
    let to = folder.join(&hash);
    if !to.exists() {
        replace(&to, &mut content.as_slice(), 0o600, |_| Ok(())).map_err(failed())?;
    }
    Ok(hash)
}

pub(crate) fn original(root: &Root, hash: &str) -> std::io::Result<File> {
    File::open(originals(root).join(hash))
}

fn order_file(root: &Root) -> PathBuf {
    root.at(paths::SETUP).join("order.json")
}

pub(crate) fn read_order(root: &Root) -> Option<Order> {
    serde_json::from_slice(&std::fs::read(order_file(root)).ok()?).ok()
}

pub(crate) fn save_order(root: &Root, order: &Order) -> Result<(), Stop> {
    let text = serde_json::to_vec(order).unwrap_or_default();
    let path = order_file(root);
    replace(&path, &mut text.as_slice(), 0o600, |_| Ok(())).map_err(io(format!("write {}", path.display())))
}

/// What the last run was asked for.
pub fn read_wish(root: &Root) -> Option<Wish> {
    read_order(root).map(|order| order.wish)
}
