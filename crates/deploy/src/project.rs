//! Projects as bare git repositories: making one from a starter, reading and changing files of the main branch by
//! plumbing, with no worktree and no hook. Every change of `main` is a compare-and-swap.

use crate::error::{Error, Result};
use crate::git::{AUTHOR, EMAIL, Git, commit_id, quoted, rev};
use crate::leftovers::WORK;
use crate::starter;
use crate::yard::{Yard, guard, make_dir, remove_all, write};
use protocol::fact::DiffStat;
use protocol::view::InstructionEdit;
use protocol::{At, CommitId, ProjectId};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// A diff longer than this is cut, with a line that says so.
const MAX_DIFF: usize = 2 * 1024 * 1024;

/// What came of moving the main branch to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LandOutcome {
    /// It is on the main branch (now, or since an earlier call).
    Landed,
    /// The main branch has moved since the gate: gate and checks again.
    Stale,
}

/// The id that a project called `name` gets.
pub fn slug(name: &str) -> Result<ProjectId> {
    let bad = |why| Error::BadName { name: name.chars().take(80).collect(), why };
    if name.chars().any(char::is_control) {
        return Err(bad("it has control characters"));
    }
    let mut slug = String::new();
    for c in name.trim().to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' => slug.push(c),
            'ä' => slug.push_str("ae"),
            'ö' => slug.push_str("oe"),
            'ü' => slug.push_str("ue"),
            'ß' => slug.push_str("ss"),
            'à'..='å' => slug.push('a'),
            'è'..='ë' => slug.push('e'),
            'ì'..='ï' => slug.push('i'),
            'ò'..='õ' | 'ø' => slug.push('o'),
            'ù'..='û' => slug.push('u'),
            'ç' => slug.push('c'),
            'ñ' => slug.push('n'),
            '\'' | '’' => {}
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() {
        return Err(bad("it needs at least one letter a-z or digit"));
    }
    if slug.len() > 60 {
        return Err(bad("it is longer than 60 letters"));
    }
    ProjectId::new(slug).map_err(|_| bad("it makes no id"))
}

impl Yard {
    /// Makes the project's repository; its first commit is the starter. `name` is the name as people write it.
    pub async fn create_project(
        &self,
        project: &ProjectId,
        name: &str,
        starter: &str,
        at: At,
    ) -> Result<CommitId> {
        let starter = starter::find(starter)?;
        let dir = self.project_dir(project);
        let fresh = self.home.join("projects").join(format!(".new-{project}"));
        if dir.exists() {
            return Err(Error::ProjectExists(project.clone()));
        }
        // Made aside and moved into place: a project is there whole or not at all.
        remove_all(&fresh)?;
        make_dir(&fresh.join("worktrees"))?;
        let repo = fresh.join("repo.git");
        lay_out_bare(&repo)?;
        let files = starter.files(name);
        let changes: Vec<_> =
            files.iter().map(|file| Change::put(file.path.as_bytes(), file.exec, &file.data)).collect();
        let when = format!("{} +0000", at.0.div_euclid(1000).max(0));
        let message = format!("begin {name} from the {} starter", starter.id);
        let git = Git::bare(&repo).env(WORK, &self.home);
        let commit = import(&git, "refs/heads/main", None, &message, &when, &changes).await?;
        guard(&fresh)?;
        match std::fs::rename(&fresh, &dir) {
            Ok(()) => Ok(commit),
            Err(_) if dir.exists() => Err(Error::ProjectExists(project.clone())),
            Err(error) => Err(Error::io(format!("move project {project} into place"))(error)),
        }
    }

    pub fn has_project(&self, project: &ProjectId) -> bool {
        self.repo_dir(project).join("HEAD").is_file()
    }

    /// The main branch's commit.
    pub async fn head(&self, project: &ProjectId) -> Result<CommitId> {
        self.branch(project, "main").await
    }

    pub(crate) async fn branch(&self, project: &ProjectId, name: &str) -> Result<CommitId> {
        let git = self.git(project)?;
        // Refs are never packed here, so that reading one needs no process. Git is asked if that ever changes.
        if let Ok(text) = std::fs::read_to_string(self.repo_dir(project).join("refs/heads").join(name))
            && let Ok(commit) = commit_id(&text)
        {
            return Ok(commit);
        }
        git.commit_of(&[
            "rev-parse",
            "--verify",
            "--quiet",
            "--end-of-options",
            &format!("refs/heads/{name}^{{commit}}"),
        ])
        .await
    }

    /// A file's bytes at a commit (full hex) or at `main`; none if there is no such file.
    pub async fn read(&self, project: &ProjectId, at: &str, path: &str) -> Result<Option<Vec<u8>>> {
        let git = self.git(project)?;
        let at = if at == "main" { self.head(project).await? } else { commit_id(at)? };
        let spec = format!("{at}:{}", clean_path(path)?);
        let said = git.run(&["cat-file", "blob", &spec], Vec::new()).await?;
        match said.code {
            Some(0) => Ok(Some(said.out)),
            _ if said.err.contains("does not exist") || said.err.contains("Not a valid object name") => {
                Ok(None)
            }
            _ if said.err.contains("bad file") => Ok(None),
            _ => Err(crate::git::failed(&["cat-file"], &said)),
        }
    }

