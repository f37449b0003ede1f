//! Writes the page: which starter it is, what is there, and one small real write after another.

use super::page::{Body, Change, Page};
use super::render;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("write {path}")]
    Write { path: String, source: io::Error },
    #[error("read app/content.json, which is not what the practice agent wrote: {0}")]
    Content(serde_json::Error),
    #[error("tell the client")]
    Tell(#[from] agent_client_protocol::Error),
}

/// The page in a worktree.
pub(crate) struct Site {
    folder: PathBuf,
    starter: Starter,
    pub page: Page,
    /// Nothing of ours is there yet.
    fresh: bool,
    /// Two sides stand in the files, with git's marks between them.
    marked: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Starter {
    React,
    Plain,
}

/// One write that a person can see.
pub(crate) struct Step {
    pub title: String,
    files: Vec<(PathBuf, String)>,
}

impl Site {
    pub fn open(worktree: &Path) -> Result<Site, Error> {
        let folder = worktree.join("app");
        let starter =
            if folder.join("app/routes/home.tsx").exists() { Starter::React } else { Starter::Plain };
        let (page, fresh, marked) = match fs::read_to_string(folder.join("content.json")) {
            Ok(text) => {
                let theirs = first_side(&text);
                let marked = theirs != text;
                (serde_json::from_str(&theirs).map_err(Error::Content)?, false, marked)
            }
            Err(_) => (Page::default(), true, false),
        };
        Ok(Site { folder, starter, page, fresh, marked })
    }

    /// The writes that bring the page from what it is to what was asked, each a page that stands by itself.
    pub fn steps(&self, changes: &[Change]) -> Vec<Step> {
        let mut page = self.page.clone();
        let mut steps = Vec::new();
        for change in changes {
            let before = page.clone();
            page.apply(change);
            if page != before {
                steps.push(self.step(title_of(change), &page, steps.is_empty()));
            }
        }
        if self.marked && steps.is_empty() {
            steps.push(self.step("Bring both sides together".to_owned(), &page, true));
        }
        steps
    }

    fn step(&self, title: String, page: &Page, first: bool) -> Step {
        // The content of a page of strings always has a JSON form.
        let content = serde_json::to_string_pretty(page).unwrap_or_default() + "\n";
        let mut files = vec![(self.folder.join("content.json"), content)];
        match self.starter {
            Starter::React => files.push((self.folder.join("app/routes/home.tsx"), render::react_page(page))),
            Starter::Plain => {
                if first && self.fresh {
                    files.push((self.folder.join("public/style.css"), render::STYLE.to_owned()));
                }
                files.push((self.folder.join("public/index.html"), render::html_page(page)));
            }
        }
        Step { title, files }
    }
}

impl Step {
    pub fn write(&self) -> Result<(), Error> {
        for (path, text) in &self.files {
            write(path, text).map_err(|source| Error::Write { path: path.display().to_string(), source })?;
        }
        Ok(())
    }
}

/// What the others wrote where two sides stand in a text; what was asked of us is done on top of it once more.
fn first_side(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut ours = false;
    for line in text.split_inclusive('\n') {
        match line.get(..7) {
            Some("<<<<<<<") => {}
            Some("|||||||" | "=======") => ours = true,
            Some(">>>>>>>") => ours = false,
            _ if ours => {}
            _ => kept.push_str(line),
        }
    }
    kept
}

/// Whole or not at all: the preview reads while we write.
fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = path.with_file_name(format!(".{name}.new"));
    fs::write(&aside, text)?;
    fs::rename(&aside, path)
}

/// What is about to be done, for people.
pub(crate) fn plan_in_words(changes: &[Change]) -> String {
    let mut words: Vec<String> = changes.iter().map(|change| lower_first(&title_of(change))).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => "change nothing".to_owned(),
    }
}

fn title_of(change: &Change) -> String {
    match change {
        Change::Title(title) => format!("Write the title “{}”", short(title)),
        Change::Tagline(_) => "Write the tagline".to_owned(),
        Change::Add(section) => match section.body {
            Body::Form { .. } => format!("Add the form “{}”", short(&section.heading)),
            Body::List { .. } => format!("Add the list “{}”", short(&section.heading)),
            Body::Text { .. } | Body::Hours { .. } => {
                format!("Add the section “{}”", short(&section.heading))
            }
        },
        Change::Hours(_) => "Change the opening hours".to_owned(),
        Change::Text { section, .. } => format!("Change the text of “{}”", short(section)),
        Change::Heading { heading, .. } => format!("Change a heading to “{}”", short(heading)),
        Change::Button { label, .. } => format!("Name the button “{}”", short(label)),
        Change::Item { section, item } => format!("Add “{}” to “{}”", short(item), short(section)),
        Change::Remove { section } => format!("Remove “{}”", short(section)),
        Change::Note(_) => "Put your words on the page".to_owned(),
    }
}

fn short(text: &str) -> String {
    protocol::clean::line(text, 60)
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_sides_the_others_is_kept_and_ours_is_done_on_top_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let site = |text: &str| {
            fs::create_dir_all(folder.path().join("app")).unwrap();
            fs::write(folder.path().join("app/content.json"), text).unwrap();
            Site::open(folder.path()).unwrap()
        };
        let page = |title: &str| {
            serde_json::to_string_pretty(&Page { title: title.into(), ..Page::default() }).unwrap()
        };
        let (theirs, ours) = (page("Theirs"), page("Ours"));
        let line = |text: &str| text.lines().find(|line| line.contains("title")).unwrap().to_owned();
        let marks = format!("<<<<<<< main\n{}\n=======\n{}\n>>>>>>> work", line(&theirs), line(&ours));
        let marked = site(&theirs.replace(&line(&theirs), &marks));
        assert_eq!(marked.page.title, "Theirs");
        assert_eq!(marked.steps(&[]).len(), 1, "the marks go, whatever was asked");
        assert_eq!(marked.steps(&[Change::Tagline("bread".into())]).len(), 1);
        assert!(site(&theirs).steps(&[]).is_empty());
    }
}
