//! The memory's answers, for people.

use crate::print::{ago, line, table};
use anyhow::Result;
use protocol::view::*;
use protocol::{NoteId, Request, Response, clean};

/// Whether it was one of the memory's, and is printed.
pub fn response(response: &Response) -> Option<Result<()>> {
    Some(match response {
        Response::Notes { rows } => notes(rows),
        Response::Recalled(view) => recalled(view),
        Response::Pushed { notes } => notes.iter().try_for_each(pushed),
        Response::Note(view) => note(view),
        Response::Memory(view) => status(view),
        Response::Graph(view) => graph(view),
        Response::Knew { rows } => knew(rows),
        Response::Exported { lines, .. } => lines.iter().try_for_each(|text| line(text)),
        Response::MemoryVerified { equal, notes, hash } => verified(*equal, *notes, hash),
        _ => return None,
    })
}

fn pushed(note: &PushedNote) -> Result<()> {
    let older: Vec<&str> = note.superseded.iter().map(|note| note.as_str()).collect();
    let older =
        if older.is_empty() { String::new() } else { format!("  in the place of {}", older.join(", ")) };
    line(&format!("{}{older}", note.note))
}

/// What was done, where the answer says no more than that it was.
pub fn done(request: &Request, older: &[NoteId]) -> Result<()> {
    match request {
        Request::Forget { note } => {
            line(&format!("{note} is forgotten: its text is deleted everywhere"))?;
            older.iter().try_for_each(|older| line(&format!("{older}, which it superseded, counts again")))
        }
        Request::Supersede { note, by } => line(&format!("{note} is superseded by {by}")),
        Request::UseModel { model } => {
            line(&format!("{model} is chosen; `loopwrightd memory status` says how far it is"))
        }
        _ => line("done"),
    }
}

/// Of a graph in which there is nothing.
pub fn nothing(request: &Request, alike: &[String]) -> Result<()> {
    match request {
        Request::Graph(ask) if alike.is_empty() => match ask.focus.as_ref().or(ask.find.as_ref()) {
            Some(name) => line(&format!("(no entity is called {})", clean::line(name, 80))),
            None => line("(no entity yet)"),
        },
        Request::Graph(_) => {
            line(&format!("(no entity is called exactly that; some that are near: {})", alike.join(", ")))
        }
        Request::GraphPath { from, to, .. } => line(&format!(
            "(no way leads from {} to {}: names as `loopwrightd memory graph` tells them)",
            clean::line(from, 80),
            clean::line(to, 80)
        )),
        _ => line("(none)"),
    }
}

fn notes(rows: &[NoteRow]) -> Result<()> {
    let title = |row: &NoteRow| match &row.superseded_by {
        Some(by) => format!("{} (superseded by {by})", clean::line(&row.title, 80)),
        None => clean::line(&row.title, 80),
    };
    table(
        &["note", "kind", "when", "source", "title"],
        rows.iter().map(|row| {
            let source = clean::line(&row.source, 30);
            vec![row.note.to_string(), row.note_kind.word().into(), ago(row.at), source, title(row)]
        }),
    )
}

fn recalled(view: &RecalledView) -> Result<()> {
    for row in &view.rows {
        line(&format!(
            "{}  {}  {}  {}",
            row.note,
            row.note_kind.word(),
            ago(row.at),
            clean::line(&row.title, 100)
        ))?;
        line(&format!("  why: {}", clean::line(row.why.as_deref().unwrap_or("-"), 200)))?;
        line(&format!("  {}", clean::line(&row.text, 300)))?;
    }
    if view.rows.is_empty() {
        line("(nothing is remembered that fits)")?;
    }
    let named: Vec<&str> = view.entities.iter().take(12).map(|row| row.name.as_str()).collect();
    if !named.is_empty() {
        line(&format!("about: {}", clean::line(&named.join(", "), 300)))?;
    }
    let by = view.model.as_deref().unwrap_or("words and graph");
    line(&format!("{} of {} tokens, by {by}", view.tokens, view.of_tokens))
}