    /// Who changed a file on the main branch, newest first, at most 200.
    pub async fn history(&self, project: &ProjectId, path: &str) -> Result<Vec<InstructionEdit>> {
        let git = self.git(project)?;
        let path = clean_path(path)?;
        let args =
            ["log", "-n200", "--format=%H%x09%ct%x09%s", "--end-of-options", "refs/heads/main", "--", path];
        let text = git.out(&args).await?;
        String::from_utf8_lossy(&text).lines().map(edit).collect()
    }

    /// Writes (`Some`) or removes (`None`) files on the main branch as one commit. With `expected_main` only if the
    /// branch is still there, else [`Error::Moved`]. Nothing to change: the commit that is there.
    pub async fn commit_files(
        &self,
        project: &ProjectId,
        files: &[(&str, Option<&[u8]>)],
        message: &str,
        expected_main: Option<&CommitId>,
    ) -> Result<CommitId> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let git = self.git(project)?;
        let head = self.head(project).await?;
        if expected_main.is_some_and(|expected| *expected != head) {
            return Err(Error::Moved);
        }
        let mut changes = Vec::new();
        for (path, data) in files {
            let path = clean_path(path)?.as_bytes();
            changes.push(match data {
                Some(data) => Change::put(path, false, data),
                None => Change { path, what: What::Remove },
            });
        }
        let aside =
            format!("refs/loopwright/aside-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let commit = import(&git, &aside, Some(&head), message, "now", &changes).await?;
        let trees =
            git.line(&["rev-parse", &format!("{commit}^{{tree}}"), &format!("{head}^{{tree}}")]).await?;
        if trees.lines().next() == trees.lines().next_back() {
            move_refs(&git, &format!("delete {aside}\n")).await?;
            return Ok(head);
        }
        // Done again after a crash, it is there already.
        let trees =
            git.line(&["rev-parse", &format!("{commit}^{{tree}}"), &format!("{head}^{{tree}}")]).await?;
        if trees.lines().next() == trees.lines().last() {
            move_refs(&git, &format!("delete {aside}\n")).await?;
            return Ok(head);
        }
        let swap = format!("update refs/heads/main {commit} {head}\ndelete {aside}\n");
        move_refs(&git, &swap).await?;
        Ok(commit)
    }

    /// Moves the main branch to a commit that the gate made on top of it. The same again is [`LandOutcome::Landed`].
    pub async fn land(&self, project: &ProjectId, commit: &CommitId) -> Result<LandOutcome> {
        let git = self.git(project)?;
        let head = self.head(project).await?;
        let hex = rev(commit)?;
        if head == *commit {
            return Ok(LandOutcome::Landed);
        }
        let parent =
            git.commit_of(&["rev-parse", "--verify", "--end-of-options", &format!("{hex}^1")]).await?;
        if parent == head {
            return match move_refs(&git, &format!("update refs/heads/main {hex} {head}\n")).await {
                Ok(()) => Ok(LandOutcome::Landed),
                Err(Error::Moved) => Ok(LandOutcome::Stale),
                Err(error) => Err(error),
            };
        }
        let said = git.run(&["merge-base", "--is-ancestor", hex, head.as_str()], Vec::new()).await?;
        match said.code {
            Some(0) => Ok(LandOutcome::Landed),
            Some(1) => Ok(LandOutcome::Stale),
            _ => Err(crate::git::failed(&["merge-base"], &said)),
        }
    }

    /// A unified diff; a very long one is cut and says so.
    pub async fn diff(&self, project: &ProjectId, from: &CommitId, to: &CommitId) -> Result<String> {
        let args = [
            "diff-tree",
            "-p",
            "-r",
            "--no-color",
            "--no-ext-diff",
            "--no-textconv",
            "--no-renames",
            rev(from)?,
            rev(to)?,
        ];
        let mut diff = String::from_utf8_lossy(&self.git(project)?.out(&args).await?).into_owned();
        if diff.len() > MAX_DIFF {
            let cut = (0..=MAX_DIFF).rev().find(|at| diff.is_char_boundary(*at)).unwrap_or(0);
            diff.truncate(cut);
            diff.push_str("\n… the rest of this diff is not shown: it is longer than 2 MiB\n");
        }
        Ok(diff)
    }

    /// The files that differ, with the lines added and removed in each; the first `most` of them.
    pub async fn changed(
        &self,
        project: &ProjectId,
        from: &CommitId,
        to: &CommitId,
        most: usize,
    ) -> Result<Vec<(String, DiffStat)>> {
        let args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", rev(from)?, rev(to)?];
        let out = self.git(project)?.out(&args).await?;
        let rows = out.split(|byte| *byte == 0).filter(|row| !row.is_empty()).take(most);
        let read = |row: &[u8]| {
            let row = String::from_utf8_lossy(row);
            let mut fields = row.splitn(3, '\t');
            let mut count = || fields.next().unwrap_or_default().parse().unwrap_or(0);
            let (added, removed) = (count(), count());
            (fields.next().unwrap_or_default().to_owned(), DiffStat { files: 1, added, removed })
        };
        Ok(rows.map(read).collect())
    }

