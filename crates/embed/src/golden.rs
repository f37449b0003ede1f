//! The real models against their makers' own programs. The files here were made by those (a plain forward pass in 32 bits
//! for MiniLM); the models' files are no part of the repository, so these tests look at them where they are: in the folder
//! `LOOPWRIGHT_MODELS`, or in `models` under `LOOPWRIGHT_HOME`.

use std::path::PathBuf;

use crate::catalogue::{Model, open};
use crate::compute::Machine;
use crate::file::ModelFile;
use crate::minilm::MiniLm;
use crate::multilingual::Multilingual;
use crate::prepare::file_of;
use crate::{MINILM, USE_MULTILINGUAL};

/// The folder that has this model, if there is one.
fn folder(model: &Model) -> Option<PathBuf> {
    let home = std::env::var_os("LOOPWRIGHT_HOME").map(|home| PathBuf::from(home).join("models"));
    let dir = std::env::var_os("LOOPWRIGHT_MODELS").map(PathBuf::from).or(home)?;
    ModelFile::find(&file_of(&dir, model), model.id).unwrap().is_some().then_some(dir)
}

fn tokens(json: &str) -> Vec<(String, Vec<u32>)> {
    let rows: Vec<(String, Vec<u32>)> = serde_json::from_str(json).unwrap();
    assert!(rows.len() >= 200);
    rows
}

/// Texts and their vectors, in 8 bits.
fn vectors(json: &str) -> Vec<(String, Vec<f32>)> {
    let rows: Vec<(String, String)> = serde_json::from_str(json).unwrap();
    rows.into_iter()
        .map(|(text, hex)| {
            let byte = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16).unwrap();
            (text, hex.as_bytes().chunks(2).map(|two| f32::from(byte(two) as i8)).collect())
        })
        .collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Every text alone and all of them together, on this machine and on any.
fn compare(model: &Model, json: &str, least: usize) {
    let Some(dir) = folder(model) else { return };
    let golden = vectors(json);
    assert!(golden.len() >= least);
    let texts: Vec<&str> = golden.iter().map(|(text, _)| text.as_str()).collect();
    let here = open(&dir, model, Machine::here()).unwrap();
    assert_eq!((here.model(), here.dim()), (model.id, model.dim));
    let together = here.embed(&texts).unwrap();
    for ((text, golden), vector) in golden.iter().zip(&together) {
        let cosine = cosine(golden, vector);
        assert!(cosine >= 0.99, "{cosine} for {text:?}");
        assert_eq!(
            here.embed(&[text]).unwrap(),
            *std::slice::from_ref(vector),
            "{text:?} is another vector alone"
        );
    }
    let portable = open(&dir, model, Machine::Portable).unwrap();
    assert_eq!(portable.embed(&texts).unwrap(), together, "the machine's instructions change the vectors");
    let size = std::fs::metadata(file_of(&dir, model)).unwrap().len();
    assert_eq!(size, model.disk_bytes);
}

#[test]
fn minilm_s_vectors_are_those_of_32_bits() {
    compare(&MINILM, include_str!("golden/minilm.json"), 50);
}

#[test]
fn the_multilingual_vectors_are_those_of_its_package() {
    compare(&USE_MULTILINGUAL, include_str!("golden/multilingual.json"), 100);
}

/// All differences at once: a tokenizer goes wrong in families.
fn same(golden: Vec<(String, Vec<u32>)>, encode: impl Fn(&str) -> Vec<u32>) {
    let other = golden.iter().filter(|(text, numbers)| encode(text) != *numbers);
    let other: Vec<_> = other.map(|(text, numbers)| (text, numbers, encode(text))).collect();
    assert!(other.is_empty(), "{} differ: {other:#?}", other.len());
}

#[test]
fn minilm_s_words_are_split_as_its_own_tokenizer_does() {
    let Some(dir) = folder(&MINILM) else { return };
    let file = ModelFile::find(&file_of(&dir, &MINILM), MINILM.id).unwrap().unwrap();
    let model = MiniLm::load(&file, MINILM.id, Machine::here()).unwrap();
    same(tokens(include_str!("golden/words.json")), |text| model.tokens(text));
}

#[test]
fn multilingual_pieces_are_split_as_its_own_tokenizer_does() {
    let Some(dir) = folder(&USE_MULTILINGUAL) else { return };
    let file = ModelFile::find(&file_of(&dir, &USE_MULTILINGUAL), USE_MULTILINGUAL.id).unwrap().unwrap();
    let model = Multilingual::load(&file, USE_MULTILINGUAL.id, Machine::here()).unwrap();
    let golden: Vec<_> = tokens(include_str!("golden/pieces.json"));
    // Its own tokenizer knows no limit.
    let golden = golden.into_iter().filter(|(_, numbers)| numbers.len() <= 512).collect();
    same(golden, |text| model.tokens(text));
}
