//! One JSON file: `{"version":1,"hosts":{"box:22":["ssh-ed25519 AAAA…"]}}`, replaced as a whole, readable by its owner.

use super::{PinError, Standing, sha256};
use protocol::desk::ChangedKey;
use russh::keys::{Algorithm, PublicKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const VERSION: u32 = 1;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    hosts: BTreeMap<String, Vec<String>>,
}

/// The confirmed keys, by host and port. Cheap to clone; all clones are one store.
#[derive(Debug, Clone)]
pub struct Pins {
    path: Arc<PathBuf>,
    hosts: Arc<Mutex<BTreeMap<String, Vec<PublicKey>>>>,
}

impl Pins {
    /// A missing file is an empty store; one that cannot be understood is an error, never an empty store.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, PinError> {
        let path = path.into();
        let hosts = match std::fs::read(&path) {
            Ok(bytes) => read(&bytes).map_err(|source| PinError::Damaged { path: path.clone(), source })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(source) => return Err(PinError::Read { path, source }),
        };
        Ok(Self { path: Arc::new(path), hosts: Arc::new(Mutex::new(hosts)) })
    }

    /// Fingerprints that are recorded for a host.
    pub fn recorded(&self, host: &str, port: u16) -> Vec<String> {
        self.hosts().get(&name(host, port)).map_or_else(Vec::new, |keys| keys.iter().map(sha256).collect())
    }

    /// The user says that the server was rebuilt: its keys are forgotten, and the next one is asked about.
    pub fn forget(&self, host: &str, port: u16) -> Result<(), PinError> {
        self.change(|hosts| {
            hosts.remove(&name(host, port));
        })
    }

    pub(crate) fn standing(&self, host: &str, port: u16, presented: &PublicKey) -> Standing {
        let hosts = self.hosts();
        match hosts.get(&name(host, port)) {
            None => Standing::New,
            Some(keys) if keys.iter().any(|key| key.key_data() == presented.key_data()) => Standing::Known,
            Some(keys) => Standing::Changed(ChangedKey {
                recorded: keys.iter().map(sha256).collect(),
                presented: sha256(presented),
            }),
        }
    }

    pub(crate) fn pin(&self, host: &str, port: u16, key: &PublicKey) -> Result<(), PinError> {
        self.change(|hosts| hosts.entry(name(host, port)).or_default().push(bare(key)))
    }

    /// Algorithms of the recorded keys, to be offered before all others.
    pub(crate) fn algorithms(&self, host: &str, port: u16) -> Vec<Algorithm> {
        self.hosts()
            .get(&name(host, port))
            .map_or_else(Vec::new, |keys| keys.iter().map(PublicKey::algorithm).collect())
    }

    fn hosts(&self) -> MutexGuard<'_, BTreeMap<String, Vec<PublicKey>>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is in memory changes only once the file has.
    fn change(&self, by: impl FnOnce(&mut BTreeMap<String, Vec<PublicKey>>)) -> Result<(), PinError> {
        let mut hosts = self.hosts();
        let mut changed = hosts.clone();
        by(&mut changed);
        let failed = |source| PinError::Write { path: self.path.to_path_buf(), source };
        replace(&self.path, &write(&changed).map_err(|e| failed(e.into()))?).map_err(failed)?;
        *hosts = changed;
        Ok(())
    }
}

/// Names are compared as they are typed, but for their case and a dot at the end.
fn name(host: &str, port: u16) -> String {
    format!("{}:{port}", host.trim_end_matches('.').to_ascii_lowercase())
}

fn bare(key: &PublicKey) -> PublicKey {
    PublicKey::new(key.key_data().clone(), "")
}

