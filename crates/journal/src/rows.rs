//! Rows of the views, with the texts that the blobs still hold.

use crate::blob;
use crate::error::Error;
use crate::reader::Reader;
use crate::views::read_status;
use protocol::fact::DeploymentRecorded;
use protocol::view::*;
use protocol::*;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::de::DeserializeOwned;

const REQUEST: &str = "SELECT request, project, channel, created, text, status, head, asked FROM requests";
const DEPLOYMENT: &str =
    "SELECT d.body, d.at, d.rating, r.text FROM deployments d LEFT JOIN requests r ON r.request = d.request";
const STEP: &str = "SELECT step, project, number, title, text, at, request, commit_id, errors FROM steps";

impl Reader {
    /// Newest first.
    pub fn requests(&self, project: Option<&ProjectId>, limit: u32) -> Result<Vec<RequestRow>, Error> {
        self.ask(|db| match project {
            Some(project) => {
                let sql = format!("{REQUEST} WHERE project = ?1 ORDER BY seq DESC LIMIT ?2");
                all(db, &sql, (project.as_str(), limit), request_row)
            }
            None => all(db, &format!("{REQUEST} ORDER BY seq DESC LIMIT ?1"), [limit], request_row),
        })
    }

    pub fn request(&self, request: &RequestId) -> Result<Option<RequestRow>, Error> {
        self.ask(|db| request_of(db, request))
    }

    /// The request that a caller's own id stands for.
    pub fn request_of_client(&self, client: &ClientId) -> Result<Option<RequestId>, Error> {
        self.ask(|db| one(db, "SELECT request FROM requests WHERE client = ?1", [client.as_str()], first_id))
    }

    pub fn request_of_attempt(&self, attempt: &AttemptId) -> Result<Option<RequestId>, Error> {
        self.ask(|db| {
            one(db, "SELECT request FROM attempts WHERE attempt = ?1", [attempt.as_str()], first_id)
        })
    }

    /// Newest first; with a filter, rows in which every one of its words occurs, whatever their case.
    pub fn deployments(
        &self,
        project: Option<&ProjectId>,
        filter: Option<&str>,
        limit: u32,
    ) -> Result<Vec<DeploymentRow>, Error> {
        let words: Vec<String> =
            filter.unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
        let sql = format!("{DEPLOYMENT} WHERE ?1 IS NULL OR d.project = ?1 ORDER BY d.seq DESC");
        self.ask(|db| {
            let mut query = db.prepare_cached(&sql)?;
            let mut found = query.query([project.map(|project| project.as_str())])?;
            let mut rows = Vec::new();
            while rows.len() < limit as usize
                && let Some(row) = found.next()?
            {
                let row = deployment_row(db, row)?;
                if words.is_empty() || matches(&row, &words) {
                    rows.push(row);
                }
            }
            Ok(rows)
        })
    }

    pub fn deployment(&self, deployment: &DeploymentId) -> Result<Option<DeploymentRow>, Error> {
        let sql = format!("{DEPLOYMENT} WHERE d.deployment = ?1");
        self.ask(|db| one(db, &sql, [deployment.as_str()], deployment_row))
    }

    /// Newest first. Whether a release's folder is kept is not known here: false.
    pub fn releases(&self, project: &ProjectId) -> Result<Vec<ReleaseRow>, Error> {
        let sql =
            "SELECT release, project, commit_id, at, live FROM releases WHERE project = ?1 ORDER BY seq DESC";
        self.ask(|db| all(db, sql, [project.as_str()], release_row))
    }

    /// Planned steps, oldest first, and completed ones, newest first.
    pub fn steps(&self, project: &ProjectId) -> Result<(Vec<StepRow>, Vec<StepRow>), Error> {
        let planned = format!("{STEP} WHERE project = ?1 AND number IS NULL ORDER BY seq");
        let completed = format!("{STEP} WHERE project = ?1 AND number IS NOT NULL ORDER BY seq DESC");
        self.ask(|db| {
            let project = [project.as_str()];
            Ok((all(db, &planned, project, step_row)?, all(db, &completed, project, step_row)?))
        })
    }

