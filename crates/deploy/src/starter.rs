//! What a new project begins as: the guarded instruction files, which all starters share, and each starter's app.
//! Everything is in the program: making a project needs no network.

use crate::error::{Error, Result};
use protocol::clean;

/// A kind of app that a project can begin as.
#[derive(Debug)]
pub struct Starter {
    pub id: &'static str,
    pub title: &'static str,
    /// One line for whoever chooses.
    pub says: &'static str,
    /// A section of AGENTS.md.
    pub(crate) notes: &'static str,
    pub(crate) files: &'static [(&'static str, &'static [u8])],
}

pub(crate) struct StarterFile {
    pub path: String,
    pub exec: bool,
    pub data: Vec<u8>,
}

macro_rules! files {
    ($starter:literal: $($path:literal),+ $(,)?) => {
        &[$(($path, include_bytes!(concat!("../starters/", $starter, "/", $path)))),+]
    };
}

const INSTRUCTIONS: &[(&str, &[u8])] =
    files!("instructions": "SOUL.md", "AGENTS.md", "CLAUDE.md", "GLOSSARY.md");

const STARTERS: &[Starter] = &[
    Starter {
        id: "react",
        title: "Web app",
        says: "React 19, React Router, Tailwind 4 and Vite, served by Node: pages, forms and data on the server",
        notes: include_str!("../starters/react/NOTES.md"),
        files: files!("react":
            "app.toml",
            "app/.gitignore",
            "app/app/app.css",
            "app/app/root.tsx",
            "app/app/routes.ts",
            "app/app/routes/home.tsx",
            "app/package-lock.json",
            "app/package.json",
            "app/react-router.config.ts",
            "app/server.mjs",
            "app/test/home.test.mjs",
            "app/vite.config.ts",
        ),
    },
    Starter {
        id: "static",
        title: "Plain site",
        says: "HTML and CSS files, served as they are: nothing to build, nothing to install",
        notes: include_str!("../starters/static/NOTES.md"),
        files: files!("static": "app.toml", "app/public/index.html", "app/public/style.css"),
    },
];

pub fn starters() -> &'static [Starter] {
    STARTERS
}

pub fn find(id: &str) -> Result<&'static Starter> {
    STARTERS.iter().find(|starter| starter.id == id).ok_or_else(|| Error::NoStarter {
        name: id.chars().take(80).collect(),
        known: STARTERS.iter().map(|starter| starter.id).collect::<Vec<_>>().join(", "),
    })
}

impl Starter {
    /// The first commit's files of a project called `name`.
    pub(crate) fn files(&self, name: &str) -> Vec<StarterFile> {
        let name = clean::line(name, 80);
        let file = |path: &str, data: Vec<u8>| StarterFile { path: path.to_owned(), exec: false, data };
        let mut files: Vec<_> = INSTRUCTIONS
            .iter()
            .map(|(path, data)| {
                let text = String::from_utf8_lossy(data);
                file(
                    path,
                    text.replace("{notes}", self.notes.trim_end()).replace("{name}", &name).into_bytes(),
                )
            })
            .collect();
        files.extend(
            ["steps/planned/.gitkeep", "steps/completed/.gitkeep"].map(|path| file(path, Vec::new())),
        );
        files.extend(self.files.iter().map(|(path, data)| file(path, data.to_vec())));
        files
    }

    /// One file of the app, as it is in every new project.
    pub(crate) fn file(&self, path: &str) -> Option<&'static [u8]> {
        self.files.iter().find(|(known, _)| *known == path).map(|(_, data)| *data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn on_disk(dir: &Path, prefix: &str, into: &mut Vec<String>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{prefix}{}", entry.file_name().into_string().unwrap());
            match entry.file_type().unwrap().is_dir() {
                true => on_disk(&entry.path(), &format!("{path}/"), into),
                false => into.push(path),
            }
        }
    }

    #[test]
    fn no_file_of_a_starter_is_forgotten_in_the_list() {
        for starter in starters() {
            let mut found = Vec::new();
            on_disk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("starters").join(starter.id), "", &mut found);
            found.retain(|path| path != "NOTES.md");
            found.sort();
            let mut listed: Vec<_> = starter.files.iter().map(|(path, _)| (*path).to_owned()).collect();
            listed.sort();
            assert_eq!(listed, found);
        }
    }

    #[test]
    fn a_lockfile_names_no_registry() {
        for starter in starters() {
            if let Some(lock) = starter.file("app/package-lock.json") {
                let lock = String::from_utf8_lossy(lock);
                assert!(!lock.contains("\"resolved\"") && lock.contains("\"integrity\""));
            }
        }
    }

    #[test]
    fn the_name_is_text_wherever_it_stands() {
        let files = find("static").unwrap().files("Bäckerei\n# {notes}\u{202E}");
        let soul = String::from_utf8_lossy(&files[0].data).into_owned();
        assert!(soul.contains("Bäckerei # {notes}") && !soul.contains('\u{202E}'), "{soul}");
        assert!(files.iter().any(|file| file.path == "steps/planned/.gitkeep"));
    }
}
