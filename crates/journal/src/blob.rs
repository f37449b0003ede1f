//! Blobs: text or bytes beside the entries, named by BLAKE3 over a salt and the bytes. The salt keeps the name from
//! telling what a forgotten text was.

use crate::error::Error;
use protocol::BlobId;
use protocol::fact::BlobRef;
use rusqlite::{Connection, OptionalExtension};

/// A blob to be stored with the facts that name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBlob {
    pub id: BlobId,
    pub salt: [u8; 16],
    pub data: Vec<u8>,
}

impl NewBlob {
    /// `salt` must be random, and of this blob alone.
    pub fn new(salt: [u8; 16], data: impl Into<Vec<u8>>) -> NewBlob {
        let data = data.into();
        NewBlob { id: name(&salt, &data), salt, data }
    }

    pub fn to_ref(&self) -> BlobRef {
        BlobRef { blob: self.id.clone(), bytes: self.data.len() as u64 }
    }
}

pub(crate) fn name(salt: &[u8], data: &[u8]) -> BlobId {
    let mut hasher = blake3::Hasher::new();
    hasher.update(salt);
    hasher.update(data);
    let hex = hasher.finalize().to_hex();
    #[expect(clippy::expect_used, reason = "64 hex digits are an id")]
    BlobId::new(hex.as_str()).expect("64 hex digits are an id")
}

/// Stores a blob once. One that was forgotten does not come back.
pub(crate) fn put(db: &Connection, blob: &NewBlob) -> Result<(), Error> {
    if name(&blob.salt, &blob.data) != blob.id {
        return Err(Error::MisnamedBlob(blob.id.to_string()));
    }
    db.prepare_cached(
        "INSERT OR IGNORE INTO blobs (id, salt, data)
         SELECT ?1, ?2, ?3 WHERE NOT EXISTS (SELECT 1 FROM forgotten WHERE blob = ?1)",
    )?
    .execute((blob.id.as_str(), &blob.salt[..], &blob.data))?;
    Ok(())
}

pub(crate) fn get(db: &Connection, id: &BlobId) -> Result<Option<NewBlob>, Error> {
    let found = db
        .prepare_cached("SELECT salt, data FROM blobs WHERE id = ?1")?
        .query_row([id.as_str()], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?)))
        .optional()?;
    let Some((salt, data)) = found else { return Ok(None) };
    let salt =
        salt.try_into().map_err(|_| Error::damaged("blobs", format!("{id} has a salt of another length")))?;
    Ok(Some(NewBlob { id: id.clone(), salt, data }))
}

/// A blob as text; none once it was forgotten.
pub(crate) fn text(db: &Connection, id: &str) -> Result<Option<String>, Error> {
    let data: Option<Vec<u8>> = db
        .prepare_cached("SELECT data FROM blobs WHERE id = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    Ok(data.map(|data| String::from_utf8_lossy(&data).into_owned()))
}
