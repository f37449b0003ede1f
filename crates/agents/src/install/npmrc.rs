//! Which package registry this machine uses, and how it is reached: read where npm reads it. No address of one stands in
//! this repository.

use super::error::Error;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What of the machine decides where packages come from. Nothing else of it is read.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// The environment of whoever runs this.
    pub env: BTreeMap<String, String>,
    /// Whose `.npmrc` counts.
    pub home: Option<PathBuf>,
    /// Settings files for the whole machine, the first that names something counts.
    pub settings: Vec<PathBuf>,
    /// The npm to ask when no file names a registry.
    pub npm: Option<PathBuf>,
    /// pip's settings files for the whole machine, likewise.
    pub pip: Vec<PathBuf>,
    /// The Python to ask when nothing names a package index.
    pub python: Option<PathBuf>,
    /// Where packages come from on a machine that has neither settings nor an npm to ask.
    pub registry: Option<String>,
}

/// How to reach the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Source {
    /// Without a slash at its end.
    registry: String,
    /// Registries of single scopes, by the scope with its `@`.
    scopes: BTreeMap<String, String>,
    /// What each address (`//host/path/`) is sent as authorization.
    keys: BTreeMap<String, String>,
    pub cafile: Option<PathBuf>,
    /// By the address' kind.
    pub http_proxy: Option<String>,
    pub https_proxy: Option<String>,
    no_proxy: Vec<String>,
    pub words: &'static Words,
}

/// What to do where the registry's own settings stand in the way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub sign_in: &'static str,
    pub proxy: &'static str,
    pub certificate: &'static str,
}

const NPM: Words = Words {
    sign_in: "sign in to that registry with `npm login`, or name another one in ~/.npmrc",
    proxy: "correct proxy and https-proxy in ~/.npmrc",
    certificate: "if your network has certificates of its own, put `cafile=FILE` into ~/.npmrc; else do not trust it",
};

/// How to reach what is no npm registry, by settings that were found elsewhere.
pub(super) struct Plain {
    pub registry: String,
    pub key: Option<(String, String)>,
    pub cafile: Option<PathBuf>,
    pub proxy: Option<String>,
    pub words: &'static Words,
}

impl Machine {
    /// As npm finds things: programs on the path, and the usual places of its settings.
    pub fn new(env: BTreeMap<String, String>, home: Option<PathBuf>, path: &[PathBuf]) -> Self {
        let program = |name: &str| path.iter().map(|dir| dir.join(name)).find(|file| file.is_file());
        let own = program("node").and_then(|node| Some(node.parent()?.parent()?.join("etc/npmrc")));
        let usual = ["/usr/local/etc/npmrc", "/usr/etc/npmrc", "/etc/npmrc"].map(PathBuf::from);
        let settings = own.into_iter().chain(usual).collect();
        let pip = ["/etc/xdg/pip/pip.conf", "/etc/pip.conf"].map(PathBuf::from).to_vec();
        Self { env, home, settings, npm: program("npm"), pip, python: program("python3"), registry: None }
    }
}

impl Source {
    pub fn read(machine: &Machine) -> Result<Self, Error> {
        let found = Found::read(machine);
        let registry = match found.get("registry") {
            Some(registry) => registry,
            None => ask_npm(machine).or_else(|| machine.registry.clone()).ok_or(Error::NoRegistry)?,
        };
        let trimmed = |address: &str| address.trim_end_matches('/').to_owned();
        let from_env = |name: &str| from_env(machine, name);
        let no_proxy = found.get("noproxy").or_else(|| from_env("no_proxy")).unwrap_or_default();
        Ok(Self {
            registry: trimmed(&registry),
            scopes: found.ending(":registry").map(|(scope, at)| (scope.to_owned(), trimmed(at))).collect(),
            keys: found.keys(),
            cafile: found.get("cafile").map(PathBuf::from),
            http_proxy: found.get("proxy").or_else(|| from_env("http_proxy")),
            https_proxy: found.get("https-proxy").or_else(|| from_env("https_proxy")),
            no_proxy: hosts(&no_proxy),
            words: &NPM,
        })
    }

