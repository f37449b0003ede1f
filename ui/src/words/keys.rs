//! What a key means. A small state machine: `g` waits for a second key, all else is one key.

use super::route::View;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    Go(View),
    Focus,
    Help,
    Close,
    Next,
    Previous,
    Open,
}

/// What was pressed before, if it still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chord {
    since_ms: Option<i64>,
}

/// How long a `g` waits for its second key.
const CHORD_MS: i64 = 1_500;

/// The key that was pressed, and where.
#[derive(Debug, Clone, Copy)]
pub struct Press<'a> {
    pub key: &'a str,
    /// Ctrl, Alt or Meta was down: such keys are the browser's.
    pub modified: bool,
    /// The focus is in a field that takes text.
    pub typing: bool,
    pub at_ms: i64,
}

/// The next state and what to do.
pub fn press(chord: Chord, press: Press<'_>) -> (Chord, Option<Act>) {
    let none = Chord::default();
    if press.modified {
        return (none, None);
    }
    if press.key == "Escape" {
        return (none, Some(Act::Close));
    }
    if press.typing {
        return (none, None);
    }
    let waiting = chord.since_ms.is_some_and(|since| press.at_ms - since <= CHORD_MS);
    if waiting {
        let view = View::ALL.into_iter().find(|v| press.key.chars().eq([v.key()]));
        return (none, view.map(Act::Go));
    }
    match press.key {
        "g" => (Chord { since_ms: Some(press.at_ms) }, None),
        "/" => (none, Some(Act::Focus)),
        "?" => (none, Some(Act::Help)),
        "j" | "ArrowDown" => (none, Some(Act::Next)),
        "k" | "ArrowUp" => (none, Some(Act::Previous)),
        "o" => (none, Some(Act::Open)),
        _ => (none, None),
    }
}

/// The list that `?` shows.
pub const HELP: [(&str, &str); 13 + cfg!(feature = "desktop") as usize] = [
    ("g h", "Home"),
    ("g d", "Deployments"),
    ("g s", "Steps"),
    ("g m", "Memory"),
    ("g a", "Agents"),
    ("g b", "Bridges"),
    ("g i", "Instructions"),
    ("g o", "Doctor"),
    #[cfg(feature = "desktop")]
    ("g v", "Servers"),
    ("/", "to the ask box, the search or the filter"),
    ("Enter", "send, or open the row; Shift+Enter is a new line"),
    ("j k or ↓ ↑", "next and previous row; ← → in the film strip"),
    ("Esc", "close what is open"),
    ("?", "this list"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str, at_ms: i64) -> Press<'_> {
        Press { key, modified: false, typing: false, at_ms }
    }

    #[test]
    fn g_and_a_letter_go_to_a_view_in_time() {
        for view in View::ALL {
            let (chord, act) = press(Chord::default(), key("g", 0));
            assert_eq!(act, None);
            let letter = view.key().to_string();
            assert_eq!(press(chord, key(&letter, 900)), (Chord::default(), Some(Act::Go(view))));
            assert!(!matches!(press(chord, key(&letter, 5_000)).1, Some(Act::Go(_))));
        }
    }

    #[test]
    fn typing_and_modifiers_are_left_alone() {
        let typing = Press { typing: true, ..key("g", 0) };
        assert_eq!(press(Chord::default(), typing), (Chord::default(), None));
        let modified = Press { modified: true, ..key("k", 0) };
        assert_eq!(press(Chord::default(), modified).1, None);
        let escape = Press { typing: true, ..key("Escape", 0) };
        assert_eq!(press(Chord::default(), escape).1, Some(Act::Close));
    }

    #[test]
    fn a_wrong_second_key_does_nothing() {
        let (chord, _) = press(Chord::default(), key("g", 0));
        assert_eq!(press(chord, key("/", 10)), (Chord::default(), None));
    }
}
