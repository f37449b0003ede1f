//! What survives: one folder, closed to all but us. A file is replaced whole, and on the disk before that is said.

use super::Domain;
use super::schedule::Record;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[derive(Debug, Clone)]
pub(super) struct Store {
    folder: PathBuf,
}

impl Store {
    pub(super) fn new(folder: PathBuf) -> Store {
        Store { folder }
    }

    /// Key and chain of a name, in PEM; none where there are none.
    pub(super) fn certificate(&self, domain: &Domain) -> io::Result<Option<String>> {
        there(std::fs::read_to_string(self.of(domain, "pem")))
    }

    pub(super) fn save_certificate(&self, domain: &Domain, pem: &str) -> io::Result<()> {
        self.write(&self.of(domain, "pem"), pem.as_bytes())
    }

    pub(super) fn record(&self, domain: &Domain) -> io::Result<Record> {
        Ok(self.json(&self.of(domain, "json"))?.unwrap_or_default())
    }

    pub(super) fn save_record(&self, domain: &Domain, record: &Record) -> io::Result<()> {
        self.save_json(&self.of(domain, "json"), record)
    }

    pub(super) fn account<T: DeserializeOwned>(&self, directory: &str) -> io::Result<Option<T>> {
        self.json(&self.of_account(directory))
    }

    pub(super) fn save_account(&self, directory: &str, account: &impl Serialize) -> io::Result<()> {
        self.save_json(&self.of_account(directory), account)
    }

    pub(super) fn forget_account(&self, directory: &str) -> io::Result<()> {
        there(std::fs::remove_file(self.of_account(directory))).map(drop)
    }

    /// A domain is letters, digits, hyphens and dots, and never begins with a dot: a file's name.
    fn of(&self, domain: &Domain, kind: &str) -> PathBuf {
        self.folder.join(format!("{domain}.{kind}"))
    }

    /// No domain has an underscore.
    fn of_account(&self, directory: &str) -> PathBuf {
        let hash = blake3::hash(directory.as_bytes()).to_hex();
        self.folder.join(format!("_account-{}.json", hash.get(..16).unwrap_or_default()))
    }

    fn json<T: DeserializeOwned>(&self, path: &Path) -> io::Result<Option<T>> {
        let Some(bytes) = there(std::fs::read(path))? else { return Ok(None) };
        Ok(Some(serde_json::from_slice(&bytes)?))
    }

    fn save_json(&self, path: &Path, value: &impl Serialize) -> io::Result<()> {
        self.write(path, &serde_json::to_vec(value)?)
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        std::fs::set_permissions(&self.folder, std::fs::Permissions::from_mode(0o700))?;
        let mut fresh = path.as_os_str().to_owned();
        fresh.push(".new");
        let fresh = PathBuf::from(fresh);
        // One that a cut left behind may have another mode.
        there(std::fs::remove_file(&fresh))?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        File::open(&self.folder)?.sync_all()
    }
}

fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::schedule::OpenOrder;

    #[test]
    fn what_is_saved_is_found_and_closed_to_others() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(dir.path().join("certificates"));
        let domain = Domain::parse("bakery.example").unwrap();
        assert_eq!(store.certificate(&domain).unwrap(), None);
        assert_eq!(store.record(&domain).unwrap(), Record::default());
        assert_eq!(store.account::<String>("https://a.example/dir").unwrap(), None);
        store.forget_account("https://a.example/dir").unwrap();

        let order = OpenOrder { directory: "d".into(), url: "u".into(), key: "k".into() };
        let record = Record { order: Some(order), failures: 3, ..Record::default() };
        std::fs::create_dir(dir.path().join("certificates")).unwrap();
        // What a cut left behind is in nobody's way, whatever its mode.
        std::fs::write(dir.path().join("certificates/bakery.example.pem.new"), "torn").unwrap();
        store.save_certificate(&domain, "pem").unwrap();
        store.save_record(&domain, &record).unwrap();
        store.save_account("https://a.example/dir", &"key").unwrap();
        assert_eq!(store.certificate(&domain).unwrap().as_deref(), Some("pem"));
        assert_eq!(store.record(&domain).unwrap(), record);
        assert_eq!(store.account::<String>("https://a.example/dir").unwrap().as_deref(), Some("key"));
        assert_eq!(store.account::<String>("https://b.example/dir").unwrap(), None);
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&store.folder), 0o700);
        let files: Vec<_> =
            std::fs::read_dir(&store.folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 3);
        assert!(files.iter().all(|file| mode(file) == 0o600), "{files:?}");
    }
}
