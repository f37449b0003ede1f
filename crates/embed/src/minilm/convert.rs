//! From the package's files to ours: weights of 32 bits, tensor by tensor, to weights of 8.

use std::io::{self, Read};

use serde_json::Value;

use super::MOST_TOKENS;
use crate::Error;
use crate::compute::matrix::pack;
use crate::file::Writer;
use crate::prepare::Failed;
use crate::zip::{Archive, bad};

/// More than any such file's head or list of words has.
const MOST: u64 = 4 << 20;

struct Tensor {
    name: String,
    shape: Vec<usize>,
    start: u64,
    end: u64,
}

/// Writes the sections of the model's file.
pub(crate) fn convert(package: &mut Archive, out: &mut Writer) -> Result<(), Failed> {
    let words = package.bytes("model/vocab.txt", MOST)?;
    out.section("words");
    out.write(&words)?;
    let (mut contents, _) = package.entry("model/model.safetensors")?;
    let tensors = head(&mut contents)?;
    let layers = tensors.iter().filter(|tensor| tensor.name.ends_with("attention.self.query.weight")).count();
    out.numbers("layers", &[layers as u32])?;
    let mut at = 0;
    for tensor in tensors {
        let skip = tensor.start.checked_sub(at).ok_or_else(|| bad("its tensors overlap"))?;
        io::copy(&mut (&mut contents).take(skip), &mut io::sink())?;
        at = tensor.end;
        let mut bytes = (&mut contents).take(tensor.end - tensor.start);
        one(&tensor, &mut bytes, out)?;
        io::copy(&mut bytes, &mut io::sink())?;
    }
    Ok(())
}

/// The tensors in the order in which they lie.
fn head(contents: &mut impl Read) -> io::Result<Vec<Tensor>> {
    let mut size = [0; 8];
    contents.read_exact(&mut size)?;
    let mut json = Vec::new();
    contents.take(u64::from_le_bytes(size).min(MOST)).read_to_end(&mut json)?;
    let json: serde_json::Map<String, Value> = serde_json::from_slice(&json)?;
    let mut tensors = Vec::new();
    for (name, value) in json {
        if name == "__metadata__" || value.get("dtype").and_then(Value::as_str) != Some("F32") {
            continue;
        }
        let numbers = |key: &str| -> Option<Vec<u64>> {
            value.get(key)?.as_array()?.iter().map(Value::as_u64).collect()
        };
        let (Some(shape), Some(&[start, end])) = (numbers("shape"), numbers("data_offsets").as_deref())
        else {
            return Err(bad("its list of tensors is no such list"));
        };
        let shape: Vec<usize> = shape.iter().filter_map(|size| usize::try_from(*size).ok()).collect();
        let size = shape.iter().try_fold(4_usize, |size, next| size.checked_mul(*next));
        if size.and_then(|size| start.checked_add(size as u64)) != Some(end) {
            return Err(bad("a tensor has another size than its shape"));
        }
        tensors.push(Tensor { name, shape, start, end });
    }
    tensors.sort_by_key(|tensor| tensor.start);
    Ok(tensors)
}

/// Brings one tensor over, or leaves it out where the model does not need it.
fn one(tensor: &Tensor, bytes: &mut impl Read, out: &mut Writer) -> Result<(), Failed> {
    let name = tensor.name.as_str();
    match *tensor.shape.as_slice() {
        [_, width] if name == "embeddings.word_embeddings.weight" => {
            out.section(name);
            rows(bytes, width, |row| out.write(&row_of_bytes(row)))?;
        }
        [count, width] if name.starts_with("encoder.") && name.ends_with(".weight") => {
            let mut weights = Vec::with_capacity(count * width);
            rows(bytes, width, |row| {
                weights.extend(row);
                Ok(())
            })?;
            let packed = pack(&weights, width);
            out.section(name);
            out.write(&packed.steps)?;
            out.floats(&name.replace(".weight", ".scales"), &packed.scales)?;
        }
        [_, width] if name.starts_with("embeddings.") => {
            let mut floats = Vec::new();
            rows(bytes, width, |row| {
                floats.extend(row);
                Ok(())
            })?;
            floats.truncate(MOST_TOKENS * width);
            out.floats(name, &floats)?;
        }
        [width] if name.starts_with("encoder.") || name.starts_with("embeddings.") => {
            rows(bytes, width, |row| out.floats(name, row))?;
        }
        // What only training used.
        _ => {}
    }
    Ok(())
}

/// Hands each row over; never more than one of them is in memory.
fn rows(
    bytes: &mut impl Read,
    width: usize,
    mut each: impl FnMut(&[f32]) -> Result<(), Error>,
) -> Result<(), Failed> {
    let mut row = vec![0; width * 4];
    loop {
        match bytes.read_exact(&mut row) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let floats: Vec<f32> = row.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        if !floats.iter().all(|x| x.is_finite()) {
            return Err(bad("a weight is no number").into());
        }
        each(&floats)?;
    }
}

/// A row in 8 bits, then its scale.
fn row_of_bytes(row: &[f32]) -> Vec<u8> {
    let scale = row.iter().fold(0.0, |top: f32, x| top.max(x.abs())) / 127.0;
    let whole = |x: &f32| if scale > 0.0 { (x / scale).round_ties_even() as i8 as u8 } else { 0 };
    row.iter().map(whole).chain(scale.to_le_bytes()).collect()
}
