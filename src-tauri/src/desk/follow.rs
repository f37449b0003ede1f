//! While a daemon is reached: every wake-up goes to the window at once, and the copy is filled after it.

use super::{Spot, told};
use mirror::Source;
use protocol::blobs::Kept;
use protocol::{ApiError, BlobId, Request, Response};
use remote::{Control, ControlError};
use std::sync::Arc;
use tokio::sync::watch;

/// A daemon as the copy is filled from it.
struct Daemon(Control);

impl Source for Daemon {
    async fn call(&self, request: &Request) -> Result<Response, ApiError> {
        self.0.request(request).await.map_err(|e| told(&e))
    }
    async fn blobs(&self, ids: &[BlobId]) -> Result<Vec<Kept>, ApiError> {
        self.0.blobs(ids).await.map_err(|e| told(&e))
    }
}

/// Follows a daemon until its head stream ends. `up` is called once it is heard.
pub async fn follow(spot: &Arc<Spot>, control: Control, up: impl FnOnce()) -> Result<(), ControlError> {
    let mut heads = control.heads().await?;
    up();
    let (heard, told) = watch::channel(None);
    let filling = tokio::spawn(fill(spot.clone(), Daemon(control), told));
    while let Some(head) = heads.next().await {
        spot.woke(head);
        heard.send_replace(Some(head));
    }
    drop(heard);
    // It ends by itself, with the call that it is in.
    let _ = filling.await;
    Ok(())
}

/// Fills the copy whenever there are new entries; what comes meanwhile leads to one more time.
async fn fill(spot: Arc<Spot>, daemon: Daemon, mut heard: watch::Receiver<Option<u64>>) {
    let mut copied = None;
    // What was missed while nobody was connected is on the page; only what happens from now on is news.
    let mut told = None;
    while heard.changed().await.is_ok() {
        let Some(head) = *heard.borrow_and_update() else { continue };
        if copied == Some(head) {
            continue;
        }
        match spot.folder.pull(&daemon, (spot.clock)()).await {
            Ok(pulled) => {
                copied = pulled.warning.is_none().then_some(pulled.head);
                let head = pulled.head;
                spot.pulled(pulled);
                if let Some(after) = told.replace(head).filter(|after| *after < head) {
                    let folder = spot.folder.clone();
                    match tokio::task::spawn_blocking(move || folder.news(after)).await {
                        Ok(Ok(news)) => spot.tell(&news),
                        Ok(Err(error)) => {
                            tracing::warn!(place = spot.place, %error, "the news were not read")
                        }
                        Err(_) => {}
                    }
                }
            }
            Err(error) => {
                tracing::warn!(place = spot.place, %error, "the copy was not filled");
                spot.not_pulled(format!("the copy on this computer could not be filled: {error}"));
            }
        }
    }
    // Up to this moment it was as new as the daemon.
    if copied.is_some() && copied == *heard.borrow() {
        let (folder, at) = (spot.folder.clone(), (spot.clock)());
        let _ = tokio::task::spawn_blocking(move || folder.seen(at)).await;
    }
}
