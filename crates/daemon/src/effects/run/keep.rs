//! What an agent leaves: a commit at each quiet moment, with a picture of how it looks where one can be had.

use crate::context::{Daemon, internal};
use crate::shell::{Report, give};
use engine::Input;
use engine::effect::Run;
use journal::NewBlob;
use protocol::fact::{BlobRef, DiffStat};
use protocol::{ApiError, AttemptId, CommitId, clean};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use tracing::warn;

/// Pictures are large: between two of one attempt passes at least this, but for the last one.
const PICTURES: Duration = Duration::from_secs(3);
/// Before the agent's work is tried to be kept again.
const AGAIN: Duration = Duration::from_secs(1);

/// The pictures of one attempt.
#[derive(Debug, Default)]
pub struct Album {
    last: Option<Instant>,
    /// The newest checkpoint has none.
    owed: bool,
}

impl Album {
    fn is_due(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= PICTURES)
    }

    async fn picture(&mut self, daemon: &Daemon, attempt: &AttemptId) -> Option<(NewBlob, BlobRef)> {
        let png = daemon.previews.picture(daemon, attempt).await;
        self.last = Some(Instant::now());
        self.owed = png.is_none();
        png.and_then(|png| daemon.blob(png).ok())
    }
}

/// Commits the worktree at each quiet moment, one after the other.
pub async fn keep_checkpoints(
    daemon: &Arc<Daemon>,
    run: &Run,
    mut moments: mpsc::Receiver<String>,
    album: &mut Album,
) {
    while let Some(says) = moments.recv().await {
        let kept = commit(daemon, run, &says).await.unwrap_or_else(|e| {
            // The next moment sees the same change again, and the last one is not let go.
            warn!(error = %e, "failed to keep a checkpoint");
            None
        });
        if let Some((commit, diff)) = kept {
            // Several work at once, and one is shown: the next one that changes something once that one has ended.
            daemon.previews.show_if_free(daemon, run);
            album.owed = true;
            let picture = if album.is_due() { album.picture(daemon, &run.attempt).await } else { None };
            checkpoint(daemon, run, commit, diff, says, picture).await;
        }
    }
}

/// What the agent left, with a picture: also when only the picture is missing.
pub async fn last_checkpoint(
    daemon: &Arc<Daemon>,
    run: &Run,
    mut album: Album,
) -> Result<CommitId, ApiError> {
    let says = "the agent ended its turn";
    let changed = commit_for_sure(daemon, run, says).await?;
    let tip = daemon.yard.tip(&run.project, &run.bench).await;
    let tip = tip.map_err(|e| internal("read the worktree", e))?;
    if changed.is_some() || album.owed {
        let picture = album.picture(daemon, &run.attempt).await;
        let diff = changed.as_ref().map(|(_, diff)| *diff);
        if let Some(diff) = diff.or(picture.as_ref().map(|_| DiffStat::default())) {
            checkpoint(daemon, run, tip.clone(), diff, says.into(), picture).await;
        }
    }
    Ok(tip)
}

/// Commits the worktree, if anything changed in it.
async fn commit(daemon: &Daemon, run: &Run, says: &str) -> deploy::Result<Option<(CommitId, DiffStat)>> {
    let message = format!("checkpoint: {}", clean::line(says, 60));
    daemon.yard.checkpoint(&run.project, &run.bench, &message).await
}

/// The same at the end of a run, where a failure must not pass for "the agent changed nothing": a full disk is waited for,
/// anything else is tried again before it is the machine's failure.
async fn commit_for_sure(
    daemon: &Daemon,
    run: &Run,
    says: &str,
) -> Result<Option<(CommitId, DiffStat)>, ApiError> {
    let mut tries = 3;
    loop {
        match commit(daemon, run, says).await {
            Ok(kept) => return Ok(kept),
            Err(e) if e.is_disk_full() => warn!(error = %e, "the agent's work waits for room on the disk"),
            Err(e) if tries == 0 => return Err(internal("keep the agent's work", e)),
            Err(e) => {
                tries -= 1;
                warn!(error = %e, "failed to keep the agent's work; it is tried again");
            }
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn checkpoint(
    daemon: &Arc<Daemon>,
    run: &Run,
    commit: CommitId,
    diff: DiffStat,
    says: String,
    picture: Option<(NewBlob, BlobRef)>,
) {
    let (blobs, screenshot) = match picture {
        Some((blob, named)) => (vec![blob], Some(named)),
        None => (Vec::new(), None),
    };
    let input = Input::Checkpoint { attempt: run.attempt.clone(), commit, diff, says, screenshot };
    give(daemon, Report { input, blobs }).await;
}
