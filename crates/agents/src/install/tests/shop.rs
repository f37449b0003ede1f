//! What the tests install, and where.

use super::registry::Registry;
use crate::install::*;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Mutex;

/// A machine with a registry, a Node that says it is new enough, and an empty folder of installed agents.
pub struct Shop {
    pub dir: tempfile::TempDir,
    pub registry: Registry,
    pub room: Room,
    pub told: Arc<Mutex<Vec<String>>>,
}

pub fn shop() -> Shop {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let node = dir.path().join("node");
    fs::write(&node, "#!/bin/sh\necho v24.0.0\n").unwrap();
    fs::set_permissions(&node, fs::Permissions::from_mode(0o755)).unwrap();
    let registry = Registry::start();
    let env = BTreeMap::from([("npm_config_registry".to_owned(), registry.url.clone())]);
    let told = Arc::new(Mutex::new(Vec::new()));
    let lines = told.clone();
    let room = Room {
        folder: dir.path().join("agents"),
        setup: Setup {
            path: vec!["/usr/bin".into(), "/bin".into()],
            node: Some(node),
            practice: Vec::new(),
            homes: Some(dir.path().join("homes")),
            user_home: dir.path().to_owned(),
            run_as: None,
            runtime: dir.path().join("run"),
            env: BTreeMap::new(),
            accounts: Default::default(),
            leases: Default::default(),
        },
        machine: Machine { env, ..Machine::default() },
        tell: Arc::new(move |line| lines.lock().unwrap().push(line)),
    };
    Shop { dir, registry, room, told }
}

pub fn claude() -> AgentId {
    AgentId::new("claude-code").unwrap()
}

impl Shop {
    /// A version whose program says so, made of three packages in two parts, of which one belongs in both.
    pub fn pin(&self, version: &str) -> Pin {
        let says = format!("#!/bin/sh\necho '{version} (Fake)'\n");
        let cli = self.registry.publish("@maker/cli", version, &[("package/claude", 0o644, &says)]);
        let tool = [("any/vendor/x64/rg", 0o644, "#!/bin/sh\n"), ("any/README", 0o666, "words")];
        let lib = self.registry.publish("lib", version, &tool);
        let acp =
            self.registry.publish("acp", version, &[("package/index.js", 0o755, "#!/usr/bin/env node\n")]);
        let entry = |name: &'static str, file: &'static str| Entry { name: name.into(), file: file.into() };
        Pin {
            agent: claude(),
            version: version.to_owned().into(),
            parts: vec![
                Part {
                    folder: "cli".into(),
                    lock: lock("@maker/cli lib", &[cli, lib.clone()]),
                    optional: true,
                },
                Part { folder: "acp".into(), lock: lock("acp lib", &[acp, lib]), optional: false },
            ],
            programs: vec![
                entry("claude", "cli/node_modules/@maker/c*/claude"),
                entry("claude-agent-acp", "acp/node_modules/acp/index.js"),
            ],
            executable: vec!["cli/node_modules/lib/vendor/*/rg".into()],
            need_mb: 1,
        }
    }

    pub async fn install(&self, pin: &Pin) -> Result<Done, Error> {
        install(&self.room, pin, &Unchecked).await
    }

    pub fn program(&self) -> PathBuf {
        self.room.folder.join("bin/claude")
    }

    pub fn installed(&self) -> Option<(String, Option<String>)> {
        installed(&self.room.folder, &claude()).map(|found| (found.version, found.previous))
    }

    /// Names in the agent's folder, without the links.
    pub fn versions(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.room.folder.join("claude-code")) else { return Vec::new() };
        let entries = entries.map(Result::unwrap).filter(|entry| entry.file_type().unwrap().is_dir());
        let mut names: Vec<_> =
            entries.map(|entry| folder::version_of(&entry.file_name().into_string().unwrap())).collect();
        names.sort();
        names
    }
}

/// A lock file whose own row needs the named packages.
pub fn lock(names: &str, rows: &[String]) -> Cow<'static, str> {
    let needs: Vec<_> = names.split_whitespace().map(|name| format!(r#""{name}": "*""#)).collect();
    let own = format!(r#""": {{"dependencies": {{{}}}}}"#, needs.join(","));
    format!(r#"{{"lockfileVersion": 3, "packages": {{{own}, {}}}}}"#, rows.join(",")).into()
}

pub fn says(program: &Path) -> String {
    String::from_utf8(Command::new(program).output().unwrap().stdout).unwrap().trim().to_owned()
}
