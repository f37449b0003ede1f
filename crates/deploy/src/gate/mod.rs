//! The landing gate: reads what an attempt wants to change and says what may land. It judges the commit, never the
//! worktree and never anybody's word; only `app/` is open, and some things are not welcome even there.
//!
//! What passes becomes one commit on top of the main branch. The same question has the same answer: dates and
//! messages are taken from the attempt's commit, so that a repeated call makes the same commit.

mod packages;
mod paths;
mod secrets;

pub use secrets::redacted;

use crate::error::{Error, Result};
use crate::git::{Git, commit_id, failed, rev};
use crate::project::{Change, What, import, numstat};
use crate::snapshot::Mark;
use crate::yard::{Yard, in_place};
use protocol::fact::DiffStat;
use protocol::{AttemptId, CommitId, ProjectId};
use std::collections::{BTreeMap, BTreeSet};

/// Longer files do not land: they belong into a data folder, not into the repository.
pub const MAX_FILE: u64 = 5 * 1024 * 1024;
/// Files that are read at once, and how long they are together; their old contents come on top.
const MAX_BATCH: usize = 64;
const MAX_BATCH_BYTES: u64 = 8 * 1024 * 1024;
/// More violations than this are counted, not listed.
const MAX_LISTED: usize = 40;

/// One thing that may not land, and why, in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub path: String,
    pub why: String,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.why)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateOutcome {
    /// `commit` stands on the main branch and may land; `diff` is its size.
    Passed { commit: CommitId, diff: DiffStat },
    /// `cleaned`: only the allowed part, on top of the main branch, if anything allowed is left.
    Refused { violations: Vec<Violation>, cleaned: Option<CommitId> },
    /// The main branch has moved and says something else in the same places. `commit`: both sides on top of the main
    /// branch, with marks between them where they disagree; that is where the next attempt begins.
    Conflict { lines: Vec<String>, commit: CommitId },
}

impl Yard {
    /// May `commit` land on the main branch?
    pub async fn gate(
        &self,
        project: &ProjectId,
        attempt: &AttemptId,
        commit: &CommitId,
    ) -> Result<GateOutcome> {
        let git = self.git(project)?;
        let main = self.head(project).await?;
        let base = git.commit_of(&["merge-base", main.as_str(), rev(commit)?]).await?;
        let about = About::read(&git, commit).await?;
        let changes = changes(&git, &base, commit).await?;
        let Judged { refused, marked } = judge(&git, &changes).await?;
        if refused.is_empty() {
            let Merged { commit, disputed } = on_main(&git, &main, &base, commit, &about).await?;
            let lines = disputes(&disputed, &marked);
            if !lines.is_empty() {
                // No branch holds it until somebody works on it.
                self.keep(project, &commit)?;
                return Ok(GateOutcome::Conflict { lines, commit });
            }
            let diff = numstat(&git, &main, &commit).await?;
            return Ok(GateOutcome::Passed { commit, diff });
        }
        let bad: BTreeSet<&[u8]> = refused.iter().map(|(path, _)| path.as_slice()).collect();
        let good: Vec<&Raw> = changes.iter().filter(|change| !bad.contains(change.path.as_slice())).collect();
        let cleaned = match good.is_empty() {
            true => None,
            false => cleaned(&git, attempt, &main, &base, &about, &good).await?,
        };
        Ok(GateOutcome::Refused { violations: listed(&refused), cleaned })
    }
}

/// One changed path, as git tells it.
struct Raw {
    path: Vec<u8>,
    old_mode: String,
    mode: String,
    old_object: String,
    object: String,
}

impl Raw {
    fn is_removal(&self) -> bool {
        self.mode == "000000"
    }
    fn is_file(&self) -> bool {
        matches!(self.mode.as_str(), "100644" | "100755")
    }
}

async fn changes(git: &Git, base: &CommitId, commit: &CommitId) -> Result<Vec<Raw>> {
    let args = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--no-renames",
        "--ignore-submodules=none",
        rev(base)?,
        rev(commit)?,
    ];
    let out = git.out(&args).await?;
    let mut fields = out.split(|byte| *byte == 0);
    let mut changes = Vec::new();
    while let (Some(meta), Some(path)) = (fields.next().filter(|meta| !meta.is_empty()), fields.next()) {
        let meta = String::from_utf8_lossy(meta);
        let mut words = meta.trim_start_matches(':').split(' ').map(str::to_owned);
        let mut word = || words.next().unwrap_or_default();
        let (old_mode, mode, old_object, object) = (word(), word(), word(), word());
        changes.push(Raw { path: path.to_vec(), old_mode, mode, old_object, object });
    }
    Ok(changes)
}

#[derive(Default)]
struct Judged {
    /// Every change that may not land, with one reason each.
    refused: Vec<(Vec<u8>, String)>,
    /// Files that still hold the marks of an earlier conflict.
    marked: Vec<Vec<u8>>,
}

