//! What the scripted agent does, as data.

use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// `session/new` is refused with "authentication required".
    #[serde(default)]
    pub signed_out: bool,
    /// `session/cancel` is not heard: only killing it helps.
    #[serde(default)]
    pub deaf: bool,
    /// The first one that matches a prompt plays.
    pub scenes: Vec<Scene>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    pub name: String,
    /// Words that must all occur in the prompt, whatever their case. None: every prompt matches.
    #[serde(default)]
    pub when: Vec<String>,
    /// One list for each attempt; the last one again after that.
    pub attempts: Vec<Vec<Act>>,
}

/// Paths are relative to the session's working directory; `..` and absolute ones are taken as they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Act {
    Write {
        path: String,
        content: String,
    },
    Append {
        path: String,
        content: String,
    },
    /// Replace a text that occurs in a file.
    Replace {
        path: String,
        old: String,
        new: String,
    },
    Delete {
        path: String,
    },
    Symlink {
        path: String,
        target: String,
    },
    /// `mode` in octal, such as "755".
    Chmod {
        path: String,
        mode: String,
    },
    /// An executable hook in the repository that the working directory belongs to.
    GitHook {
        name: String,
        content: String,
    },
    /// Through `sh -c`; what it prints is said.
    Shell {
        command: String,
    },
    /// A process in a session of its own that outlives the agent, if it is let. Its number is written to `pid_file`.
    Child {
        seconds: u32,
        pid_file: String,
    },
    Sleep {
        ms: u64,
    },
    /// Wait for a file to be there: how a test lets the agent go on.
    Await {
        path: String,
    },
    /// Nothing more until it is cancelled or killed.
    Hang,
    Print {
        text: String,
    },
    Stderr {
        text: String,
    },
    /// Ask for permission; what was answered is said.
    Ask {
        title: String,
    },
    /// What the turn's end will report.
    Usage(Spent),
    /// End the process without an answer.
    Exit {
        code: i32,
    },
    /// Answer the prompt with a protocol error.
    Fail {
        code: i32,
        message: String,
    },
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spent {
    pub input: u64,
    #[serde(default)]
    pub cache_read: u64,
    #[serde(default)]
    pub cache_write: u64,
    pub output: u64,
    #[serde(default)]
    pub reasoning: u64,
    #[serde(default)]
    pub cost_usd: Option<f64>,
}

impl Script {
    pub fn read(path: &Path) -> std::io::Result<Script> {
        let text = std::fs::read_to_string(path)?;
        serde_json::from_str(&text).map_err(|e| std::io::Error::other(format!("{}: {e}", path.display())))
    }

    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        std::fs::write(path, serde_json::to_vec_pretty(self)?)
    }

    /// One scene that every prompt matches.
    pub fn always(attempts: Vec<Vec<Act>>) -> Script {
        let scenes = vec![Scene { name: "always".into(), when: vec![], attempts }];
        Script { scenes, ..Script::default() }
    }

    pub fn scene(&self, prompt: &str) -> Option<&Scene> {
        let lower = prompt.to_lowercase();
        self.scenes.iter().find(|scene| scene.when.iter().all(|word| lower.contains(&word.to_lowercase())))
    }
}

impl Scene {
    /// What to do for this prompt. See [`command_line`](super::command_line) for how attempts are told apart.
    pub fn acts(&self, prompt: &str, state: Option<&Path>) -> std::io::Result<&[Act]> {
        let attempt = match state {
            Some(folder) => self.count(folder)?,
            None => usize::from(prompt.contains(crate::RETRY_MARK)),
        };
        let last = self.attempts.len().saturating_sub(1);
        Ok(self.attempts.get(attempt.min(last)).map(Vec::as_slice).unwrap_or_default())
    }

    /// How many prompts this scene had before; this one is added.
    fn count(&self, folder: &Path) -> std::io::Result<usize> {
        let name: String = self.name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .create(true)
            .open(folder.join(format!("{name}.attempts")))?;
        file.write_all(b".")?;
        usize::try_from(file.metadata()?.len()).map(|length| length - 1).map_err(std::io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Script {
        let said = |text: &str| vec![Act::Print { text: text.into() }];
        Script::always(vec![said("first"), said("second")])
    }

    #[test]
    fn a_brief_that_tells_of_a_failure_is_the_second_attempt() {
        let script = two();
        let scene = script.scene("x").unwrap();
        assert_eq!(scene.acts("x", None).unwrap(), scene.attempts[0]);
        assert_eq!(scene.acts("x What failed before: y", None).unwrap(), scene.attempts[1]);
    }

    #[test]
    fn a_state_folder_counts_and_the_last_attempt_stays() {
        let folder = tempfile::tempdir().unwrap();
        let script = two();
        let scene = script.scene("x").unwrap();
        for expected in [0, 1, 1] {
            assert_eq!(scene.acts("x", Some(folder.path())).unwrap(), scene.attempts[expected]);
        }
    }

    #[test]
    fn a_script_survives_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("script.json");
        two().write(&path).unwrap();
        assert_eq!(Script::read(&path).unwrap(), two());
    }
}
