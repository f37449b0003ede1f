//! `latest.json`, in which the desktop's updater reads what there is: the version, and for each kind of installer its address
//! and its signature. The list itself needs no signature: whatever it names must carry one that the installed program trusts
//! (docs/release.md).

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::Path;

/// What the bundler calls its files, and what the updater asks for.
const KINDS: [(&str, &str); 8] = [
    ("_amd64.deb", "linux-x86_64-deb"),
    ("_arm64.deb", "linux-aarch64-deb"),
    ("_amd64.AppImage", "linux-x86_64-appimage"),
    ("_aarch64.AppImage", "linux-aarch64-appimage"),
    ("_x64-setup.exe", "windows-x86_64-nsis"),
    ("_arm64-setup.exe", "windows-aarch64-nsis"),
    ("_x64.app.tar.gz", "darwin-x86_64-app"),
    ("_aarch64.app.tar.gz", "darwin-aarch64-app"),
];

/// `folder` holds the installers, each with its signature beside it in a file of the same name and `.sig`; they will be
/// given out below `address`.
pub fn write(folder: &Path, address: &str) -> Result<()> {
    ensure!(address.starts_with("https://"), "updates are given out over https, not {address}");
    let mut platforms = Map::new();
    for entry in fs::read_dir(folder).with_context(|| format!("failed to read {}", folder.display()))? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        let Some((_, platform)) = KINDS.iter().find(|(end, _)| file.ends_with(end)) else { continue };
        let signature = folder.join(format!("{file}.sig"));
        let signature = fs::read_to_string(&signature)
            .with_context(|| format!("{file} is not signed: failed to read {}", signature.display()))?;
        let url = format!("{}/{file}", address.trim_end_matches('/'));
        let twice =
            platforms.insert((*platform).to_owned(), json!({ "url": url, "signature": signature.trim() }));
        ensure!(twice.is_none(), "two files for {platform} in {}", folder.display());
    }
    ensure!(!platforms.is_empty(), "no installer lies in {}", folder.display());
    let all = json!({ "version": env!("CARGO_PKG_VERSION"), "platforms": Value::Object(platforms) });
    let file = folder.join("latest.json");
    fs::write(&file, format!("{all:#}\n")).with_context(|| format!("failed to write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_announced_and_what_is_not_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        let failed = |address: &str| write(dir.path(), address).unwrap_err().to_string();
        assert!(failed("https://example.org/r").contains("no installer"));
        put("Loopwright_0.1.0_amd64.deb", "a package");
        assert!(failed("https://example.org/r").contains("is not signed"));
        assert!(failed("http://example.org/r").contains("over https"));
        put("Loopwright_0.1.0_amd64.deb.sig", "c2lnbmVk\n");
        put("SHA256SUMS", "");
        write(dir.path(), "https://example.org/r/").unwrap();
        let said: Value =
            serde_json::from_str(&fs::read_to_string(dir.path().join("latest.json")).unwrap()).unwrap();
        assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
        assert_eq!(
            said["platforms"],
            json!({ "linux-x86_64-deb": { "url": "https://example.org/r/Loopwright_0.1.0_amd64.deb", "signature": "c2lnbmVk" } })
        );
    }
}
