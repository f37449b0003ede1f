//! How close passages are to the question in meaning: every vector is looked at, so that nothing close is missed.

use super::catalogue::Catalogue;
use super::weights as w;
use crate::error::Error;
use crate::store::schema::CHUNK_BITS;
use rusqlite::{Connection, OptionalExtension, params};

/// The vectors of one model: 8-bit numbers one after another, a scale for each vector.
#[derive(Debug)]
pub(super) struct Vectors {
    model: String,
    dim: usize,
    data: Vec<i8>,
    scales: Vec<f32>,
    /// Places in the catalogue.
    passages: Vec<u32>,
    last: i64,
}

/// Closeness by the places of notes in the catalogue.
#[derive(Debug, Default)]
pub(super) struct Dense {
    /// Cosine of the closest passage; none without a vector.
    pub(super) cosine: Vec<Option<f32>>,
    /// Between 0 for what is no closer than any note and 1 for the closest.
    pub(super) share: Vec<f32>,
    /// The candidates' closest passages and their shares.
    pub(super) passages: Vec<(u32, f32)>,
}

/// One vector against another, or against the question.
const FINE: f32 = 2047.0;

impl Vectors {
    /// Reads what has come since. `vectors` of another model are let go.
    pub(super) fn refresh(
        kept: &mut Option<Vectors>,
        db: &Connection,
        catalogue: &Catalogue,
        model: &str,
        dim: usize,
    ) -> Result<(), Error> {
        let known: Option<(i64, usize)> = db
            .prepare_cached("SELECT id, dim FROM model WHERE name = ?1")?
            .query_row([model], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((number, _)) = known.filter(|(_, known)| *known == dim && dim > 0) else {
            *kept = None;
            return Ok(());
        };
        if kept.as_ref().is_none_or(|vectors| vectors.model != model) {
            let (data, scales, passages) = Default::default();
            *kept = Some(Vectors { model: model.to_owned(), dim, data, scales, passages, last: -1 });
        }
        match kept {
            Some(vectors) => vectors.extend(db, catalogue, number),
            None => Ok(()),
        }
    }

    fn extend(&mut self, db: &Connection, catalogue: &Catalogue, model: i64) -> Result<(), Error> {
        let mut query = db.prepare_cached(
            "SELECT chunk, scale, data FROM vector WHERE chunk > ?1 AND model = ?2 ORDER BY chunk",
        )?;
        let mut rows = query.query(params![self.last, model])?;
        let mut at = 0;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            self.last = id;
            let data = row.get_ref(2)?.as_blob().map_err(Error::damaged)?;
            let Some(note) = catalogue.note(id >> CHUNK_BITS, at) else { continue };
            at = note;
            if let (Some(passage), true) = (catalogue.passage(note, id), data.len() == self.dim) {
                self.data.extend(data.iter().map(|byte| byte.cast_signed()));
                self.scales.push(row.get(1)?);
                self.passages.push(passage);
            }
        }
        Ok(())
    }

    pub(super) fn model(&self) -> &str {
        &self.model
    }

