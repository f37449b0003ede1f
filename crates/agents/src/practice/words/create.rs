//! "A page for a bakery called Sauerteig with opening hours and an order form": title, tagline and parts of a page.

use super::{features, phrase};
use crate::practice::page::{Body, Change};
use protocol::clean;

const THINGS: &[&str] =
    &["page", "site", "website", "web site", "homepage", "home page", "landing page", "app", "blog"];
const VERBS: &[&str] = &[
    "please",
    "make",
    "build",
    "create",
    "design",
    "write",
    "generate",
    "i want",
    "i need",
    "i would like",
    "i'd like",
    "i’d like",
    "we'd like",
    "we need",
    "we want",
    "could you",
    "can you",
    "give me",
    "set up",
    "make me",
    "build me",
    "create me",
    "me",
    "hello",
    "hi",
];
const WITH: &[&str] =
    &["with", "featuring", "including", "showing", "that has", "that shows", "which has", "plus"];
const CALLED: &[&str] = &["called", "named", "titled", "by the name of"];
/// Words that end a name.
const NAME_ENDS: &[&str] = &[
    "with",
    "featuring",
    "including",
    "showing",
    "that",
    "which",
    "where",
    "who",
    "in",
    "on",
    "at",
    "for",
    "from",
    "plus",
    "and it",
    "and a",
    "and an",
    "and the",
    "and opening",
    "it needs",
    "it should",
];

/// What stands on a page that nobody named.
pub(super) fn untitled() -> Vec<Change> {
    vec![Change::Title("Your new page".to_owned())]
}

/// The changes, if the sentence asks for a page. On a fresh page nearly any noun does.
pub(super) fn from(sentence: &str, fresh: bool) -> Option<Vec<Change>> {
    let order = strip_verbs(sentence);
    let asks = asks_for_a_page(order);
    let described = fresh && looks_like_a_thing(order);
    if !asks && !described {
        return None;
    }
    let (head, parts) = match split_outside_name(order) {
        Some((head, parts)) => (head, Some(parts)),
        None => (order, None),
    };
    let (what, name) = name_in(head);
    let topic = topic_of(&what);
    let mut changes = Vec::new();
    match name {
        Some(name) => {
            changes.push(Change::Title(name));
            if !topic.is_empty() {
                changes.push(Change::Tagline(phrase::heading(&topic)));
            }
        }
        None if !topic.is_empty() && fresh => changes.push(Change::Title(phrase::heading(&topic))),
        None if fresh => changes.extend(untitled()),
        None => {}
    }
    for part in parts.map(phrase::list).unwrap_or_default() {
        push_part(&mut changes, &part);
    }
    (!changes.is_empty()).then_some(changes)
}

/// "a menu with bread and rolls" is cut at `and` with the rest: what follows a list and is no part of its own is its
/// next entry.
fn push_part(changes: &mut Vec<Change>, part: &str) {
    let section = features::section(part);
    let plain = matches!(section.body, Body::Text { .. });
    if let (true, Some(Change::Add(last))) = (plain, changes.last_mut())
        && let Body::List { items } = &mut last.body
        && !items.iter().any(|item| item.starts_with("First entry"))
    {
        items.push(phrase::unquote(part.trim_end_matches('.')));
        return;
    }
    changes.push(Change::Add(section));
}

fn asks_for_a_page(order: &str) -> bool {
    let Some((before, after)) = phrase::split_word(order, THINGS) else { return false };
    let few = before.split_whitespace().count() <= 3;
    let article =
        phrase::after(before, &["a", "an", "my", "our", "new", "the"]).is_some() || before.is_empty();
    let goes_on = after.is_empty()
        || after.starts_with(['.', ',', ':', '!'])
        || phrase::after(after, &["for", "about", "of"]).is_some()
        || phrase::after(after, WITH).is_some()
        || phrase::after(after, CALLED).is_some();
    // "the page" is the one that is there.
    let the = phrase::after(before, &["the"]).is_some();
    few && article && goes_on && !the
}

