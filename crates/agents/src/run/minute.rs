//! A program that names the file of a session by the minute in which it opens it. One that is taken up again in the minute
//! in which it was opened is written over, empty, before it is read; so that minute is waited for.

use crate::launch;
use crate::profile::{Profile, Resumes};
use crate::{Job, Setup};
use protocol::At;
use std::fs;
use std::path::Path;
use std::time::Duration;

const MINUTE: i64 = 60_000;

/// Comes back when the job's session can be taken up.
pub(super) async fn over(setup: &Setup, profile: &Profile, job: &Job, now: At) {
    let (Resumes::WithHistory { chats }, Some(session)) = (profile.resumes, &job.resume) else { return };
    let folder = launch::home(setup, profile).join(chats);
    let name = file_name(session, now);
    let opened = tokio::task::spawn_blocking(move || is_there(&folder, &name)).await;
    if opened.unwrap_or(false) {
        let rest = MINUTE - now.0.rem_euclid(MINUTE);
        tokio::time::sleep(Duration::from_millis(rest.unsigned_abs() + 100)).await;
    }
}

/// As Gemini CLI names it: `session-2026-11-22T12-15-adbbecab.jsonl`.
fn file_name(session: &str, now: At) -> String {
    let minutes = now.0.div_euclid(MINUTE);
    let (year, month, day) = protocol::date::civil(minutes.div_euclid(24 * 60));
    let of_day = minutes.rem_euclid(24 * 60);
    let short: String = session.chars().take(8).filter(char::is_ascii_alphanumeric).collect();
    format!("session-{year:04}-{month:02}-{day:02}T{:02}-{:02}-{short}.jsonl", of_day / 60, of_day % 60)
}

/// In the chats of any project.
fn is_there(folder: &Path, name: &str) -> bool {
    let projects = fs::read_dir(folder).into_iter().flatten().flatten();
    projects.map(|project| project.path().join("chats").join(name)).any(|file| file.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_this_minute_is_found_and_no_other() {
        let home = tempfile::tempdir().unwrap();
        let chats = home.path().join("tree/chats");
        fs::create_dir_all(&chats).unwrap();
        // 2026-11-22 12:15:41 UTC.
        let now = At(1_795_349_741_000);
        let name = file_name("adbbecab-d215-42f6", now);
        assert_eq!(name, "session-2026-11-22T12-15-adbbecab.jsonl");
        fs::write(chats.join(&name), "").unwrap();
        assert!(is_there(home.path(), &name));
        assert!(!is_there(home.path(), &file_name("adbbecab-d215-42f6", At(now.0 + MINUTE))));
        assert!(!is_there(home.path(), &file_name("../../x", now)));
    }
}