    pub(super) fn close(&self, catalogue: &Catalogue, question: &[f32]) -> Dense {
        let cosines = self.cosines(question);
        let mut dense = Dense {
            cosine: vec![None; catalogue.notes.len()],
            share: vec![0.0; catalogue.notes.len()],
            passages: Vec::new(),
        };
        let Some(mean) = mean(&cosines) else { return dense };
        for (passage, cosine) in self.passages.iter().zip(&cosines) {
            let note = catalogue.passages.get(*passage as usize).map(|passage| passage.note as usize);
            if let Some(best) = note.and_then(|note| dense.cosine.get_mut(note)) {
                *best = Some(best.map_or(*cosine, |best| best.max(*cosine)));
            }
        }
        let candidates = self.candidates(&cosines);
        let crowded = self.crowded(&candidates);
        let usual = mean_of(&crowded);
        let near: Vec<f32> = candidates
            .iter()
            .zip(&crowded)
            .map(|(row, crowded)| cosines.get(*row).copied().unwrap_or(0.0) - w::CROWDED * (crowded - usual))
            .collect();
        let span = near.iter().copied().fold(f32::MIN, f32::max) - mean;
        for (row, near) in candidates.iter().zip(&near) {
            let share = ((near - mean) / span.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
            let Some(passage) = self.passages.get(*row).copied() else { continue };
            dense.passages.push((passage, share));
            let note = catalogue.passages.get(passage as usize).map(|passage| passage.note as usize);
            if let Some(best) = note.and_then(|note| dense.share.get_mut(note)) {
                *best = best.max(share);
            }
        }
        // Others than the candidates keep their order, below them.
        let floor = near.iter().copied().fold(f32::MAX, f32::min);
        for (share, cosine) in dense.share.iter_mut().zip(&dense.cosine) {
            if let (true, Some(cosine)) = (*share == 0.0, cosine) {
                *share = ((cosine.min(floor) - mean) / span.max(f32::MIN_POSITIVE)).clamp(0.0, 1.0);
            }
        }
        dense
    }

    fn cosines(&self, question: &[f32]) -> Vec<f32> {
        let largest = question.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        if largest == 0.0 || question.len() != self.dim {
            return Vec::new();
        }
        #[expect(clippy::cast_possible_truncation, reason = "between -2047 and 2047")]
        let question: Vec<i16> = question.iter().map(|x| (x / largest * FINE).round() as i16).collect();
        let scale = largest / FINE;
        let rows = self.data.chunks_exact(self.dim).zip(&self.scales);
        rows.map(|(row, of_row)| whole(dot(row, &question)) * of_row * scale).collect()
    }

    /// The rows that are closest.
    fn candidates(&self, cosines: &[f32]) -> Vec<usize> {
        let mut rows: Vec<usize> = (0..cosines.len()).collect();
        let closer = |a: &usize, b: &usize| {
            let of = |row: &usize| cosines.get(*row).copied().unwrap_or(f32::MIN);
            of(b).total_cmp(&of(a)).then(a.cmp(b))
        };
        if rows.len() > w::CANDIDATES {
            rows.select_nth_unstable_by(w::CANDIDATES, closer);
            rows.truncate(w::CANDIDATES);
        }
        rows.sort_by(closer);
        rows
    }

    /// For each candidate, how close it is to its nearest ones among them.
    fn crowded(&self, candidates: &[usize]) -> Vec<f32> {
        let row = |row: usize| {
            let data = self.data.get(row * self.dim..(row + 1) * self.dim).unwrap_or_default();
            let wide: Vec<i16> = data.iter().map(|x| i16::from(*x)).collect();
            (data, wide, self.scales.get(row).copied().unwrap_or(0.0))
        };
        let rows: Vec<(&[i8], Vec<i16>, f32)> = candidates.iter().map(|number| row(*number)).collect();
        let nearest = w::CROWD.min(rows.len() / w::CROWD);
        let crowded = |(at, (_, wide, scale)): (usize, &(&[i8], Vec<i16>, f32))| {
            let others = rows.iter().enumerate().filter(|(other, _)| *other != at);
            let mut near: Vec<f32> =
                others.map(|(_, (data, _, of_other))| whole(dot(data, wide)) * scale * of_other).collect();
            near.sort_by(|a, b| b.total_cmp(a));
            near.truncate(nearest);
            mean_of(&near)
        };
        rows.iter().enumerate().map(crowded).collect()
    }
}

/// In a shape that compilers turn into vector instructions.
fn dot(row: &[i8], question: &[i16]) -> i32 {
    row.iter().zip(question).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

#[expect(clippy::cast_precision_loss, reason = "a closeness need not be exact")]
fn whole(number: i32) -> f32 {
    number as f32
}

fn mean(numbers: &[f32]) -> Option<f32> {
    (!numbers.is_empty()).then(|| mean_of(numbers))
}

#[expect(clippy::cast_precision_loss, reason = "a mean need not be exact")]
fn mean_of(numbers: &[f32]) -> f32 {
    numbers.iter().sum::<f32>() / numbers.len().max(1) as f32
}
