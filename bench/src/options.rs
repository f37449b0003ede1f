//! What is said on the command line besides the names of benches, and where things are looked for that it does not say.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Public sets: `cosqa/` and `locomo10.json`.
    pub sets: Option<PathBuf>,
    /// A set in the form of our own.
    pub set: Option<PathBuf>,
    /// Where `lightrag-hku[api]` is installed.
    pub lightrag: Option<PathBuf>,
    /// Where embedding models are kept between runs.
    pub models: Option<PathBuf>,
}

impl Options {
    /// Takes `--sets DIR`, `--set FOLDER`, `--lightrag VENV` and `--models DIR` out of the words. What is left are names
    /// of benches.
    pub fn parse(words: &[&str]) -> Result<(Options, Vec<String>)> {
        let tools = std::env::var_os("LOOPWRIGHT_TOOLS").map(PathBuf::from);
        let beside = |name: &str| tools.as_ref().map(|tools| tools.join(name));
        let mut options = Options {
            sets: std::env::var_os("LOOPWRIGHT_SETS").map(PathBuf::from),
            set: None,
            lightrag: beside("lightrag").filter(|venv| venv.is_dir()),
            models: beside("models"),
        };
        let mut names = Vec::new();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let place = match *word {
                "--sets" => &mut options.sets,
                "--set" => &mut options.set,
                "--lightrag" => &mut options.lightrag,
                "--models" => &mut options.models,
                other if other.starts_with("--") => bail!("there is no option {other}"),
                name => {
                    names.push(name.to_owned());
                    continue;
                }
            };
            let value = words.next().with_context(|| format!("{word} needs a folder after it"))?;
            *place = Some(std::path::absolute(value)?);
        }
        Ok((options, names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_names_may_stand_in_any_order() {
        let (options, names) = Options::parse(&["--sets", "/a", "memory", "--set", "/b", "spine"]).unwrap();
        assert_eq!((options.sets, options.set), (Some("/a".into()), Some("/b".into())));
        assert_eq!(names, ["memory", "spine"]);
        assert!(Options::parse(&["--sets"]).is_err());
        assert!(Options::parse(&["--seets", "/a"]).is_err());
    }
}
