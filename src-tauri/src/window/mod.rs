//! The window and all that Tauri gives it: this room alone knows Tauri.

mod answer;
mod links;
mod notice;
mod page;
mod preview;
mod tray;
mod update;

use crate::config::Config;
use crate::desk::{Desk, Tell};
use mirror::News;
use protocol::desk::{DeskEvent, DeskRequest, DeskResult};
use std::sync::Arc;
use tauri::{AppHandle, Builder, Emitter, Manager, RunEvent, Runtime, State, WindowEvent, Wry};

/// The one event.
pub const EVENT: &str = "desk";
/// The one window that may ask for something.
pub const MAIN: &str = "main";

/// The one command.
#[tauri::command]
async fn request<R: Runtime>(
    app: AppHandle<R>,
    desk: State<'_, Arc<Desk>>,
    envelope: DeskRequest,
) -> DeskResult {
    answer::answer(&app, desk.inner(), envelope).await
}

/// Runs the program to its end.
pub fn run(config: Config) -> tauri::Result<()> {
    let shown = |app: &AppHandle<Wry>, words: Vec<String>, _| {
        page::show(app);
        links::open(app, &words);
    };
    let builder = Builder::default()
        // First of all: a second start ends here, and shows the window of the first.
        .plugin(tauri_plugin_single_instance::init(shown))
        .plugin(tauri_plugin_deep_link::init())
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_autostart::Builder::new().arg(links::HIDDEN).build());
    let app = shell(builder, config)
        .setup(|app| {
            page::open(app.handle())?;
            tray::put(app.handle());
            links::listen(app.handle());
            update::begin(app.handle());
            let desk = app.state::<Arc<Desk>>();
            tauri::async_runtime::block_on(async { desk.start() });
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| {
        if let RunEvent::Exit = event {
            tauri::async_runtime::block_on(app.state::<Arc<Desk>>().end());
        }
    });
    Ok(())
}

/// What every runtime has, a mocked one too: the command, and the desk behind it.
pub fn shell<R: Runtime>(builder: Builder<R>, config: Config) -> Builder<R> {
    builder
        .plugin(
            tauri::plugin::Builder::<R>::new("desk").setup(move |app, _| Ok(manage(app, &config)?)).build(),
        )
        .invoke_handler(tauri::generate_handler![request])
        .on_window_event(|window, event| {
            if let (MAIN, WindowEvent::CloseRequested { api, .. }) = (window.label(), event) {
                let desk = window.state::<Arc<Desk>>();
                if desk.settings.get().close_to_tray && tray::is_there(window.app_handle()) {
                    api.prevent_close();
                    let _ = window.hide();
                } else {
                    // The previews go with it.
                    window.app_handle().exit(0);
                }
            }
        })
}

fn manage<R: Runtime>(app: &AppHandle<R>, config: &Config) -> anyhow::Result<()> {
    let data = match &config.data {
        Some(data) => data.clone(),
        None => app.path().app_data_dir()?,
    };
    let to = app.clone();
    let window = Arc::new(move |event: DeskEvent| {
        if let Err(error) = to.emit_to(MAIN, EVENT, event) {
            tracing::warn!(%error, "the window was not told");
        }
    });
    let to = app.clone();
    let user = Arc::new(move |host: &str, news: &News| notice::show(&to, host, news));
    let tell = Tell { window, user };
    let desk = tauri::async_runtime::block_on(async { Desk::open(config, &data, tell) })?;
    app.manage(Arc::new(desk));
    Ok(())
}

#[cfg(test)]
mod tests;
