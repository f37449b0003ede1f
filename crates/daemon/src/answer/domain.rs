//! The sites' own domains: the edge keeps them, here they are asked for.

use crate::context::{Daemon, internal};
use deploy::certificates::{Consent, Domain};
use deploy::edge::{DomainState, EdgeError, Refusal};
use protocol::api::DomainRow;
use protocol::*;

pub async fn rows(daemon: &Daemon) -> Result<Response, ApiError> {
    let state = daemon.edge.state().await.map_err(|e| internal("ask the edge", e))?;
    Ok(Response::Domains { rows: state.domains.into_iter().map(row).collect() })
}

pub async fn set(
    daemon: &Daemon,
    project: Option<ProjectId>,
    domain: Option<String>,
    consent: Consent,
) -> Result<Response, ApiError> {
    let domain = domain.map(|name| Domain::parse(clean::line(&name, 300).trim())).transpose();
    let domain = domain.map_err(|bad| {
        let says = format!("{} cannot be a site's domain: {}", clean::line(&bad.name, 80), bad.why);
        ApiError::new(Code::BadInput, says).next("give the name alone, such as bakery.example")
    })?;
    let contact = consent.contact.map(mail).transpose()?;
    let consent = Consent { contact, ..consent };
    // A project that was never live has no place at the edge yet.
    if let Some(project) = &project {
        let rows = daemon.reads.ask(|r| r.projects()).await?;
        if !rows.iter().any(|row| row.project == *project) {
            let says = format!("there is no project {project}");
            return Err(ApiError::new(Code::NotFound, says).next("see `loopwrightd projects`"));
        }
        daemon.edge.ensure_project(project, None).await.map_err(|e| internal("open the site's port", e))?;
    }
    daemon.edge.set_domain(project.as_ref(), domain.as_ref(), consent).await.map_err(refused)?;
    rows(daemon).await
}

fn mail(text: String) -> Result<String, ApiError> {
    let is_mail = text.len() <= 254
        && text.split_once('@').is_some_and(|(who, at)| !who.is_empty() && Domain::parse(at).is_ok())
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b",;<>\"?".contains(&byte));
    if is_mail {
        return Ok(text);
    }
    let says = format!("{} is not an e-mail address", clean::line(&text, 80));
    Err(ApiError::new(Code::BadInput, says).next("give one such as you@bakery.example, or none"))
}

fn refused(error: EdgeError) -> ApiError {
    match error {
        EdgeError::Refused { why: Refusal::Invalid, says } => {
            ApiError::new(Code::Conflict, says).next("see `loopwrightd domain` for which site has which name")
        }
        other => internal("set the domain", other),
    }
}

fn row(state: DomainState) -> DomainRow {
    let address = state.address();
    let DomainState { project, agreed, certificate } = state;
    DomainRow { project, agreed, address, certificate }
}
