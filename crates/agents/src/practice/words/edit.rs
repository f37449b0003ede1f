//! Orders about a page that is there: add, change, remove, rename.

use super::{features, note, phrase};
use crate::practice::page::{Body, Change, Page, Section};
use protocol::clean;

const ADD: &[&str] = &[
    "add",
    "include",
    "insert",
    "put in",
    "it should have",
    "it should also have",
    "it needs",
    "we need",
    "we'd like",
    "i want",
    "i need",
    "i'd like",
    "create",
    "make a",
    "make an",
];
/// Wishes about how it looks: this agent cannot fulfil them and must not take them for words of the page.
const LOOKS: &[&str] = &[
    "bigger",
    "smaller",
    "larger",
    "bold",
    "bolder",
    "italic",
    "red",
    "blue",
    "green",
    "black",
    "white",
    "yellow",
    "orange",
    "purple",
    "pink",
    "grey",
    "gray",
    "dark",
    "light",
    "brighter",
    "darker",
    "lighter",
    "centered",
    "nicer",
    "wider",
    "prettier",
    "modern",
    "shorter",
    "longer",
    "stand out",
];
const REMOVE: &[&str] = &["remove", "delete", "drop", "get rid of", "take away", "take out", "hide"];
const CHANGE: &[&str] = &["change", "set", "update", "replace", "make", "edit", "adjust", "correct", "fix"];
const RENAME: &[&str] = &["rename", "retitle", "call", "name"];
const TITLE: &[&str] =
    &["title", "name", "headline", "heading", "h1", "it", "the page", "page", "site", "website"];
const TAGLINE: &[&str] = &["tagline", "subtitle", "slogan", "claim", "description", "subheading"];

/// Beginnings of a second order in the same sentence: "rename it to Flora and remove the form".
const NEXT: &[&str] = &["rename", "remove", "delete", "change", "update", "replace", "set", "add"];

/// What one sentence asks of the page, order by order. What no rule takes becomes a note.
pub(super) fn from(sentence: &str, page: &Page) -> Vec<Change> {
    let mut state = page.clone();
    let mut changes = Vec::new();
    for order in orders(polite(sentence)) {
        for change in one(order, &state) {
            state.apply(&change);
            changes.push(change);
        }
    }
    changes
}

/// Cuts before each "and" or "then" that a verb of an order follows, if the sentence begins with an order as well.
fn orders(sentence: &str) -> Vec<&str> {
    let is_order = |text: &str| phrase::after(polite(text), NEXT).is_some_and(|rest| !rest.is_empty());
    if !is_order(sentence) {
        return vec![sentence];
    }
    let mut orders = Vec::new();
    let (mut order, mut rest) = (sentence, sentence);
    while let Some((before, after)) = phrase::split_word(rest, &["and", "then"]) {
        if is_order(after) {
            let cut = order.len() - rest.len() + before.len();
            orders.push(order[..cut].trim().trim_end_matches(','));
            order = after;
        }
        rest = after;
    }
    orders.push(order);
    orders
}

fn one(sentence: &str, page: &Page) -> Vec<Change> {
    let order = polite(sentence);
    rename(order, page)
        .or_else(|| remove(order, page))
        .or_else(|| hours(order))
        .or_else(|| change(order, page))
        .or_else(|| colon(order, page))
        .or_else(|| add(order, page))
        .unwrap_or_else(|| vec![note(sentence)])
}

fn polite(sentence: &str) -> &str {
    let mut order = sentence.trim();
    let words =
        ["please", "could you", "can you", "would you", "now", "then", "and", "also", "hermes", "hey", "ok"];
    while let Some(rest) = phrase::after(order, &words) {
        let rest = rest.trim_start_matches(',').trim();
        if rest.is_empty() {
            break;
        }
        order = rest;
    }
    order
}

fn rename(order: &str, page: &Page) -> Option<Vec<Change>> {
    let rest = phrase::after(order, RENAME)?;
    let (what, to) = match phrase::split_word(rest, &["to", "into"]) {
        Some(split) => split,
        None => (phrase::after(rest, &["it", "the page", "the site"]).map(|_| "it")?, rest_of_call(rest)?),
    };
    let to = last_text(to);
    if to.is_empty() {
        return None;
    }
    match find(page, what) {
        Some(section) => {
            Some(vec![Change::Heading { section: section.id.clone(), heading: clean::line(&to, 120) }])
        }
        None => Some(vec![Change::Title(clean::line(&to, 120))]),
    }
}

