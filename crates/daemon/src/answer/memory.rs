//! The memory: what is remembered, found, shown and forgotten.

use crate::context::{Daemon, internal};
use crate::names;
use crate::remember;
use crate::remember::push::{Origin, push};
use engine::Input;
use memory::GraphQuery;
use mirror::rows;
use protocol::api::{GraphAsk, NewNote, RecallAsk};
use protocol::fact::MemoryGraphEdited;
use protocol::note::{GraphEdit, Reading};
use protocol::view::*;
use protocol::*;
use std::sync::Arc;

/// Bytes of notes in one page of an export, and notes.
const PAGE_BYTES: usize = 2 * 1024 * 1024;
const PAGE_NOTES: u32 = 200;
/// Edits in one request, and characters of a name, keywords and description.
const EDITS: usize = 100;
const NAME: usize = 200;
const DESCRIPTION: usize = 4000;

/// A project, or another space that has notes.
async fn space(daemon: &Daemon, named: Option<ProjectId>) -> Result<ProjectId, ApiError> {
    let Some(space) = named else { return daemon.active_project().await };
    let of = space.clone();
    if daemon.reads.ask(move |r| rows::is_space(r, &of)).await? {
        return Ok(space);
    }
    Err(ApiError::new(Code::NotFound, format!("there is no project {space}"))
        .next("see `loopwrightd projects`"))
}

pub async fn notes(
    daemon: &Daemon,
    project: Option<ProjectId>,
    limit: Option<u32>,
    superseded: bool,
) -> Result<Response, ApiError> {
    let space = space(daemon, project).await?;
    let limit = rows::page(limit);
    let rows = daemon.reads.ask(move |r| r.notes(&space, limit, superseded)).await?;
    Ok(Response::Notes { rows })
}

pub async fn recall(daemon: &Daemon, mut ask: RecallAsk) -> Result<Response, ApiError> {
    let space = space(daemon, ask.project.take()).await?;
    let found = remember::recall(daemon, &space, mirror::query(ask, names::now())).await?;
    let view = daemon.reads.ask(move |r| mirror::told(r, found)).await?;
    Ok(Response::Recalled(Box::new(view)))
}

pub async fn remember(
    daemon: &Daemon,
    project: Option<ProjectId>,
    notes: Vec<NewNote>,
) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    Ok(Response::Pushed { notes: push(daemon, project, notes, Origin::you()).await? })
}

pub async fn note(daemon: &Daemon, note: NoteId) -> Result<Response, ApiError> {
    let id = note.clone();
    let read = daemon.reads.ask(move |r| rows::note(r, &id));
    let unknown = || engine::Rejected::UnknownNote { note: note.clone() };
    let mut view = read.await?.ok_or_else(|| super::rejected(&unknown()))?;
    let space = view.row.project.clone();
    view.entities = daemon.memory.read(move |r| r.note_entities(&space, &note)).await?;
    Ok(Response::Note(Box::new(view)))
}

pub async fn stand(daemon: &Arc<Daemon>, project: Option<ProjectId>) -> Result<Response, ApiError> {
    crate::lightrag::open(daemon).await;
    let space = space(daemon, project).await?;
    let (of, meter) = (space.clone(), space.clone());
    let sizes = daemon.memory.read(move |r| r.sizes(&of)).await?;
    let meter = daemon.reads.ask(move |r| r.meter(&meter, rows::METER)).await?;
    let waiting = match daemon.models.id() {
        Some(model) => daemon.memory.read(move |r| r.waiting(&space, &model)).await?,
        None => 0,
    };
    Ok(Response::Memory(Box::new(MemoryView {
        notes: sizes.notes,
        superseded: sizes.superseded,
        entities: sizes.entities,
        relations: sizes.relations,
        tokens: sizes.tokens,
        bytes: sizes.bytes,
        model: ModelView { waiting, ..daemon.models.view() },
        models: daemon.models.choices(),
        enrichment: daemon.enrichment.view(),
        address: daemon.lightrag.address(),
        address_why: daemon.lightrag.why(),
        elsewhere: daemon.elsewhere.view(),
        meter,
    })))
}

pub async fn graph(daemon: &Daemon, ask: GraphAsk) -> Result<Response, ApiError> {
    let GraphAsk { project, focus, depth, limit, kinds, since, until, find } = ask;
    let space = space(daemon, project).await?;
    let query = GraphQuery { focus, depth, limit, kinds, since, until, find };
    let view = daemon.memory.read(move |r| r.graph(&space, &query)).await?;
    Ok(Response::Graph(Box::new(view)))
}

pub async fn path(
    daemon: &Daemon,
    project: Option<ProjectId>,
    from: String,
    to: String,
) -> Result<Response, ApiError> {
    let space = space(daemon, project).await?;
    let view = daemon.memory.read(move |r| r.path(&space, &from, &to)).await?;
    // No way: nothing to show.
    Ok(Response::Graph(Box::new(view.unwrap_or_default())))
}

