//! The one command: an exhaustive match over all that the window may ask.

use super::preview;
use crate::desk::{Desk, blocking};
use protocol::desk::{DeskAnswer, DeskRequest, DeskResult, DeskSettings, HERE};
use protocol::{ApiError, Code};
use std::path::PathBuf;
use std::sync::Arc;
use tauri::{AppHandle, Manager, Runtime};
use zeroize::Zeroizing;

pub async fn answer<R: Runtime>(app: &AppHandle<R>, desk: &Arc<Desk>, request: DeskRequest) -> DeskResult {
    use DeskRequest as D;
    match request {
        D::Places => Ok(desk.places()),
        D::Loop { place, request } => desk.ask(&place, request).await,
        D::Picture { place, blob } => desk.picture(&place, blob).await,
        D::Connect { place } => wish(desk, &place, true),
        D::Disconnect { place } => wish(desk, &place, false),
        D::Preview { place, url } => {
            // A site with a certificate is the world's: its name must be in the address.
            if place != HERE && url.starts_with("https://") {
                return preview::outside(&url).map(|()| DeskAnswer::Done);
            }
            let page = desk.page(&place, &url).await?;
            preview::open(app, &page).map(|()| DeskAnswer::Done)
        }
        D::Vault => {
            let desk = desk.clone();
            Ok(DeskAnswer::Vault { vault: blocking(move || desk.vault.state()).await? })
        }
        D::Unlock { passphrase } => {
            let (desk, passphrase) = (desk.clone(), Zeroizing::new(passphrase));
            let unlocked = desk.clone();
            let vault = blocking(move || unlocked.vault.unlock(&passphrase)).await??;
            // What could not be connected while it was locked.
            desk.connect_servers();
            Ok(DeskAnswer::Vault { vault })
        }
        D::Settings => Ok(DeskAnswer::Settings { settings: desk.settings.get() }),
        D::SetSettings { settings } => set(app, desk, settings),
        D::Meet { target, secret, jumps } => desk.meetings.meet(&desk.servers, target, &secret, &jumps).await,
        D::Meeting { meeting } => desk.meetings.stands(&meeting),
        D::Say { meeting, reply } => desk.meetings.say(&meeting, reply),
        D::Plan { meeting, wish } => desk.meetings.plan(desk, &meeting, &wish).await,
        D::Begin { meeting, wish, plan } => desk.meetings.begin(desk, &meeting, wish, &plan).await,
        D::Leave { meeting } => {
            desk.meetings.leave(&meeting).await;
            Ok(DeskAnswer::Done)
        }
        D::SetupAfter { place, after } => desk.setup_after(&place, after).await,
        D::GoOn { place, choices } => desk.go_on(&place, choices).await,
        D::Repair { place } => desk.repair(&place).await,
        D::Upgrade { place } => desk.upgrade(&place).await,
        D::Remove { place, dry, keep_data, export } => {
            let export = export.map(|folder| folder_of(app, &folder)).transpose()?;
            desk.remove(&place, dry, keep_data, export).await
        }
        D::Export { place, to } => desk.export(&place, &folder_of(app, &to)?).await,
        D::Health { place } => desk.health(&place).await,
        D::Expose { place } => desk.expose(&place).await,
        D::Rebuilt { place } | D::Forget { place } => {
            let desk = desk.clone();
            blocking(move || desk.servers.forget(&desk.vault, &place)).await?.map(|()| DeskAnswer::Done)
        }
    }
}

fn wish(desk: &Desk, place: &str, on: bool) -> DeskResult {
    desk.spot(place)?.want(on);
    Ok(DeskAnswer::Done)
}

/// An empty name is the user's downloads. A system that names no folder for them has the usual one.
fn folder_of<R: Runtime>(app: &AppHandle<R>, named: &str) -> Result<PathBuf, ApiError> {
    if !named.is_empty() {
        return Ok(named.into());
    }
    let folder = app
        .path()
        .download_dir()
        .or_else(|_| Ok::<_, tauri::Error>(app.path().home_dir()?.join("Downloads")));
    folder.map_err(|_| {
        ApiError::new(Code::NotFound, "this system names no folder for downloads").next("name a folder")
    })
}

/// What the system does comes first: a setting that could not be put into force is not kept.
fn set<R: Runtime>(app: &AppHandle<R>, desk: &Desk, settings: DeskSettings) -> DeskResult {
    if settings.start_with_system != desk.settings.get().start_with_system {
        start_with_system(app, settings.start_with_system)?;
    }
    desk.settings.set(settings.clone()).map_err(|e| {
        ApiError::new(Code::Internal, format!("the settings could not be written: {e}"))
            .next("make room on the disk, then set them again")
    })?;
    Ok(DeskAnswer::Settings { settings })
}

fn start_with_system<R: Runtime>(app: &AppHandle<R>, on: bool) -> Result<(), ApiError> {
    let failed = |why: String| {
        ApiError::new(Code::Internal, format!("this system did not take it: {why}"))
            .next("set it in the system's own settings")
    };
    let launch = app.try_state::<tauri_plugin_autostart::AutoLaunchManager>();
    let launch = launch.ok_or_else(|| failed("there is no way to start programs".into()))?;
    let done = if on { launch.enable() } else { launch.disable() };
    done.map_err(|e| failed(e.to_string()))
}
