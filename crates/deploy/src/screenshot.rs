//! Pictures of a page by a headless Chromium that the machine has. It shows an agent's page, so it runs as the agent's user,
//! with an empty profile that is thrown away, and is killed with all that it started.

use crate::RunAs;
use crate::process::{self, CappedLog, Ending, LogPump};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[derive(Debug, Clone)]
pub struct ScreenshotSpec {
    pub chromium: PathBuf,
    pub url: String,
    /// An existing folder that `run_as` can traverse; what is made in it is removed again.
    pub scratch: PathBuf,
    /// Of the window, in CSS pixels.
    pub width: u32,
    pub height: u32,
    pub run_as: Option<RunAs>,
    pub limit: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum ScreenshotError {
    #[error("start the browser")]
    Start(#[from] io::Error),
    #[error("take a picture within {} s", .0.as_secs())]
    Slow(Duration),
    #[error("take a picture: the browser made none: {0}")]
    Nothing(String),
}

/// The first Chromium in `folders`.
pub fn find_chromium(folders: &[PathBuf]) -> Option<PathBuf> {
    let names =
        ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell"];
    let executable = |path: &PathBuf| {
        path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    };
    names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name))).find(executable)
}

/// A PNG of the page, once it has loaded.
pub async fn screenshot(spec: &ScreenshotSpec) -> Result<Vec<u8>, ScreenshotError> {
    // Anything else would be read as a flag, or opened from the disk.
    if !spec.url.starts_with("http://") && !spec.url.starts_with("https://") {
        return Err(ScreenshotError::Nothing(format!("{} is not a web address", spec.url)));
    }
    let until = tokio::time::Instant::now() + spec.limit;
    let uid = spec.run_as.map_or_else(|| rustix::process::geteuid().as_raw(), |user| user.uid);
    // Chromium has no sandbox for root at all. For others it may be forbidden to make one, which only trying tells.
    let first = picture(spec, until, uid != 0).await;
    match first {
        Err(ScreenshotError::Nothing(says)) if uid != 0 && says.to_ascii_lowercase().contains("sandbox") => {
            picture(spec, until, false).await
        }
        taken => taken,
    }
}

async fn picture(
    spec: &ScreenshotSpec,
    until: tokio::time::Instant,
    sandbox: bool,
) -> Result<Vec<u8>, ScreenshotError> {
    let place = tempfile::Builder::new().prefix("picture-").tempdir_in(&spec.scratch)?;
    if let Some(RunAs { uid, gid }) = spec.run_as {
        std::os::unix::fs::chown(place.path(), Some(uid), Some(gid))?;
    }
    let name = place.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let marker = format!("LOOPWRIGHT_PICTURE={}-{name}", std::process::id());
    let png = place.path().join("page.png");
    let home = place.path().display().to_string();
    let mut env: BTreeMap<String, String> =
        [("PATH", process::PLAIN_PATH), ("HOME", &home), ("TMPDIR", &home), ("LANG", "C.UTF-8")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
    if let Some((name, value)) = marker.split_once('=') {
        env.insert(name.into(), value.into());
    }
    // Beside the picture's folder: that one belongs to the other user.
    let log = tempfile::Builder::new().prefix("picture-log-").tempdir_in(&spec.scratch)?;
    let log_path = log.path().join("log");
    let (pump, output) = LogPump::anonymous(CappedLog::open(&log_path, 64 * 1024)?)?;
    let argv = argv(spec, place.path(), &png, sandbox);
    let mut command = process::command(&argv, place.path(), &env, spec.run_as)?;
    command.stdout(output.try_clone()?).stderr(output).kill_on_drop(true);
    let mut child = command.spawn()?;
    drop(command);
    let pid = child.id().ok_or_else(|| io::Error::other("it has no process number"))?;
    let ending = Ending::of(pid, None)?;
    let group = Group { pid, marker: marker.clone() };
    let in_time = tokio::time::timeout_at(until, ending.wait()).await.is_ok();
    drop(group);
    let _ = child.wait().await;
    process::sweep(&marker).await;
    pump.finish().await;
    if !in_time {
        return Err(ScreenshotError::Slow(spec.limit));
    }
    match read_plain(&png) {
        Ok(bytes) if bytes.starts_with(b"\x89PNG") => Ok(bytes),
        Ok(_) | Err(_) => Err(ScreenshotError::Nothing(process::tail(&log_path, 5))),
    }
}

/// The picture's bytes; of a plain file only, as its folder belongs to the browser's user.
fn read_plain(path: &Path) -> io::Result<Vec<u8>> {
    use rustix::fs::{FileType, Mode, OFlags};
    use std::io::Read;
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(32 * 1024 * 1024).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Also when the caller gives up waiting: nothing of the browser stays.
struct Group {
    pid: u32,
    marker: String,
}

impl Drop for Group {
    fn drop(&mut self) {
        process::signal_group(self.pid, Signal::KILL);
        process::kill_marked(&self.marker);
    }
}

fn argv(spec: &ScreenshotSpec, profile: &Path, png: &Path, sandbox: bool) -> Vec<String> {
    let mut argv: Vec<String> = vec![spec.chromium.display().to_string()];
    let flags = [
        "--headless",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--disable-extensions",
        "--disable-dev-shm-usage",
        "--hide-scrollbars",
        "--mute-audio",
    ];
    argv.extend(flags.map(String::from));
    if !sandbox {
        argv.push("--no-sandbox".into());
    }
    argv.push(format!("--window-size={},{}", spec.width, spec.height));
    argv.push(format!("--user-data-dir={}", profile.join("profile").display()));
    argv.push(format!("--screenshot={}", png.display()));
    argv.push(spec.url.clone());
    argv
}
