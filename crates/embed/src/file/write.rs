//! Writing a model's file: sections as they come, the table of them at the end.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::{MAGIC, Section};
use crate::Error;

/// Writes a model's file, front to back.
pub(crate) struct Writer {
    out: BufWriter<File>,
    hash: blake3::Hasher,
    at: u64,
    sections: Vec<Section>,
    unfinished: PathBuf,
    file: PathBuf,
}

impl Writer {
    pub(crate) fn create(file: &Path) -> Result<Self, Error> {
        let unfinished = file.with_extension("part");
        let out = BufWriter::new(File::create(&unfinished).map_err(Error::io(&unfinished))?);
        let file = file.to_owned();
        let mut writer =
            Self { out, hash: blake3::Hasher::new(), at: 0, sections: Vec::new(), unfinished, file };
        writer.write(MAGIC)?;
        Ok(writer)
    }

    /// What is written from here on belongs to section `name`.
    pub(crate) fn section(&mut self, name: &str) {
        self.sections.push(Section { name: name.to_owned(), start: self.at, length: 0 });
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        if let Some(section) = self.sections.last_mut() {
            section.length += bytes.len() as u64;
        }
        self.out.write_all(bytes).map_err(Error::io(&self.unfinished))
    }

    pub(crate) fn floats(&mut self, name: &str, floats: &[f32]) -> Result<(), Error> {
        self.section(name);
        self.write(&floats.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
    }

    pub(crate) fn numbers(&mut self, name: &str, numbers: &[u32]) -> Result<(), Error> {
        self.section(name);
        self.write(&numbers.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>())
    }

    /// Closes the file and gives it its name.
    pub(crate) fn finish(mut self, id: &str) -> Result<(), Error> {
        let mut table = Vec::new();
        let name = |table: &mut Vec<u8>, name: &str| {
            table.extend((name.len() as u16).to_le_bytes());
            table.extend(name.as_bytes());
        };
        name(&mut table, id);
        let sections = std::mem::take(&mut self.sections);
        table.extend((sections.len() as u32).to_le_bytes());
        for section in &sections {
            name(&mut table, &section.name);
            table.extend(section.start.to_le_bytes());
            table.extend(section.length.to_le_bytes());
        }
        self.write(&table)?;
        self.write(&(table.len() as u32).to_le_bytes())?;
        let hash = self.hash.finalize();
        self.write(hash.as_bytes())?;
        let io = |error| Error::io(&self.unfinished)(error);
        let out = self.out.into_inner().map_err(|error| io(error.into_error()))?;
        out.sync_all().map_err(io)?;
        fs::rename(&self.unfinished, &self.file).map_err(Error::io(&self.file))
    }
}

impl Writer {
    /// Removes what was written. Where that fails, the next attempt writes over it.
    pub(crate) fn discard(self) {
        drop(self.out);
        let _ = fs::remove_file(&self.unfinished);
    }
}
