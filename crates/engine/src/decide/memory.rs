//! What is remembered, replaced, read out of notes, asked for and forgotten.

use super::Look;
use crate::input::Pushing;
use crate::rejected::Rejected;
use protocol::fact::*;
use protocol::*;

type Facts = Result<Vec<Fact>, Rejected>;

/// All of them or none. The newest note of a source supersedes the one before.
pub fn push(look: Look, pushed: Vec<Pushing>) -> Facts {
    let notes = &look.state.notes;
    let mut facts = Vec::with_capacity(pushed.len());
    // Of this very input: the newest of each source, and what has a successor already.
    let mut here: Vec<(String, NoteId)> = Vec::new();
    let mut replaced: Vec<NoteId> = Vec::new();
    for Pushing { fact, supersedes } in pushed {
        if notes.get(&fact.note).is_some() || here.iter().any(|(_, note)| *note == fact.note) {
            return Err(Rejected::Taken { id: fact.note.to_string() });
        }
        let mut older = supersedes;
        if let Some(unknown) = older.iter().find(|note| !is_in(look, note, &fact.project)) {
            return Err(Rejected::UnknownNote { note: unknown.clone() });
        }
        if !note::is_shared(&fact.source) {
            let before = here.iter().rev().find(|(source, _)| *source == fact.source).map(|(_, note)| note);
            older.extend(before.or_else(|| notes.of_source(&fact.project, &fact.source)).cloned());
        }
        older.sort();
        older.dedup();
        older.retain(|note| !replaced.contains(note));
        here.push((fact.source.clone(), fact.note.clone()));
        let (project, by) = (fact.project.clone(), fact.note.clone());
        facts.push(fact.into());
        for note in older {
            replaced.push(note.clone());
            facts.push(MemorySuperseded { project: project.clone(), note, by: by.clone() }.into());
        }
    }
    Ok(facts)
}

fn is_in(look: Look, note: &NoteId, project: &ProjectId) -> bool {
    look.state.notes.get(note).is_some_and(|kept| kept.project == *project)
}

pub fn supersede(look: Look, note: NoteId, by: NoteId) -> Facts {
    let notes = &look.state.notes;
    let kept = notes.get(&note).ok_or_else(|| Rejected::UnknownNote { note: note.clone() })?;
    if !is_in(look, &by, &kept.project) {
        return Err(Rejected::UnknownNote { note: by });
    }
    if notes.is_superseded_by(&by, &note) {
        return Err(Rejected::Cycle { note, by });
    }
    if kept.superseded_by.as_ref() == Some(&by) {
        return Ok(vec![]);
    }
    Ok(vec![MemorySuperseded { project: kept.project.clone(), note, by }.into()])
}

pub fn forget(look: Look, note: NoteId) -> Facts {
    let Some(kept) = look.state.notes.get(&note) else { return Err(Rejected::UnknownNote { note }) };
    let (blob, readings) = (kept.blob.clone(), kept.readings.clone());
    Ok(vec![MemoryForgotten { note, blob, readings, project: Some(kept.project.clone()) }.into()])
}

/// A note that was forgotten meanwhile takes no reading.
pub fn enriched(look: Look, f: MemoryEnriched) -> Facts {
    if look.state.notes.get(&f.note).is_none() {
        return Err(Rejected::Stale { what: format!("a reading of note {}", f.note) });
    }
    Ok(vec![f.into()])
}

/// A note that was forgotten since is told to nobody: who asks looks again.
pub fn recalled(look: Look, f: MemoryRecalled) -> Facts {
    look.open(&f.request)?;
    untold(look, f.notes.iter().map(|told| &told.note))?;
    Ok(vec![f.into()])
}

/// Refuses what would tell the text of a note that was forgotten meanwhile.
pub(super) fn untold<'a>(look: Look, told: impl Iterator<Item = &'a NoteId>) -> Result<(), Rejected> {
    let mut told = told;
    match told.find(|note| look.state.notes.is_forgotten(note)) {
        Some(note) => Err(Rejected::UnknownNote { note: note.clone() }),
        None => Ok(()),
    }
}
