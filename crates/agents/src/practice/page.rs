//! The content of the page that the practice agent keeps, in `app/content.json`: small, and the one source from which
//! the page is rendered, so that a later request changes its own part and nothing else.

use serde::{Deserialize, Serialize};

/// The most sections a page may have; a page that is asked for more keeps its newest.
const MAX_SECTIONS: usize = 60;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Page {
    pub title: String,
    #[serde(default)]
    pub tagline: String,
    #[serde(default)]
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Section {
    pub id: String,
    pub heading: String,
    #[serde(flatten)]
    pub body: Body,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Body {
    /// Paragraphs.
    Text {
        items: Vec<String>,
    },
    /// Lines such as "Monday to Friday 8:00–18:00". `example`: they are ours and wait for the real ones.
    Hours {
        items: Vec<String>,
        example: bool,
    },
    List {
        items: Vec<String>,
    },
    Form {
        items: Vec<Field>,
        button: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub name: String,
    pub label: String,
    /// An HTML input type, or `textarea`.
    pub input: String,
}

/// One change of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Title(String),
    Tagline(String),
    /// A new section; an example of what is already there (hours, the same id) is left out.
    Add(Section),
    Hours(Vec<String>),
    Text {
        section: String,
        text: String,
    },
    Heading {
        section: String,
        heading: String,
    },
    Button {
        section: String,
        label: String,
    },
    Item {
        section: String,
        item: String,
    },
    Remove {
        section: String,
    },
    /// What was not understood, as text.
    Note(String),
}

pub(crate) const NOTE: &str = "latest-note";
pub(crate) const HOURS: &str = "opening-hours";

impl Page {
    pub fn find(&self, id: &str) -> Option<&Section> {
        self.sections.iter().find(|section| section.id == id)
    }

    pub fn apply(&mut self, change: &Change) {
        match change {
            Change::Title(title) => self.title.clone_from(title),
            Change::Tagline(tagline) => self.tagline.clone_from(tagline),
            Change::Add(section) => self.add(section.clone()),
            Change::Hours(items) => self.hours(items.clone()),
            Change::Text { section, text } => self.change(section, |s| match &mut s.body {
                Body::List { items } => *items = vec![text.clone()],
                body => *body = Body::Text { items: vec![text.clone()] },
            }),
            Change::Heading { section, heading } => self.change(section, |s| s.heading.clone_from(heading)),
            Change::Button { section, label } => self.change(section, |s| {
                if let Body::Form { button, .. } = &mut s.body {
                    button.clone_from(label);
                }
            }),
            Change::Item { section, item } => self.change(section, |s| match &mut s.body {
                Body::Text { items } | Body::List { items } => items.push(item.clone()),
                Body::Hours { items, example } => {
                    *example = false;
                    items.push(item.clone());
                }
                Body::Form { items, .. } => items.push(Field::asking(item)),
            }),
            Change::Remove { section } => self.sections.retain(|s| s.id != *section),
            Change::Note(text) => self.note(text),
        }
        if self.sections.len() > MAX_SECTIONS {
            self.sections.remove(0);
        }
    }

    fn change(&mut self, id: &str, with: impl FnOnce(&mut Section)) {
        if let Some(section) = self.sections.iter_mut().find(|section| section.id == id) {
            with(section);
        }
    }

    fn add(&mut self, section: Section) {
        match self.find(&section.id) {
            None => self.sections.push(section),
            Some(have) if std::mem::discriminant(&have.body) == std::mem::discriminant(&section.body) => {}
            Some(_) => {
                let id = format!("{}-{}", section.id, self.sections.len() + 1);
                self.sections.push(Section { id, ..section });
            }
        }
    }

    fn hours(&mut self, items: Vec<String>) {
        let is_hours = |section: &&mut Section| matches!(section.body, Body::Hours { .. });
        let body = Body::Hours { items, example: false };
        match self.sections.iter_mut().find(is_hours) {
            Some(section) => section.body = body,
            None => self.sections.push(Section { id: HOURS.into(), heading: "Opening hours".into(), body }),
        }
    }

    fn note(&mut self, text: &str) {
        let Some(section) = self.sections.iter_mut().find(|section| section.id == NOTE) else {
            let body = Body::Text { items: vec![text.to_owned()] };
            self.sections.push(Section { id: NOTE.into(), heading: "Latest note".into(), body });
            return;
        };
        match &mut section.body {
            // The same words again must still be seen as a change.
            Body::Text { items } if items.last().is_some_and(|last| last == text) && items.len() < 9 => {
                items.push(text.to_owned());
            }
            body => *body = Body::Text { items: vec![text.to_owned()] },
        }
    }
}

impl Field {
    pub fn new(name: &str, label: &str, input: &str) -> Field {
        Field { name: name.into(), label: label.into(), input: input.into() }
    }

    /// A field for something that the user named.
    pub fn asking(label: &str) -> Field {
        let lower = label.to_lowercase();
        let known = [
            ("email", "email"),
            ("e-mail", "email"),
            ("phone", "tel"),
            ("date", "date"),
            ("number", "number"),
        ];
        let input = known.iter().find(|(word, _)| lower.contains(word)).map_or("text", |(_, input)| *input);
        Field::new(&slug(label), label, input)
    }
}

/// A short name for ids and form fields, from any words: letters and digits of any script, joined by dashes.
pub(crate) fn slug(words: &str) -> String {
    let dashed: String = words
        .chars()
        .map(|c| if c.is_alphanumeric() { c.to_lowercase().next().unwrap_or(c) } else { '-' })
        .collect();
    let parts: Vec<&str> = dashed.split('-').filter(|part| !part.is_empty()).take(6).collect();
    let slug: String = parts.join("-").chars().take(48).collect();
    if slug.is_empty() { "section".to_owned() } else { slug }
}
