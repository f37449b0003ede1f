//! `loopwrightd ssh-entry`: the one program that the desktop's key runs on a server. It takes its command from sshd, and
//! knows a few; no shell reads it.

use super::work;
use crate::print::line;
use anyhow::{Context, Result, bail};
use provision::{Root, paths};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const ALLOWED: &str = "hello | stdio | setup plan|apply|status|repair|upgrade|remove|export|health … | put SHA256 SIZE | get PATH [OFFSET]";

/// Where an export stays when all else goes.
const BACKUPS: &str = "/var/backups";

/// What may be asked for.
#[derive(Debug, PartialEq, Eq)]
enum Verb {
    Hello,
    Stdio,
    Setup(Vec<String>),
    Put { sha256: String, size: u64 },
    Get { path: PathBuf, offset: u64 },
}

pub fn run() -> Result<ExitCode> {
    let asked = std::env::var("SSH_ORIGINAL_COMMAND").unwrap_or_default();
    let verb = match parse(&asked) {
        Ok(verb) => verb,
        Err(why) => {
            writeln!(std::io::stderr().lock(), "{why}; allowed is: {ALLOWED}")?;
            return Ok(ExitCode::from(2));
        }
    };
    match verb {
        Verb::Hello => hello()?,
        Verb::Stdio => bridge(Path::new(paths::CONTROL))?,
        Verb::Setup(args) => {
            let mut command = Command::new("sudo");
            command.args(["-n", "--", paths::PROGRAM, "setup"]).args(args);
            // Returns only where it could not be started.
            return Err(command.exec()).context("failed to start sudo");
        }
        Verb::Put { sha256, size } => return put(Path::new(paths::INCOMING), &sha256, size),
        Verb::Get { path, offset } => get(&path, offset)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Words at blanks, with 'single' and "double" quotes; nothing else means anything.
fn split(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in text.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) if c.is_control() => return Err("the command holds a control character".to_owned()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err("a quote is not closed".to_owned());
    }
    words.extend(word);
    Ok(words)
}

fn parse(asked: &str) -> Result<Verb, String> {
    let words = split(asked)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["hello"] => Ok(Verb::Hello),
        ["stdio"] => Ok(Verb::Stdio),
        ["setup", work, rest @ ..] => setup(work, rest),
        ["put", sha256, size] => {
            let hex = sha256.len() == 64
                && sha256.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            let size = size.parse().ok().filter(|size| hex && *size <= 1 << 30);
            let size = size.ok_or("put takes a SHA-256 in small letters and a size of at most 1 GiB")?;
            Ok(Verb::Put { sha256: (*sha256).to_owned(), size })
        }
        ["get", path, offset @ ..] if offset.len() <= 1 => {
            let path = PathBuf::from(path);
            let name = path.file_name().filter(|_| path.parent() == Some(Path::new(paths::EXPORTS)));
            let offset = offset.first().map_or(Ok(0), |offset| offset.parse());
            match (name, offset) {
                (Some(_), Ok(offset)) => Ok(Verb::Get { path, offset }),
                _ => Err(format!("get takes a file below {}", paths::EXPORTS)),
            }
        }
        [] => Err("this key signs in for the desktop app alone".to_owned()),
        _ => Err(format!("{asked:?} is not allowed")),
    }
}

/// Only flags that the desktop needs, and paths where the desktop's own files lie.
fn setup(work: &str, rest: &[&str]) -> Result<Verb, String> {
    let (flags, values): (&[&str], &[&str]) = match work {
        "plan" => (&[], &["--wish", "--choice"]),
        "apply" => (&["--detach"], &["--wish", "--choice", "--plan"]),
        "repair" => (&["--detach"], &["--plan"]),
        "status" => (&["--follow"], &["--after"]),
        "upgrade" => (&["--detach"], &["--sha256"]),
        "remove" => (&["--dry-run", "--keep-data", "--detach"], &["--export"]),
        "export" | "health" => (&[], &[]),
        _ => return Err(format!("setup {work} is not allowed")),
    };
    let mut args = vec![work.to_owned()];
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let (name, inline) = word.split_once('=').map_or((*word, None), |(name, value)| (name, Some(value)));
        if flags.contains(word) || *word == "--json" {
            args.push((*word).to_owned());
        } else if values.contains(&name) {
            let value = inline.or_else(|| words.next().copied()).ok_or(format!("{name} needs a value"))?;
            match name {
                "--wish" if value != "-" => return Err("a wish is given on the standard input".to_owned()),
                "--export" if value != BACKUPS => {
                    return Err(format!("an export goes to {BACKUPS}"));
                }
                _ => args.push(format!("{name}={value}")),
            }
        } else {
            let known = match work {
                "upgrade" => is_below(word, paths::INCOMING),
                "export" => *word == paths::EXPORTS,
                _ => false,
            };
            if !known {
                return Err(format!("setup {work} does not take {word:?} from here"));
            }
            args.push((*word).to_owned());
        }
    }
    Ok(Verb::Setup(args))
}

