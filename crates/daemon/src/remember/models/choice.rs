//! Which model the memory is to use. What was chosen while the daemon ran is kept in the models' folder; it counts until
//! the settings say something else than they said then: the latest wish counts, whichever way it came.

use crate::settings::{ENDPOINT, MemorySettings, NO_MODEL};
use anyhow::{Context, Result};
use embed::Model;
use protocol::{ApiError, Code};
use serde::{Deserialize, Serialize};
use std::path::Path;

const FILE: &str = "chosen.json";
/// Bytes of memory of a machine that gets a model without having been asked.
const ENOUGH: u64 = 2_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    Nothing,
    /// Of the catalogue.
    Here(&'static Model),
    Endpoint,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kept {
    model: String,
    /// What the settings said then.
    over: Option<String>,
}

impl Choice {
    pub fn named(name: &str) -> Result<Self, ApiError> {
        match name {
            NO_MODEL => Ok(Self::Nothing),
            ENDPOINT => Ok(Self::Endpoint),
            name => embed::MODELS.iter().find(|model| model.name == name).map(Self::Here).ok_or_else(|| {
                let names: Vec<&str> = embed::MODELS.iter().map(|model| model.name).collect();
                ApiError::new(
                    Code::BadInput,
                    format!("no embedding model is called `{}`", protocol::clean::line(name, 60)),
                )
                .next(format!("choose {}, {ENDPOINT} or {NO_MODEL}", names.join(", ")))
            }),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => NO_MODEL,
            Self::Endpoint => ENDPOINT,
            Self::Here(model) => model.name,
        }
    }

    /// `line`: what the command line says, before the settings. `memory`: bytes of the machine.
    pub fn at_start(
        folder: &Path,
        line: Option<&str>,
        settings: &MemorySettings,
        memory: u64,
    ) -> Result<Self> {
        let set = line.or(settings.model.as_deref());
        let kept = kept(folder).filter(|kept| kept.over.as_deref() == set);
        let name = kept.as_ref().map(|kept| kept.model.as_str()).or(set);
        let choice = match name {
            Some(name) => Self::named(name).map_err(|e| anyhow::anyhow!("[memory] model: {e}"))?,
            None if memory >= ENOUGH => embed::MODELS.first().map_or(Self::Nothing, Self::Here),
            None => Self::Nothing,
        };
        anyhow::ensure!(
            choice != Self::Endpoint || settings.endpoint.is_some(),
            "[memory] model = \"{ENDPOINT}\" needs [memory.endpoint] with url and model"
        );
        Ok(choice)
    }

    pub fn keep(self, folder: &Path, line: Option<&str>, settings: &MemorySettings) -> Result<()> {
        let over = line.or(settings.model.as_deref()).map(str::to_owned);
        let kept = Kept { model: self.name().to_owned(), over };
        let (file, fresh) = (folder.join(FILE), folder.join(".chosen.new"));
        std::fs::write(&fresh, serde_json::to_vec(&kept)?)
            .and_then(|()| std::fs::rename(&fresh, &file))
            .with_context(|| format!("failed to write {}", file.display()))
    }
}

/// A file that cannot be read counts as none: the settings do then.
fn kept(folder: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(model: Option<&str>) -> MemorySettings {
        MemorySettings { model: model.map(str::to_owned), ..MemorySettings::default() }
    }

    #[test]
    fn the_latest_wish_counts() {
        let dir = tempfile::tempdir().unwrap();
        let start =
            |line, set, memory| Choice::at_start(dir.path(), line, &settings(set), memory).unwrap().name();
        assert_eq!(start(None, None, ENOUGH - 1), "none");
        assert_eq!(start(None, None, ENOUGH), "minilm");
        assert_eq!(start(None, Some("none"), ENOUGH), "none");
        assert_eq!(start(Some("none"), Some("minilm"), ENOUGH), "none");
        Choice::named("use-multilingual").unwrap().keep(dir.path(), None, &settings(Some("none"))).unwrap();
        assert_eq!(start(None, Some("none"), ENOUGH), "use-multilingual");
        assert_eq!(start(None, Some("minilm"), ENOUGH), "minilm", "the settings were changed since");
        assert_eq!(start(None, None, 0), "none");
        std::fs::write(dir.path().join(FILE), "torn").unwrap();
        assert_eq!(start(None, Some("none"), ENOUGH), "none");
    }

    #[test]
    fn a_name_that_nobody_knows_is_refused_with_those_that_are() {
        let error = Choice::named("bert").unwrap_err();
        assert!(error.message.contains("bert") && error.next.unwrap().contains("minilm"));
        let dir = tempfile::tempdir().unwrap();
        assert!(Choice::at_start(dir.path(), Some("bert"), &settings(None), 0).is_err());
        assert!(Choice::at_start(dir.path(), Some("endpoint"), &settings(None), 0).is_err());
    }
}
