//! One part of a page out of a few words: "opening hours", "an order form", "a menu with bread and rolls".

use super::phrase;
use crate::practice::page::{Body, Field, HOURS, Section, slug};

const LISTS: &[&str] = &[
    "list",
    "menu",
    "products",
    "services",
    "prices",
    "team",
    "events",
    "courses",
    "features",
    "projects",
    "links",
    "recipes",
    "dishes",
    "questions",
    "faq",
    "price list",
    "schedule",
    "program",
    "programme",
];
const FORMS: &[&str] = &[
    "form",
    "contact",
    "newsletter",
    "sign-up",
    "signup",
    "sign up",
    "booking",
    "reservation",
    "rsvp",
    "guestbook",
    "feedback",
    "order",
];

/// The section that these words ask for.
pub(super) fn section(words: &str) -> Section {
    let words = phrase::bare(words);
    if let Some(name) = named(words) {
        return name;
    }
    if is_hours(words) && !phrase::has_word(words, &["form"]) {
        return hours();
    }
    if phrase::has_word(words, FORMS) {
        return form(words);
    }
    let (topic, content) = match phrase::split_word(words, &["with", "of", "saying", "that says"]) {
        Some((topic, content)) if !topic.is_empty() && !content.is_empty() => (topic, Some(content)),
        _ => (words, None),
    };
    if phrase::has_word(topic, LISTS) {
        return list(topic, content);
    }
    text(words)
}

pub(super) fn is_hours(words: &str) -> bool {
    phrase::has_word(words, &["hours", "opening times", "open hours", "opening hours", "business hours"])
}

/// `section called "Our story"`, perhaps with its words after `with` or `saying`.
fn named(words: &str) -> Option<Section> {
    let rest = phrase::after(words, &["section", "part", "paragraph", "block", "list"])?;
    let is_list = phrase::after(words, &["list"]).is_some();
    let rest = phrase::after(rest, &["called", "named", "titled", "headed"])?;
    let (name, content) = match phrase::split_word(rest, &["with", "saying", "that says", "containing"]) {
        Some((name, content)) if !name.is_empty() => (name, Some(content)),
        _ => (rest, None),
    };
    let heading = phrase::heading(&phrase::unquote(name));
    let content =
        content.map(|words| phrase::after(words, &["the text", "text", "the words"]).unwrap_or(words));
    let items = match content {
        Some(content) if is_list => phrase::list(content).iter().map(|item| phrase::unquote(item)).collect(),
        Some(content) => vec![phrase::unquote(content)],
        None => vec![waiting(&heading)],
    };
    let body = if is_list { Body::List { items } } else { Body::Text { items } };
    Some(Section { id: slug(&heading), heading, body })
}

fn hours() -> Section {
    let items =
        ["Monday to Friday 8:00–18:00", "Saturday 8:00–13:00", "Sunday closed"].map(str::to_owned).to_vec();
    Section { id: HOURS.into(), heading: "Opening hours".into(), body: Body::Hours { items, example: true } }
}

fn form(words: &str) -> Section {
    let (topic, asked) = match phrase::split_word(words, &["with", "for", "asking for", "that asks for"]) {
        Some((topic, asked)) if !topic.is_empty() => (topic, Some(asked)),
        _ => (words, None),
    };
    let heading = phrase::heading(&phrase::unquote(topic));
    let named: Vec<Field> = match asked {
        Some(asked) if phrase::has_word(words, &["with", "asking for", "that asks for"]) => {
            phrase::list(asked)
                .iter()
                .map(|part| Field::asking(&phrase::heading(strip_field(part))))
                .collect()
        }
        _ => Vec::new(),
    };
    let (fields, button) = usual_fields(topic);
    let items = if named.is_empty() { fields } else { named };
    Section { id: slug(&heading), heading, body: Body::Form { items, button: button.to_owned() } }
}

fn strip_field(words: &str) -> &str {
    let words = phrase::bare(words);
    words.strip_suffix(" fields").or_else(|| words.strip_suffix(" field")).unwrap_or(words)
}

fn usual_fields(topic: &str) -> (Vec<Field>, &'static str) {
    let name = Field::new("name", "Name", "text");
    let email = Field::new("email", "Email", "email");
    if phrase::has_word(topic, &["order"]) {
        (vec![name, email, Field::new("order", "Your order", "textarea")], "Send order")
    } else if phrase::has_word(topic, &["newsletter", "sign-up", "signup", "sign up"]) {
        (vec![email], "Sign up")
    } else if phrase::has_word(topic, &["booking", "reservation", "appointment"]) {
        let date = Field::new("date", "Date", "date");
        (vec![name, email, date, Field::new("people", "Number of people", "number")], "Book")
    } else if phrase::has_word(topic, &["rsvp"]) {
        (vec![name, email, Field::new("guests", "Number of guests", "number")], "Reply")
    } else {
        (vec![name, email, Field::new("message", "Message", "textarea")], "Send")
    }
}

fn list(topic: &str, content: Option<&str>) -> Section {
    let heading = phrase::heading(&phrase::unquote(phrase::bare(topic)));
    let items = match content {
        Some(content) => phrase::list(content).iter().map(|item| phrase::unquote(item)).collect(),
        None => vec!["First entry: ask for the real ones".to_owned(), "Second entry".to_owned()],
    };
    let heading = match (phrase::after(topic, &["list"]), content) {
        (Some(""), Some(content)) => phrase::heading(&format!("List of {}", phrase::bare(content))),
        _ => heading,
    };
    Section { id: slug(&heading), heading, body: Body::List { items } }
}

/// A section of text. Quoted words are its text; without them it waits for some.
fn text(words: &str) -> Section {
    let topic = phrase::after(words, &["section", "part", "paragraph", "text", "page", "block"]);
    let topic = topic.filter(|topic| !topic.is_empty()).unwrap_or(words);
    let topic = topic.trim_end_matches(['.', '!']).trim_end_matches(" section").trim_end();
    let about = phrase::after(topic, &["about", "on", "for", "saying", "that says", "with"]);
    let topic = about.filter(|about| !about.is_empty()).unwrap_or(topic);
    match phrase::quoted(words) {
        Some(quoted) => {
            let before = words.split(['"', '“', '„', '«', '‘', '`', '\'']).next().unwrap_or_default();
            let before = phrase::after(before, &["section", "paragraph", "text", "the text", "words"])
                .unwrap_or(before);
            let about = phrase::after(before.trim(), &["about", "on"]).unwrap_or(before).trim();
            let about = ["saying", "that says", "with the text", "with", "text"]
                .iter()
                .fold(about, |about, end| about.strip_suffix(end).unwrap_or(about).trim());
            let heading = phrase::heading(if about.chars().count() > 2 { about } else { "A word" });
            Section { id: slug(&heading), heading, body: Body::Text { items: vec![quoted] } }
        }
        None => {
            let heading = phrase::heading(topic);
            let items = vec![waiting(topic)];
            Section { id: slug(&heading), heading, body: Body::Text { items } }
        }
    }
}

fn waiting(topic: &str) -> String {
    format!(
        "This part is about {}. Ask for the words that should stand here.",
        protocol::clean::line(topic, 300)
    )
}
