//! The ways to give an agent an account, as data.

use super::BadFields;
use crate::profile::{self, Profile};
use protocol::AgentId;
use protocol::fact::Paid;
use protocol::view::{KeyField, SignInWay, WayKind};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// What was typed, by the names of the fields.
pub(crate) type Fields = BTreeMap<String, String>;
/// Variables for an agent's programs.
pub(crate) type Variables = Vec<(&'static str, String)>;

pub(crate) struct Way {
    pub name: &'static str,
    pub title: &'static str,
    /// What happens and what one needs for it.
    pub says: &'static str,
    pub kind: Kind,
}

pub(crate) enum Kind {
    Login(Login),
    Key(Key),
    /// The vendor does not offer it any more.
    Gone,
}

/// The vendor's own program signs in.
pub(crate) struct Login {
    pub args: &'static [&'static str],
    /// Beside the agent's usual environment; an empty value takes a variable away.
    pub env: &'static [(&'static str, &'static str)],
    /// It wants a terminal; else pipes.
    pub terminal: bool,
    pub reading: Reading,
}

/// What to look for in what the program prints. Patterns are regular expressions over plain text; the first group is
/// what is meant.
pub(crate) struct Reading {
    pub url: &'static str,
    pub code: Option<&'static str>,
    /// The prompt, and in our words what it asks for.
    pub asks: Option<(&'static str, &'static str)>,
    /// A menu, and the keys that choose our way from it.
    pub press: Option<(&'static str, &'static str)>,
    /// The port on which it waits for the browser.
    pub callback: Option<&'static str>,
    /// What was typed was not taken, and it asks again.
    pub again: Option<&'static str>,
    /// Words of a failure after which it does not end by itself.
    pub failed: Option<&'static str>,
    /// It does not end by itself when it is done: new credentials tell.
    pub stays: bool,
    /// How long a code is good for.
    pub lasts: Option<Duration>,
}

/// A key of the user's own.
pub(crate) struct Key {
    pub fields: &'static [Field],
    pub paid: Paid,
    /// What the fields become for the agent's program.
    pub environment: fn(&Fields) -> Variables,
    /// A folder for its settings, below its home, where those that it has would choose another way than a key.
    pub home: Option<(&'static str, &'static str)>,
}

pub(crate) struct Field {
    pub name: &'static str,
    pub title: &'static str,
    pub secret: bool,
    pub optional: bool,
    pub default: Option<&'static str>,
    /// Only an address will do.
    pub url: bool,
}

/// The usual field for a key.
pub(crate) const KEY: Field =
    Field { name: "key", title: "API key", secret: true, optional: false, default: None, url: false };
pub(crate) const URL: Field =
    Field { name: "url", title: "Base URL", secret: false, optional: false, default: None, url: true };
pub(crate) const MODEL: Field =
    Field { name: "model", title: "Model", secret: false, optional: false, default: None, url: false };

/// Far above the longest key or address in use.
const MAX_VALUE: usize = 8192;

/// How one can sign in to this agent, for people.
pub fn ways(agent: &AgentId) -> Vec<SignInWay> {
    profile::find(agent).map_or_else(Vec::new, |profile| profile.account.ways.iter().map(shown).collect())
}

fn shown(way: &Way) -> SignInWay {
    let (way_kind, fields) = match &way.kind {
        Kind::Login(_) => (WayKind::Login, &[][..]),
        Kind::Key(key) => (WayKind::Key, key.fields),
        Kind::Gone => (WayKind::Gone, &[][..]),
    };
    let field = |field: &Field| KeyField {
        name: field.name.into(),
        title: field.title.into(),
        secret: field.secret,
        optional: field.optional,
        default: field.default.map(str::to_owned),
    };
    SignInWay {
        way: way.name.into(),
        title: way.title.into(),
        says: way.says.into(),
        way_kind,
        fields: fields.iter().map(field).collect(),
    }
}

pub(crate) fn way<'a>(profile: &'a Profile, name: &str) -> Option<&'a Way> {
    profile.account.ways.iter().find(|way| way.name == name)
}

/// What the stored fields become in the environment of the agent's programs.
pub(crate) fn environment(profile: &Profile, name: &str, fields: &Fields, home: &Path) -> Variables {
    match way(profile, name).map(|way| &way.kind) {
        Some(Kind::Key(key)) => {
            let mut env = (key.environment)(fields);
            let folder = key.home.map(|(variable, folder)| (variable, home.join(folder)));
            env.extend(folder.map(|(variable, folder)| (variable, folder.display().to_string())));
            env
        }
        Some(Kind::Login(_) | Kind::Gone) | None => Vec::new(),
    }
}

/// The fields as they will be kept: trimmed, none that the way does not know, empty ones left out. The error never holds a
/// value.
pub(super) fn checked(profile: &Profile, name: &str, fields: Fields) -> Result<Fields, BadFields> {
    let key = match way(profile, name).map(|way| &way.kind) {
        Some(Kind::Key(key)) => key,
        Some(Kind::Login(_)) => return Err(BadFields("this way takes no key: start its sign-in".into())),
        Some(Kind::Gone) => return Err(BadFields("the vendor does not offer this way any more".into())),
        None => return Err(BadFields("this agent has no such way".into())),
    };
    if let Some(strange) = fields.keys().find(|given| key.fields.iter().all(|field| field.name != *given)) {
        return Err(BadFields(format!("this way has no field `{}`", protocol::clean::line(strange, 40))));
    }
    let mut kept = BTreeMap::new();
    for field in key.fields {
        let value = fields.get(field.name).map_or("", |value| value.trim());
        if value.is_empty() {
            if !field.optional {
                return Err(BadFields(format!("the field `{}` is empty", field.name)));
            }
            continue;
        }
        sound(field, value)?;
        kept.insert(field.name.to_owned(), value.to_owned());
    }
    Ok(kept)
}

fn sound(field: &Field, value: &str) -> Result<(), BadFields> {
    let bad = |why: &str| Err(BadFields(format!("the field `{}` {why}", field.name)));
    if value.len() > MAX_VALUE {
        return bad("is too long");
    }
    if value.chars().any(char::is_control) {
        return bad("holds a line break or another control character");
    }
    if field.secret && value.chars().any(char::is_whitespace) {
        return bad("holds a blank");
    }
    if field.url && !is_address(value) {
        return bad("is no address: it begins with http:// or https:// and a host");
    }
    Ok(())
}

fn is_address(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        !host.is_empty() && !host.contains('@') && !value.chars().any(char::is_whitespace)
    })
}