pub async fn edit(
    daemon: &Daemon,
    project: Option<ProjectId>,
    edits: Vec<GraphEdit>,
) -> Result<Response, ApiError> {
    let space = space(daemon, project).await?;
    edit_space(daemon, space, edits).await?;
    Ok(Response::Done)
}

/// Changes the graph of a project, or of another space.
pub async fn edit_space(daemon: &Daemon, space: ProjectId, edits: Vec<GraphEdit>) -> Result<(), ApiError> {
    if edits.is_empty() || edits.len() > EDITS {
        let message = format!("{} changes at once; 1 to {EDITS} are taken", edits.len());
        return Err(ApiError::new(Code::BadInput, message).next("make them in portions"));
    }
    let edits: Vec<GraphEdit> = edits.into_iter().map(cleaned).collect::<Result<_, _>>()?;
    let text = serde_json::to_string(&edits).map_err(|e| internal("write the changes down", e))?;
    let (blob, named) = daemon.blob(text)?;
    let fact = MemoryGraphEdited { project: space, edits: named };
    daemon.writer.decide(Input::GraphEdited(fact), vec![blob]).await?;
    Ok(())
}

fn cleaned(edit: GraphEdit) -> Result<GraphEdit, ApiError> {
    let name = |raw: String| -> Result<String, ApiError> {
        let name = clean::line(&deploy::redacted(&raw), NAME);
        if name.is_empty() {
            return Err(ApiError::new(Code::BadInput, "an entity's name is empty").next("write one"));
        }
        Ok(name)
    };
    let words = |raw: String, most: usize| clean::line(&deploy::redacted(&raw), most);
    Ok(match edit {
        GraphEdit::PutEntity(mut entity) => {
            entity.name = name(entity.name)?;
            entity.kind = words(entity.kind, NAME);
            entity.description = words(entity.description, DESCRIPTION);
            GraphEdit::PutEntity(entity)
        }
        GraphEdit::PutRelation(mut relation) => {
            relation.source = name(relation.source)?;
            relation.target = name(relation.target)?;
            relation.keywords = words(relation.keywords, NAME);
            relation.description = words(relation.description, DESCRIPTION);
            GraphEdit::PutRelation(relation)
        }
        GraphEdit::RenameEntity { from, to } => GraphEdit::RenameEntity { from, to: name(to)? },
        GraphEdit::MergeEntities { from, into } => GraphEdit::MergeEntities { from, into: name(into)? },
        edit @ (GraphEdit::DeleteEntity { .. } | GraphEdit::DeleteRelation { .. }) => edit,
    })
}

pub async fn knew(daemon: &Daemon, attempt: AttemptId) -> Result<Response, ApiError> {
    let rows = daemon.reads.ask(move |r| r.knew(&attempt)).await?;
    Ok(Response::Knew { rows })
}

#[derive(serde::Serialize)]
struct Line<'a> {
    note: &'a NoteId,
    kind: &'static str,
    title: &'a str,
    text: &'a str,
    source: &'a str,
    at: At,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: &'a Option<RequestId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: &'a Option<AgentId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    superseded_by: &'a Option<NoteId>,
    /// What models and agents read out of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    readings: Vec<Reading>,
}

pub async fn export(daemon: &Daemon, project: Option<ProjectId>, after: u64) -> Result<Response, ApiError> {
    let space = space(daemon, project).await?;
    let read = daemon.reads.ask(move |r| {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let page = r.notes_after(&space, after, PAGE_NOTES)?;
        let mut next = None;
        let full = page.len() == PAGE_NOTES as usize;
        for (seq, row) in &page {
            let readings = r.reading_texts(&row.note)?;
            let line =
                line(row, readings.iter().filter_map(|text| serde_json::from_str(text).ok()).collect());
            bytes += line.len();
            lines.push(line);
            next = Some(*seq);
            if bytes > PAGE_BYTES {
                return Ok((lines, next));
            }
        }
        if full {
            return Ok((lines, next));
        }
        for edits in r.graph_edits(&space)? {
            lines.push(format!("{{\"edits\":{edits}}}"));
        }
        Ok((lines, None))
    });
    let (lines, next) = read.await?;
    Ok(Response::Exported { lines, next })
}

fn line(row: &NoteRow, readings: Vec<Reading>) -> String {
    let line = Line {
        note: &row.note,
        kind: row.note_kind.word(),
        title: &row.title,
        text: &row.text,
        source: &row.source,
        at: row.at,
        request: &row.request,
        agent: &row.agent,
        confidence: row.confidence,
        superseded_by: &row.superseded_by,
        readings,
    };
    // Strings, numbers and lists: nothing in it can fail.
    serde_json::to_string(&line).unwrap_or_default()
}
