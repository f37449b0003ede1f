//! Finds an agent's programs and makes its command line and its environment. The environment is built from nothing, so
//! that no secret of the daemon can leak into it.

use crate::Setup;
use crate::profile::{Profile, Program};
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A command line with all that it may know.
#[derive(Debug)]
pub(crate) struct Launch {
    pub argv: Vec<OsString>,
    pub env: Vec<(OsString, OsString)>,
}

/// A program of the agent is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("find the program `{program}`; {next}")]
pub(crate) struct Missing {
    pub program: String,
    pub next: String,
}

/// The command line that starts the agent as an ACP server.
pub(crate) fn acp(setup: &Setup, profile: &Profile, tmp: &Path) -> Result<Launch, Missing> {
    let mut env = environment(setup, profile, tmp);
    let Some(speaker) = profile.speaker() else {
        let argv: Vec<OsString> = setup.practice.iter().map(OsString::from).collect();
        if argv.is_empty() {
            let next =
                "the practice agent's command line is not set; this is the daemon's own fault".to_owned();
            return Err(Missing { program: profile.id.to_string(), next });
        }
        return Ok(Launch { argv, env });
    };
    if let (Some(cli), Some(var)) = (&profile.cli, profile.cli_env) {
        let program = find(setup, cli)?;
        if !env.iter().any(|(key, _)| key == var) {
            env.push((var.into(), program.into_os_string()));
        }
    }
    let mut argv = speaking(setup, profile, find(setup, speaker)?);
    argv.extend(profile.acp_args.iter().map(OsString::from));
    Ok(Launch { argv, env })
}

/// Without a launcher between us and the agent, where its program has one: what stands between cannot be signalled, and
/// lets go of what it launched when it dies.
fn speaking(setup: &Setup, profile: &Profile, program: PathBuf) -> Vec<OsString> {
    let mut argv = command(setup, program);
    let [node, script] = &mut argv[..] else { return argv };
    if let Some(beside) =
        profile.beside.map(|name| Path::new(script).with_file_name(name)).filter(|p| p.is_file())
    {
        *script = beside.into_os_string();
    }
    let (node, script) = (std::mem::take(node), std::mem::take(script));
    let args = profile.node_args.iter().map(OsString::from);
    std::iter::once(node).chain(args).chain([script]).collect()
}

/// The agent's own program with arguments, for asking it whether it is signed in.
pub(crate) fn cli(setup: &Setup, profile: &Profile, args: &[&str], tmp: &Path) -> Result<Launch, Missing> {
    let mut argv = match &profile.cli {
        Some(cli) => command(setup, find(setup, cli)?),
        None => Vec::new(),
    };
    argv.extend(args.iter().map(OsString::from));
    Ok(Launch { argv, env: environment(setup, profile, tmp) })
}

/// The home folder that the agent sees.
pub(crate) fn home(setup: &Setup, profile: &Profile) -> PathBuf {
    match &setup.homes {
        Some(homes) => homes.join(profile.id.as_str()),
        None => setup.user_home.clone(),
    }
}

pub(crate) fn find(setup: &Setup, program: &Program) -> Result<PathBuf, Missing> {
    let found = setup.path.iter().map(|folder| folder.join(program.name)).find(|path| is_program(path));
    found.map(crate::install::settled).ok_or_else(|| Missing {
        program: program.name.to_owned(),
        next: format!("install `{}`: {}", program.name, program.install),
    })
}