fn looks_like_a_thing(order: &str) -> bool {
    let is_edit = phrase::after(
        order,
        &[
            "add", "change", "remove", "delete", "rename", "set", "update", "replace", "put", "drop", "call",
            "get rid",
        ],
    )
    .is_some();
    let words = order.split_whitespace().count();
    let article = phrase::after(order, &["a", "an", "my", "our"]).is_some();
    !is_edit && (article || phrase::has_word(order, CALLED)) && (1..=60).contains(&words)
}

fn strip_verbs(sentence: &str) -> &str {
    let mut order = sentence.trim();
    while let Some(rest) = phrase::after(order, VERBS) {
        let rest = rest.trim_start_matches([',', '!', ':']).trim();
        if rest.is_empty() {
            break;
        }
        order = rest;
    }
    order
}

/// Splits at "with …", but not inside of a quoted name.
fn split_outside_name(order: &str) -> Option<(&str, &str)> {
    let split = phrase::split_word(order, WITH);
    split.or_else(|| order.split_once(": ")).filter(|(head, parts)| !head.is_empty() && !parts.is_empty())
}

/// What is described, and its name if it has one.
fn name_in(head: &str) -> (String, Option<String>) {
    if let Some((what, rest)) = phrase::split_word(head, CALLED) {
        let name = name_at_start(rest);
        if !name.is_empty() {
            return (what.to_owned(), Some(name));
        }
    }
    if let Some(quoted) = phrase::quoted(head) {
        let what = head.split(['"', '“', '„', '«', '‘', '`']).next().unwrap_or_default();
        return (what.to_owned(), Some(clean::line(&quoted, 120)));
    }
    let words: Vec<&str> = head.trim_end_matches(['.', '!', ',']).split_whitespace().collect();
    let tail = words.iter().rev().take_while(|word| is_name_word(word)).count();
    let enough = tail > 0 && tail < words.len() && words.len() - tail >= 2;
    if enough {
        let (what, name) = words.split_at(words.len() - tail);
        return (what.join(" "), Some(clean::line(&name.join(" "), 120)));
    }
    (head.to_owned(), None)
}

fn is_name_word(word: &str) -> bool {
    word.starts_with(char::is_uppercase) || matches!(word, "&" | "de" | "la" | "von" | "of")
}

fn name_at_start(rest: &str) -> String {
    let rest = rest.trim();
    if rest.starts_with(['"', '“', '„', '«', '‘', '`'])
        && let Some(quoted) = phrase::quoted(rest)
    {
        return clean::line(&quoted, 120);
    }
    let name = phrase::split_word(rest, NAME_ENDS).map_or(rest, |(name, _)| name);
    let name = name.split([',', ':', '\n']).next().unwrap_or(name);
    clean::line(name.trim().trim_end_matches(['.', '!', '?']), 120)
}

/// "A page for a bakery" → "bakery"; "my bakery" → "bakery".
fn topic_of(what: &str) -> String {
    let mut topic = what.trim();
    if let Some((before, after)) = phrase::split_word(topic, THINGS) {
        topic = match phrase::after(after, &["for", "about", "of"]) {
            Some(about) => about,
            None if after.is_empty() => before,
            None => topic,
        };
    }
    let article = topic;
    let bare = phrase::bare(topic.trim_end_matches(" for").trim_end_matches(" about"));
    let keep = phrase::after(article, &["a", "an"]).is_some() && bare != article;
    let bare = bare.trim_end_matches([',', ':']).trim();
    let article_only =
        ["a", "an", "the", "my", "our", "new"].iter().any(|word| bare.eq_ignore_ascii_case(word));
    if bare.is_empty() || article_only || phrase::after(bare, THINGS) == Some("") {
        return String::new();
    }
    let line = clean::line(bare, 200);
    if keep && what.trim() != article { format!("{} {line}", article_for(article)) } else { line }
}

fn article_for(topic: &str) -> &'static str {
    if phrase::after(topic, &["an"]).is_some() { "An" } else { "A" }
}
