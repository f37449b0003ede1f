//! Bringing notes in: what is there already is passed over, so that an import that was cut short is begun again.

use super::exported;
use crate::client::Client;
use crate::print::line;
use crate::remember::import::{Brought, Sources, git, lightrag, markdown};
use anyhow::{Context, Result};
use clap::Args;
use protocol::api::NewNote;
use protocol::{ProjectId, Request, Response, clean};
use std::io::Write;
use std::path::PathBuf;

/// Notes, or changes of the graph, in one request; and bytes of the notes' texts.
const TOGETHER: usize = 100;
const BYTES: usize = 1024 * 1024;
/// Lines that say what was left out.
const TOLD: usize = 20;

#[derive(Debug, Args)]
#[group(id = "from", required = true, multiple = false)]
pub struct From {
    /// The working folder of a LightRAG server (`rag_storage`), with its workspaces.
    #[arg(long, value_name = "FOLDER")]
    lightrag: Option<PathBuf>,
    /// A Markdown file, or a folder of them.
    #[arg(long, value_name = "PATH")]
    markdown: Option<PathBuf>,
    /// The commits of a git repository.
    #[arg(long, value_name = "REPO")]
    git: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Import {
    #[command(flatten)]
    from: From,
    #[arg(long)]
    project: Option<ProjectId>,
}

#[derive(Debug, Default, serde::Serialize)]
struct Done {
    pushed: usize,
    replaced: usize,
    unchanged: usize,
    graph: usize,
    left: Vec<String>,
}

pub async fn run(client: &Client, Import { from, project }: Import, json: bool) -> Result<()> {
    let Brought { notes, edits, left } = match from {
        From { lightrag: Some(dir), .. } => lightrag::read(&dir)?,
        From { markdown: Some(path), .. } => markdown::read(&path)?,
        From { git: Some(repository), .. } => git::read(&repository)?,
        From { .. } => anyhow::bail!("name what to import: --lightrag, --markdown or --git"),
    };
    let known = known(client, &project).await?;
    let (there, new): (Vec<_>, Vec<_>) = notes.into_iter().partition(|note| known.has(note));
    let mut done = Done { unchanged: there.len(), left, ..Done::default() };
    push(client, &project, new, &mut done)
        .await
        .with_context(|| format!("failed after {} notes; import again to go on", done.pushed))?;
    let edits: Vec<_> = edits.into_iter().filter(|edit| !known.made(edit)).collect();
    for some in edits.chunks(TOGETHER) {
        let request = Request::EditGraph { project: project.clone(), edits: some.to_vec() };
        client.call(&request).await.context("failed to change the graph; import again to go on")?;
        done.graph += some.len();
        progress(&format!("{} of {} changes of the graph", done.graph, edits.len()))?;
    }
    told(&done, json)
}

async fn push(
    client: &Client,
    project: &Option<ProjectId>,
    notes: Vec<NewNote>,
    done: &mut Done,
) -> Result<()> {
    let all = notes.len();
    for notes in portions(notes) {
        let request = Request::PushMany { project: project.clone(), notes };
        if let Response::Pushed { notes } = client.call(&request).await? {
            done.pushed += notes.len();
            done.replaced += notes.iter().map(|note| note.superseded.len()).sum::<usize>();
        }
        progress(&format!("{} of {all} notes", done.pushed))?;
    }
    Ok(())
}

/// What is remembered now.
async fn known(client: &Client, project: &Option<ProjectId>) -> Result<Sources> {
    let mut sources = Sources::default();
    let mut after = 0;
    loop {
        let (lines, next) = exported(client, project, after).await?;
        lines.iter().for_each(|line| sources.line(line));
        match next {
            Some(next) => after = next,
            None => return Ok(sources),
        }
    }
}

/// As many as fit into one request.
fn portions(notes: Vec<NewNote>) -> Vec<Vec<NewNote>> {
    let mut portions: Vec<Vec<NewNote>> = Vec::new();
    let mut bytes = 0;
    for note in notes {
        bytes += note.text.len();
        match portions.last_mut() {
            Some(last) if last.len() < TOGETHER && bytes <= BYTES => last.push(note),
            _ => {
                bytes = note.text.len();
                portions.push(vec![note]);
            }
        }
    }
    portions
}

/// How far it is: not among what a script reads.
fn progress(says: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr().lock(), "{says}")?)
}

fn told(done: &Done, json: bool) -> Result<()> {
    if json {
        return line(&serde_json::to_string(done)?);
    }
    let Done { pushed, replaced, unchanged, graph, left } = done;
    line(&format!(
        "{pushed} notes remembered ({replaced} older ones replaced), {unchanged} unchanged, {graph} changes of the graph"
    ))?;
    if !left.is_empty() {
        line(&format!("{} left out:", left.len()))?;
    }
    left.iter().take(TOLD).try_for_each(|why| line(&format!("  {}", clean::line(why, 200))))?;
    match left.len().checked_sub(TOLD) {
        Some(more @ 1..) => line(&format!("  and {more} more")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::fact::NoteKind;

    #[test]
    fn notes_go_in_portions_that_fit() {
        let note = |bytes: usize| NewNote {
            kind: NoteKind::Document,
            title: String::new(),
            text: "x".repeat(bytes),
            source: None,
            supersedes: Vec::new(),
        };
        let sizes = |notes: Vec<NewNote>| portions(notes).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes((0..250).map(|_| note(1)).collect()), [100, 100, 50]);
        assert_eq!(sizes(vec![note(BYTES), note(1), note(BYTES), note(2 * BYTES)]), [1, 1, 1, 1]);
        assert_eq!(sizes(Vec::new()), Vec::<usize>::new());
    }
}
