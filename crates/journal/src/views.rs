//! The view tables: what each fact changes in them. A function of the entries alone, and total: any fact after any
//! other leaves tables that can be read and made anew.

use crate::error::Error;
use crate::progress::Progress;
use crate::{chain, notes, schema};
use protocol::At;
use protocol::fact::*;
use protocol::view::Status;
use rusqlite::{Connection, OptionalExtension};

/// Goes up with every change of the tables or of `apply`: views of another version are made anew at open.
const VERSION: &str = "3";

pub(crate) const TABLES: [(&str, &str); 11] = [
    (
        "requests",
        "seq INTEGER PRIMARY KEY, request TEXT NOT NULL UNIQUE, client TEXT NOT NULL UNIQUE, project TEXT NOT NULL,
         channel TEXT NOT NULL, created INTEGER NOT NULL, text TEXT NOT NULL, step TEXT, status TEXT NOT NULL,
         asked TEXT, progress TEXT NOT NULL, head INTEGER NOT NULL",
    ),
    (
        "attempts",
        "seq INTEGER PRIMARY KEY, attempt TEXT NOT NULL UNIQUE, request TEXT NOT NULL, agent TEXT NOT NULL,
         started INTEGER, worked INTEGER, live INTEGER NOT NULL",
    ),
    (
        "deployments",
        "seq INTEGER PRIMARY KEY, deployment TEXT NOT NULL UNIQUE, request TEXT NOT NULL, project TEXT NOT NULL,
         at INTEGER NOT NULL, rating INTEGER, body TEXT NOT NULL",
    ),
    (
        "releases",
        "seq INTEGER PRIMARY KEY, release TEXT NOT NULL UNIQUE, project TEXT NOT NULL, commit_id TEXT NOT NULL,
         at INTEGER NOT NULL, live INTEGER NOT NULL",
    ),
    (
        "steps",
        "seq INTEGER PRIMARY KEY, step TEXT NOT NULL UNIQUE, project TEXT NOT NULL, number INTEGER, title TEXT NOT NULL,
         text TEXT NOT NULL, at INTEGER NOT NULL, request TEXT, commit_id TEXT, errors TEXT NOT NULL",
    ),
    (
        "notes",
        "seq INTEGER PRIMARY KEY, note TEXT NOT NULL UNIQUE, project TEXT NOT NULL, kind TEXT NOT NULL,
         title TEXT NOT NULL, text TEXT NOT NULL, source TEXT NOT NULL, request TEXT, agent TEXT, at INTEGER NOT NULL,
         confidence INTEGER, batch TEXT, superseded_by TEXT",
    ),
    ("forgotten", "blob TEXT PRIMARY KEY, seq INTEGER NOT NULL"),
    (
        "recalls",
        "seq INTEGER NOT NULL, nth INTEGER NOT NULL, note TEXT NOT NULL, request TEXT NOT NULL, attempt TEXT,
         at INTEGER NOT NULL, score REAL NOT NULL, why TEXT NOT NULL, PRIMARY KEY (seq, nth)",
    ),
    (
        "readings",
        "seq INTEGER PRIMARY KEY, note TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, usage TEXT NOT NULL,
         why TEXT, blob TEXT",
    ),
    ("hushed", "attempt TEXT PRIMARY KEY, seq INTEGER NOT NULL"),
    (
        "projects",
        "seq INTEGER PRIMARY KEY, project TEXT NOT NULL UNIQUE, name TEXT NOT NULL, starter TEXT NOT NULL,
         created INTEGER NOT NULL, active INTEGER NOT NULL, url TEXT",
    ),
];

const INDEXES: &str = "
CREATE INDEX requests_of_project ON requests (project, seq);
CREATE INDEX attempts_of_agent ON attempts (agent, worked);
CREATE INDEX attempts_of_request ON attempts (request);
CREATE INDEX deployments_of_project ON deployments (project, seq);
CREATE INDEX deployments_of_request ON deployments (request);
CREATE INDEX notes_of_project ON notes (project, seq);
CREATE INDEX notes_of_source ON notes (project, source);
CREATE INDEX notes_of_batch ON notes (batch) WHERE batch IS NOT NULL;
CREATE INDEX notes_superseded ON notes (superseded_by) WHERE superseded_by IS NOT NULL;
CREATE INDEX recalls_of_note ON recalls (note, seq);
CREATE INDEX recalls_of_request ON recalls (request, seq);
CREATE INDEX readings_of_note ON readings (note, seq);
CREATE INDEX readings_at ON readings (at);
";

