//! The best of what a note names.

use super::seen::{Seen, Thing};
use super::term::{Known, explained};
use super::{Chunk, Kind, Mention, Subject, code, prose};
use protocol::fact::NoteKind;

/// Things that a note keeps; a long one has some more for each passage, and a glossary all its terms.
const KEPT: usize = 24;
const KEPT_AT_MOST: usize = 120;
const TERMS: usize = 500;

/// What the note names, best first. For the same note and the same known terms it is always the same.
pub(crate) fn mentions(subject: &Subject<'_>, chunks: &[Chunk], known: &Known<'_>) -> Vec<Mention> {
    let mut seen = Seen::new(chunks);
    let explains =
        if subject.kind == NoteKind::Glossary { explained(subject.title, subject.text) } else { vec![] };
    prose::title(subject.title, known, &mut seen);
    match code::Language::of_source(subject.source) {
        Some(language) => code::read(subject.text, 0, language, &mut seen),
        None => prose::read(subject.text, known, &mut seen),
    }
    for (offset, term) in &explains {
        match offset {
            Some(offset) => seen.add(term, Kind::Term, *offset, 2.0),
            None => seen.add_title(term, Kind::Term),
        }
    }
    if let Some(path) = source_path(subject.source) {
        seen.add_title(path, Kind::File);
    }
    let most = (KEPT + chunks.len().saturating_sub(6) * 4).min(KEPT_AT_MOST);
    let most = if explains.is_empty() { most } else { most + explains.len().min(TERMS) };
    best(seen.things(), most)
}

/// A file that the note is of.
fn source_path(source: &str) -> Option<&str> {
    let path = source.split('#').next().unwrap_or(source);
    (super::word::classify(path) == Some(Kind::File)).then_some(path)
}

fn best(mut things: Vec<Thing>, most: usize) -> Vec<Mention> {
    things.retain(|thing| thing.kind != Kind::Name || thing.bonus >= 0.0 || thing.times > 1);
    let mut ranked: Vec<(f32, Thing)> = things.into_iter().map(|thing| (worth(&thing), thing)).collect();
    // Stable: of equals the one that was named first.
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked.truncate(most);
    ranked.into_iter().map(|(_, thing)| thing.mention()).collect()
}

fn worth(thing: &Thing) -> f32 {
    let kind = match thing.kind {
        Kind::Error => 5.0,
        Kind::Term => 4.5,
        Kind::File | Kind::Route => 4.0,
        Kind::Env => 3.5,
        Kind::Symbol | Kind::Package | Kind::Commit => 3.0,
        Kind::Name => 2.0,
        Kind::Url => 1.5,
    };
    // More often is more, but ever less so. Whole steps, so that no two machines round differently.
    #[expect(clippy::cast_precision_loss, reason = "at most 32")]
    let often = thing.times.ilog2() as f32;
    kind + often + thing.bonus
}
