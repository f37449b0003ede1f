//! What package.json and its lockfile may newly say: nothing that runs on install, and no package from elsewhere than
//! the registry.

use serde_json::{Map, Value};

const ON_INSTALL: &[&str] = &[
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "prepublish",
    "dependencies",
];
const DEPENDENCIES: &[&str] = &[
    "dependencies",
    "devDependencies",
    "optionalDependencies",
    "peerDependencies",
    "overrides",
    "resolutions",
];

pub(super) fn manifest(old: &str, new: &str) -> Option<String> {
    let Ok(new) = serde_json::from_str::<Value>(new) else { return Some("is not valid JSON".into()) };
    let old = serde_json::from_str::<Value>(old).unwrap_or(Value::Null);
    for script in ON_INSTALL {
        let say = |of: &Value| of.get("scripts").and_then(|scripts| scripts.get(script)).cloned();
        if let Some(now) = say(&new)
            && say(&old).as_ref() != Some(&now)
        {
            return Some(format!("adds the script {script:?}, which would run on install"));
        }
    }
    for list in DEPENDENCIES {
        let empty = Map::new();
        let of = new.get(list).and_then(Value::as_object).unwrap_or(&empty);
        if let Some((name, from)) = elsewhere(of) {
            return Some(format!(
                "takes the package {name:?} from {from:?}; only versions from the registry are taken"
            ));
        }
    }
    None
}

/// The first package that is asked for by an address instead of a version.
fn elsewhere(list: &Map<String, Value>) -> Option<(String, String)> {
    list.iter().find_map(|(name, spec)| match spec {
        Value::String(spec) => is_elsewhere(spec).then(|| (name.clone(), spec.chars().take(100).collect())),
        Value::Object(inner) => elsewhere(inner),
        _ => None,
    })
}

fn is_elsewhere(spec: &str) -> bool {
    let spec = spec.trim();
    // `npm:` is an alias of another registry package; `workspace:` and all other schemes are addresses.
    let spec = spec
        .strip_prefix("npm:")
        .map_or(spec, |rest| rest.rsplit_once('@').map_or("*", |(_, version)| version));
    spec.contains([':', '/', '\\'])
}

pub(super) fn lockfile(text: &str) -> Option<String> {
    let Ok(lock) = serde_json::from_str::<Value>(text) else { return Some("is not valid JSON".into()) };
    let Some(packages) = lock.get("packages").and_then(Value::as_object) else {
        return Some("has no packages list: a lockfile of version 3 is needed (npm 9 or newer)".into());
    };
    packages.iter().find_map(|(name, package)| {
        if name.starts_with('/') || name.split(['/', '\\']).any(|part| part == "..") {
            return Some(format!("has the package {name:?} outside of app/"));
        }
        let from = package.get("resolved").and_then(Value::as_str)?;
        let why = not_registry(from, package.get("link") == Some(&Value::Bool(true)))?;
        let from: String = from.chars().take(120).collect();
        Some(format!("takes {name:?} from {from:?}: {why}"))
    })
}

fn not_registry(from: &str, link: bool) -> Option<&'static str> {
    if link {
        let inside = !from.starts_with('/')
            && !from.contains(':')
            && !from.split(['/', '\\']).any(|part| part == "..");
        return (!inside).then_some("it is outside of app/");
    }
    let Some(rest) = from.strip_prefix("https://") else {
        return Some("only https addresses of the registry are taken");
    };
    // The host is not followed (the install asks its own registry); the shape must be that of a registry.
    let registry = rest.contains("/-/") && rest.ends_with(".tgz") && !rest.contains(['@', '?', '#', '\\'])
        || is_scoped(rest);
    (!registry).then_some("it is not an address of the registry")
}

/// `host/@scope/name/-/name-1.0.0.tgz`: the one place where an at sign belongs.
fn is_scoped(rest: &str) -> bool {
    let Some((host, path)) = rest.split_once('/') else { return false };
    let path = path.replacen("/@", "/", 1);
    let path = path.strip_prefix('@').unwrap_or(&path);
    !host.contains('@')
        && !path.contains(['@', '?', '#', '\\'])
        && path.contains("/-/")
        && path.ends_with(".tgz")
}
