//! The program of the window.
#![cfg_attr(all(windows, not(debug_assertions)), windows_subsystem = "windows")]

use desktop::config::Config;
use std::process::ExitCode;

fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    #[cfg(target_os = "linux")]
    if let Some(error) = without_dmabuf() {
        tracing::warn!(%error, "the window may stay blank here");
    }
    match desktop::window::run(Config::from_env()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the window could not be opened");
            ExitCode::FAILURE
        }
    }
}

/// WebKitGTK's DMABUF renderer leaves the window blank where there is no device to render with, and with NVIDIA's driver.
/// The variable must be there before the program has a second thread: it starts itself again with it.
#[cfg(target_os = "linux")]
fn without_dmabuf() -> Option<std::io::Error> {
    use std::os::unix::process::CommandExt;
    const OFF: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
    let renders = std::fs::read_dir("/dev/dri").is_ok_and(|mut devices| {
        devices.any(|device| device.is_ok_and(|d| d.file_name().to_string_lossy().starts_with("renderD")))
    });
    let nvidia = std::path::Path::new("/proc/driver/nvidia/version").exists();
    if std::env::var_os(OFF).is_some() || (renders && !nvidia) {
        return None;
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(error) => return Some(error),
    };
    Some(std::process::Command::new(program).args(std::env::args_os().skip(1)).env(OFF, "1").exec())
}