fn is_below(path: &str, folder: &str) -> bool {
    let path = Path::new(path);
    path.parent() == Some(Path::new(folder)) && path.file_name().is_some()
}

fn hello() -> Result<()> {
    let program = std::env::current_exe()?;
    let entries = provision::read(&Root::new("/"))?;
    let state = protocol::setup::SetupState::of(&entries, provision::Lock::holder(&Root::new("/")).is_some());
    let greeting = super::line::greet(env!("CARGO_PKG_VERSION"), work::sha256(&program)?, state);
    line(&serde_json::to_string(&greeting)?)
}

fn bridge(socket: &Path) -> Result<()> {
    let stream =
        UnixStream::connect(socket).with_context(|| format!("no daemon answers on {}", socket.display()))?;
    let mut to = stream.try_clone()?;
    // It may wait for input for ever; the answer's end ends the program.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut to);
        let _ = to.shutdown(std::net::Shutdown::Write);
    });
    let mut from = stream;
    let mut out = std::io::stdout().lock();
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        out.write_all(buffer.get(..read).unwrap_or_default())?;
        out.flush()?;
    }
}

/// Takes a file of a known hash; what came before a cut is not asked for again.
fn put(folder: &Path, sha256: &str, size: u64) -> Result<ExitCode> {
    let (whole, part) = (folder.join(sha256), folder.join(format!("{sha256}.part")));
    let failed = || format!("failed to write {}", part.display());
    let has = |path: &Path| path.metadata().map(|meta| meta.len()).ok();
    if has(&whole) == Some(size) {
        line(&serde_json::json!({ "have": size }).to_string())?;
        line(&serde_json::json!({ "path": whole }).to_string())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut file = File::options().create(true).append(true).mode(0o600).open(&part).with_context(failed)?;
    let mut have = file.metadata()?.len();
    if have > size {
        file.set_len(0)?;
        have = 0;
    }
    line(&serde_json::json!({ "have": have }).to_string())?;
    let came =
        std::io::copy(&mut std::io::stdin().lock().take(size - have), &mut file).with_context(failed)?;
    file.sync_all().with_context(failed)?;
    if have + came < size {
        bail!("the connection ended at byte {} of {size}; ask again, it goes on from there", have + came);
    }
    if work::sha256(&part)? != sha256 {
        std::fs::remove_file(&part)?;
        bail!("what came is not the file that was announced; send it again");
    }
    std::fs::rename(&part, &whole).with_context(failed)?;
    line(&serde_json::json!({ "path": whole }).to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn get(path: &Path, offset: u64) -> Result<()> {
    let mut file = File::open(path).with_context(|| format!("failed to open {}", path.display()))?;
    file.seek(SeekFrom::Start(offset))?;
    std::io::copy(&mut file, &mut std::io::stdout().lock())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_desktop_needs_is_understood() {
        let sha = "a".repeat(64);
        assert_eq!(parse("hello"), Ok(Verb::Hello));
        assert_eq!(parse(&format!("put {sha} 12")), Ok(Verb::Put { sha256: sha.clone(), size: 12 }));
        let words = |words: &[&str]| Ok(Verb::Setup(words.iter().map(|word| (*word).to_owned()).collect()));
        assert_eq!(parse("setup plan --wish - --json"), words(&["plan", "--wish=-", "--json"]));
        assert_eq!(
            parse(&format!(
                "setup upgrade '/var/lib/loopwright/desk/incoming/{sha}' --sha256 {sha} --detach"
            )),
            words(&[
                "upgrade",
                &format!("/var/lib/loopwright/desk/incoming/{sha}"),
                &format!("--sha256={sha}"),
                "--detach"
            ])
        );
        assert_eq!(
            parse("get /var/lib/loopwright/desk/exports/x.tar.gz 7"),
            Ok(Verb::Get { path: "/var/lib/loopwright/desk/exports/x.tar.gz".into(), offset: 7 })
        );
        for wrong in [
            "",
            "sh",
            "hello; id",
            "hello\nid",
            "setup begin --key x",
            "setup resume",
            "setup plan --wish /etc/shadow",
            "setup upgrade /tmp/x",
            "setup upgrade /var/lib/loopwright/desk/incoming/../x",
            "setup upgrade /var/lib/loopwright/desk/incoming/a/b",
            "setup remove --export /etc",
            "setup export /etc",
            "get /etc/passwd",
            "get /var/lib/loopwright/desk/exports/../../secrets/x",
            "put ../x 3",
            "setup status '--after",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_cut_upload_goes_on_and_a_wrong_one_is_thrown_away() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("x"), "hello").unwrap();
        let sha = work::sha256(&dir.path().join("x")).unwrap();
        std::fs::rename(dir.path().join("x"), dir.path().join(&sha)).unwrap();
        assert_eq!(put(dir.path(), &sha, 5).unwrap(), ExitCode::SUCCESS);
    }
}