    /// Certificates and proxies that npm is set to count where the other settings name none.
    pub fn plain(machine: &Machine, plain: Plain) -> Self {
        let found = Found::read(machine);
        let proxy = |npm: &str, env: &str| {
            plain.proxy.clone().or_else(|| from_env(machine, env)).or_else(|| found.get(npm))
        };
        let no_proxy = from_env(machine, "no_proxy").or_else(|| found.get("noproxy")).unwrap_or_default();
        Self {
            registry: plain.registry.trim_end_matches('/').to_owned(),
            scopes: BTreeMap::new(),
            keys: plain.key.clone().into_iter().collect(),
            cafile: plain.cafile.clone().or_else(|| found.get("cafile").map(PathBuf::from)),
            http_proxy: proxy("proxy", "http_proxy"),
            https_proxy: proxy("https-proxy", "https_proxy"),
            no_proxy: hosts(&no_proxy),
            words: plain.words,
        }
    }

    /// The registry of a package.
    pub fn registry_of(&self, name: &str) -> &str {
        let scope = name.split_once('/').map(|(scope, _)| scope);
        scope.and_then(|scope| self.scopes.get(scope)).unwrap_or(&self.registry)
    }

    /// What to send as authorization to an address: what was set for the longest part of it.
    pub fn key_for(&self, url: &str) -> Option<&str> {
        let (_, rest) = url.split_once(':')?;
        // `//r.test` is no beginning of `//r.test.evil/`.
        let within = |prefix: &str| {
            rest.strip_prefix(prefix).is_some_and(|more| prefix.ends_with('/') || more.starts_with('/'))
        };
        let fits = self.keys.iter().filter(|(prefix, _)| within(prefix));
        fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, key)| key.as_str())
    }

    /// The proxy for an address.
    pub fn proxy_for(&self, url: &str) -> Option<&str> {
        let host = host(url)?;
        let direct = |own: &String| {
            !own.is_empty()
                && (own == "*"
                    || own == host
                    || host.strip_suffix(own.as_str()).is_some_and(|rest| rest.ends_with('.')))
        };
        if self.no_proxy.iter().any(direct) {
            return None;
        }
        let proxy = if url.starts_with("https:") { &self.https_proxy } else { &self.http_proxy };
        proxy.as_deref()
    }

    /// The settings that another npm needs to reach the same registry. Without keys and passwords: everybody may read that
    /// file.
    pub fn as_npmrc(&self) -> String {
        let mut lines = vec![format!("registry={}/", without_password(&self.registry))];
        let scopes = self.scopes.iter().map(|(scope, at)| (scope, without_password(at)));
        lines.extend(scopes.map(|(scope, at)| format!("{scope}:registry={at}/")));
        lines.extend(self.cafile.iter().map(|file| format!("cafile={}", file.display())));
        lines.extend(self.http_proxy.iter().map(|at| format!("proxy={}", without_password(at))));
        lines.extend(self.https_proxy.iter().map(|at| format!("https-proxy={}", without_password(at))));
        lines.join("\n") + "\n"
    }
}

fn from_env(machine: &Machine, name: &str) -> Option<String> {
    let lower = machine.env.get(name).or_else(|| machine.env.get(&name.to_uppercase()));
    lower.cloned().filter(|value| !value.is_empty())
}

fn hosts(list: &str) -> Vec<String> {
    list.split(',').map(|host| host.trim().trim_start_matches('.').to_owned()).collect()
}

/// An address as it may be shown: `//user:password@host/` names no user.
pub(super) fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// An address' host, without its port.
fn host(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next(),
        None => authority.split(':').next(),
    }
}

/// Settings by name; the first source that names one counts.
struct Found(BTreeMap<String, String>);

