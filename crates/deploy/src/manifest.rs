//! `app.toml`: how an app is built, tested, started and checked. Programs are lists of arguments, never a shell line.
//! The shape is told to people in the starters' own `app.toml`.
//!
//! Placeholders in arguments: `{loopwrightd}` (our own program), `{port}` (preview only).

use serde::Deserialize;
use std::time::Duration;

/// A program and its arguments.
pub type Argv = Vec<String>;

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub app: App,
    #[serde(default)]
    pub deps: Option<Deps>,
    #[serde(default)]
    pub build: Steps,
    #[serde(default)]
    pub test: Steps,
    pub start: Start,
    #[serde(default)]
    pub health: Health,
    #[serde(default)]
    pub preview: Option<Preview>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct App {
    pub kind: String,
    #[serde(default)]
    pub name: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deps {
    /// Path of the lockfile in the project.
    pub lock: String,
    #[serde(default = "npm_ci")]
    pub install: Argv,
}

/// Programs that run one after the other in `app/`; the first that fails ends it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Steps {
    #[serde(default)]
    pub run: Vec<Argv>,
    #[serde(default = "five_minutes")]
    pub timeout_s: u64,
    #[serde(default = "a_gibibyte")]
    pub memory_mb: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Start {
    /// Listens on what PORT says: a port on 127.0.0.1 or the path of a unix socket.
    pub run: Argv,
    /// What of `app/` goes into a release.
    pub files: Vec<String>,
    #[serde(default = "half_a_gibibyte")]
    pub memory_mb: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    #[serde(default = "healthz")]
    pub path: String,
    #[serde(default = "half_a_minute")]
    pub timeout_s: u64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    pub run: Argv,
}

fn npm_ci() -> Argv {
    ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"].map(str::to_owned).to_vec()
}
fn five_minutes() -> u64 {
    300
}
fn half_a_minute() -> u64 {
    30
}
fn a_gibibyte() -> u64 {
    1024
}
fn half_a_gibibyte() -> u64 {
    512
}
fn healthz() -> String {
    "/healthz".into()
}

impl Default for Steps {
    fn default() -> Self {
        Steps { run: Vec::new(), timeout_s: five_minutes(), memory_mb: a_gibibyte() }
    }
}

impl Default for Health {
    fn default() -> Self {
        Health { path: healthz(), timeout_s: half_a_minute() }
    }
}

impl Steps {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }
}

/// Where `app.toml` is wrong, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("app.toml, line {line}, column {column}: {message}")]
pub struct Error {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    pub message: String,
}

/// The manifest in a file's text.
pub fn parse(text: &str) -> Result<Manifest, Error> {
    let manifest: Manifest = toml::from_str(text).map_err(|error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        Error { line, column, message: explained(error.message()) }
    })?;
    match problem(&manifest) {
        None => Ok(manifest),
        Some((section, key, message)) => {
            let (line, column) = find(text, section, key);
            Err(Error { line, column, message })
        }
    }
}

fn explained(message: &str) -> String {
    let message = message.trim().replace('\n', "; ");
    let hint = if message.contains("expected a sequence")
        || message.contains("expected a string") && message.contains("sequence")
    {
        " (a program is a list of its arguments: run = [\"node\", \"server.mjs\"]; build and test take a list of programs: run = [[\"npm\", \"run\", \"build\"]])"
    } else if message.contains("missing field `start`") {
        " (write a section [start] with run = [\"node\", \"server.mjs\"] and files = [\"build\", \"server.mjs\"])"
    } else if message.contains("missing field `app`") {
        " (write a section [app] with kind = \"node\" or \"static\")"
    } else if message.contains("missing field `files`") {
        " (list what of app/ goes into a release: files = [\"build\", \"server.mjs\"])"
    } else {
        ""
    };
    format!("{message}{hint}")
}

type Problem = (&'static str, &'static str, String);

fn problem(manifest: &Manifest) -> Option<Problem> {
    if !matches!(manifest.app.kind.as_str(), "node" | "static") {
        return Some((
            "app",
            "kind",
            format!("kind is {:?}; write \"node\" or \"static\"", manifest.app.kind),
        ));
    }
    if let Some(deps) = &manifest.deps {
        if let Some(why) = path_problem(&deps.lock, true) {
            return Some(("deps", "lock", why));
        }
        if deps.install != npm_ci() {
            let write = "write install = [\"npm\", \"ci\", \"--ignore-scripts\", \"--no-audit\", \"--no-fund\"], or leave it out";
            return Some(("deps", "install", format!("only this way of installing is supported; {write}")));
        }
    }
    for (section, steps) in [("build", &manifest.build), ("test", &manifest.test)] {
        let found = steps.run.iter().find_map(|argv| argv_problem(argv, false));
        if let Some(why) =
            found.or_else(|| (steps.run.len() > 20).then(|| "at most 20 programs are run".into()))
        {
            return Some((section, "run", why));
        }
        if let Some(why) = bounds("timeout_s", steps.timeout_s, 1, 3600) {
            return Some((section, "timeout_s", why));
        }
        if let Some(why) = bounds("memory_mb", steps.memory_mb, 64, 65_536) {
            return Some((section, "memory_mb", why));
        }
    }
    start_problem(manifest)
}

