//! The memory in words.

#[cfg(test)]
pub(crate) mod sample;

use super::figures;
use protocol::fact::NoteKind;
use protocol::view::{EnrichmentView, MemoryView, ModelView, NoteRow};

/// Where on the page one is: what stands in the address after `memory/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Notes,
    Note(String),
    /// The graph, or what is around one entity of it.
    Graph(Option<String>),
    State,
}

impl Place {
    pub fn of(open: Option<&str>) -> Place {
        match open {
            None => Place::Notes,
            Some("graph") => Place::Graph(None),
            Some("state") => Place::State,
            Some(open) => match open.strip_prefix("graph/") {
                Some(name) => Place::Graph(Some(decoded(name))),
                None => Place::Note(open.to_owned()),
            },
        }
    }

    pub fn open(&self) -> Option<String> {
        match self {
            Place::Notes => None,
            Place::Note(id) => Some(id.clone()),
            Place::Graph(None) => Some("graph".to_owned()),
            Place::Graph(Some(name)) => Some(format!("graph/{}", encoded(name))),
            Place::State => Some("state".to_owned()),
        }
    }

    pub fn hash(&self) -> String {
        match self.open() {
            Some(open) => format!("#/memory/{open}"),
            None => "#/memory".to_owned(),
        }
    }
}

/// A name as a part of an address.
fn encoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'/' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.extend([byte >> 4, byte & 15].into_iter().filter_map(|n| char::from_digit(n.into(), 16)));
            }
        }
    }
    out
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |i: usize| after.get(i).and_then(|b| char::from(*b).to_digit(16));
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Every kind as a choice: its word, twice. What people push most stands first.
pub fn kinds() -> Vec<(String, String)> {
    const ORDER: [NoteKind; 7] = [
        NoteKind::Decision,
        NoteKind::Preference,
        NoteKind::Document,
        NoteKind::Glossary,
        NoteKind::Step,
        NoteKind::Deployment,
        NoteKind::Failure,
    ];
    let word = |kind: NoteKind| (kind.word().to_owned(), kind.word().to_owned());
    ORDER.into_iter().map(word).collect()
}

pub fn kind(word: &str) -> NoteKind {
    NoteKind::ALL.into_iter().find(|kind| kind.word() == word).unwrap_or(NoteKind::Decision)
}

/// From where a note is; a request is named by a link, not by its number.
pub fn source(row: &NoteRow) -> String {
    let from =
        if row.request.is_some() && row.source.starts_with("request ") { "a request" } else { &row.source };
    match row.confidence {
        Some(sure) => format!("{from}, {sure} % sure"),
        None => from.to_owned(),
    }
}

/// A part of a whole: `12 %`, `0.4 %`.
pub fn share(part: u64, of: u64) -> String {
    let Some(per_mille) = (part.saturating_mul(1000)).checked_div(of) else { return "0 %".to_owned() };
    match per_mille {
        0 if part > 0 => "< 0.1 %".to_owned(),
        0..100 => format!("{}.{} %", per_mille / 10, per_mille % 10),
        _ => format!("{} %", per_mille / 10),
    }
}

/// What a recall gave of what there is.
pub fn told(notes: usize, tokens: u64, of: u64, model: Option<&str>) -> String {
    let by = model.map_or_else(|| "by words and graph".to_owned(), |m| format!("by words, graph and {m}"));
    format!(
        "{}, ≈ {} of {} tokens ({}), {by}",
        super::counted(notes as u64, "note", "notes"),
        figures::grouped(tokens),
        figures::grouped(of),
        share(tokens, of)
    )
}

/// The embedding model's state in a sentence.
pub fn model(view: &ModelView) -> String {
    let name = match (&view.name, view.dim) {
        (Some(name), Some(dim)) => format!("{name}, {dim} dimensions"),
        (Some(name), None) => name.clone(),
        (None, _) => "none: notes are found by words and graph".to_owned(),
    };
    let waiting = super::counted(view.waiting, "passage waits", "passages wait");
    if view.waiting > 0 { format!("{name}; {waiting} for a vector") } else { name }
}

pub fn enrichment(view: &EnrichmentView) -> String {
    let Some(by) = &view.by else { return "off: entities are found without a model, at no cost".to_owned() };
    let budget = view.budget.map_or_else(|| "no limit".to_owned(), |b| format!("of {}", figures::grouped(b)));
    format!(
        "by {by}; {} today ({budget}); {}",
        super::counted(view.used, "token", "tokens"),
        super::counted(view.waiting, "note waits", "notes wait")
    )
}

/// What the memory holds, name by name.
pub fn sizes(view: &MemoryView) -> Vec<(&'static str, String)> {
    vec![
        ("Notes", figures::grouped(view.notes)),
        ("Superseded", figures::grouped(view.superseded)),
        ("Entities", figures::grouped(view.entities)),
        ("Relations", figures::grouped(view.relations)),
        ("Tokens of all notes", format!("≈ {}", figures::grouped(view.tokens))),
        ("On the disk", figures::bytes(view.bytes)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_again_by_its_address() {
        let odd = "A name / with % and ü, 中 #?";
        for place in [
            Place::Notes,
            Place::Note("n-1".into()),
            Place::Graph(None),
            Place::Graph(Some("app/x.tsx".into())),
            Place::Graph(Some(odd.into())),
            Place::State,
        ] {
            assert_eq!(Place::of(place.open().as_deref()), place);
        }
        assert!(Place::Graph(Some(odd.into())).hash().is_ascii());
        assert_eq!(Place::of(Some("graph/50%")), Place::Graph(Some("50%".into())));
    }

    #[test]
    fn a_small_share_is_not_nothing() {
        for (part, of, said) in
            [(0, 0, "0 %"), (0, 9, "0.0 %"), (1, 9000, "< 0.1 %"), (6, 1000, "0.6 %"), (1, 4, "25 %")]
        {
            assert_eq!(share(part, of), said);
        }
    }

    #[test]
    fn what_was_told_says_how_it_was_found() {
        assert_eq!(told(2, 60, 600, None), "2 notes, ≈ 60 of 600 tokens (10 %), by words and graph");
        assert!(told(1, 0, 0, Some("m")).ends_with("by words, graph and m"));
    }

    #[test]
    fn the_state_is_said_in_words() {
        let view = sample::stands();
        assert_eq!(model(&view.model), "m, 384 dimensions; 2 passages wait for a vector");
        assert_eq!(enrichment(&view.enrichment), "by codex; 100 tokens today (of 1,000); 1 note waits");
        assert!(model(&ModelView::default()).starts_with("none"));
        assert!(enrichment(&EnrichmentView::default()).starts_with("off"));
    }

    #[test]
    fn a_kind_is_known_by_its_word() {
        for one in NoteKind::ALL {
            assert_eq!(kind(one.word()), one);
        }
        assert!(NoteKind::ALL.iter().all(|one| kinds().iter().any(|(word, _)| word == one.word())));
    }
}
