//! What is asked of a server's own program: each is one call over its tunnel, refused with the cause where there is none.

use super::setup::Setup;
use super::{Desk, blocking, now, programs, told_by};
use crate::desk::servers::Server;
use protocol::desk::{DeskAnswer, DeskResult};
use protocol::setup::Choice;
use protocol::{ApiError, Code};
use remote::{Entry, EntryError, Removal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

fn refused(error: &EntryError) -> ApiError {
    told_by(error, &error.next())
}

impl Server {
    fn entry(&self) -> Result<Entry, ApiError> {
        Ok(Entry::new(self.session()?))
    }

    fn begun(&self, entry: Entry) -> DeskResult {
        self.setup.follow(entry, true);
        Ok(DeskAnswer::Done)
    }
}

impl Desk {
    fn server(&self, place: &str) -> Result<Arc<Server>, ApiError> {
        self.servers.get(place).ok_or_else(|| {
            let what = if place == protocol::desk::HERE {
                "this computer is no server"
            } else {
                "there is no such server"
            };
            ApiError::new(Code::NotFound, what).next("choose a server, or add one")
        })
    }

    pub async fn setup_after(&self, place: &str, after: u64) -> DeskResult {
        let server = self.server(place)?;
        let setup: &Setup = &server.setup;
        if !setup.is_followed()
            && let Ok(entry) = server.entry()
        {
            setup.refresh(&entry).await;
        }
        Ok(setup.after(after, server.spot.row().setup))
    }

    pub async fn go_on(&self, place: &str, choices: Vec<(String, Choice)>) -> DeskResult {
        let server = self.server(place)?;
        let entry = server.entry()?;
        server.setup.refresh(&entry).await;
        if server.setup.was_applied() {
            // What the last run was asked for, whichever desktop asked.
            entry.go_on(&choices).await.map_err(|e| refused(&e))?;
        } else {
            let mut wish = self.servers.known(place).map(|known| known.wish).unwrap_or_default();
            for (step, choice) in choices {
                wish.choices.retain(|(of, _)| *of != step);
                wish.choices.push((step, choice));
            }
            self.servers.wished(place, wish.clone())?;
            entry.apply(Some(&wish), None).await.map_err(|e| refused(&e))?;
        }
        server.begun(entry)
    }

    pub async fn repair(&self, place: &str) -> DeskResult {
        let server = self.server(place)?;
        let entry = server.entry()?;
        entry.repair().await.map_err(|e| refused(&e))?;
        server.begun(entry)
    }

    pub async fn upgrade(&self, place: &str) -> DeskResult {
        let server = self.server(place)?;
        let entry = server.entry()?;
        let arch = entry.hello().await.map_err(|e| refused(&e))?.arch;
        let programs = self.programs().await?;
        let program = programs.iter().find(|program| program.arch == arch).ok_or_else(|| {
            ApiError::new(Code::NotFound, format!("no program for {arch} comes with this one"))
                .next("install a newer version of this program")
        })?;
        let put = entry.put(program, &mut |_| (), &CancellationToken::new()).await;
        let path = put.map_err(|e| told_by(&e, &e.next()))?;
        entry.upgrade(&path, &program.sha256).await.map_err(|e| refused(&e))?;
        server.begun(entry)
    }

    pub async fn remove(
        &self,
        place: &str,
        dry: bool,
        keep_data: bool,
        export: Option<PathBuf>,
    ) -> DeskResult {
        let server = self.server(place)?;
        let entry = server.entry()?;
        if dry {
            let would = entry.would_remove().await.map_err(|e| refused(&e))?;
            return Ok(DeskAnswer::Removal { removes: would.removes, keeps: would.keeps });
        }
        // Here before anything goes there.
        if let Some(folder) = export {
            fetch(&entry, &folder, place).await?;
        }
        entry.remove(&Removal { keep_data, export: None }).await.map_err(|e| refused(&e))?;
        server.begun(entry)
    }

    pub async fn export(&self, place: &str, folder: &Path) -> DeskResult {
        let (path, bytes) = fetch(&self.server(place)?.entry()?, folder, place).await?;
        Ok(DeskAnswer::Exported { path: path.display().to_string(), bytes })
    }

    pub async fn health(&self, place: &str) -> DeskResult {
        let health = self.server(place)?.entry()?.health().await.map_err(|e| refused(&e))?;
        Ok(DeskAnswer::Health { health: Box::new(health) })
    }

    pub async fn expose(&self, place: &str) -> DeskResult {
        let target = self.server(place)?.target.clone();
        let exposure = remote::expose(&target.host, &remote::doors(target.port), now).await;
        Ok(DeskAnswer::Exposure { exposure })
    }
}

/// Makes an export there and brings it here, whole or not at all.
async fn fetch(entry: &Entry, folder: &Path, place: &str) -> Result<(PathBuf, u64), ApiError> {
    let failed = |e: std::io::Error| {
        ApiError::new(Code::Internal, format!("the export cannot be written to {}: {e}", folder.display()))
            .next("choose another folder")
    };
    let made = entry.export().await.map_err(|e| refused(&e))?;
    let name = made.path.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("export.tar");
    let file = folder.join(format!("{place}-{name}"));
    let part = file.with_extension("part");
    tokio::fs::create_dir_all(folder).await.map_err(failed)?;
    let mut into = tokio::fs::File::create(&part).await.map_err(failed)?;
    entry.get(&made.path, 0, &mut into).await.map_err(|e| refused(&e))?;
    into.sync_all().await.map_err(failed)?;
    let arrived = part.clone();
    if blocking(move || programs::hashed(&arrived)).await?.map_err(failed)? != made.sha256 {
        let _ = tokio::fs::remove_file(&part).await;
        return Err(ApiError::new(Code::Internal, "the export that arrived is not the one that was sent")
            .next("export it once more"));
    }
    tokio::fs::rename(&part, &file).await.map_err(failed)?;
    Ok((file, made.bytes))
}
