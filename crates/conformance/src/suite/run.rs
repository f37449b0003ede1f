//! One scenario with one agent, through the product's own driver, from an empty home to what is left of it.

use super::attempt::{Stage, attempt};
use super::candidate::Candidate;
use super::case::{BRIEF, Case, Play, RECALLED};
use super::judge;
use super::room::Room;
use super::row::{Agreement, Recorded, Row};
use crate::mcp::McpServer;
use crate::model::{ModelServer, Tokens};
use std::io::{Error, Result};
use std::path::Path;
use std::time::Instant;

/// What the MCP server wants to see.
pub(super) const TOKEN: &str = "made-up-bearer";

/// Plays one scenario in `place`, a folder that does not exist yet and is left to the caller.
pub async fn run(candidate: &Candidate, case: &Case, place: &Path) -> Row {
    let began = Instant::now();
    let mut row = Row {
        agent: candidate.agent.to_string(),
        version: candidate.version.clone(),
        scenario: case.name.into(),
        expected: case.ends.iter().map(|end| (*end).to_owned()).collect(),
        end: "not run".into(),
        said: String::new(),
        ok: false,
        billed: Tokens::default(),
        recorded: Recorded::default(),
        tokens: Agreement::Free,
        seconds: 0.0,
        leftovers: Vec::new(),
        wrong: Vec::new(),
    };
    if let Err(error) = play(candidate, case, place, &mut row).await {
        row.wrong.push(format!("the scenario could not be played: {error}"));
    }
    row.ok = row.wrong.is_empty();
    row.seconds = began.elapsed().as_secs_f64();
    row
}

async fn play(candidate: &Candidate, case: &Case, place: &Path, row: &mut Row) -> Result<()> {
    let model = ModelServer::start(case.scenario.clone())?;
    let there = agents::stand_in(&candidate.agent, &model.base_url())
        .ok_or_else(|| Error::other(format!("`{}` needs no service", candidate.agent)))?;
    let room = Room::new(&candidate.setup, &candidate.agent, there, place).await?;
    let memory = match case.play {
        Play::Recall => Some(McpServer::start(TOKEN, RECALLED)?),
        Play::Watch
        | Play::CancelInTool
        | Play::Steer(_)
        | Play::Resume(_)
        | Play::Allow
        | Play::Answer(_) => None,
    };
    let stage = Stage { room, model, memory };
    let mut end = attempt(candidate, case, &stage, BRIEF, None, row).await?;
    judge::tokens(stage.model.billed().total, &end, row);
    if let Play::Resume(words) = case.play {
        let before = stage.model.billed().total;
        judge::session(&end, row);
        let session = end.session.clone();
        end = attempt(candidate, case, &stage, words, session, row).await?;
        judge::tokens(judge::since(before, stage.model.billed().total), &end, row);
        judge::resumed(&stage.model.log(), row);
    }
    // For the one who asks why; it goes with the folder.
    std::fs::write(stage.room.place().join("model.json"), serde_json::to_vec_pretty(&stage.model.log())?)?;
    judge::end(case, &end, row);
    judge::files(case, &end, &stage.room.changed().await?, &stage.room.tree, row);
    if let Some(memory) = &stage.memory {
        judge::recalled(&memory.seen(), &stage.model.log(), row);
    }
    Ok(())
}