fn rest_of_call(rest: &str) -> Option<&str> {
    phrase::after(rest, &["it", "the page", "the site"])
}

fn remove(order: &str, page: &Page) -> Option<Vec<Change>> {
    let rest = phrase::after(order, REMOVE)?;
    if phrase::has_word(rest, TAGLINE) {
        return Some(vec![Change::Tagline(String::new())]);
    }
    let parts = phrase::list(rest);
    let each: Option<Vec<String>> = parts.iter().map(|part| Some(find(page, part)?.id.clone())).collect();
    let ids = each.or_else(|| Some(vec![find(page, rest)?.id.clone()])).unwrap_or_default();
    let removals: Vec<Change> = ids.into_iter().map(|section| Change::Remove { section }).collect();
    (!removals.is_empty()).then_some(removals)
}

/// "Change the opening hours to …", "Opening hours: …", "We are open …".
fn hours(order: &str) -> Option<Vec<Change>> {
    let says = if features::is_hours(order) {
        let (_, after) = phrase::split_word(order, &["hours", "opening times"])?;
        let after = after.trim_start_matches([':', '=']).trim();
        phrase::after(after, &["to", "are", "are now", "now", "should be", "is"]).unwrap_or(after)
    } else {
        phrase::after(order, &["we are open", "we're open", "we open", "it is open", "open"])?
    };
    let says = phrase::after(says, &["to", "should be", "now"]).unwrap_or(says);
    if !has_times(says) {
        return None;
    }
    let lines = says.split(['\n', ';']).map(|line| phrase::unquote(line.trim().trim_end_matches('.')));
    Some(vec![Change::Hours(lines.filter(|line| !line.is_empty()).collect())])
}

fn has_times(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit())
        || phrase::has_word(text, &["closed", "daily", "always", "noon"])
}

fn change(order: &str, page: &Page) -> Option<Vec<Change>> {
    let verb_and_rest = phrase::after(order, CHANGE);
    let rest = verb_and_rest?;
    let replaced = phrase::after(order, &["replace"]).is_some();
    let ends: &[&str] =
        if replaced { &["with", "by"] } else { &["to say", "to read", "say", "to", "into", "as", "read"] };
    if let Some((what, to)) = phrase::split_word(rest, ends)
        && !what.is_empty()
        && !to.is_empty()
    {
        return set(page, what, &last_text(to));
    }
    // "make the heading X"
    let what = phrase::bare(rest);
    let target = phrase::after(what, &["title", "headline", "heading", "page title"])?;
    let to = phrase::after(target, &["be", "read", "say"]).unwrap_or(target);
    let looks = phrase::quoted(to).is_none() && phrase::has_word(to, LOOKS);
    let to = last_text(to);
    (!to.is_empty() && !looks).then(|| vec![Change::Title(clean::line(&to, 120))])
}

/// "Title: X", "Tagline: Y", "Our story: …".
fn colon(order: &str, page: &Page) -> Option<Vec<Change>> {
    let (what, to) = order.split_once(": ")?;
    if what.split_whitespace().count() > 5 || phrase::after(what, ADD).is_some() {
        return None;
    }
    set(page, what, &last_text(to))
}

fn set(page: &Page, what: &str, to: &str) -> Option<Vec<Change>> {
    let what = what.trim();
    let of = phrase::split_word(what, &["of", "in"]).map(|(_, of)| of);
    if phrase::has_word(what, TAGLINE) {
        return Some(vec![Change::Tagline(clean::line(to, 300))]);
    }
    let is_heading = phrase::has_word(what, &["title", "heading", "headline", "name"]);
    if is_heading && let Some(section) = of.and_then(|of| find(page, of)).or_else(|| find(page, what)) {
        return Some(vec![Change::Heading { section: section.id.clone(), heading: clean::line(to, 120) }]);
    }
    if is_heading || is_page(what) {
        return Some(vec![Change::Title(clean::line(to, 120))]);
    }
    if page.title.eq_ignore_ascii_case(&phrase::unquote(what)) {
        return Some(vec![Change::Title(clean::line(to, 120))]);
    }
    if phrase::has_word(what, &["button"]) {
        let form = |section: &&Section| matches!(section.body, Body::Form { .. });
        let section = of
            .and_then(|of| find(page, of))
            .filter(|s| form(s))
            .or_else(|| page.sections.iter().find(form))?;
        return Some(vec![Change::Button { section: section.id.clone(), label: clean::line(to, 80) }]);
    }
    let section = find(page, what)?;
    let id = section.id.clone();
    Some(vec![match section.body {
        Body::Hours { .. } => Change::Hours(vec![clean::line(to, 500)]),
        // A form has no words of its own: what is set is what it is called.
        Body::Form { .. } => Change::Heading { section: id, heading: clean::line(to, 120) },
        Body::Text { .. } | Body::List { .. } => Change::Text { section: id, text: clean::line(to, 2000) },
    }])
}

