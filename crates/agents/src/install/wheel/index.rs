//! Which package index this machine uses: read where pip reads it. No address of one stands in this repository.

use crate::install::Machine;
use crate::install::npmrc::{Plain, Source, Words};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::path::PathBuf;

const PIP: Words = Words {
    sign_in: "put the index' user and password into its address, in pip.conf or as `index` under [memory]",
    proxy: "correct `proxy` in pip.conf",
    certificate: "if your network has certificates of its own, put `cert = FILE` into pip.conf; else do not trust it",
};

/// `index`: what the user named for this, before all others. `None`: nothing names one.
pub(super) fn source(machine: &Machine, index: Option<&str>) -> Option<Source> {
    let files: Vec<String> =
        files(machine).iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let set = |variable: &str, name: &str| {
        let env = machine.env.get(variable).filter(|value| !value.is_empty()).cloned();
        env.or_else(|| files.iter().find_map(|text| setting(text, name)))
    };
    let of_uv =
        || ["UV_DEFAULT_INDEX", "UV_INDEX_URL"].iter().find_map(|name| machine.env.get(*name)).cloned();
    let index = index.map(str::to_owned).or_else(|| set("PIP_INDEX_URL", "index-url")).or_else(of_uv);
    let (registry, key) = apart(&index.or_else(|| ask_pip(machine))?);
    let cafile = set("PIP_CERT", "cert").map(PathBuf::from);
    let plain = Plain { registry, key, cafile, proxy: set("PIP_PROXY", "proxy"), words: &PIP };
    Some(Source::plain(machine, plain))
}

/// The first that names something counts.
fn files(machine: &Machine) -> Vec<PathBuf> {
    let named = |variable: &str| machine.env.get(variable).map(PathBuf::from);
    let config = named("XDG_CONFIG_HOME").or_else(|| Some(machine.home.as_ref()?.join(".config")));
    let own = config.map(|dir| dir.join("pip/pip.conf"));
    let old = machine.home.as_ref().map(|home| home.join(".pip/pip.conf"));
    let of_all = machine.pip.iter().cloned();
    named("PIP_CONFIG_FILE").into_iter().chain(own).chain(old).chain(of_all).collect()
}

/// `name = value` in the sections that count for a download.
fn setting(text: &str, name: &str) -> Option<String> {
    let mut section = "";
    let mut found = None;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(head) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = head;
        } else if let Some((key, value)) = line.split_once('=')
            && key.trim().replace('_', "-") == name
            && matches!(section, "global" | "download")
            // What is said for one command counts before what is said for all.
            && (found.is_none() || section == "download")
        {
            found = Some(value.trim().to_owned());
        }
    }
    found.filter(|value| !value.is_empty())
}

/// An address without its user and password, and these as the authorization of its host.
fn apart(url: &str) -> (String, Option<(String, String)>) {
    let whole = || (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else { return whole() };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let Some((user, host)) = authority.rsplit_once('@') else { return whole() };
    let user = if user.contains(':') { decoded(user) } else { format!("{}:", decoded(user)) };
    (
        format!("{scheme}://{host}{path}"),
        Some((format!("//{host}"), format!("Basic {}", STANDARD.encode(user)))),
    )
}

/// `%40` is an `@`: a password may hold one.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let hex = more.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = more.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What pip itself goes by when nobody set anything. It reads its own code and runs nothing else.
fn ask_pip(machine: &Machine) -> Option<String> {
    let says = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
    machine.asks(machine.python.as_deref()?, &["-I", "-c", says])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn machine(env: &[(&str, &str)], conf: &str) -> (tempfile::TempDir, Machine) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join(".config/pip")).unwrap();
        std::fs::write(dir.path().join(".config/pip/pip.conf"), conf).unwrap();
        let env: BTreeMap<String, String> =
            env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let home = Some(dir.path().to_owned());
        (dir, Machine { env, home, ..Machine::default() })
    }

    fn index(machine: &Machine, named: Option<&str>) -> String {
        source(machine, named).unwrap().registry_of("x").to_owned()
    }

    #[test]
    fn what_was_named_for_it_counts_before_the_environment_and_that_before_the_file() {
        let conf = "[global]\nindex_url = http://file.test/simple/\n[install]\nindex-url = http://no.test\n";
        let (_dir, set) = machine(&[], conf);
        assert_eq!(index(&set, None), "http://file.test/simple");
        let (_dir, set) = machine(&[("PIP_INDEX_URL", "http://env.test/")], conf);
        assert_eq!(index(&set, None), "http://env.test");
        assert_eq!(index(&set, Some("http://named.test/simple/")), "http://named.test/simple");
        let (_dir, set) = machine(&[("UV_INDEX_URL", "http://uv.test")], "");
        assert_eq!(index(&set, None), "http://uv.test");
    }

    #[test]
    fn a_password_is_sent_to_its_host_and_shown_nowhere() {
        let (_dir, set) = machine(&[("PIP_INDEX_URL", "https://me:p%40ss@r.test:8/simple")], "");
        let source = source(&set, None).unwrap();
        assert_eq!(source.registry_of("x"), "https://r.test:8/simple");
        let key = source.key_for("https://r.test:8/files/x.whl").unwrap();
        assert_eq!(STANDARD.decode(key.strip_prefix("Basic ").unwrap()).unwrap(), b"me:p@ss");
        assert_eq!(source.key_for("https://r.test:80/files/x.whl"), None);
        assert_eq!(source.key_for("https://elsewhere.test/x.whl"), None);
    }

    #[test]
    fn certificates_and_a_proxy_come_from_pip_else_from_npm() {
        let conf = "[global]\ncert = /pip.pem\nproxy = http://p.test:1\n";
        let (_dir, set) = machine(&[("npm_config_cafile", "/npm.pem"), ("no_proxy", "inner.test")], conf);
        let source_ = source(&set, Some("https://r.test")).unwrap();
        assert_eq!(source_.cafile.as_deref(), Some(Path::new("/pip.pem")));
        assert_eq!(source_.proxy_for("https://r.test/x"), Some("http://p.test:1"));
        assert_eq!(source_.proxy_for("https://inner.test/x"), None);
        let (_dir, set) = machine(&[("npm_config_cafile", "/npm.pem")], "");
        assert_eq!(
            source(&set, Some("https://r.test")).unwrap().cafile.as_deref(),
            Some(Path::new("/npm.pem"))
        );
    }

    #[test]
    fn without_any_setting_pip_is_asked() {
        use std::os::unix::fs::PermissionsExt;
        let (dir, mut set) = machine(&[], "");
        assert!(source(&set, None).is_none());
        let python = dir.path().join("python3");
        std::fs::write(&python, "#!/bin/sh\n[ \"$1\" = -I ] && echo http://pip.test/simple\n").unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        set.python = Some(python);
        assert_eq!(index(&set, None), "http://pip.test/simple");
    }
}
