//! The icon in the system's tray, where there is one.

use super::page;
use tauri::menu::{Menu, MenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Runtime};

const TRAY: &str = "main";

/// Without a tray the window is all there is; closing it then ends the program.
pub fn put<R: Runtime>(app: &AppHandle<R>) {
    if can_be()
        && let Err(error) = build(app)
    {
        tracing::warn!(%error, "no icon in the tray");
    }
}

pub fn is_there<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.tray_by_id(TRAY).is_some()
}

fn build<R: Runtime>(app: &AppHandle<R>) -> tauri::Result<()> {
    let open = MenuItem::with_id(app, "open", "Open Loopwright", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, "quit", "Quit", true, None::<&str>)?;
    let mut tray = TrayIconBuilder::with_id(TRAY)
        .menu(&Menu::with_items(app, &[&open, &quit])?)
        .tooltip("Loopwright")
        .show_menu_on_left_click(false)
        .on_menu_event(|app, event| match event.id().as_ref() {
            "open" => page::show(app),
            "quit" => app.exit(0),
            _ => {}
        })
        .on_tray_icon_event(|tray, event| {
            let TrayIconEvent::Click {
                button: MouseButton::Left, button_state: MouseButtonState::Up, ..
            } = event
            else {
                return;
            };
            page::show(tray.app_handle());
        });
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;
    Ok(())
}

/// On Linux the tray's library is loaded when it is first used, and its absence would end the program.
#[cfg(target_os = "linux")]
pub fn can_be() -> bool {
    let names = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];
    let arch = format!("{}-linux-gnu", std::env::consts::ARCH);
    ["/usr/lib", "/usr/lib64", "/usr/local/lib"]
        .iter()
        .map(std::path::PathBuf::from)
        .chain([std::path::Path::new("/usr/lib").join(arch)])
        .any(|folder| names.iter().any(|name| folder.join(name).exists()))
}

#[cfg(not(target_os = "linux"))]
pub fn can_be() -> bool {
    true
}
