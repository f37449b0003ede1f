//! Updates of this program. A build has them only if it was given the public key that releases are signed with and the
//! address where they are announced (`LOOPWRIGHT_UPDATE_KEY`, `LOOPWRIGHT_UPDATE_URL`; docs/release.md says how the keys
//! are made and kept): a build without has no updater, rather than one that trusts nobody's key.

use tauri::{AppHandle, Url, Wry};
use tauri_plugin_updater::UpdaterExt;

const KEY: Option<&str> = option_env!("LOOPWRIGHT_UPDATE_KEY");
const ANNOUNCED: Option<&str> = option_env!("LOOPWRIGHT_UPDATE_URL");

/// Looks once, in the background; what is found is put in place and used from the next start on.
pub fn begin(app: &AppHandle<Wry>) {
    let given = |text: Option<&'static str>| text.filter(|text| !text.is_empty());
    let (Some(key), Some(announced)) = (given(KEY), given(ANNOUNCED)) else { return };
    if let Err(error) = app.plugin(tauri_plugin_updater::Builder::new().pubkey(key).build()) {
        tracing::warn!(%error, "no updates");
        return;
    }
    let app = app.clone();
    tauri::async_runtime::spawn(async move {
        if let Err(error) = look(&app, announced).await {
            tracing::warn!(%error, "no update was fetched");
        }
    });
}

async fn look(app: &AppHandle<Wry>, announced: &str) -> anyhow::Result<()> {
    let updater = app.updater_builder().endpoints(vec![Url::parse(announced)?])?.build()?;
    if let Some(update) = updater.check().await? {
        tracing::info!(version = update.version, "an update is put in place");
        update.download_and_install(|_, _| (), || ()).await?;
    }
    Ok(())
}