/// Makes the view tables if they are not there or are of another version.
pub(crate) fn refresh(db: &Connection) -> Result<(), Error> {
    if schema::meta(db, "views")?.as_deref() == Some(VERSION) {
        return Ok(());
    }
    let sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    let tables: Vec<String> = db.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for table in tables.iter().filter(|table| !schema::KEPT.contains(&table.as_str())) {
        db.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    for (table, columns) in TABLES {
        db.execute_batch(&format!("CREATE TABLE {table} ({columns})"))?;
    }
    db.execute_batch(INDEXES)?;
    replay(db)?;
    schema::set_meta(db, "views", VERSION)
}

/// Empties the view tables and fills them again.
pub(crate) fn rebuild(db: &Connection) -> Result<(), Error> {
    for (table, _) in TABLES {
        db.execute_batch(&format!("DELETE FROM {table}"))?;
    }
    replay(db)
}

fn replay(db: &Connection) -> Result<(), Error> {
    let mut query = db.prepare("SELECT seq, at, kind, version, body FROM entries ORDER BY seq")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (seq, kind, body): (u64, String, String) = (row.get(0)?, row.get(2)?, row.get(4)?);
        let fact = chain::read(seq, &kind, row.get(3)?, &body)?;
        // What is applied is the number, the moment and the fact: views do not show hashes.
        apply(db, &Entry { seq, at: At(row.get(1)?), prev: String::new(), hash: String::new(), fact })?;
    }
    Ok(())
}

/// How many blobs were forgotten so far.
pub(crate) fn forgotten(db: &Connection) -> Result<u64, Error> {
    Ok(db.prepare_cached("SELECT count(*) FROM forgotten")?.query_row([], |row| row.get(0))?)
}

pub(crate) fn apply(db: &Connection, entry: &Entry) -> Result<(), Error> {
    match &entry.fact {
        Fact::ProjectCreated(f) => project_created(db, entry, f)?,
        Fact::ProjectActivated(f) => {
            run(db, "UPDATE projects SET active = (project = ?1)", [f.project.as_str()])?;
        }
        Fact::RequestReceived(f) => request_received(db, entry, f)?,
        Fact::AgentChosen(f) => attempt_chosen(db, entry, f)?,
        Fact::AttemptStarted(f) => {
            run(db, "UPDATE attempts SET started = ?2 WHERE attempt = ?1", (f.attempt.as_str(), entry.at.0))?;
        }
        Fact::AttemptFinished(f) if f.end == AttemptEnd::TurnEnded => {
            run(db, "UPDATE attempts SET worked = ?2 WHERE attempt = ?1", (f.attempt.as_str(), entry.at.0))?;
        }
        Fact::ReleaseLive(f) => release_live(db, entry, f)?,
        Fact::ReleaseRolledBack(f) => {
            let sql = "UPDATE releases SET live = (release = ?2) WHERE project = ?1";
            run(db, sql, (f.project.as_str(), f.to.as_str()))?;
        }
        Fact::StepPlanned(f) => step_planned(db, entry, f)?,
        Fact::StepDropped(f) => {
            run(db, "DELETE FROM steps WHERE step = ?1 AND number IS NULL", [f.step.as_str()])?;
        }
        Fact::StepCompleted(f) => step_completed(db, entry, f)?,
        Fact::DeploymentRecorded(f) => deployment_recorded(db, entry, f)?,
        Fact::DeploymentRated(f) => {
            let sql = "UPDATE deployments SET rating = ?2 WHERE deployment = ?1";
            run(db, sql, (f.deployment.as_str(), f.rating))?;
        }
        Fact::RequestOriented(f) => notes::told(db, entry, &f.request, None, &f.recalled)?,
        Fact::MemoryPushed(f) => notes::pushed(db, entry, f)?,
        Fact::MemorySuperseded(f) => {
            let sql = "UPDATE notes SET superseded_by = ?2 WHERE note = ?1";
            run(db, sql, (f.note.as_str(), f.by.as_str()))?;
        }
        Fact::MemoryEnriched(f) => notes::enriched(db, entry, f)?,
        Fact::MemoryRecalled(f) => notes::told(db, entry, &f.request, Some(&f.attempt), &f.notes)?,
        Fact::MemoryForgotten(f) => notes::forgotten(db, entry, f)?,
        Fact::JournalOpened(_)
        | Fact::MemoryGraphEdited(_)
        | Fact::RequestWaiting(_)
        | Fact::RequestResumed(_)
        | Fact::CancelAsked(_)
        | Fact::PlanMade(_)
        | Fact::TaskDeclared(_)
        | Fact::TaskSteered(_)
        | Fact::TaskClosed(_)
        | Fact::AttemptAsked(_)
        | Fact::AttemptAnswered(_)
        | Fact::HandOverAsked(_)
        | Fact::RaceJudged(_)
        | Fact::AttemptCheckpoint(_)
        | Fact::AttemptFinished(_)
        | Fact::CheckFinished(_)
        | Fact::AttemptDiagnosed(_)
        | Fact::AttemptLanded(_)
        | Fact::InstructionEdited(_)
        | Fact::RequestClosed(_) => {}
    }
    advance(db, entry)
}

pub(crate) fn run(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<(), Error> {
    db.prepare_cached(sql)?.execute(params)?;
    Ok(())
}

pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|why| Error::damaged("views", why))
}

fn project_created(db: &Connection, entry: &Entry, f: &ProjectCreated) -> Result<(), Error> {
    run(
        db,
        "INSERT OR IGNORE INTO projects (seq, project, name, starter, created, active) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        (entry.seq, f.project.as_str(), &f.name, &f.starter, entry.at.0),
    )
}

