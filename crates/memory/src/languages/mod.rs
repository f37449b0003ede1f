//! Words of texts and questions, in whatever language they are written.
//!
//! [`indexed`] makes of a text what goes into the full-text index; [`ask`] makes of a question what is looked up there.
//! Both cut words the same way ([`words`]) and stem them the same way ([`stems`]). A question's words are also looked up
//! in the other languages that a [`dictionary`] of software words knows, and English ones in those that a memory's notes
//! are written in. No word of a question is ever query syntax.

mod ask;
mod dictionary;
mod language;
mod stems;
mod stop;
mod words;

pub(crate) use ask::{Asked, Term, ask, beginning};
pub(crate) use language::Language;
pub(crate) use words::{Kind, each_word};

/// Whether a word in lower case says nothing by itself, in any language.
pub(crate) fn is_small(word: &str) -> bool {
    Language::ALL.into_iter().any(|language| stop::is_small(word, language))
}

/// What the index holds of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Indexed {
    /// Index terms with blanks between them, in the order of the text.
    pub(crate) terms: String,
    /// How many words they stand for: its length, to the ranking.
    pub(crate) count: u32,
    pub(crate) language: Language,
}

pub(crate) fn indexed(text: &str) -> Indexed {
    let language = Language::of(text);
    let mut terms = String::with_capacity(text.len());
    let mut count = 0;
    let mut push = |term: &str| {
        if !terms.is_empty() {
            terms.push(' ');
        }
        terms.push_str(term);
    };
    each_word(text, |word| {
        if word.kind == words::Kind::Part && stop::says_nothing(&word.text, language) {
            return;
        }
        // A name that was written together stands beside its parts, and does not make the text longer.
        count += u32::from(word.kind != words::Kind::Whole);
        let (stem, other) = stems::both(&word, language);
        push(&stem);
        if let Some(other) = other {
            push(&other);
        }
    });
    Indexed { terms, count, language }
}

#[cfg(test)]
mod tests;