fn read(bytes: &[u8]) -> Result<BTreeMap<String, Vec<PublicKey>>, serde_json::Error> {
    use serde::de::Error;
    let file: File = serde_json::from_slice(bytes)?;
    if file.version != VERSION {
        return Err(Error::custom(format!("version {} is not one that this program knows", file.version)));
    }
    let mut hosts = BTreeMap::new();
    for (host, lines) in file.hosts {
        if lines.is_empty() {
            return Err(Error::custom(format!("{host} without a key")));
        }
        let keys = lines.iter().map(|line| PublicKey::from_openssh(line)).collect::<Result<Vec<_>, _>>();
        hosts.insert(host, keys.map_err(Error::custom)?);
    }
    Ok(hosts)
}

fn write(hosts: &BTreeMap<String, Vec<PublicKey>>) -> Result<Vec<u8>, serde_json::Error> {
    use serde::ser::Error;
    let line = |key: &PublicKey| key.to_openssh().map_err(Error::custom);
    let lines =
        hosts.iter().map(|(host, keys)| Ok((host.clone(), keys.iter().map(line).collect::<Result<_, _>>()?)));
    let hosts = lines.collect::<Result<_, serde_json::Error>>()?;
    serde_json::to_vec_pretty(&File { version: VERSION, hosts })
}

/// Whole or not at all; a temporary file is 0600 from the start.
fn replace(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::OurKey;
    use proptest::prelude::*;

    fn key() -> PublicKey {
        OurKey::make("x").unwrap().private().public_key().clone()
    }

    fn rsa() -> PublicKey {
        PublicKey::from_openssh(include_str!("../../tests/recorded/rsa.pub")).unwrap()
    }

    #[test]
    fn another_key_of_another_algorithm_is_a_change_not_a_new_host() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/pins.json");
        let pins = Pins::open(&path).unwrap();
        let (first, second) = (key(), key());
        assert_eq!(pins.standing("box", 22, &first), Standing::New);
        pins.pin("box", 22, &first).unwrap();
        assert_eq!(pins.standing("BOX.", 22, &first), Standing::Known);
        assert_eq!(pins.standing("box", 2222, &second), Standing::New);
        for other in [second, rsa()] {
            let changed = ChangedKey { recorded: vec![sha256(&first)], presented: sha256(&other) };
            assert_eq!(pins.standing("box", 22, &other), Standing::Changed(changed));
        }
        let again = Pins::open(&path).unwrap();
        assert_eq!(again.recorded("box", 22), vec![sha256(&first)]);
        again.forget("box", 22).unwrap();
        assert_eq!(Pins::open(&path).unwrap().standing("box", 22, &rsa()), Standing::New);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins.json");
        Pins::open(&path).unwrap().pin("box", 22, &key()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_cannot_be_understood_is_an_error_and_never_an_empty_store() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pins.json");
        for wrong in [
            "",
            "{}",
            "[]",
            r#"{"version":2,"hosts":{}}"#,
            r#"{"version":1,"hosts":{"box:22":[]}}"#,
            r#"{"version":1,"hosts":{"box:22":["ssh-ed25519 nonsense"]}}"#,
            r#"{"version":1,"hosts":{},"more":1}"#,
        ] {
            std::fs::write(&path, wrong).unwrap();
            assert!(matches!(Pins::open(&path), Err(PinError::Damaged { .. })), "{wrong}");
        }
        assert!(matches!(Pins::open(folder.path()), Err(PinError::Read { .. })));
    }

    #[test]
    fn a_pin_that_could_not_be_written_is_not_in_memory_either() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let pins = Pins::open(folder.path().join("none.json")).unwrap();
        let pins = Pins { path: Arc::new(folder.path().join("file/pins.json")), ..pins };
        assert!(pins.pin("box", 22, &key()).is_err());
        assert_eq!(pins.recorded("box", 22), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(names in proptest::collection::btree_set("[a-z0-9.:-]{1,20}", 0..5)) {
            let hosts: BTreeMap<_, _> = names.into_iter().map(|name| (name, vec![key()])).collect();
            prop_assert_eq!(read(&write(&hosts).unwrap()).unwrap(), hosts);
        }
    }
}