fn note(view: &NoteView) -> Result<()> {
    let row = &view.row;
    line(&format!("{}  {}  {}", row.note, row.note_kind.word(), clean::line(&row.title, 200)))?;
    line(&format!("  from {}, {}, in {}", clean::line(&row.source, 200), ago(row.at), row.project))?;
    if let Some(by) = &row.superseded_by {
        line(&format!("  superseded by {by}"))?;
    }
    view.supersedes.iter().try_for_each(|older| line(&format!("  supersedes {older}")))?;
    line(&format!("\n{}\n", row.text))?;
    let named: Vec<&str> = view.entities.iter().take(30).map(|row| row.name.as_str()).collect();
    line(&format!("  names {}", if named.is_empty() { "nothing".into() } else { named.join(", ") }))?;
    for told in &view.recalled_by {
        let who = told.attempt.as_ref().map_or_else(|| told.request.to_string(), ToString::to_string);
        line(&format!("  told to {who} {} ({})", ago(told.at), clean::line(&told.why, 120)))?;
    }
    for reading in &view.readings {
        let came =
            reading.why.as_deref().map_or_else(String::new, |why| format!(": nothing came of it: {why}"));
        line(&format!("  read by {} {}{}", reading.by, ago(reading.at), clean::line(&came, 160)))?;
    }
    Ok(())
}

pub fn status(view: &MemoryView) -> Result<()> {
    line(&format!(
        "{} notes ({} superseded), {} entities, {} relations, {} tokens, {} KB",
        view.notes,
        view.superseded,
        view.entities,
        view.relations,
        view.tokens,
        view.bytes / 1024
    ))?;
    let model = &view.model;
    let says = model.says.as_deref().map(|says| format!(": {says}")).unwrap_or_default();
    let waiting =
        if model.waiting > 0 { format!(", {} passages wait", model.waiting) } else { String::new() };
    line(&format!("model: {}{waiting}{says}", model.name.as_deref().unwrap_or("none (words and graph)")))?;
    for choice in &view.models {
        let mb = choice.fetch_bytes as f64 / 1e6;
        let here = if choice.here { "here".to_owned() } else { format!("not here, {mb:.0} MB to fetch") };
        line(&format!("  {}  {here}: {}", choice.name, choice.what))?;
    }
    let reads = &view.enrichment;
    let budget = reads.budget.map(|budget| format!(" of {budget}")).unwrap_or_default();
    let reader = reads.by.as_deref().map_or_else(
        || "enrichment: off".to_owned(),
        |by| {
            format!("enrichment: by {by}, {} tokens{budget} today, {} notes wait", reads.used, reads.waiting)
        },
    );
    line(&format!("{reader}{}", reads.failed.as_deref().map(|why| format!(" ({why})")).unwrap_or_default()))?;
    let http = match (&view.address, &view.address_why) {
        (Some(address), _) => format!("{address} (key: `loopwrightd memory key`)"),
        (None, why) => format!("not open: {}", why.as_deref().unwrap_or("unknown")),
    };
    line(&format!("over HTTP: {http}"))?;
    match &view.elsewhere {
        Some(url) => line(&format!("the loop asks {url} instead")),
        None => Ok(()),
    }
}

fn graph(view: &GraphView) -> Result<()> {
    table(
        &["entity", "kind", "relations", "notes", "last"],
        view.nodes.iter().map(|node| {
            vec![
                clean::line(&node.name, 60),
                node.kind.clone(),
                node.degree.to_string(),
                node.notes.to_string(),
                // Of an entity that was drawn by hand, and no note names.
                if node.notes == 0 { "-".into() } else { ago(node.last) },
            ]
        }),
    )?;
    let name = |place: u32| view.nodes.get(place as usize).map_or("?", |node| node.name.as_str());
    for edge in &view.edges {
        let (one, other) = (clean::line(name(edge.a), 60), clean::line(name(edge.b), 60));
        line(&format!("  {one} — {} — {other} ({:.1})", edge.kind, edge.weight))?;
    }
    line(&format!("{} of {} entities", view.nodes.len(), view.of))
}

fn knew(rows: &[KnewRow]) -> Result<()> {
    table(
        &["note", "via", "title", "why"],
        rows.iter().map(|row| {
            let via = if row.via == KnewVia::Brief { "brief" } else { "asked" };
            let title = row.title.as_deref().unwrap_or("(forgotten)");
            vec![row.note.to_string(), via.into(), clean::line(title, 80), clean::line(&row.why, 120)]
        }),
    )
}

fn verified(equal: bool, notes: u64, hash: &str) -> Result<()> {
    line(&format!("{notes} notes, dump {hash}"))?;
    line(if equal {
        "the memory is what the journal makes of it"
    } else {
        "the memory differs from what the journal makes of it: start the daemon again to build it anew"
    })
}
