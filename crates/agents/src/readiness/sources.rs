//! What lies about that may be an account: by name and by when it changed, never by what is in it.

use super::Credential;
use crate::account::{Place, Source};
use crate::profile::{self, Profile};
use crate::{Setup, launch};
use protocol::{AgentId, At};
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// How an agent's programs and credentials look from outside. Two that are equal need no second look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mark(Vec<(PathBuf, Option<Shape>)>, Option<At>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Shape {
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

/// Cheap: it looks at a few files' dates.
pub fn mark(setup: &Setup, agent: &AgentId) -> Mark {
    let Some(profile) = profile::find(agent) else { return Mark::default() };
    let programs = profile.cli.iter().chain(&profile.adapter).filter_map(|p| launch::find(setup, p).ok());
    let shapes = programs.chain(files(setup, profile)).map(|path| {
        let shape = std::fs::metadata(&path).ok().map(|meta| Shape {
            inode: meta.ino(),
            size: meta.len(),
            modified: meta.modified().ok(),
        });
        (path, shape)
    });
    Mark(shapes.collect(), setup.accounts.get(agent).map(|account| account.set))
}

/// The files and folders in which the vendor's program keeps its account.
pub(crate) fn files(setup: &Setup, profile: &Profile) -> Vec<PathBuf> {
    let place = |source: &Source| match source {
        Source::File(place) => Some(path(setup, profile, place)),
        Source::Variable(_) => None,
    };
    profile.account.sources.iter().filter_map(place).collect()
}

fn path(setup: &Setup, profile: &Profile, place: &Place) -> PathBuf {
    let named = place.variable.and_then(|variable| launch::variable(setup, profile, variable));
    let folder = named.map_or_else(
        || launch::home(setup, profile).join(place.folder),
        |folder| Path::new(&folder).to_owned(),
    );
    folder.join(place.path)
}

pub(super) fn credentials(setup: &Setup, profile: &Profile) -> Vec<Credential> {
    let found = |source: &Source| match source {
        Source::File(place) => {
            let path = path(setup, profile, place);
            let meta = std::fs::metadata(&path).ok().filter(|meta| holds_something(&path, meta))?;
            Some(Credential { name: path.display().to_string(), changed: Some(changed(&path, &meta)) })
        }
        Source::Variable(name) => launch::variable(setup, profile, name)
            .map(|_| Credential { name: (*name).to_owned(), changed: None }),
    };
    profile.account.sources.iter().filter_map(found).collect()
}

fn holds_something(path: &Path, meta: &Metadata) -> bool {
    if meta.is_dir() {
        return std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    }
    meta.is_file() && meta.len() > 0
}

/// When it was written or put there; of a folder, its newest file.
fn changed(path: &Path, meta: &Metadata) -> At {
    let inside = if meta.is_dir() { std::fs::read_dir(path).ok() } else { None };
    let entries = inside.into_iter().flatten().flatten().filter_map(|entry| entry.metadata().ok());
    let metas = entries.filter(Metadata::is_file).chain([meta.clone()]);
    // A file that was put in the place of another may carry an old date, but was made there now.
    let moments = metas.flat_map(|meta| [meta.modified().ok(), meta.created().ok()]).flatten();
    moments.map(at).max().unwrap_or(At(0))
}

fn at(moment: SystemTime) -> At {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    At(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