async fn judge(git: &Git, changes: &[Raw]) -> Result<Judged> {
    let Judged { mut refused, mut marked } = Judged::default();
    let mut to_read = Vec::new();
    for change in changes {
        match shape(change) {
            Some(why) => refused.push((change.path.clone(), why)),
            None if change.is_file() => to_read.push(change),
            None => {}
        }
    }
    let sizes = sizes(git, to_read.iter().map(|change| change.object.as_str())).await?;
    let (short, long): (Vec<&Raw>, Vec<&Raw>) = to_read
        .into_iter()
        .partition(|change| sizes.get(&change.object).is_some_and(|size| *size <= MAX_FILE));
    for change in long {
        let size = sizes.get(&change.object).copied().unwrap_or(0) / (1024 * 1024);
        refused.push((change.path.clone(), format!("is {size} MiB long; at most 5 MiB may land")));
    }
    for batch in batches(&short, &sizes) {
        let old = batch
            .iter()
            .filter(|change| change.old_mode.starts_with("100"))
            .map(|change| change.old_object.as_str());
        let contents = contents(git, batch.iter().map(|change| change.object.as_str()).chain(old)).await?;
        // A batch is megabytes of text, each file of it looked through for secrets.
        in_place(|| {
            for change in batch {
                let empty = Vec::new();
                let new = contents.get(&change.object).unwrap_or(&empty);
                let old = contents.get(&change.old_object).unwrap_or(&empty);
                if let Some(why) = content(&change.path, old, new) {
                    refused.push((change.path.clone(), why));
                }
                if has_marks(new) && !has_marks(old) {
                    marked.push(change.path.clone());
                }
            }
        });
    }
    Ok(Judged { refused, marked })
}

/// Git's marks around two sides that nobody has brought together.
fn has_marks(text: &[u8]) -> bool {
    let mut begun = false;
    text.split(|byte| *byte == b'\n').any(|line| {
        begun = begun || line.starts_with(b"<<<<<<< ");
        begun && line.starts_with(b">>>>>>> ")
    })
}

fn disputes(disputed: &[String], marked: &[Vec<u8>]) -> Vec<String> {
    let new = disputed.iter().map(|path| format!("{path}: the main branch has changed the same lines"));
    let old = marked.iter().map(|path| paths::shown(path)).filter(|path| !disputed.contains(path));
    let old = old.map(|path| format!("{path}: it still holds the marks of both sides (<<<<<<<, >>>>>>>)"));
    new.chain(old).take(MAX_LISTED).collect()
}

/// Changes that are read together: few enough that the longest files together are no burden.
fn batches<'a, 'b>(changes: &'b [&'a Raw], sizes: &'b BTreeMap<String, u64>) -> Vec<&'b [&'a Raw]> {
    let size = |change: &Raw| sizes.get(&change.object).copied().unwrap_or(0);
    let (mut batches, mut begun, mut bytes) = (Vec::new(), 0, 0);
    for (at, change) in changes.iter().enumerate() {
        if at > begun && (at - begun == MAX_BATCH || bytes + size(change) > MAX_BATCH_BYTES) {
            batches.extend(changes.get(begun..at));
            (begun, bytes) = (at, 0);
        }
        bytes += size(change);
    }
    batches.extend(changes.get(begun..).filter(|rest| !rest.is_empty()));
    batches
}

/// What the path and the mode alone say.
fn shape(change: &Raw) -> Option<String> {
    if let Some(mark) = Mark::of(&change.object) {
        return Some(match mark {
            Mark::NestedRepository => "is a git repository of its own; only plain files may land".into(),
            Mark::TooLarge => "is longer than 16 MiB; at most 5 MiB may land".into(),
            Mark::Special => "is a pipe, a socket or a device; only plain files may land".into(),
            Mark::TooMuch => "is more than one request may change (50,000 files, 128 MiB)".into(),
            Mark::Unreadable => "could not be read; only readable plain files may land".into(),
        });
    }
    if let Some(why) = paths::refused(&change.path) {
        return Some(why);
    }
    match change.mode.as_str() {
        "120000" => Some("is a symbolic link; only plain files may land".into()),
        "160000" => Some("is a git submodule; only plain files may land".into()),
        _ if change.is_removal() || change.is_file() => None,
        other => Some(format!("has the file mode {other}; only plain files may land")),
    }
}

fn content(path: &[u8], old: &[u8], new: &[u8]) -> Option<String> {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    let (old, text) = (String::from_utf8_lossy(old), String::from_utf8_lossy(new));
    match name {
        b"package.json" => packages::manifest(&old, &text).or_else(|| secrets::found(&old, &text, true)),
        b"package-lock.json" | b"npm-shrinkwrap.json" => {
            packages::lockfile(&text).or_else(|| secrets::found(&old, &text, false))
        }
        _ => secrets::found(&old, &text, true),
    }
}

