//! Texts as vectors, computed on this machine: small sentence models behind one trait, the same bits on every machine, so
//! that the desktop's mirror builds the very memory that the server has.
//!
//! No network here, no settings, and nothing of the other rooms: whoever fetches a model's package hands its file in.

mod catalogue;
mod compute;
mod error;
mod file;
mod minilm;
mod multilingual;
mod prepare;
mod zip;

use catalogue::names;
pub use catalogue::{Catalogue, MINILM, MODELS, Model, USE_MULTILINGUAL};
pub use error::Error;
pub use prepare::prepare;

/// Turns texts into vectors whose dot product says how close two texts are in meaning.
pub trait Embedder: Send + Sync {
    /// Which vectors these are; vectors of different models cannot be compared.
    fn model(&self) -> &str;
    /// Numbers in a vector.
    fn dim(&self) -> usize;
    /// One vector of length 1 for each text, in their order. An empty text has a vector too. It computes for as long as it
    /// takes: call it where blocking is allowed.
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error>;
}