fn is_page(what: &str) -> bool {
    TITLE.iter().any(|word| phrase::bare(what).eq_ignore_ascii_case(word) || what.eq_ignore_ascii_case(word))
}

fn add(order: &str, page: &Page) -> Option<Vec<Change>> {
    let rest = phrase::after(order, ADD)?;
    // "add rye bread to the menu"
    if let Some((item, place)) = phrase::split_word(rest, &["to", "under", "in"])
        && !item.is_empty()
        && let Some(section) = find(page, place)
    {
        let id = section.id.clone();
        let items = if phrase::quoted(item).is_some() { vec![item.to_owned()] } else { phrase::list(item) };
        let entry = |item: String| Change::Item { section: id.clone(), item: last_text(&item) };
        return Some(items.into_iter().map(entry).collect());
    }
    let rest = strip_place(rest);
    // "an about section" is a part of its own, not words about something.
    let plain = rest.to_lowercase().replace("about section", "section").replace("about page", "page");
    let whole = phrase::quoted(rest).is_some()
        || phrase::has_word(&plain, &["with", "saying", "that says", "about", "called", "named"]);
    let parts = if whole { vec![rest.to_owned()] } else { phrase::list(rest) };
    let parts: Vec<Change> = parts.iter().map(|part| Change::Add(features::section(part))).collect();
    (!parts.is_empty()).then_some(parts)
}

/// "… to the page", "… at the bottom": where there is only one place to put it.
fn strip_place(rest: &str) -> &str {
    let rest = rest.trim_end_matches(['.', '!']);
    let lower = rest.to_ascii_lowercase();
    let places = [
        " to the page",
        " to the site",
        " to it",
        " on the page",
        " at the bottom",
        " at the end",
        " at the top",
    ];
    places
        .iter()
        .find(|place| lower.ends_with(*place))
        .map_or(rest, |place| &rest[..rest.len() - place.len()])
}

/// The section that these words mean: by its heading, its id or its kind.
fn find<'a>(page: &'a Page, words: &str) -> Option<&'a Section> {
    let words = phrase::unquote(words).to_lowercase();
    let words = words.trim_end_matches(['.', '!', '?']);
    let words = ["section", "block", "part"]
        .iter()
        .fold(phrase::bare(words), |w, end| w.trim_end_matches(end).trim());
    let words = phrase::after(
        words,
        &["section", "text of", "text in", "text", "heading of", "title of", "content of"],
    )
    .filter(|rest| !rest.is_empty())
    .unwrap_or(words);
    let words = phrase::after(words, &["about", "called", "named", "on"]).unwrap_or(words);
    let words = phrase::bare(words);
    if words.is_empty() {
        return None;
    }
    let by_heading = |section: &&Section| {
        let heading = section.heading.to_lowercase();
        let bare = phrase::bare(&heading);
        bare == words
            || heading == words
            || (words.len() > 2 && heading.contains(words))
            || (bare.len() > 2 && words.contains(bare))
    };
    let by_kind = |section: &&Section| match section.body {
        Body::Form { .. } => phrase::has_word(words, &["form", "order", "contact"]),
        Body::Hours { .. } => features::is_hours(words),
        Body::List { .. } => phrase::has_word(words, &["list", "menu"]),
        Body::Text { .. } => words == "note" && section.id == crate::practice::page::NOTE,
    };
    page.sections.iter().find(by_heading).or_else(|| page.sections.iter().find(by_kind))
}

/// The words that are meant to stand on the page: quoted ones as they are, else without the dot of the sentence.
fn last_text(words: &str) -> String {
    match phrase::quoted(words) {
        Some(quoted) => clean::line(&quoted, 2000),
        None => clean::line(words.trim().trim_end_matches('.'), 2000),
    }
}