    pub async fn diffstat(&self, project: &ProjectId, from: &CommitId, to: &CommitId) -> Result<DiffStat> {
        numstat(&self.git(project)?, from, to).await
    }
}

pub(crate) async fn numstat(git: &Git, from: &CommitId, to: &CommitId) -> Result<DiffStat> {
    let text = git.out(&["diff-tree", "-r", "--numstat", "--no-renames", rev(from)?, rev(to)?]).await?;
    let mut stat = DiffStat::default();
    for line in String::from_utf8_lossy(&text).lines() {
        let mut fields = line.split('\t');
        let mut number = || fields.next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        stat.files += 1;
        stat.added = stat.added.saturating_add(number());
        stat.removed = stat.removed.saturating_add(number());
    }
    Ok(stat)
}

/// One change of a tree, for [`import`].
pub(crate) struct Change<'a> {
    pub path: &'a [u8],
    pub what: What<'a>,
}

pub(crate) enum What<'a> {
    Put {
        mode: &'static str,
        data: &'a [u8],
    },
    /// An object that git has, or a gitlink.
    Point {
        mode: &'a str,
        object: &'a str,
    },
    Remove,
}

impl<'a> Change<'a> {
    pub fn put(path: &'a [u8], exec: bool, data: &'a [u8]) -> Change<'a> {
        Change { path, what: What::Put { mode: if exec { "100755" } else { "100644" }, data } }
    }
}

/// Makes one commit on `branch` in a single process. `when`: `now`, or seconds and zone.
pub(crate) async fn import(
    git: &Git,
    branch: &str,
    from: Option<&CommitId>,
    message: &str,
    when: &str,
    changes: &[Change<'_>],
) -> Result<CommitId> {
    let mut stream = Vec::new();
    let text = |stream: &mut Vec<u8>, text: String| stream.extend_from_slice(text.as_bytes());
    text(
        &mut stream,
        format!(
            "commit {branch}\nmark :1\ncommitter {AUTHOR} <{EMAIL}> {when}\ndata {}\n{message}\n",
            message.len()
        ),
    );
    if let Some(from) = from {
        text(&mut stream, format!("from {}\n", rev(from)?));
    }
    // Removals first: a folder may have become a file.
    for change in changes {
        if let What::Remove = change.what {
            text(&mut stream, format!("D {}\n", quoted(change.path)));
        }
    }
    for change in changes {
        match change.what {
            What::Remove => {}
            What::Point { mode, object } => {
                text(&mut stream, format!("M {mode} {object} {}\n", quoted(change.path)))
            }
            What::Put { mode, data } => {
                text(&mut stream, format!("M {mode} inline {}\ndata {}\n", quoted(change.path), data.len()));
                stream.extend_from_slice(data);
                stream.push(b'\n');
            }
        }
    }
    text(&mut stream, "\nget-mark :1\ndone\n".to_owned());
    let format = if when == "now" { "--date-format=now" } else { "--date-format=raw" };
    let out = git.feed(&["fast-import", "--quiet", "--done", format], stream).await?;
    commit_id(&String::from_utf8_lossy(&out))
}

/// One transaction over refs; [`Error::Moved`] when one is not where it was expected.
pub(crate) async fn move_refs(git: &Git, transaction: &str) -> Result<()> {
    let said = git.run(&["update-ref", "--stdin"], transaction.as_bytes().to_vec()).await?;
    match said.code {
        Some(0) => Ok(()),
        _ if said.err.contains("but expected") => Err(Error::Moved),
        _ => Err(crate::git::failed(&["update-ref"], &said)),
    }
}

fn edit(line: &str) -> Result<InstructionEdit> {
    let mut fields = line.splitn(3, '\t');
    let commit = commit_id(fields.next().unwrap_or_default())?;
    let seconds: i64 = fields.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Ok(InstructionEdit { commit, at: At(seconds * 1000), says: fields.next().unwrap_or_default().to_owned() })
}

/// A path inside a project as the daemon may ask for it.
pub(crate) fn clean_path(path: &str) -> Result<&str> {
    let bad = |why| Error::BadPath { path: path.chars().take(120).collect(), why };
    if path.is_empty() || path.starts_with('/') {
        return Err(bad("it must be relative to the project"));
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err(bad("it has characters that no path here has"));
    }
    if path
        .split('/')
        .any(|part| part.is_empty() || part == "." || part == ".." || part.eq_ignore_ascii_case(".git"))
    {
        return Err(bad("it has an empty part, a dot part or .git"));
    }
    Ok(path)
}

fn lay_out_bare(repo: &Path) -> Result<()> {
    for dir in ["objects/info", "objects/pack", "refs/heads", "refs/tags", "info", "worktrees"] {
        make_dir(&repo.join(dir))?;
    }
    write(&repo.join("HEAD"), "ref: refs/heads/main\n")?;
    let config =
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";
    write(&repo.join("config"), config)
}