impl Found {
    fn read(machine: &Machine) -> Self {
        let mut found = BTreeMap::new();
        for (name, value) in &machine.env {
            let name = name.to_lowercase();
            if let Some(setting) = name.strip_prefix("npm_config_").filter(|_| !value.is_empty()) {
                found.entry(setting.replace('_', "-")).or_insert_with(|| value.clone());
            }
        }
        let named = |setting: &str| found.get(setting).map(PathBuf::from);
        let user = named("userconfig").or_else(|| Some(machine.home.as_ref()?.join(".npmrc")));
        let files = user.into_iter().chain(named("globalconfig")).chain(machine.settings.iter().cloned());
        for file in files.collect::<Vec<_>>() {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            for (name, value) in lines(&text, &machine.env) {
                found.entry(name).or_insert(value);
            }
        }
        Self(found)
    }

    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|value| !matches!(value.as_str(), "" | "null" | "undefined")).cloned()
    }

    fn ending<'a>(&'a self, end: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().filter_map(move |(name, value)| Some((name.strip_suffix(end)?, value.as_str())))
    }

    fn keys(&self) -> BTreeMap<String, String> {
        let tokens = self.ending(":_authToken").map(|(at, token)| (at.to_owned(), format!("Bearer {token}")));
        let basic = self.ending(":_auth").map(|(at, auth)| (at.to_owned(), format!("Basic {auth}")));
        basic.chain(tokens).filter(|(at, _)| at.starts_with("//")).collect()
    }
}

/// The lines of an `.npmrc`: `name = value`, with `${VARIABLE}` of the environment.
fn lines(text: &str, env: &BTreeMap<String, String>) -> Vec<(String, String)> {
    let plain = text.lines().map(str::trim).filter(|line| !line.starts_with([';', '#', '[']));
    let pairs = plain.filter_map(|line| line.split_once('='));
    pairs
        .map(|(name, value)| {
            let value = value.trim();
            let quoted = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
            (name.trim().to_owned(), with_env(quoted.unwrap_or(value), env))
        })
        .collect()
}

fn with_env(value: &str, env: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, tail)) = after.split_once('}') else { break };
        out.push_str(before);
        match env.get(name.trim_end_matches('?')) {
            Some(set) => out.push_str(set),
            None if name.ends_with('?') => {}
            None => out.push_str(&format!("${{{name}}}")),
        }
        rest = tail;
    }
    out + rest
}

/// What npm itself goes by when nobody set anything. It reads its settings and runs nothing.
fn ask_npm(machine: &Machine) -> Option<String> {
    machine.asks(machine.npm.as_deref()?, &["config", "get", "registry"])
}

impl Machine {
    /// The address that a program prints with the machine's own settings and nothing else.
    pub(super) fn asks(&self, program: &Path, args: &[&str]) -> Option<String> {
        let said = Command::new(program)
            .args(args)
            .current_dir(Path::new("/"))
            .env_clear()
            .envs(&self.env)
            .stdin(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        (said.status.success() && text.starts_with("http")).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(env: &[(&str, &str)], user: &str, global: &str) -> (tempfile::TempDir, Machine) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(".npmrc"), user).unwrap();
        std::fs::write(dir.path().join("global"), global).unwrap();
        let env = env.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let settings = vec![dir.path().join("global")];
        let machine = Machine { env, home: Some(dir.path().to_owned()), settings, ..Machine::default() };
        (dir, machine)
    }

    #[test]
    fn the_environment_counts_before_the_users_file_and_that_before_the_machines() {
        let global = "registry = http://global.test/\ncafile=/etc/ca.pem\n";
        let (_dir, set) =
            machine(&[], "# mine\nregistry=\"http://user.test/npm/\"\n@s:registry=http://s.test/\n", global);
        let source = Source::read(&set).unwrap();
        assert_eq!(source.registry_of("plain"), "http://user.test/npm");
        assert_eq!(source.registry_of("@s/x"), "http://s.test");
        assert_eq!(source.registry_of("@other/x"), "http://user.test/npm");
        assert_eq!(source.cafile.as_deref(), Some(Path::new("/etc/ca.pem")));
        let (_dir, set) =
            machine(&[("NPM_CONFIG_REGISTRY", "http://env.test")], "registry=http://user.test", global);
        assert_eq!(Source::read(&set).unwrap().registry_of("plain"), "http://env.test");
        let (_dir, mut unset) = machine(&[], "", "");
        assert!(matches!(Source::read(&unset), Err(Error::NoRegistry)));
        unset.registry = Some("http://built.test/".into());
        assert_eq!(Source::read(&unset).unwrap().registry_of("plain"), "http://built.test");
    }