async fn sizes(git: &Git, objects: impl Iterator<Item = &str>) -> Result<BTreeMap<String, u64>> {
    let ask: String = objects.map(|object| format!("{object}\n")).collect();
    if ask.is_empty() {
        return Ok(BTreeMap::new());
    }
    let out = git.feed(&["cat-file", "--batch-check=%(objectname) %(objectsize)"], ask.into_bytes()).await?;
    let line = |line: &str| {
        let (object, size) = line.split_once(' ')?;
        Some((object.to_owned(), size.parse().ok()?))
    };
    Ok(String::from_utf8_lossy(&out).lines().filter_map(line).collect())
}

async fn contents(git: &Git, objects: impl Iterator<Item = &str>) -> Result<BTreeMap<String, Vec<u8>>> {
    let ask: BTreeSet<&str> = objects.collect();
    let ask: String = ask.into_iter().map(|object| format!("{object}\n")).collect();
    let out = git.feed(&["cat-file", "--batch=%(objectname) %(objectsize)"], ask.into_bytes()).await?;
    let mut contents = BTreeMap::new();
    let mut rest = out.as_slice();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let head = String::from_utf8_lossy(&rest[..end]).into_owned();
        let Some((object, size)) =
            head.split_once(' ').and_then(|(o, s)| Some((o, s.parse::<usize>().ok()?)))
        else {
            return Err(Error::Git { what: "read a file of the attempt".into(), says: head });
        };
        let Some(data) = rest.get(end + 1..end + 1 + size) else { break };
        contents.insert(object.to_owned(), data.to_vec());
        rest = rest.get(end + 2 + size..).unwrap_or_default();
    }
    Ok(contents)
}

/// What a commit says of itself.
struct About {
    seconds: String,
    message: String,
}

impl About {
    async fn read(git: &Git, commit: &CommitId) -> Result<About> {
        let text = git.line(&["log", "-1", "--format=%ct%n%B", "--end-of-options", rev(commit)?]).await?;
        let (seconds, message) = text.split_once('\n').unwrap_or((&text, ""));
        Ok(About { seconds: seconds.trim().to_owned(), message: message.trim().to_owned() })
    }
}

/// A change on top of the main branch.
struct Merged {
    commit: CommitId,
    /// Files in which both sides changed the same lines. They hold both, with marks between.
    disputed: Vec<String>,
}

/// The change from `base` to `commit` as one commit on `main`.
async fn on_main(
    git: &Git,
    main: &CommitId,
    base: &CommitId,
    commit: &CommitId,
    about: &About,
) -> Result<Merged> {
    let mut disputed = Vec::new();
    let tree = if main == base {
        git.line(&["rev-parse", "--verify", &format!("{}^{{tree}}", rev(commit)?)]).await?
    } else {
        let args =
            ["merge-tree", "--write-tree", "--name-only", "--no-messages", main.as_str(), rev(commit)?];
        let said = git.run(&args, Vec::new()).await?;
        let text = String::from_utf8_lossy(&said.out).into_owned();
        match said.code {
            Some(0) => text.trim().to_owned(),
            // The tree, with its marks, is told first.
            Some(1) => {
                let names = text.lines().skip(1).filter(|line| !line.is_empty());
                disputed.extend(names.map(str::to_owned));
                text.lines().next().unwrap_or_default().to_owned()
            }
            _ => return Err(failed(&args[..1], &said)),
        }
    };
    if tree == git.line(&["rev-parse", "--verify", &format!("{main}^{{tree}}")]).await? {
        return Ok(Merged { commit: main.clone(), disputed });
    }
    let date = format!("{} +0000", about.seconds);
    let dated = git.clone().env("GIT_AUTHOR_DATE", date.clone()).env("GIT_COMMITTER_DATE", date);
    let args = ["commit-tree", &tree, "-p", main.as_str()];
    let out = dated.feed(&args, about.message.clone().into_bytes()).await?;
    Ok(Merged { commit: commit_id(&String::from_utf8_lossy(&out))?, disputed })
}

async fn cleaned(
    git: &Git,
    attempt: &AttemptId,
    main: &CommitId,
    base: &CommitId,
    about: &About,
    good: &[&Raw],
) -> Result<Option<CommitId>> {
    let changes: Vec<Change<'_>> = good
        .iter()
        .map(|raw| Change {
            path: &raw.path,
            what: match raw.is_removal() {
                true => What::Remove,
                false => What::Point { mode: &raw.mode, object: &raw.object },
            },
        })
        .collect();
    let branch = format!("refs/loopwright/cleaned/{attempt}");
    let when = format!("{} +0000", about.seconds);
    let commit = import(git, &branch, Some(base), &about.message, &when, &changes).await?;
    let merged = on_main(git, main, base, &commit, about).await?;
    Ok(Some(merged.commit).filter(|commit| merged.disputed.is_empty() && commit != main))
}

fn listed(refused: &[(Vec<u8>, String)]) -> Vec<Violation> {
    let mut list: Vec<Violation> = refused
        .iter()
        .take(MAX_LISTED)
        .map(|(path, why)| Violation { path: paths::shown(path), why: why.clone() })
        .collect();
    if refused.len() > MAX_LISTED {
        let why = format!("{} more changes may not land either", refused.len() - MAX_LISTED);
        list.push(Violation { path: "…".into(), why });
    }
    list
}
