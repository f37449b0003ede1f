//! Projects and planned steps.

use crate::context::{Daemon, internal};
use crate::names;
use engine::Input;
use protocol::fact::{ProjectCreated, StepPlanned};
use protocol::*;

pub async fn create(daemon: &Daemon, name: &str, starter: &str) -> Result<Response, ApiError> {
    let name = clean::line(&clean::text("the project's name", name)?, 60);
    if !deploy::starters().iter().any(|s| s.id == starter) {
        let known: Vec<&str> = deploy::starters().iter().map(|s| s.id).collect();
        return Err(ApiError::new(
            Code::BadInput,
            format!("there is no starter {}", clean::line(starter, 40)),
        )
        .next(format!("choose one of {}", known.join(", "))));
    }
    let rows = daemon.reads.ask(|r| r.projects()).await?;
    let project = free_id(&name, |id| rows.iter().any(|p| p.project == *id))?;
    let commit = daemon.yard.create_project(&project, &name, starter, names::now()).await;
    let commit = commit.map_err(|e| internal("create the project", e))?;
    let fact = ProjectCreated { project: project.clone(), name, starter: starter.into(), commit };
    daemon.decide(Input::ProjectCreated(fact)).await?;
    daemon.decide(Input::Activate { project: project.clone() }).await?;
    Ok(Response::Project { project })
}

/// A slug of the name that no project has yet.
fn free_id(name: &str, taken: impl Fn(&ProjectId) -> bool) -> Result<ProjectId, ApiError> {
    // A name without a single Latin letter makes no slug, but is a fine name.
    let slug = deploy::slug(name)
        .or_else(|_| deploy::slug("project"))
        .map_err(|e| internal("name the project", e))?;
    for n in 1..1000 {
        let text = if n == 1 { slug.to_string() } else { format!("{slug}-{n}") };
        let id = ProjectId::new(text).map_err(|e| internal("name the project", e))?;
        if !taken(&id) {
            return Ok(id);
        }
    }
    Err(ApiError::new(Code::Conflict, "too many projects have this name").next("choose another name"))
}

pub async fn plan_step(
    daemon: &Daemon,
    project: Option<ProjectId>,
    title: &str,
    text: &str,
) -> Result<Response, ApiError> {
    let project = daemon.project_or_active(project).await?;
    let title = clean::line(&clean::text("the step's title", title)?, 100);
    let text = clean::text("the step", text)?;
    let step = names::step().map_err(|e| internal("name the step", e))?;
    let file = format!("# {title}\n\n{text}\n");
    {
        let _main = daemon.repository.lock().await;
        let path = format!("steps/planned/{step}.md");
        let files = [(path.as_str(), Some(file.as_bytes()))];
        let message = format!("planned: {}", clean::line(&title, 60));
        daemon
            .yard
            .commit_files(&project, &files, &message, None)
            .await
            .map_err(|e| internal("write the step", e))?;
    }
    let (blob, named) = daemon.blob(text)?;
    let fact = StepPlanned { project, step: step.clone(), title, text: named };
    daemon.writer.decide(Input::PlanStep(fact), vec![blob]).await?;
    Ok(Response::Planned { step })
}

pub async fn drop_step(daemon: &Daemon, step: StepId) -> Result<Response, ApiError> {
    let id = step.clone();
    let row = daemon.reads.ask(move |r| r.planned_step(&id)).await?;
    daemon.decide(Input::DropStep { step: step.clone() }).await?;
    if let Some(row) = row {
        let _main = daemon.repository.lock().await;
        let path = format!("steps/planned/{step}.md");
        let files = [(path.as_str(), None)];
        let dropped = daemon.yard.commit_files(&row.project, &files, "planned step dropped", None).await;
        dropped.map_err(|e| internal("remove the step's file", e))?;
    }
    Ok(Response::Done)
}