/// Whether there is a node for a program that needs one.
pub(crate) fn has_node(setup: &Setup, profile: &Profile) -> Result<(), Missing> {
    let Some(speaker) = profile.speaker() else { return Ok(()) };
    let needs = is_node_script(&find(setup, speaker)?).unwrap_or(false);
    let given = node(setup).is_some_and(|node| is_program(&node));
    let on_path =
        || std::env::split_paths(&search_path(setup)).any(|folder| is_program(&folder.join("node")));
    if !needs || given || on_path() {
        return Ok(());
    }
    let next = format!(
        "run `loopwrightd agents install {}`, which brings a Node, or install Node 22.22 or newer",
        profile.id
    );
    Err(Missing { program: "node".to_owned(), next })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Scripts for node run with the node that we were given, whatever their first line finds.
fn command(setup: &Setup, program: PathBuf) -> Vec<OsString> {
    match node(setup) {
        Some(node) if is_node_script(&program).unwrap_or(false) => {
            let script = program.canonicalize().unwrap_or(program);
            vec![node.into_os_string(), script.into_os_string()]
        }
        _ => vec![program.into_os_string()],
    }
}

fn is_node_script(path: &Path) -> io::Result<bool> {
    let mut head = [0u8; 64];
    let read = fs::File::open(path)?.read(&mut head)?;
    let head = &head[..read];
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(line.starts_with(b"#!") && line.windows(4).any(|word| word == b"node"))
}

/// The Node that was given, else the first on the path: one may be installed while we run.
pub(crate) fn node(setup: &Setup) -> Option<PathBuf> {
    match &setup.node {
        Some(given) if given.is_dir() => Some(given.join("node")),
        Some(given) => Some(given.clone()),
        None => setup.path.iter().map(|folder| folder.join("node")).find(|node| is_program(node)),
    }
}

fn environment(setup: &Setup, profile: &Profile, tmp: &Path) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = vec![
        ("PATH".into(), search_path(setup)),
        ("HOME".into(), home(setup, profile).into_os_string()),
        ("LANG".into(), "C.UTF-8".into()),
        ("TMPDIR".into(), tmp.as_os_str().to_owned()),
        ("TERM".into(), "dumb".into()),
        // A network whose proxy looks into TLS has its authority among the system's.
        ("NODE_USE_SYSTEM_CA".into(), "1".into()),
        // So that "try again at 3 pm" means one moment.
        ("TZ".into(), "UTC".into()),
    ];
    for (key, value) in chosen(setup, profile) {
        env.retain(|(have, _)| *have != *key);
        env.push((key.into(), value.into()));
    }
    env
}

/// What is set for this agent, the last word last: our own quiet defaults, then the key that the user gave, then the user's
/// settings file. The file wins because who runs the machine wrote it.
fn chosen(setup: &Setup, profile: &Profile) -> Vec<(String, String)> {
    let own = profile.env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let key = setup.accounts.environment(profile, &home(setup, profile));
    let key = key.into_iter().map(|(key, value)| (key.to_owned(), value));
    let file = setup.env.get(&profile.id).into_iter().flatten();
    own.chain(key).chain(file.map(|(key, value)| (key.clone(), value.clone()))).collect()
}

/// What the agent's programs find under this name; none when it is empty.
pub(crate) fn variable(setup: &Setup, profile: &Profile, name: &str) -> Option<String> {
    let all = chosen(setup, profile).into_iter().rev();
    all.filter(|(key, _)| key == name).map(|(_, value)| value).next().filter(|value| !value.is_empty())
}

fn search_path(setup: &Setup) -> OsString {
    let node = node(setup).and_then(|node| node.parent().map(Path::to_owned));
    let system = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
    let mut folders: Vec<PathBuf> = Vec::new();
    for folder in node.into_iter().chain(setup.path.iter().cloned()).chain(system) {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    // A folder with a colon in its name cannot stand in PATH; it is left out.
    std::env::join_paths(folders.iter().filter(|f| !f.to_string_lossy().contains(':'))).unwrap_or_default()
}

/// Makes a folder that only the agent's user can look into.
pub(crate) fn private_folder(setup: &Setup, path: &Path) -> io::Result<()> {
    let new = !path.exists();
    fs::create_dir_all(path)?;
    if new {
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        if let Some(user) = setup.run_as {
            std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid))?;
        }
    }
    Ok(())
}

/// The private temporary folder of a run. Its parents can be walked through, not listed.
pub(crate) fn temporary(setup: &Setup, id: &str) -> io::Result<PathBuf> {
    let parent = setup.runtime.join("tmp");
    if !parent.exists() {
        fs::create_dir_all(&parent)?;
        fs::set_permissions(&parent, fs::Permissions::from_mode(0o711))?;
    }
    let path = parent.join(id);
    private_folder(setup, &path)?;
    Ok(path)
}

/// Makes the agent's home when it is one of ours.
pub(crate) fn ensure_home(setup: &Setup, profile: &Profile) -> io::Result<()> {
    match &setup.homes {
        Some(_) => private_folder(setup, &home(setup, profile)),
        None => Ok(()),
    }
}