    /// A step that is planned and neither done nor dropped.
    pub fn planned_step(&self, step: &StepId) -> Result<Option<StepRow>, Error> {
        let sql = format!("{STEP} WHERE step = ?1 AND number IS NULL");
        self.ask(|db| one(db, &sql, [step.as_str()], step_row))
    }

    /// Oldest first.
    pub fn projects(&self) -> Result<Vec<ProjectRow>, Error> {
        let sql = "SELECT project, name, starter, active, created, url FROM projects ORDER BY seq";
        self.ask(|db| all(db, sql, [], project_row))
    }

    /// Each agent's runs so far, and how many of them ended live.
    pub fn agent_record(&self) -> Result<Vec<(AgentId, u32, u32)>, Error> {
        let sql = "SELECT agent, count(*), sum(live) FROM attempts WHERE started IS NOT NULL GROUP BY agent ORDER BY agent";
        self.ask(|db| all(db, sql, [], |_, row| Ok((first_id(db, row)?, row.get(1)?, row.get(2)?))))
    }

    /// When a turn of this agent last came to its own end.
    pub fn last_worked(&self, agent: &AgentId) -> Result<Option<At>, Error> {
        let sql = "SELECT max(worked) FROM attempts WHERE agent = ?1";
        self.ask(|db| one(db, sql, [agent.as_str()], |_, row| Ok(row.get::<_, Option<i64>>(0)?.map(At))))
            .map(Option::flatten)
    }
}

pub(crate) fn request_of(db: &Connection, request: &RequestId) -> Result<Option<RequestRow>, Error> {
    one(db, &format!("{REQUEST} WHERE request = ?1"), [request.as_str()], request_row)
}

/// The newest row of the request: there is one, unless a journal was written by hand.
pub(crate) fn deployment_of(db: &Connection, request: &RequestId) -> Result<Option<DeploymentRow>, Error> {
    let sql = format!("{DEPLOYMENT} WHERE d.request = ?1 ORDER BY d.seq DESC LIMIT 1");
    one(db, &sql, [request.as_str()], deployment_row)
}

pub(crate) fn all<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Connection, &Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(db, row)?);
    }
    Ok(found)
}

pub(crate) fn one<T>(
    db: &Connection,
    sql: &str,
    params: impl Params,
    read: impl Fn(&Connection, &Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut query = db.prepare_cached(sql)?;
    query.query_row(params, |row| Ok(read(db, row))).optional()?.transpose()
}

/// The id in a column.
pub(crate) fn id<T: TryFrom<String, Error = BadId>>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    T::try_from(row.get(column)?).map_err(|why| Error::damaged("views", why))
}

fn first_id<T: TryFrom<String, Error = BadId>>(_: &Connection, row: &Row<'_>) -> Result<T, Error> {
    id(row, 0)
}

pub(crate) fn maybe_id<T: TryFrom<String, Error = BadId>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, Error> {
    let text: Option<String> = row.get(column)?;
    text.map(|text| T::try_from(text).map_err(|why| Error::damaged("views", why))).transpose()
}

pub(crate) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    let text = row.get_ref(column)?.as_str().map_err(|why| Error::damaged("views", why))?;
    serde_json::from_str(text).map_err(|why| Error::damaged("views", why))
}

pub(crate) fn blob_text(db: &Connection, row: &Row<'_>, column: usize) -> Result<Option<String>, Error> {
    match row.get_ref(column)?.as_str_or_null().map_err(|why| Error::damaged("views", why))? {
        Some(blob) => blob::text(db, blob),
        None => Ok(None),
    }
}

fn request_row(db: &Connection, row: &Row<'_>) -> Result<RequestRow, Error> {
    Ok(RequestRow {
        request: id(row, 0)?,
        project: id(row, 1)?,
        channel: json(row, 2)?,
        created: At(row.get(3)?),
        text: blob_text(db, row, 4)?,
        status: asked_or(db, row, read_status(&row.get::<_, String>(5)?)?)?,
        head: row.get(6)?,
    })
}

