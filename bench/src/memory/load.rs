//! What a memory costs that is filled and asked through its HTTP face: one client, whichever server.

use super::corpus::{Dice, Page};
use super::face::Face;
use crate::process;
use anyhow::{Result, bail, ensure};
use std::time::{Duration, Instant};

/// A server under load.
pub struct Server<'s> {
    pub face: &'s Face,
    pub pid: u32,
}

pub enum Manner {
    /// `/documents/texts`, so many at a time.
    Batches(usize),
    /// `/documents/text`.
    Singly,
}

/// What some notes cost, from the first call to when the server rests again.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cost {
    pub notes: usize,
    pub text_bytes: u64,
    pub processor_s: f64,
    pub wall_s: f64,
    pub written: u64,
}

impl Cost {
    pub fn notes_per_processor_second(&self) -> f64 {
        as_f64(self.notes) / self.processor_s.max(0.01)
    }

    pub fn bytes_per_processor_second(&self) -> f64 {
        bytes(self.text_bytes) / self.processor_s.max(0.01)
    }

    pub fn written_per_byte(&self) -> f64 {
        bytes(self.written) / bytes(self.text_bytes.max(1))
    }

    pub fn and(self, next: Cost) -> Cost {
        Cost {
            notes: self.notes + next.notes,
            text_bytes: self.text_bytes + next.text_bytes,
            processor_s: self.processor_s + next.processor_s,
            wall_s: self.wall_s + next.wall_s,
            written: self.written + next.written,
        }
    }
}

impl Server<'_> {
    /// Notes are done when the server says so and rests.
    pub fn fill(&self, pages: &[Page], manner: &Manner) -> Result<Cost> {
        const PATIENCE: Duration = Duration::from_secs(300);
        let (before, _) = self.face.counts()?;
        let (processor, written) = (process::processor(self.pid)?, process::written(self.pid)?);
        let clock = Instant::now();
        match manner {
            Manner::Batches(size) => {
                for batch in pages.chunks(*size) {
                    let texts: Vec<&str> = batch.iter().map(|page| page.text.as_str()).collect();
                    let sources: Vec<&str> = batch.iter().map(|page| page.source.as_str()).collect();
                    self.face.texts(&texts, &sources)?;
                }
            }
            Manner::Singly => {
                for page in pages {
                    self.face.text(&page.text, &page.source)?;
                }
            }
        }
        let wanted = before + u64::try_from(pages.len())?;
        loop {
            let (done, failed) = self.face.counts()?;
            ensure!(failed == 0, "{failed} notes failed");
            if done >= wanted {
                break;
            }
            if clock.elapsed() > PATIENCE {
                bail!("{done} of {wanted} notes were done after {} s", clock.elapsed().as_secs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let wall_s = clock.elapsed().as_secs_f64();
        let processor_s = process::processor_at_rest(self.pid)? - processor;
        let written = process::written(self.pid)? - written;
        ensure!(written > 0, "this file system does not count what is written");
        let text_bytes = pages.iter().map(|page| page.text.len() as u64).sum();
        Ok(Cost { notes: pages.len(), text_bytes, processor_s, wall_s, written })
    }

    /// Asks each question once, context only; the first two are not counted.
    pub fn ask(&self, path: &str, mode: &str, asked: &[Asked]) -> Result<Timing> {
        const WARM: usize = 2;
        let (mut walls, mut sizes, mut found) = (Vec::new(), 0, 0);
        let mut processor = process::processor(self.pid)?;
        for (number, question) in asked.iter().enumerate() {
            if number == WARM {
                processor = process::processor_at_rest(self.pid)?;
            }
            let clock = Instant::now();
            let context = self.face.context(path, mode, &question.text)?;
            if number >= WARM {
                walls.push(clock.elapsed().as_secs_f64() * 1000.0);
                sizes += context.len();
                found += usize::from(context.contains(&question.source));
            }
        }
        let spent = process::processor_at_rest(self.pid)? - processor;
        walls.sort_by(f64::total_cmp);
        let at = |share: usize| walls.get(walls.len() * share / 100).copied().unwrap_or(f64::NAN);
        let count = walls.len();
        Ok(Timing {
            processor_ms: spent * 1000.0 / as_f64(count),
            p50_ms: at(50),
            p95_ms: at(95),
            bytes: sizes / count.max(1),
            found,
            count,
        })
    }
}

/// A question made of words of one note.
pub struct Asked {
    pub text: String,
    pub source: String,
}

/// So many questions of eight words in a row, each of another note.
pub fn questions(pages: &[Page], count: usize) -> Vec<Asked> {
    let mut dice = Dice(7);
    let mut asked = Vec::with_capacity(count);
    while asked.len() < count && !pages.is_empty() {
        let Some(page) = pages.get(dice.below(pages.len())) else { continue };
        let words: Vec<&str> = page.text.split_whitespace().collect();
        let from = dice.below(words.len().saturating_sub(8));
        let words = words.get(from..from + 8).unwrap_or(&words);
        asked.push(Asked { text: format!("How does {}?", words.join(" ")), source: page.source.clone() });
    }
    asked
}

#[derive(Debug, Clone, Copy)]
pub struct Timing {
    pub processor_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    /// Of an answer, on average.
    pub bytes: usize,
    /// Answers that named the note that the question was made of.
    pub found: usize,
    pub count: usize,
}

#[expect(clippy::cast_precision_loss, reason = "counts and sizes far below 2^52")]
fn as_f64(count: usize) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "sizes far below 2^52")]
fn bytes(count: u64) -> f64 {
    count as f64
}
