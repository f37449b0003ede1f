//! The one table of versions. A row is what was tested: raising one means a new lock file and a conformance run.
//!
//! The lock files are npm's own, written with `npm install --package-lock-only --omit-lockfile-registry-resolved` beside
//! the `package.json` of each, so that they name packages of all systems and no host.

use super::lockfile;
use super::platform::Platform;
use protocol::AgentId;
use sha2::{Digest, Sha512};
use std::borrow::Cow;

/// A tested version of one agent.
#[derive(Debug, Clone)]
pub struct Pin {
    pub agent: AgentId,
    /// What its own program answers to `--version`.
    pub version: Cow<'static, str>,
    pub parts: Vec<Part>,
    /// What people and the driver start.
    pub programs: Vec<Entry>,
    /// Other files that must be executable and are not so in their archive.
    pub executable: Vec<Cow<'static, str>>,
    /// Room that is needed while it is installed, on the largest system.
    pub need_mb: u64,
}

/// Packages that are laid out together, as npm lays out a project.
#[derive(Debug, Clone)]
pub struct Part {
    pub folder: Cow<'static, str>,
    pub lock: Cow<'static, str>,
    /// With packages that it can do without, as far as they are for this machine.
    pub optional: bool,
}

/// A program and where it lies in the version's folder. One `*` in each part of the path stands for anything.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: Cow<'static, str>,
    pub file: Cow<'static, str>,
}

/// The tested version of an agent; `None` where there is nothing to install.
pub fn pin(agent: &AgentId) -> Option<Pin> {
    row(agent.as_str()).map(|row| row.pin(agent.clone()))
}

/// All of them, the preferred agent first.
pub fn pins() -> Vec<Pin> {
    let rows = crate::catalogue().iter();
    rows.filter_map(|profile| row(profile.id.as_str()).map(|row| row.pin(profile.id.clone()))).collect()
}

/// A row as it is written down.
struct Row {
    version: &'static str,
    parts: &'static [(&'static str, &'static str, bool)],
    programs: &'static [(&'static str, &'static str)],
    executable: &'static [&'static str],
    need_mb: u64,
}

macro_rules! lock {
    ($package:literal) => {
        include_str!(concat!("../../packages/", $package, "/package-lock.json"))
    };
}

/// The adapters come without the programs that they would bring a second time: they are told where ours are.
fn row(agent: &str) -> Option<Row> {
    Some(match agent {
        "claude-code" => Row {
            version: "2.1.330",
            parts: &[("cli", lock!("claude-code"), true), ("acp", lock!("claude-agent-acp"), false)],
            programs: &[
                ("claude", "cli/node_modules/@anthropic-ai/claude-code-*/claude"),
                ("claude-agent-acp", "acp/node_modules/@agentclientprotocol/claude-agent-acp/dist/index.js"),
            ],
            executable: &[],
            need_mb: 600,
        },
        "codex" => Row {
            version: "0.169.0",
            parts: &[("cli", lock!("codex"), true), ("acp", lock!("codex-acp"), false)],
            programs: &[
                ("codex", "cli/node_modules/@openai/codex-*/vendor/*/bin/codex"),
                ("codex-acp", "acp/node_modules/@agentclientprotocol/codex-acp/dist/index.js"),
            ],
            executable: &[],
            need_mb: 600,
        },
        "gemini-cli" => Row {
            version: "0.61.0",
            parts: &[("cli", lock!("gemini-cli"), true)],
            programs: &[("gemini", "cli/node_modules/@google/gemini-cli/bundle/gemini.js")],
            executable: &[],
            need_mb: 150,
        },
        "qwen-code" => Row {
            version: "0.24.4",
            parts: &[("cli", lock!("qwen-code"), true)],
            programs: &[("qwen", "cli/node_modules/@qwen-code/qwen-code/cli-entry.js")],
            // Its own archive forgets this; without it every search falls back to a slow one.
            executable: &["cli/node_modules/@qwen-code/qwen-code/vendor/ripgrep/*/rg"],
            need_mb: 250,
        },
        "kimi-code" => Row {
            version: "2.1.0",
            parts: &[("cli", lock!("kimi-code"), true)],
            programs: &[("kimi", "cli/node_modules/@moonshot-ai/kimi-code/dist/main.mjs")],
            executable: &[],
            need_mb: 200,
        },
        _ => return None,
    })
}

