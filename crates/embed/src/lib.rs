//! Texts as vectors, computed on this machine: small sentence models behind one trait, the same bits on every machine, so
//! that the desktop's mirror builds the very memory that the server has.
//!
//! No network here, no settings, and nothing of the other rooms: whoever fetches a model's package hands its file in.
//!
//! # Why its own arithmetic
//!
//! A forward pass of these models is a few hundred lines. The general engines were weighed and left:
//! * `candle` held 105 MB for MiniLM (182 MB at its most), and adds floats in the order that the processor's instructions
//!   suggest, fused where they can be, in its 8-bit products as well: the last bits differ from machine to machine.
//! * `tract` runs the 8-bit ONNX graph, but picks its floating-point kernels by processor, too, and brings a graph
//!   optimiser and a protobuf parser into the daemon for two fixed graphs.
//!
//! Here the weights have 8 bits and a scale for each output, what flows between the layers has 14 bits and a scale for each
//! token, and their products are sums of whole numbers, which no order of addition changes. The rest is floating point in
//! one fixed order. `pulp` looks at run time for AVX2 and lets it be used without `unsafe`.
//!
//! # What quantisation costs
//!
//! Nothing that shows: a cosine of at least 0.99 (mostly 0.999) to the makers' vectors, and on CoSQA's 500 test questions the
//! very mean reciprocal rank of the 8-bit ONNX model, 53.9.

mod catalogue;
mod compute;
mod error;
mod file;
#[cfg(test)]
mod golden;
mod minilm;
mod multilingual;
mod prepare;
#[cfg(test)]
mod tiny;
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