/// An open question is what a request waits for. Its words are in the blob alone, so that they can be forgotten.
fn asked_or(db: &Connection, row: &Row<'_>, status: Status) -> Result<Status, Error> {
    if maybe(row, 7)?.is_none() {
        return Ok(status);
    }
    let question = blob_text(db, row, 7)?.unwrap_or_else(|| "(forgotten)".into());
    Ok(Status::Waiting { waiting: protocol::fact::Waiting::You { question } })
}

fn deployment_row(db: &Connection, row: &Row<'_>) -> Result<DeploymentRow, Error> {
    let fact: DeploymentRecorded = json(row, 0)?;
    let cost = cost(&fact);
    Ok(DeploymentRow {
        deployment: fact.deployment,
        request: fact.request,
        project: fact.project,
        text: blob_text(db, row, 3)?,
        outcome: fact.outcome,
        rating: row.get(2)?,
        created: At(row.get(1)?),
        step: fact.step,
        commit: fact.commit,
        release: fact.release,
        url: fact.url,
        duration_ms: fact.duration_ms,
        attempts: fact.attempts,
        agent: fact.agent,
        practice: fact.practice,
        model: fact.model,
        usage: fact.usage,
        by_agent: fact.by_agent,
        cost,
        summary: fact.summary,
    })
}

/// By the shipped list of prices. Where several agents worked, each one's tokens have prices of their own.
fn cost(fact: &DeploymentRecorded) -> Cost {
    if fact.by_agent.is_empty() {
        return price::cost(&fact.usage, fact.model.as_deref(), fact.paid);
    }
    let each = fact.by_agent.iter().map(|by| price::cost(&by.usage, by.model.as_deref(), None));
    price::total(each, fact.paid)
}

/// Whether every word occurs somewhere in what the row shows.
fn matches(row: &DeploymentRow, words: &[String]) -> bool {
    let outcome = match row.outcome {
        protocol::fact::Outcome::Live => "live",
        protocol::fact::Outcome::Partly => "partly live",
        protocol::fact::Outcome::Failed => "failed",
        protocol::fact::Outcome::Cancelled => "cancelled",
    };
    let shown = [
        row.text.as_deref(),
        Some(row.summary.as_str()),
        Some(outcome),
        Some(row.deployment.as_str()),
        Some(row.request.as_str()),
        row.agent.as_ref().map(|agent| agent.as_str()),
        row.model.as_deref(),
        row.commit.as_ref().map(|commit| commit.as_str()),
        row.release.as_ref().map(|release| release.as_str()),
        row.url.as_deref(),
        row.practice.then_some("practice"),
    ];
    let shown = shown.into_iter().flatten().collect::<Vec<_>>().join("\n").to_lowercase();
    words.iter().all(|word| shown.contains(word))
}

fn release_row(_: &Connection, row: &Row<'_>) -> Result<ReleaseRow, Error> {
    Ok(ReleaseRow {
        release: id(row, 0)?,
        project: id(row, 1)?,
        commit: id(row, 2)?,
        at: At(row.get(3)?),
        live: row.get(4)?,
        kept: false,
    })
}

fn step_row(db: &Connection, row: &Row<'_>) -> Result<StepRow, Error> {
    Ok(StepRow {
        step: id(row, 0)?,
        project: id(row, 1)?,
        number: row.get(2)?,
        title: row.get(3)?,
        text: blob_text(db, row, 4)?,
        at: At(row.get(5)?),
        request: maybe_id(row, 6)?,
        commit: maybe_id(row, 7)?,
        errors: json(row, 8)?,
    })
}

fn project_row(_: &Connection, row: &Row<'_>) -> Result<ProjectRow, Error> {
    Ok(ProjectRow {
        project: id(row, 0)?,
        name: row.get(1)?,
        starter: row.get(2)?,
        active: row.get(3)?,
        created: At(row.get(4)?),
        url: maybe(row, 5)?,
    })
}

fn maybe(row: &Row<'_>, column: usize) -> Result<Option<String>, Error> {
    Ok(row.get(column)?)
}