impl Row {
    fn pin(self, agent: AgentId) -> Pin {
        let part = |(folder, lock, optional): &(&'static str, &'static str, bool)| Part {
            folder: (*folder).into(),
            lock: (*lock).into(),
            optional: *optional,
        };
        let program = |(name, file): &(&'static str, &'static str)| Entry {
            name: (*name).into(),
            file: (*file).into(),
        };
        Pin {
            agent,
            version: self.version.into(),
            parts: self.parts.iter().map(part).collect(),
            programs: self.programs.iter().map(program).collect(),
            executable: self.executable.iter().map(|file| (*file).into()).collect(),
            need_mb: self.need_mb,
        }
    }
}

impl Pin {
    /// The name of its folder: another one as soon as anything of it differs.
    pub(super) fn folder_name(&self) -> String {
        let mut hash = Sha512::new();
        for part in &self.parts {
            hash.update(format!("{} {} {}\n", part.folder, part.optional, part.lock));
        }
        for program in &self.programs {
            hash.update(format!("{} {}\n", program.name, program.file));
        }
        for file in &self.executable {
            hash.update(format!("{file}\n"));
        }
        let hex = protocol::hex(hash.finalize());
        format!("{}-{}", self.version, hex.get(..8).unwrap_or(&hex))
    }

    /// What has to be fetched for this machine, by the part that it belongs to.
    pub(super) fn packages(&self, platform: Platform) -> Result<Vec<(&Part, lockfile::Package)>, String> {
        let mut all = Vec::new();
        for part in &self.parts {
            let packages = lockfile::packages(&part.lock, platform, part.optional)?;
            all.extend(packages.into_iter().map(|package| (part, package)));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINES: [Platform; 4] = [
        Platform { os: "linux", cpu: "x64", libc: Some("glibc") },
        Platform { os: "linux", cpu: "arm64", libc: Some("glibc") },
        Platform { os: "darwin", cpu: "x64", libc: None },
        Platform { os: "darwin", cpu: "arm64", libc: None },
    ];

    #[test]
    fn every_real_agent_has_a_tested_version() {
        let real: Vec<_> = crate::catalogue().iter().filter(|p| !p.practice).map(|p| &p.id).collect();
        let pins = pins();
        assert_eq!(pins.iter().map(|pin| &pin.agent).collect::<Vec<_>>(), real);
        assert!(pin(&crate::practice()).is_none());
    }

    #[test]
    fn every_lock_file_covers_every_machine_and_names_no_host() {
        for pin in pins() {
            for machine in MACHINES {
                let packages = pin.packages(machine).unwrap();
                for entry in &pin.programs {
                    // The package that a program lies in: `@scope/name` up to the star, or all of it.
                    let inner = entry.file.split_once("node_modules/").unwrap().1;
                    let package: Vec<_> = inner.split('/').take(2).collect();
                    let wanted = package.join("/");
                    let prefix = wanted.trim_end_matches('*');
                    let found = packages.iter().filter(|(_, package)| {
                        let place = package.place.to_string_lossy();
                        let name = place.strip_prefix("node_modules/").unwrap();
                        if wanted.ends_with('*') { name.starts_with(prefix) } else { name == wanted }
                    });
                    assert_eq!(found.count(), 1, "{} for {machine} has one {wanted}", pin.agent);
                }
            }
            for part in &pin.parts {
                assert!(!part.lock.contains("\"resolved\""), "{} {}", pin.agent, part.folder);
            }
        }
    }

    #[test]
    fn a_versions_name_tells_two_builds_of_it_apart() {
        let one = pins().remove(0);
        let mut other = one.clone();
        other.parts[1].lock = other.parts[1].lock.replace("0.100.0", "0.100.1").into();
        assert_ne!(one.folder_name(), other.folder_name());
        assert_eq!(one.folder_name(), one.clone().folder_name());
        assert_eq!(super::super::folder::version_of(&one.folder_name()), one.version);
    }
}
