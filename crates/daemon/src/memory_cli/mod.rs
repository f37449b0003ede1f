//! `loopwrightd memory …`: what is remembered, found, shown, forgotten, brought in and taken out.

mod import;
mod show;
mod words;

pub use show::response as print;

use crate::client::Client;
use crate::home::Home;
use crate::names;
use crate::remember::mirror;
use anyhow::{Context, Result, bail, ensure};
use clap::{Args, Subcommand};
use protocol::api::{GraphAsk, NewNote, RecallAsk};
use protocol::fact::NoteKind;
use protocol::note::RecallMode;
use protocol::*;
use std::io::{IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Debug, Subcommand)]
pub enum MemoryCommand {
    /// Remember something: the words given, a file, or what comes on stdin.
    Push(Push),
    /// Notes that fit these words, best first, each with why. A request is told the first few of them.
    Recall(Recall),
    /// One note with where it comes from, what it names, and who was told of it.
    Note { note: NoteId },
    /// Forget a note for good.
    Forget { note: NoteId },
    /// Another note says it better.
    Supersede {
        /// The older one.
        note: NoteId,
        /// The better one.
        by: NoteId,
    },
    /// All notes, newest first.
    List(List),
    /// Entities and what they have to do with each other: around one, or those with the most relations.
    Graph(Graph),
    /// The shortest way from one entity to another.
    Path {
        from: String,
        to: String,
        #[arg(long)]
        project: Option<ProjectId>,
    },
    /// How the memory stands: sizes, model, addresses.
    Status {
        #[arg(long)]
        project: Option<ProjectId>,
    },
    /// The key that clients of the memory's HTTP address show.
    Key,
    /// Bring notes in: of a LightRAG server, of Markdown files, of a git history. What is there already is passed over.
    Import(import::Import),
    /// All notes, and the graph's changes by hand, as lines of JSON.
    Export {
        #[arg(long)]
        project: Option<ProjectId>,
        /// Into this file, instead of stdout.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
    /// Build the memory anew from the journal beside the one in use, and compare the two.
    Verify,
    /// The embedding model: which ones there are, or use this one (`none`: words and graph alone).
    Model { name: Option<String> },
}

#[derive(Debug, Args)]
pub struct Push {
    /// The words; `-`, or nothing where a pipe is given: stdin.
    text: Vec<String>,
    /// The text of this file.
    #[arg(long, conflicts_with = "text", value_name = "FILE")]
    file: Option<PathBuf>,
    /// The first line, where none is given.
    #[arg(long, default_value = "")]
    title: String,
    #[arg(long, value_parser = words::kind(), default_value = "decision")]
    kind: NoteKind,
    /// From where. A newer note of the same source replaces the one before.
    #[arg(long)]
    source: Option<String>,
    /// A note that this one says better.
    #[arg(long, value_name = "NOTE")]
    supersedes: Vec<NoteId>,
    #[arg(long)]
    project: Option<ProjectId>,
}

#[derive(Debug, Args)]
pub struct Recall {
    /// A question, or words that would stand in the note.
    #[arg(required = true)]
    query: Vec<String>,
    #[arg(long)]
    project: Option<ProjectId>,
    /// By which leg: text alone (naive), entities (local), relations (global), both (hybrid), all (mix).
    #[arg(long, value_parser = words::mode(), default_value = "mix")]
    mode: RecallMode,
    /// Notes at most: 20 unless told.
    #[arg(long)]
    limit: Option<u32>,
    /// Tokens of their texts at most: 3000 unless told.
    #[arg(long)]
    tokens: Option<u32>,
    /// Of this kind only; may be given again.
    #[arg(long, value_parser = words::kind())]
    kind: Vec<NoteKind>,
    /// Of this day or later, UTC.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::since)]
    since: Option<At>,
    /// Of this day or earlier, UTC.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = words::until)]
    until: Option<At>,
    /// The superseded ones as well.
    #[arg(long)]
    superseded: bool,
    /// From this mirror, with no daemon.
    #[arg(long, value_name = "DIR")]
    mirror: Option<PathBuf>,
}

impl Recall {
    fn ask(self) -> RecallAsk {
        RecallAsk {
            project: self.project,
            query: self.query.join(" "),
            mode: self.mode,
            limit: self.limit,
            tokens: self.tokens,
            kinds: self.kind,
            since: self.since,
            until: self.until,
            superseded: self.superseded,
        }
    }
}

#[derive(Debug, Args)]
pub struct List {
    #[arg(long)]
    project: Option<ProjectId>,
    /// At most so many.
    #[arg(long)]
    limit: Option<u32>,
    /// The superseded ones as well.
    #[arg(long)]
    superseded: bool,
}

#[derive(Debug, Args)]
pub struct Graph {
    /// The entity in the middle.
    entity: Option<String>,
    /// Relations away from it.
    #[arg(long, default_value_t = 1)]
    depth: u32,
    /// Entities at most.
    #[arg(long, default_value_t = 40)]
    limit: u32,
    /// Entities whose names hold these letters.
    #[arg(long)]
    find: Option<String>,
    #[arg(long)]
    project: Option<ProjectId>,
}

pub async fn run(client: &Client, home: &Home, command: MemoryCommand, json: bool) -> Result<ExitCode> {
    let request = match command {
        MemoryCommand::Key => return key(home, json),
        MemoryCommand::Import(import) => {
            return import::run(client, import, json).await.map(|()| ExitCode::SUCCESS);
        }
        MemoryCommand::Export { project, to } => {
            return export(client, project, to.as_deref()).await.map(|()| ExitCode::SUCCESS);
        }
        MemoryCommand::Recall(recall) if recall.mirror.is_some() => {
            let dir = recall.mirror.clone().unwrap_or_default();
            crate::print::response(&mirror::recall(&dir, recall.ask(), names::now())?, json)?;
            return Ok(ExitCode::SUCCESS);
        }
        MemoryCommand::Model { name: None } => Request::Memory { project: None },
        other => request_of(other)?,
    };
    let models = matches!(&request, Request::Memory { project: None });
    let older = match &request {
        Request::Forget { note } if !json => superseded(client, note).await?,
        _ => Vec::new(),
    };
    let response = client.call(&request).await?;
    match &response {
        Response::Memory(view) if models && !json => show::status(view)?,
        Response::Done if !json => show::done(&request, &older)?,
        Response::Graph(view) if view.nodes.is_empty() && !json => {
            show::nothing(&request, &alike(client, &request).await?)?;
        }
        other => crate::print::response(other, json)?,
    }
    let sound = !matches!(&response, Response::MemoryVerified { equal: false, .. });
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Notes that count again when this one is forgotten.
async fn superseded(client: &Client, note: &NoteId) -> Result<Vec<NoteId>> {
    match client.call(&Request::Note { note: note.clone() }).await? {
        Response::Note(view) => Ok(view.supersedes),
        _ => Ok(Vec::new()),
    }
}

/// Names of entities that hold the letters of one that is not there.
async fn alike(client: &Client, request: &Request) -> Result<Vec<String>> {
    const SHOWN: u32 = 8;
    let Request::Graph(ask) = request else { return Ok(Vec::new()) };
    let Some(focus) = &ask.focus else { return Ok(Vec::new()) };
    let project = ask.project.clone();
    let find = GraphAsk { project, find: Some(focus.clone()), limit: Some(SHOWN), ..GraphAsk::default() };
    match client.call(&Request::Graph(Box::new(find))).await? {
        Response::Graph(view) => Ok(view.nodes.into_iter().map(|node| node.name).collect()),
        _ => Ok(Vec::new()),
    }
}

fn request_of(command: MemoryCommand) -> Result<Request> {
    Ok(match command {
        MemoryCommand::Push(push) => {
            let note = NewNote {
                kind: push.kind,
                title: push.title,
                text: text(&push.text, push.file.as_deref())?,
                source: push.source,
                supersedes: push.supersedes,
            };
            Request::Push { project: push.project, note }
        }
        MemoryCommand::Recall(recall) => Request::Recall(Box::new(recall.ask())),
        MemoryCommand::Note { note } => Request::Note { note },
        MemoryCommand::Forget { note } => Request::Forget { note },
        MemoryCommand::Supersede { note, by } => Request::Supersede { note, by },
        MemoryCommand::List(List { project, limit, superseded }) => {
            Request::Notes { project, limit, superseded }
        }
        MemoryCommand::Graph(Graph { entity, depth, limit, find, project }) => {
            let (depth, limit) = (Some(depth), Some(limit));
            let ask = GraphAsk { project, focus: entity, depth, limit, find, ..GraphAsk::default() };
            Request::Graph(Box::new(ask))
        }
        MemoryCommand::Path { from, to, project } => Request::GraphPath { project, from, to },
        MemoryCommand::Status { project } => Request::Memory { project },
        MemoryCommand::Verify => Request::VerifyMemory,
        MemoryCommand::Model { name: Some(model) } => Request::UseModel { model },
        MemoryCommand::Model { name: None }
        | MemoryCommand::Key
        | MemoryCommand::Import(_)
        | MemoryCommand::Export { .. } => bail!("this command is not a request"),
    })
}

/// The words, those of a file, or those that come on stdin.
fn text(words: &[String], file: Option<&Path>) -> Result<String> {
    // One byte more than a note may have is enough to refuse it.
    let most = clean::MAX_NOTE as u64 + 1;
    let mut read = Vec::new();
    let from = match (file, words) {
        (Some(file), _) => {
            let failed = || format!("failed to read {}", file.display());
            let open = std::fs::File::open(file).with_context(failed)?;
            open.take(most).read_to_end(&mut read).with_context(failed)?;
            file.display().to_string()
        }
        (None, words) if words.is_empty() || words == ["-"] => {
            ensure!(
                !words.is_empty() || !std::io::stdin().is_terminal(),
                "there is nothing to remember: write it behind the command, or use --file"
            );
            std::io::stdin().take(most).read_to_end(&mut read).context("failed to read stdin")?;
            "what came on stdin".to_owned()
        }
        (None, words) => return Ok(words.join(" ")),
    };
    ensure!(
        read.len() <= clean::MAX_NOTE,
        "{from} is longer than a note may be ({} KiB): push it in parts",
        clean::MAX_NOTE / 1024
    );
    String::from_utf8(read).map_err(|_| anyhow::anyhow!("{from} is no UTF-8 text"))
}

/// Read from its file: whoever can, may know it.
fn key(home: &Home, json: bool) -> Result<ExitCode> {
    let file = home.memory_key();
    let key = std::fs::read_to_string(&file).with_context(|| {
        format!(
            "failed to read {}; it is made when the daemon first listens on the memory's port",
            file.display()
        )
    })?;
    let key = key.trim();
    let line =
        if json { serde_json::json!({ "key": key, "file": file }).to_string() } else { key.to_owned() };
    crate::print::line(&line)?;
    Ok(ExitCode::SUCCESS)
}

/// Into the file whole, or not at all.
async fn export(client: &Client, project: Option<ProjectId>, to: Option<&Path>) -> Result<()> {
    let Some(to) = to else { return pages(client, project, &mut std::io::stdout().lock()).await.map(drop) };
    let fresh = to.with_extension("part");
    let failed = || format!("failed to write {}", to.display());
    let mut out = std::io::BufWriter::new(std::fs::File::create(&fresh).with_context(failed)?);
    let lines = pages(client, project, &mut out).await?;
    out.flush().with_context(failed)?;
    std::fs::rename(&fresh, to).with_context(failed)?;
    crate::print::line(&format!("{lines} lines in {}", to.display()))
}

async fn pages(client: &Client, project: Option<ProjectId>, out: &mut impl Write) -> Result<u64> {
    let (mut after, mut count) = (0, 0);
    loop {
        let page = exported(client, &project, after).await?;
        for line in page.0 {
            writeln!(out, "{line}")?;
            count += 1;
        }
        match page.1 {
            Some(next) => after = next,
            None => return Ok(count),
        }
    }
}

/// One page of an export, and where the next one begins.
async fn exported(
    client: &Client,
    project: &Option<ProjectId>,
    after: u64,
) -> Result<(Vec<String>, Option<u64>)> {
    match client.call(&Request::ExportMemory { project: project.clone(), after }).await? {
        Response::Exported { lines, next } => Ok((lines, next)),
        _ => bail!("the daemon answered something else than an export; are both of one version?"),
    }
}