fn start_problem(manifest: &Manifest) -> Option<Problem> {
    let start = &manifest.start;
    if let Some(why) = argv_problem(&start.run, false) {
        return Some(("start", "run", why));
    }
    if start.files.is_empty() || start.files.len() > 200 {
        return Some(("start", "files", "list 1 to 200 files or folders of app/".into()));
    }
    if let Some(why) = start.files.iter().find_map(|file| path_problem(file, false)) {
        return Some(("start", "files", why));
    }
    if let Some(why) = bounds("memory_mb", start.memory_mb, 32, 65_536) {
        return Some(("start", "memory_mb", why));
    }
    let path = &manifest.health.path;
    if !path.starts_with('/') || path.len() > 200 || path.chars().any(|c| c.is_control() || c == ' ') {
        return Some((
            "health",
            "path",
            format!("path is {path:?}; write a path of the site such as \"/healthz\""),
        ));
    }
    if let Some(why) = bounds("timeout_s", manifest.health.timeout_s, 1, 300) {
        return Some(("health", "timeout_s", why));
    }
    let preview = manifest.preview.as_ref()?;
    let why = argv_problem(&preview.run, true)?;
    Some(("preview", "run", why))
}

fn argv_problem(argv: &[String], port: bool) -> Option<String> {
    match argv.first() {
        None => return Some("a program is missing; write a list such as [\"node\", \"server.mjs\"]".into()),
        Some(program) if program.is_empty() || program.contains(char::is_whitespace) => {
            return Some(format!("{program:?} is no program; write each argument as an item of its own"));
        }
        Some(_) => {}
    }
    if argv.len() > 64 || argv.iter().any(|arg| arg.len() > 4096 || arg.contains('\0')) {
        return Some("at most 64 arguments of at most 4096 bytes are taken".into());
    }
    let says_port = argv.iter().any(|arg| arg.contains("{port}"));
    match port {
        true if !says_port => Some("say where the port goes: an argument must have {port}".into()),
        false if says_port => {
            Some("{port} is only for [preview]; here the program reads PORT from its environment".into())
        }
        _ => None,
    }
}

fn path_problem(path: &str, from_root: bool) -> Option<String> {
    let clean = !path.starts_with('/')
        && !path.chars().any(|c| c.is_control() || c == '\\')
        && path.trim_end_matches('/').split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    if !clean || path.len() > 200 {
        return Some(format!("{path:?} is no path in app/; write one such as \"build\""));
    }
    (from_root && !path.starts_with("app/"))
        .then(|| format!("{path:?} is not in app/; write \"app/package-lock.json\""))
}

fn bounds(what: &str, value: u64, least: u64, most: u64) -> Option<String> {
    (!(least..=most).contains(&value))
        .then(|| format!("{what} is {value}; write a number from {least} to {most}"))
}

fn place(text: &str, at: usize) -> (usize, usize) {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + 1;
    (line, column)
}

/// Where a section's key stands; the section's head, or the first line, if it is not written.
fn find(text: &str, section: &str, key: &str) -> (usize, usize) {
    let mut place = (1, 1);
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        let trimmed = line.trim();
        if trimmed.starts_with('[')
            && trimmed.trim_end_matches(|c| c != ']').trim_matches(['[', ']', ' ']) == section
        {
            inside = true;
            place = (number + 1, 1);
        } else if inside && trimmed.starts_with('[') && !line.starts_with([' ', '\t']) {
            inside = false;
        } else if inside && trimmed.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('=')) {
            return (number + 1, line.len() - line.trim_start().len() + 1);
        }
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "[app]\nkind = \"node\"\n[start]\nrun = [\"node\", \"server.mjs\"]\nfiles = [\"build\"]\n";

    #[test]
    fn the_starters_are_right() {
        for starter in crate::starter::starters() {
            let text = String::from_utf8_lossy(starter.file("app.toml").unwrap()).into_owned();
            let manifest = parse(&text).unwrap();
            assert!(manifest.preview.is_some());
        }
    }

    #[test]
    fn what_is_left_out_has_a_sensible_value() {
        let manifest = parse(GOOD).unwrap();
        assert_eq!((manifest.build.timeout_s, manifest.health.path.as_str()), (300, "/healthz"));
    }

    #[test]
    fn a_mistake_is_told_with_line_column_and_what_to_write() {
        let cases = [
            (
                "[app]\nkind = \"node\"\n[start]\nrun = \"node server.mjs\"\nfiles = [\"b\"]\n",
                (4, 7),
                "list of its arguments",
            ),
            ("[app]\nkind = node\n", (2, 8), ""),
            (
                "[app]\nkind = \"ruby\"\n[start]\nrun=[\"x\"]\nfiles=[\"b\"]\n",
                (2, 1),
                "write \"node\" or \"static\"",
            ),
            (&format!("{GOOD}\n[build]\n  timeout_s = 99999\n"), (8, 3), "from 1 to 3600"),
            (&format!("{GOOD}\n[buidl]\nrun = []\n"), (7, 2), "unknown field `buidl`"),
            (&format!("{GOOD}\n[preview]\nrun = [\"vite\"]\n"), (8, 1), "{port}"),
            (&format!("{GOOD}[deps]\nlock = \"../x\"\n"), (7, 1), "no path in app/"),
            (&format!("{GOOD}[deps]\nlock = \"app/l\"\ninstall = [\"sh\"]\n"), (8, 1), "--ignore-scripts"),
            ("[app]\nkind = \"node\"\n", (1, 1), "[start]"),
            ("[app]\nkind = \"node\"\n[start]\nrun = [\"n\"]\nfiles = [\"a/../../b\"]\n", (5, 1), "no path"),
            (
                "[app]\nkind = \"node\"\n[start]\nrun = [\"node server.mjs\"]\nfiles = [\"a\"]\n",
                (4, 1),
                "an item of its own",
            ),
        ];
        for (text, (line, column), says) in cases {
            let error = parse(text).unwrap_err();
            assert_eq!((error.line, error.column), (line, column), "{text}\n{error}");
            assert!(error.message.contains(says), "{error}");
        }
    }
}
