//! The disk of a server as a provider would hand it out: a small Debian with systemd, sshd, sudo, cron and unattended-upgrades,
//! made once for each recipe. The recipe is everything that decides what comes out; its hash names the folder, so that an image
//! of an older recipe is never used for a newer one.

use super::host::{self, run};
use super::place::{self, Place};
use super::spec::Suite;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

const PACKAGES: &str = "systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,sudo,ca-certificates,curl,iproute2,\
iputils-ping,procps,kmod,udev,ifupdown,netbase,cron,apt-utils,python3-minimal,unattended-upgrades,less";

/// The bundle in every Debian, for programs that keep one of their own.
const BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";
const BUNDLE_VARIABLES: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "PIP_CERT"];

/// A provider's image has no host keys: they are made when it first starts.
const KEYS_UNIT: &str = "[Unit]
Description=Make the host keys of ssh
Before=ssh.service
ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -A

[Install]
RequiredBy=ssh.service
";

/// The folder with the image, made if it is not there: one to three minutes.
pub fn image(place: &Place, suite: Suite) -> Result<PathBuf> {
    let recipe = Recipe::of(suite)?;
    let folder = place.image(&format!("{}-{}", suite.word(), recipe.hash()));
    if folder.exists() {
        return Ok(folder);
    }
    let _making = place::lock(&place.images().join("lock"))?;
    if folder.exists() {
        return Ok(folder);
    }
    let half = folder.with_extension("half");
    remove_tree(&half)?;
    recipe.make(&half)?;
    std::fs::rename(&half, &folder)?;
    Ok(folder)
}

struct Recipe {
    suite: Suite,
    sources: Vec<String>,
    certificates: Vec<String>,
}

impl Recipe {
    fn of(suite: Suite) -> Result<Self> {
        Ok(Self {
            suite,
            sources: host::apt_sources(suite.word())?,
            certificates: host::extra_certificates()?,
        })
    }

    fn hash(&self) -> String {
        let mut text = format!("{}\n{PACKAGES}\n", self.suite.word());
        for part in self.sources.iter().chain(&self.certificates) {
            let _infallible = writeln!(text, "{part}");
        }
        for (path, content, mode) in files() {
            let _infallible = writeln!(text, "{path} {mode:o} {content}");
        }
        let digest = Sha256::digest(text.as_bytes());
        protocol::hex(digest.get(..8).unwrap_or(&digest))
    }

    fn make(&self, folder: &Path) -> Result<()> {
        let target = text(folder)?;
        let include = format!("--include={PACKAGES}");
        // In namespaces of its own: however it ends, no mount and no process of it stays.
        let mut argv = vec![
            "unshare",
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "nice",
            "mmdebstrap",
        ];
        argv.extend(["--quiet", "--variant=minbase", &include, self.suite.word(), target]);
        argv.extend(self.sources.iter().map(String::as_str));
        run(&argv)?;
        self.trust(folder)?;
        for (path, content, mode) in files() {
            put(folder, path, &content, mode)?;
        }
        let wants = folder.join("etc/systemd/system/ssh.service.requires");
        std::fs::create_dir_all(&wants)?;
        std::os::unix::fs::symlink(
            "/etc/systemd/system/ssh-host-keys.service",
            wants.join("ssh-host-keys.service"),
        )?;
        for entry in std::fs::read_dir(folder.join("etc/ssh"))?.flatten() {
            if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// What this machine trusts and the new Debian does not know.
    fn trust(&self, folder: &Path) -> Result<()> {
        let own = std::fs::read_to_string(folder.join(BUNDLE.trim_start_matches('/')))?;
        for (number, pem) in host::beyond(&self.certificates.join("\n"), &own).iter().enumerate() {
            put(
                folder,
                &format!("/usr/local/share/ca-certificates/host-{number}.crt"),
                &format!("{pem}\n"),
                0o644,
            )?;
        }
        run(&["chroot", text(folder)?, "update-ca-certificates"]).map(drop)
    }
}

/// What lies on the disk besides the packages: path, content, mode.
fn files() -> Vec<(&'static str, String, u32)> {
    let environment = BUNDLE_VARIABLES.map(|name| format!("{name}={BUNDLE}\n")).concat();
    let words = BUNDLE_VARIABLES.map(|name| format!("{name}={BUNDLE}")).join(" ");
    vec![
        ("/etc/environment", environment, 0o644),
        (
            "/etc/sudoers.d/10-certificates",
            format!("Defaults env_keep += \"{}\"\n", BUNDLE_VARIABLES.join(" ")),
            0o440,
        ),
        (
            "/etc/systemd/system.conf.d/10-certificates.conf",
            format!("[Manager]\nDefaultEnvironment={words}\n"),
            0o644,
        ),
        ("/etc/systemd/system/ssh-host-keys.service", KEYS_UNIT.to_owned(), 0o644),
        ("/etc/machine-id", String::new(), 0o444),
        ("/etc/fstab", String::new(), 0o644),
    ]
}

/// Writes a file under a root, with the folders that lead to it.
pub fn put(root: &Path, path: &str, content: &str, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let file = root.join(path.trim_start_matches('/'));
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&file, content)
        .map_err(|error| Error::new(error.kind(), format!("{}: {error}", file.display())))?;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))
}

pub fn remove_tree(folder: &Path) -> Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::new(error.kind(), format!("cannot remove {}: {error}", folder.display())))
        }
        _ => Ok(()),
    }
}

pub fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| Error::other(format!("{} is not UTF-8", path.display())))
}
