//! What a provider's panel does when it makes a server: host name, address, name server, logins, host keys.

use super::segment::{GATEWAY, address};
use crate::server::host::{run, run_fed};
use crate::server::image::{put, text};
use crate::server::spec::{Login, Spec, Sudo};
use std::fs;
use std::io::Result;
use std::path::{Path, PathBuf};

const SSHD: &str = "PasswordAuthentication yes\nPermitRootLogin yes\n";

/// The key that may log in, made once.
pub fn login_key(keys: &Path) -> Result<PathBuf> {
    let key = keys.join("login");
    let _making = crate::server::place::lock(&keys.join("lock"))?;
    if !key.exists() {
        run(&["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", text(&key)?])?;
    }
    Ok(key)
}

/// A server's place in the network.
pub fn network(root: &Path, name: &str, number: u8) -> Result<()> {
    put(root, "/etc/hostname", &format!("{name}\n"), 0o644)?;
    put(root, "/etc/hosts", &format!("127.0.0.1 localhost\n127.0.1.1 {name}\n"), 0o644)?;
    put(root, "/etc/resolv.conf", &format!("nameserver {GATEWAY}\n"), 0o644)?;
    let interfaces = format!(
        "auto lo\niface lo inet loopback\nauto eth0\niface eth0 inet static\n  address {}/24\n  gateway {GATEWAY}\n",
        address(number)
    );
    put(root, "/etc/network/interfaces", &interfaces, 0o644)
}

pub fn machine(root: &Path, spec: &Spec, number: u8, keys: &Path) -> Result<()> {
    host_keys(root, number, keys)?;
    put(root, "/etc/ssh/sshd_config.d/50-cloud.conf", SSHD, 0o644)?;
    let public = fs::read_to_string(login_key(keys)?.with_extension("pub"))?;
    let mut passwords = String::new();
    for login in &spec.logins {
        user(root, login, &public)?;
        if let Some(password) = &login.password {
            passwords.push_str(&format!("{}:{password}\n", login.name));
        }
    }
    run_fed(&["chroot", text(root)?, "chpasswd"], &passwords).map(drop)
}

fn user(root: &Path, login: &Login, public: &str) -> Result<()> {
    let name = login.name.as_str();
    let home = if name == "root" { "/root".to_owned() } else { format!("/home/{name}") };
    if name != "root" {
        let mut argv = vec!["chroot", text(root)?, "useradd", "--create-home", "--shell", "/bin/bash"];
        if login.sudo != Sudo::No {
            argv.extend(["--groups", "sudo"]);
        }
        argv.push(name);
        run(&argv)?;
    }
    if login.sudo == Sudo::Free {
        put(root, &format!("/etc/sudoers.d/90-{name}"), &format!("{name} ALL=(ALL) NOPASSWD:ALL\n"), 0o440)?;
    }
    if login.key {
        put(root, &format!("{home}/.ssh/authorized_keys"), public, 0o600)?;
        let own = format!("install -d -m 700 {home}/.ssh && chown -R {name}: {home}/.ssh");
        run(&["chroot", text(root)?, "sh", "-c", &own])?;
    }
    Ok(())
}

/// A set for each address, made once: RSA keys take a second or more.
fn host_keys(root: &Path, number: u8, keys: &Path) -> Result<()> {
    let kept = keys.join(format!("host-{number}"));
    let _making = crate::server::place::lock(&keys.join("lock"))?;
    if !kept.exists() {
        let half = kept.with_extension("half");
        crate::server::image::remove_tree(&half)?;
        fs::create_dir_all(half.join("etc/ssh"))?;
        run(&["ssh-keygen", "-q", "-A", "-f", text(&half)?])?;
        fs::rename(&half, &kept)?;
    }
    for entry in fs::read_dir(kept.join("etc/ssh"))?.flatten() {
        fs::copy(entry.path(), root.join("etc/ssh").join(entry.file_name()))?;
    }
    Ok(())
}
