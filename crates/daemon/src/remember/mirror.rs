//! A copy of a daemon's journal and memory in a folder elsewhere, from the command line.

use crate::client::Client;
use anyhow::{Context, Result};
use mirror::{Folder, Pulled, Source, Unreached};
use protocol::blobs::Kept;
use protocol::*;
use std::path::Path;

impl Source for Client {
    async fn call(&self, request: &Request) -> Result<Response, ApiError> {
        Client::call(self, request).await.map_err(refusal)
    }
    async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>, ApiError> {
        Client::blobs(self, ids).await.map_err(refusal)
    }
}

/// The daemon's own words, else what kept it from answering.
fn refusal(error: anyhow::Error) -> ApiError {
    error.downcast().unwrap_or_else(|lost| ApiError::new(Code::Internal, format!("{lost:#}")))
}

/// Pulls what is new, with the texts, into `dir`.
pub async fn pull(client: &Client, dir: &Path) -> Result<Pulled> {
    Ok(Folder::new(dir).pull(client, crate::names::now()).await?)
}

/// What the copy in `dir` remembers of a question, with no daemon. Without a project: the active one.
pub fn recall(dir: &Path, ask: api::RecallAsk, now: At) -> Result<Response> {
    let folder = Folder::new(dir);
    let found = folder.head().ok().flatten();
    found.with_context(|| {
        format!("there is no mirror in {}; make one with `loopwrightd mirror DIR`", dir.display())
    })?;
    let unreached = Unreached { why: "no daemon is asked".into(), sent: false };
    Ok(folder.answer(Request::Recall(Box::new(ask)), &unreached, now)?.0)
}
