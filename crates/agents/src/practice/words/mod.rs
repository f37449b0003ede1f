//! Understands a request by a few rules: what the page is called, which parts it has, what is to be changed. Words that
//! no rule takes are put on the page as they are: nothing that a person asked is lost without a trace.

mod create;
mod edit;
mod features;
mod phrase;

use super::page::{Change, Page};
use protocol::clean;

/// Rules look at this much of a request; a longer one is a text, not an order.
const MAX_RULED: usize = 4000;
/// What is put on the page of words that no rule takes.
const MAX_NOTE: usize = 8000;

/// The changes that the request asks of the page. Never empty, and applied in order they change the page.
pub(crate) fn understand(request: &str, page: &Page) -> Vec<Change> {
    let request: String = request.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect();
    let request = request.trim();
    let fresh = page.title.is_empty();
    let mut changes = Vec::new();
    let mut now = page.clone();
    let mut take = |changes: &mut Vec<Change>, found: Vec<Change>| {
        for change in found {
            now.apply(&change);
            changes.push(change);
        }
        now.clone()
    };
    if request.len() > MAX_RULED {
        if fresh {
            take(&mut changes, create::untitled());
        }
        take(&mut changes, vec![note(request)]);
        return changes;
    }
    let mut state = page.clone();
    for (number, sentence) in phrase::sentences(request).iter().enumerate() {
        let found = match create::from(sentence, state.title.is_empty()) {
            Some(found) => found,
            None if number == 0 && fresh => {
                state = take(&mut changes, create::untitled());
                edit::from(sentence, &state)
            }
            None => edit::from(sentence, &state),
        };
        state = take(&mut changes, found);
    }
    if fresh && changes.is_empty() {
        state = take(&mut changes, create::untitled());
    }
    if state == *page || changes.is_empty() {
        take(&mut changes, vec![note(request)]);
    }
    changes
}

/// The words themselves, as a note on the page.
fn note(words: &str) -> Change {
    Change::Note(clean::line(words, MAX_NOTE))
}

#[cfg(test)]
mod tests;
