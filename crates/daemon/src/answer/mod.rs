//! The control API: one exhaustive match over everything that may be asked. Every face of the daemon ends up here.

mod agents;
mod domain;
mod instructions;
pub mod memory;
mod project;
mod read;
mod work;

use crate::context::Daemon;
use crate::{accounts, agents_jobs};
use deploy::certificates::Consent;
use engine::{Input, Rejected};
use protocol::*;
use std::sync::Arc;

pub async fn answer(daemon: &Arc<Daemon>, request: Request) -> Result<Response, ApiError> {
    use Request::*;
    match request {
        Hello => Ok(Response::Hello(read::hello(daemon).await?)),
        Home => read::home(daemon).await,
        Ask { client, text, project, agent, race, parts, step, channel } => {
            work::ask(daemon, work::Ask { client, text, project, agent, race, parts, step, channel }).await
        }
        Requests { project, limit } => read::requests(daemon, project, limit).await,
        Show { request } => Ok(Response::Show(Box::new(read::show(daemon, &request).await?))),
        Cancel { request } => done(daemon, Input::Cancel { request }).await,
        Steer { request, text } => work::steer(daemon, request, &text).await,
        Retry { request } => {
            daemon.readiness.fresh().await;
            done(daemon, Input::Retry { request, task: None, because: "you asked for another look".into() })
                .await
        }
        Answer { request, attempt, asked, option, text } => {
            work::answer(daemon, work::Answer { request, attempt, asked, option, text }).await
        }
        HandOver { request, attempt, to } => work::hand_over(daemon, request, attempt, to).await,
        Pick { request, attempt } => done(daemon, Input::Pick { request, attempt }).await,
        Journal { after, limit } => read::journal(daemon, after, limit).await,
        VerifyJournal => read::verify(daemon).await,
        Deployments { project, filter, limit } => read::deployments(daemon, project, filter, limit).await,
        Rate { deployment, rating } => done(daemon, Input::Rate { deployment, rating }).await,
        Rollback { project, release } => work::rollback(daemon, project, release).await,
        Releases { project } => work::releases(daemon, project).await,
        Steps { project } => read::steps(daemon, project).await,
        PlanStep { project, title, text } => project::plan_step(daemon, project, &title, &text).await,
        DropStep { step } => project::drop_step(daemon, step).await,
        Notes { project, limit, superseded } => memory::notes(daemon, project, limit, superseded).await,
        Recall(ask) => memory::recall(daemon, *ask).await,
        Push { project, note } => memory::remember(daemon, project, vec![note]).await,
        PushMany { project, notes } => memory::remember(daemon, project, notes).await,
        Supersede { note, by } => done(daemon, Input::Supersede { note, by }).await,
        Forget { note } => done(daemon, Input::Forget { note }).await,
        Note { note } => memory::note(daemon, note).await,
        Memory { project } => memory::stand(daemon, project).await,
        Graph(ask) => memory::graph(daemon, *ask).await,
        GraphPath { project, from, to } => memory::path(daemon, project, from, to).await,
        EditGraph { project, edits } => memory::edit(daemon, project, edits).await,
        Knew { attempt } => memory::knew(daemon, attempt).await,
        UseModel { model } => crate::remember::models::use_model(daemon, model).await,
        ExportMemory { project, after } => memory::export(daemon, project, after).await,
        VerifyMemory => crate::remember::verify::verify(daemon).await,
        Agents { fresh } => Ok(Response::Agents { rows: agents::rows(daemon, fresh).await? }),
        InstallAgent { agent } => agents_jobs::begin(daemon, agent, agents_jobs::What::Install),
        CheckAgent { agent } => agents_jobs::begin(daemon, agent, agents_jobs::What::Check),
        SignIn { agent, way } => accounts::sign_in(daemon, agent, way),
        SignInSay { agent, text } => accounts::say(daemon, &agent, &text),
        SignInStop { agent } => Ok(accounts::stop(daemon, &agent)),
        SetKey { agent, way, fields } => accounts::set_key(daemon, agent, &way, fields).await,
        SignOut { agent } => accounts::sign_out(daemon, agent).await,
        Bridges => {
            let (rows, token) = crate::bridges::views(daemon).await;
            Ok(Response::Bridges { rows, token })
        }
        Instructions { project } => instructions::list(daemon, project).await,
        ReadInstruction { project, path, at } => instructions::read(daemon, project, &path, at).await,
        WriteInstruction { project, path, text, base } => {
            instructions::write(daemon, project, &path, &text, &base).await
        }
        Projects => Ok(Response::Projects { rows: daemon.reads.ask(|r| r.projects()).await? }),
        CreateProject { name, starter } => project::create(daemon, &name, &starter).await,
        Domains => domain::rows(daemon).await,
        SetDomain { project, domain, agreed, contact } => {
            domain::set(daemon, project, domain, Consent { agreed, contact }).await
        }
        ActivateProject { project } => done(daemon, Input::Activate { project }).await,
        Transcript { attempt, after, limit } => read::transcript(daemon, attempt, after, limit).await,
        Text { blob } => read::text(daemon, blob).await,
        Diff { attempt } => work::diff(daemon, attempt).await,
        Doctor => Ok(Response::Doctor { rows: crate::doctor::examine(daemon).await }),
    }
}

async fn done(daemon: &Daemon, input: Input) -> Result<Response, ApiError> {
    daemon.decide(input).await?;
    Ok(Response::Done)
}

/// A rejection in the words of the API.
pub fn rejected(rejected: &Rejected) -> ApiError {
    let text = rejected.to_string();
    let code = match rejected {
        Rejected::UnknownRequest { .. }
        | Rejected::UnknownProject { .. }
        | Rejected::UnknownAttempt { .. }
        | Rejected::UnknownDeployment { .. }
        | Rejected::UnknownNote { .. }
        | Rejected::UnknownStep { .. } => Code::NotFound,
        Rejected::BadRating { .. }
        | Rejected::BadSplit { .. }
        | Rejected::UnknownAgent { .. }
        | Rejected::BadAnswer { .. } => Code::BadInput,
        _ => Code::Conflict,
    };
    let next = match rejected {
        Rejected::UnknownRequest { .. } | Rejected::Ended { .. } => "see `loopwrightd requests`",
        Rejected::UnknownProject { .. } => "see `loopwrightd projects`",
        Rejected::UnknownDeployment { .. } => "see `loopwrightd deployments`",
        Rejected::UnknownNote { .. } => "see `loopwrightd memory list`",
        Rejected::UnknownStep { .. } => "see `loopwrightd steps`",
        Rejected::UnknownAttempt { .. }
        | Rejected::NotRunning { .. }
        | Rejected::NotRacing { .. }
        | Rejected::NothingToPick { .. }
        | Rejected::NoAsk { .. } => "see `loopwrightd show REQUEST` for how its attempts stand",
        _ => return ApiError::new(code, text),
    };
    ApiError::new(code, text).next(next)
}
