//! How a service manager runs us: it hands sockets over, is told when we are ready, and knows one place for the control
//! socket.

use crate::home::Home;
use anyhow::{Context, Result};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::net::UnixListener;

/// Tells whoever started us that we serve. Without a service manager nobody is told.
pub fn ready() {
    let told = std::env::var_os("NOTIFY_SOCKET").map(|to| notify(to.as_bytes(), b"READY=1"));
    if let Some(Err(e)) = told {
        tracing::warn!(error = %e, "failed to tell the service manager that we are ready");
    }
}

fn notify(to: &[u8], words: &[u8]) -> std::io::Result<()> {
    let address = match to.strip_prefix(b"@") {
        Some(name) => abstract_name(name)?,
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(to))?,
    };
    UnixDatagram::unbound()?.send_to_addr(words, &address).map(drop)
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> std::io::Result<SocketAddr> {
    <SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(name)
}

/// Only Linux has them.
#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> std::io::Result<SocketAddr> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Our own file, under the name that stays: what is started with it now is started again after an upgrade, when the
/// version that runs now is gone.
pub fn own_exe() -> Result<PathBuf> {
    let own = std::env::current_exe().context("failed to find this program's own file")?;
    let stays = PathBuf::from(provision::paths::PROGRAM);
    Ok(if stays.canonicalize().is_ok_and(|current| current == own) { stays } else { own })
}

/// The listening sockets that were handed over.
pub fn doors() -> Result<Vec<Arc<TcpListener>>> {
    let mut handed = listenfd::ListenFd::from_env();
    let mut doors = Vec::new();
    for number in 0..handed.len() {
        let door = handed.take_tcp_listener(number).context("failed to take over a port")?;
        doors.extend(door.map(Arc::new));
    }
    Ok(doors)
}

/// Listens for requests: ours and root's, and those of the desktop's user where there is one. `elsewhere` is where others
/// look for the socket; the workspace then has a link to it.
pub fn bind_control(home: &Home, elsewhere: Option<&Path>, desk: Option<(u32, u32)>) -> Result<UnixListener> {
    let usual = home.control();
    let path = elsewhere.unwrap_or(&usual);
    // The lock is ours, so a socket that is left over belongs to nobody.
    let _ = std::fs::remove_file(path);
    let failed = || format!("failed to listen on {}", path.display());
    let listener = UnixListener::bind(path).with_context(failed)?;
    let mode = if let Some((_, gid)) = desk {
        std::os::unix::fs::chown(path, None, Some(gid)).with_context(failed)?;
        0o660
    } else {
        0o600
    };
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).with_context(failed)?;
    if path != usual {
        let _ = std::fs::remove_file(&usual);
        std::os::unix::fs::symlink(path, &usual).with_context(failed)?;
    }
    Ok(listener)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #[test]
    fn readiness_is_told_at_a_path_and_at_an_abstract_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let at_path = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
        super::notify(path.as_os_str().as_encoded_bytes(), b"READY=1").unwrap();
        let mut words = [0; 16];
        assert_eq!(at_path.recv(&mut words).unwrap(), 7);
        assert_eq!(&words[..7], b"READY=1");
        let name = format!("loopwright-test-{}", std::process::id());
        let address =
            <std::os::unix::net::SocketAddr as std::os::linux::net::SocketAddrExt>::from_abstract_name(&name)
                .unwrap();
        let abstract_one = std::os::unix::net::UnixDatagram::bind_addr(&address).unwrap();
        super::notify(format!("@{name}").as_bytes(), b"READY=1").unwrap();
        assert_eq!(abstract_one.recv(&mut words).unwrap(), 7);
    }
}