fn request_received(db: &Connection, entry: &Entry, f: &RequestReceived) -> Result<(), Error> {
    let seen = db
        .prepare_cached("SELECT request FROM requests WHERE client = ?1")?
        .query_row([f.client.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    if let Some(request) = seen {
        let request = protocol::RequestId::new(request).map_err(|why| Error::damaged("requests", why))?;
        return Err(Error::ClientSeen { client: f.client.clone(), request });
    }
    let queued = Progress::queued();
    run(
        db,
        "INSERT OR IGNORE INTO requests (seq, request, client, project, channel, created, text, step, status, progress, head)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?1)",
        rusqlite::params![
            entry.seq,
            f.request.as_str(),
            f.client.as_str(),
            f.project.as_str(),
            json(&f.channel)?,
            entry.at.0,
            f.text.blob.as_str(),
            f.step.as_ref().map(|step| step.as_str()),
            json(&queued.status)?,
            json(&queued)?,
        ],
    )
}

/// Moves the request that the fact is about: its head always, its status and stage where they change.
fn advance(db: &Connection, entry: &Entry) -> Result<(), Error> {
    let Some(request) = entry.fact.request() else { return Ok(()) };
    if matches!(entry.fact, Fact::RequestReceived(_)) {
        return Ok(());
    }
    let known = db
        .prepare_cached("SELECT progress FROM requests WHERE request = ?1")?
        .query_row([request.as_str()], |row| row.get::<_, String>(0))
        .optional()?;
    let Some(known) = known else { return Ok(()) };
    let before: Progress = serde_json::from_str(&known).map_err(|why| Error::damaged("requests", why))?;
    let after = before.clone().after(&entry.fact);
    if after == before {
        return run(db, "UPDATE requests SET head = ?2 WHERE request = ?1", (request.as_str(), entry.seq));
    }
    run(
        db,
        "UPDATE requests SET status = ?2, asked = ?3, progress = ?4, head = ?5 WHERE request = ?1",
        (
            request.as_str(),
            json(&after.status)?,
            after.asked().map(|ask| ask.question.blob.as_str()),
            json(&after)?,
            entry.seq,
        ),
    )
}

pub(crate) fn read_status(text: &str) -> Result<Status, Error> {
    serde_json::from_str(text).map_err(|why| Error::damaged("requests", why))
}

fn attempt_chosen(db: &Connection, entry: &Entry, f: &AgentChosen) -> Result<(), Error> {
    run(
        db,
        "INSERT OR IGNORE INTO attempts (seq, attempt, request, agent, live) VALUES (?1, ?2, ?3, ?4, 0)",
        (entry.seq, f.attempt.as_str(), f.request.as_str(), f.agent.as_str()),
    )
}

fn release_live(db: &Connection, entry: &Entry, f: &ReleaseLive) -> Result<(), Error> {
    run(db, "UPDATE releases SET live = 0 WHERE project = ?1 AND live", [f.project.as_str()])?;
    run(
        db,
        "INSERT INTO releases (seq, release, project, commit_id, at, live) VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT (release) DO UPDATE SET live = 1",
        (entry.seq, f.release.as_str(), f.project.as_str(), f.commit.as_str(), entry.at.0),
    )?;
    run(db, "UPDATE projects SET url = ?2 WHERE project = ?1", (f.project.as_str(), &f.url))?;
    run(db, "UPDATE attempts SET live = 1 WHERE attempt = ?1", [f.attempt.as_str()])
}

fn step_planned(db: &Connection, entry: &Entry, f: &StepPlanned) -> Result<(), Error> {
    run(
        db,
        "INSERT OR IGNORE INTO steps (seq, step, project, title, text, at, errors) VALUES (?1, ?2, ?3, ?4, ?5, ?6, '[]')",
        (entry.seq, f.step.as_str(), f.project.as_str(), &f.title, f.text.blob.as_str(), entry.at.0),
    )
}

/// A planned step that the request carried out moves into the completed ones, whether it keeps its id or not.
fn step_completed(db: &Connection, entry: &Entry, f: &StepCompleted) -> Result<(), Error> {
    run(
        db,
        "DELETE FROM steps WHERE number IS NULL AND step = (SELECT step FROM requests WHERE request = ?1)",
        [f.request.as_str()],
    )?;
    run(
        db,
        "INSERT OR REPLACE INTO steps (seq, step, project, number, title, text, at, request, commit_id, errors)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        rusqlite::params![
            entry.seq,
            f.step.as_str(),
            f.project.as_str(),
            f.number,
            f.title,
            f.text.blob.as_str(),
            entry.at.0,
            f.request.as_str(),
            f.commit.as_str(),
            json(&f.errors)?,
        ],
    )
}

fn deployment_recorded(db: &Connection, entry: &Entry, f: &DeploymentRecorded) -> Result<(), Error> {
    run(
        db,
        "INSERT OR IGNORE INTO deployments (seq, deployment, request, project, at, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (entry.seq, f.deployment.as_str(), f.request.as_str(), f.project.as_str(), entry.at.0, json(f)?),
    )
}
