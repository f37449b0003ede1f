//! What a run left behind, found without the driver's help: processes that carry the attempt's mark or work in its folder,
//! and files in its temporary folder.

use std::fs;
use std::path::Path;

/// The variable with which the driver marks every process of an attempt. That the mark is really carried is seen while
/// each run goes on; else its absence afterwards would prove nothing.
pub const MARK: &str = "LOOPWRIGHT_ATTEMPT";

/// Living processes of the attempt, each as `PID COMMAND`.
pub fn processes(attempt: &str, place: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let mark = format!("{MARK}={attempt}").into_bytes();
    let folders = entries.flatten().map(|entry| entry.path());
    folders.filter(|folder| is_of(folder, &mark, place)).map(|folder| described(&folder)).collect()
}

fn is_of(process: &Path, mark: &[u8], place: &Path) -> bool {
    let environ = fs::read(process.join("environ")).unwrap_or_default();
    let works_there = || fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd.starts_with(place));
    !is_zombie(process) && (environ.split(|byte| *byte == 0).any(|entry| entry == mark) || works_there())
}

fn is_zombie(process: &Path) -> bool {
    let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with(['Z', 'X']))
}

fn described(process: &Path) -> String {
    let pid = process.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let command = fs::read(process.join("cmdline")).unwrap_or_default();
    let words = String::from_utf8_lossy(&command).replace('\0', " ");
    format!("process {pid} {}", words.chars().take(80).collect::<String>().trim())
}

/// Files below these folders, each by its path.
pub fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| format!("file {}", entry.path().display())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_seen_by_its_mark_and_by_its_folder_and_not_when_it_is_gone() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let id = format!("watched-{}", std::process::id());
        let sleep = |folder: &Path, mark: &str| {
            let mut command = Command::new("sleep");
            command.arg("600").env(MARK, mark).current_dir(folder).stdin(Stdio::null()).spawn().unwrap()
        };
        let mut all = [sleep(elsewhere.path(), &id), sleep(place.path(), "another")];
        assert_eq!(processes(&id, place.path()).len(), 2);
        for child in &mut all {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert_eq!(processes(&id, place.path()), Vec::<String>::new());
    }
}
