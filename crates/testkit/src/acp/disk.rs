//! The acts that touch the disk or start a program, done at once and with no care.

use super::script::Act;
use std::io::{Error, Result};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, io::Write};

/// Does it in `cwd`; what there is to say about it, if anything.
pub fn perform(act: &Act, cwd: &Path) -> Result<Option<String>> {
    match act {
        Act::Write { path, content } => write(&cwd.join(path), content)?,
        Act::Append { path, content } => {
            fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(cwd.join(path))?
                .write_all(content.as_bytes())?;
        }
        Act::Replace { path, old, new } => replace(&cwd.join(path), old, new)?,
        Act::Delete { path } => delete(&cwd.join(path))?,
        Act::Symlink { path, target } => {
            let link = cwd.join(path);
            fs::create_dir_all(link.parent().unwrap_or(cwd))?;
            std::os::unix::fs::symlink(target, link)?;
        }
        Act::Chmod { path, mode } => chmod(&cwd.join(path), mode)?,
        Act::GitHook { name, content } => {
            let hook = git_folder(cwd)?.join("hooks").join(name);
            write(&hook, content)?;
            chmod(&hook, "755")?;
        }
        Act::Shell { command } => return shell(command, cwd).map(Some),
        Act::Child { seconds, pid_file } => {
            let mut setsid = Command::new("setsid");
            let child = quiet(setsid.arg("sleep").arg(seconds.to_string()).current_dir(cwd)).spawn()?;
            write(&cwd.join(pid_file), &child.id().to_string())?;
        }
        Act::Sleep { .. }
        | Act::Await { .. }
        | Act::Hang
        | Act::Print { .. }
        | Act::Stderr { .. }
        | Act::Ask { .. }
        | Act::Usage(_)
        | Act::Exit { .. }
        | Act::Fail { .. } => {}
    }
    Ok(None)
}

fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

fn write(path: &Path, content: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, content)
}

fn replace(path: &Path, old: &str, new: &str) -> Result<()> {
    let text = fs::read_to_string(path)?;
    if !text.contains(old) {
        return Err(Error::other("the text is not in the file"));
    }
    fs::write(path, text.replace(old, new))
}

fn delete(path: &Path) -> Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn chmod(path: &Path, mode: &str) -> Result<()> {
    let mode = u32::from_str_radix(mode, 8).map_err(Error::other)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn shell(command: &str, cwd: &Path) -> Result<String> {
    let done = Command::new("sh").arg("-c").arg(command).current_dir(cwd).stdin(Stdio::null()).output()?;
    let text = [done.stdout, done.stderr].concat();
    Ok(format!("{}\n{}", done.status, String::from_utf8_lossy(&text)))
}

/// The repository's own folder, also from a linked worktree, whose `.git` is a file that names its part of it.
fn git_folder(cwd: &Path) -> Result<PathBuf> {
    let dot_git = cwd.join(".git");
    if dot_git.is_dir() {
        return Ok(dot_git);
    }
    let link = fs::read_to_string(&dot_git)?;
    let part = link.trim().strip_prefix("gitdir: ").ok_or_else(|| Error::other("not a worktree"))?;
    let part = cwd.join(part);
    let common = fs::read_to_string(part.join("commondir"))?;
    Ok(part.join(common.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_lands_in_the_repository_of_a_linked_worktree() {
        let folder = tempfile::tempdir().unwrap();
        let git = |args: &[&str], cwd: &Path| {
            let base = ["-c", "user.name=t", "-c", "user.email=t@t"];
            assert!(
                Command::new("git").args(base).args(args).current_dir(cwd).output().unwrap().status.success()
            );
        };
        let repo = folder.path().join("repo");
        fs::create_dir(&repo).unwrap();
        git(&["init", "-q"], &repo);
        git(&["commit", "-q", "--allow-empty", "-m", "x"], &repo);
        git(&["worktree", "add", "-q", "../tree"], &repo);
        let hook = Act::GitHook { name: "pre-commit".into(), content: "#!/bin/sh\n".into() };
        perform(&hook, &folder.path().join("tree")).unwrap();
        assert!(repo.join(".git/hooks/pre-commit").exists());
    }

    #[test]
    fn what_cannot_be_done_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(perform(&Act::Delete { path: "nothing".into() }, folder.path()).is_err());
        let replace = Act::Replace { path: "a".into(), old: "x".into(), new: "y".into() };
        perform(&Act::Write { path: "a".into(), content: "b".into() }, folder.path()).unwrap();
        assert!(perform(&replace, folder.path()).is_err());
    }
}