    #[test]
    fn a_key_goes_to_its_own_address_only_and_into_no_file() {
        let user = "registry=https://r.test/a/\n//r.test/a/:_authToken=${TOKEN}\n//other.test/:_auth=abc\n";
        let (_dir, set) = machine(&[("TOKEN", "t0")], user, "");
        let source = Source::read(&set).unwrap();
        assert_eq!(source.key_for("https://r.test/a/x.tgz"), Some("Bearer t0"));
        assert_eq!(source.key_for("https://other.test/x"), Some("Basic abc"));
        assert_eq!(source.key_for("https://r.test/b/x.tgz"), None);
        assert_eq!(source.key_for("https://elsewhere.test//r.test/a/x"), None);
        assert!(!source.as_npmrc().contains("t0"), "{}", source.as_npmrc());
    }

    #[test]
    fn a_key_for_a_host_is_none_for_a_longer_name() {
        let (_dir, set) = machine(&[], "registry=https://r.test\n//r.test:_authToken=t0\n", "");
        let source = Source::read(&set).unwrap();
        assert_eq!(source.key_for("https://r.test/x.tgz"), Some("Bearer t0"));
        assert_eq!(source.key_for("https://r.test.evil.test/x.tgz"), None);
    }

    #[test]
    fn a_password_in_an_address_is_in_no_file_and_in_no_message() {
        let user = "registry=https://me:s3cret@r.test/npm/\nproxy=http://me:s3cret@proxy.test:1\n\
                    https-proxy=http://me:s3cret@proxy.test:1\n@s:registry=https://me:s3cret@s.test/\n";
        let (_dir, set) = machine(&[], user, "");
        let npmrc = Source::read(&set).unwrap().as_npmrc();
        assert!(!npmrc.contains("s3cret") && npmrc.contains("registry=https://r.test/npm/\n"), "{npmrc}");
        for (address, shown) in [
            ("https://me:s3cret@r.test:8/a@b?c", "https://r.test:8/a@b?c"),
            ("https://r.test/a@b", "https://r.test/a@b"),
            ("http://a@b@r.test", "http://r.test"),
            ("no address", "no address"),
        ] {
            assert_eq!(without_password(address), shown);
        }
    }

    #[test]
    fn a_proxy_is_used_but_where_none_is_wanted() {
        let env = [("https_proxy", "http://proxy.test:1"), ("NO_PROXY", "localhost,.inner.test")];
        let (_dir, set) = machine(&env, "registry=https://r.test\n", "");
        let source = Source::read(&set).unwrap();
        assert_eq!(source.proxy_for("https://r.test/x"), Some("http://proxy.test:1"));
        assert_eq!(source.proxy_for("https://a.inner.test:8/x"), None);
        assert_eq!(source.proxy_for("https://notinner.test/x"), Some("http://proxy.test:1"));
        assert_eq!(source.proxy_for("http://r.test/x"), None);
    }

    #[test]
    fn without_any_setting_npm_is_asked() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, mut set) = machine(&[], "", "");
        let npm = dir.path().join("npm");
        std::fs::write(&npm, "#!/bin/sh\n[ \"$*\" = 'config get registry' ] && echo http://npm.test/\n")
            .unwrap();
        std::fs::set_permissions(&npm, std::fs::Permissions::from_mode(0o755)).unwrap();
        set.npm = Some(npm);
        assert_eq!(Source::read(&set).unwrap().registry_of("x"), "http://npm.test");
    }
}
