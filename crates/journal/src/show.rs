//! One request with all that happened to it, from its entries and the texts that are still there.

use crate::error::Error;
use crate::fold::Story;
use crate::{blob, reader, rows, tasks};
use protocol::RequestId;
use protocol::view::{AttemptView, RequestView, Status, TaskView};
use rusqlite::Connection;

pub(crate) fn show(db: &Connection, request: &RequestId) -> Result<Option<RequestView>, Error> {
    let Some(row) = rows::request_of(db, request)? else { return Ok(None) };
    let mut story = Story::default();
    for entry in &reader::entries_of(db, request)? {
        story.tell(entry);
    }
    let mut steering = Vec::with_capacity(story.steering.len());
    for said in &story.steering {
        steering.push(text_or_gone(db, said.as_str())?);
    }
    for (attempt, view, question) in &story.asks {
        let asked = story.attempts.iter_mut().find(|known| known.attempt == *attempt);
        if let Some(known) = asked.filter(|known| known.asked.is_none()) {
            let question = blob::text(db, question.as_str())?;
            known.asked = Some(protocol::view::AskView { question, ..view.clone() });
        }
    }
    let tasks = task_views(db, &story)?;
    let now = match &row.status {
        Status::Running { .. } | Status::Waiting { .. } => {
            story.attempts.iter().find_map(asks).unwrap_or(story.board.now.clone())
        }
        Status::Queued | Status::Cancelling | Status::Closed { .. } => story.board.now.clone(),
    };
    Ok(Some(RequestView {
        row,
        now,
        stages: story.board.stages(),
        sources: story.sources,
        recalled: story.recalled,
        tasks,
        attempts: story.attempts,
        deployment: rows::deployment_of(db, request)?,
        url: story.url,
        preview: None,
        steering,
    }))
}

fn asks(attempt: &AttemptView) -> Option<String> {
    let asked = attempt.asked.as_ref()?;
    let question = asked.question.as_deref().unwrap_or(GONE);
    Some(format!("waiting for you: {} asks: {question}", attempt.agent))
}

fn task_views(db: &Connection, story: &Story) -> Result<Vec<TaskView>, Error> {
    let mut views = Vec::with_capacity(story.tasks.planned.len());
    for (task, number) in story.tasks.planned.iter().zip(1..) {
        let attempts: Vec<_> = story.attempts.iter().filter(|a| a.task == task.task).collect();
        let asked = attempts.iter().find_map(|attempt| attempt.asked.as_ref());
        let question = asked.map(|asked| asked.question.clone().unwrap_or_else(|| GONE.into()));
        let lane = story.progress.lanes.iter().find(|lane| lane.task == task.task);
        let now = attempts.iter().find_map(|attempt| asks(attempt));
        let text = match &task.text {
            Some(text) => blob::text(db, text.blob.as_str())?,
            None => None,
        };
        views.push(TaskView {
            task: task.task.clone(),
            number,
            title: task.title.clone(),
            text,
            agents: task.agents.clone(),
            status: tasks::status(&story.progress, lane, &attempts, question),
            now: now.unwrap_or_else(|| story.board.now_of(&task.task)),
            judged: story.tasks.judged.iter().find(|judged| judged.task == task.task).cloned(),
        });
    }
    Ok(views)
}

/// What is shown in the place of words that were forgotten.
const GONE: &str = "(forgotten)";

fn text_or_gone(db: &Connection, blob: &str) -> Result<String, Error> {
    Ok(blob::text(db, blob)?.unwrap_or_else(|| GONE.into()))
}
