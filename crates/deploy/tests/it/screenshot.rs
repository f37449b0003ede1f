//! Pictures by the machine's own Chromium. Where there is none, only its absence is tested.

use deploy::screenshot::{ScreenshotError, ScreenshotSpec, find_chromium, screenshot};
use deploy::static_site::serve_static;
use std::path::PathBuf;
use std::time::Duration;

fn spec(chromium: PathBuf, scratch: &std::path::Path, url: String) -> ScreenshotSpec {
    let limit = Duration::from_secs(60);
    ScreenshotSpec {
        chromium,
        url,
        scratch: scratch.to_owned(),
        width: 640,
        height: 400,
        run_as: None,
        limit,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_becomes_a_picture_of_the_size_asked_for() {
    let Some(chromium) = find_chromium(&["/usr/bin".into(), "/usr/local/bin".into()]) else { return };
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("site")).unwrap();
    std::fs::write(dir.path().join("site/index.html"), "<body style='background:#c00'>").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let root = dir.path().join("site");
    tokio::spawn(async move { serve_static(&root, &port.to_string(), false).await.unwrap() });
    let png = screenshot(&spec(chromium, dir.path(), format!("http://127.0.0.1:{port}/"))).await.unwrap();
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!((&png[1..4], side(16), side(20)), (&b"PNG"[..], 640, 400));
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["site"]);
}

#[tokio::test]
async fn a_browser_that_hangs_or_shows_nothing_is_ended_and_reported() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(find_chromium(&[dir.path().to_owned()]), None);
    let browser = dir.path().join("chromium");
    let script = |text: &str| {
        std::fs::write(&browser, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&browser, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    script("setsid sleep 1000 & sleep 1000");
    assert_eq!(find_chromium(&[dir.path().to_owned()]), Some(browser.clone()));
    let mut slow = spec(browser.clone(), dir.path(), "http://127.0.0.1:1/".into());
    slow.limit = Duration::from_millis(200);
    assert!(matches!(screenshot(&slow).await.unwrap_err(), ScreenshotError::Slow(_)));
    assert_eq!(browsers_in(dir.path()), 0, "nothing of the browser is left");
    script("echo no display; exit 1");
    let cause =
        screenshot(&spec(browser.clone(), dir.path(), "http://127.0.0.1:1/".into())).await.unwrap_err();
    assert!(cause.to_string().contains("no display"), "{cause}");
    let cause = screenshot(&spec(browser, dir.path(), "--flag".into())).await.unwrap_err();
    assert!(cause.to_string().contains("not a web address"), "{cause}");
}

/// Processes whose home is a picture's folder in `scratch`.
fn browsers_in(scratch: &std::path::Path) -> usize {
    let home = format!("HOME={}/", scratch.display());
    let entries = std::fs::read_dir("/proc").unwrap();
    let environs = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("environ")).ok());
    environs
        .filter(|environ| environ.split(|byte| *byte == 0).any(|entry| entry.starts_with(home.as_bytes())))
        .count()
}
