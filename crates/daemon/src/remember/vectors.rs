//! Gives every passage its vector: woken by what is remembered and by a change of model, in small batches, behind
//! everything else. What was computed is kept, so that an interruption costs one batch.

use crate::context::{Daemon, internal};
use embed::Embedder;
use protocol::{ApiError, ProjectId};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Passages of one batch: a second's work.
const BATCH: usize = 8;
/// After a failure, if nothing else wakes us.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Goes on until the daemon stops.
pub async fn keep(daemon: Arc<Daemon>) {
    let mut applied = daemon.memory.keeper.applied.clone();
    let mut changes = daemon.models.changes();
    loop {
        applied.borrow_and_update();
        changes.borrow_and_update();
        let failed = tokio::select! {
            filled = fill(&daemon) => filled.err(),
            () = daemon.stop.cancelled() => return,
        };
        if let Some(reason) = &failed {
            warn!(%reason, "passages wait for their vectors");
        }
        daemon.nudge();
        tokio::select! {
            woken = applied.changed() => if woken.is_err() { return },
            woken = changes.changed() => if woken.is_err() { return },
            () = tokio::time::sleep(AGAIN), if failed.is_some() => {}
            () = daemon.stop.cancelled() => return,
        }
    }
}

/// Until no passage lacks a vector of the model in use.
async fn fill(daemon: &Arc<Daemon>) -> Result<(), String> {
    let words = |e: ApiError| e.message;
    while let Some(model) = daemon.models.id() {
        let Some(space) = wanting(daemon, model.clone()).await.map_err(words)? else { return Ok(()) };
        while batch(daemon, &space, &model).await? {}
    }
    Ok(())
}

/// A space in which passages wait.
async fn wanting(daemon: &Daemon, model: String) -> Result<Option<ProjectId>, ApiError> {
    let looked = daemon.memory.read(move |reader| {
        for space in reader.spaces()? {
            if reader.waiting(&space, &model)? > 0 {
                return Ok(Some(space));
            }
        }
        Ok(None)
    });
    looked.await
}

/// The next passages of a space; false when there are none, or another model is used by now.
async fn batch(daemon: &Arc<Daemon>, space: &ProjectId, model: &str) -> Result<bool, String> {
    let words = |e: ApiError| e.message;
    let (asked, id) = (space.clone(), model.to_owned());
    let next = daemon.memory.write(move |memory| memory.unembedded(&asked, &id, BATCH));
    let next = next.await.map_err(words)?.map_err(|e| internal("look for passages", e).message)?;
    if next.is_empty() {
        return Ok(false);
    }
    let (working, id) = (daemon.clone(), model.to_owned());
    let embedded = tokio::task::spawn_blocking(move || embed(&working, &id, next));
    let Some((dim, vectors)) = embedded.await.map_err(|e| e.to_string())?? else { return Ok(false) };
    let (kept, id) = (space.clone(), model.to_owned());
    let put = daemon.memory.write(move |memory| memory.put_vectors(&kept, &id, dim, &vectors));
    put.await.map_err(words)?.map_err(|e| internal("keep vectors", e).message)?;
    daemon.nudge();
    Ok(true)
}

type Vectors = (usize, Vec<(i64, Vec<f32>)>);

fn embed(daemon: &Daemon, model: &str, passages: Vec<(i64, String)>) -> Result<Option<Vectors>, String> {
    let Some(loaded) = daemon.models.loaded().transpose()?.filter(|loaded| loaded.model() == model) else {
        return Ok(None);
    };
    let texts: Vec<&str> = passages.iter().map(|(_, text)| text.as_str()).collect();
    let vectors = loaded.embed_in_background(&texts).map_err(|e| super::embedder::cause(&e))?;
    Ok(Some((loaded.dim(), passages.iter().map(|(chunk, _)| *chunk).zip(vectors).collect())))
}
