//! A list in what somebody wants: its items can be done at the same time.

/// Parts that one request may have.
pub const MOST: usize = 8;

/// What is common to all, and each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub common: String,
    pub items: Vec<String>,
}

/// The items of the text's list, if it has one: lines that begin with a dash, a star, a dot or a number. A line that is
/// indented goes on with the item before it; all else is common to the items.
pub fn split(text: &str) -> Option<Split> {
    let (mut common, mut items) = (Vec::new(), Vec::<String>::new());
    for line in text.lines() {
        match (item(line), items.last_mut()) {
            (Some(words), _) => items.push(words.to_owned()),
            (None, Some(last)) if line.starts_with([' ', '\t']) && !line.trim().is_empty() => {
                last.push(' ');
                last.push_str(line.trim());
            }
            (None, _) => common.push(line.trim()),
        }
    }
    let fits = (2..=MOST).contains(&items.len());
    fits.then(|| Split { common: common.join("\n").trim().to_owned(), items })
}

fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let after_number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if after_number.len() < line.len() {
        after_number.strip_prefix(['.', ')'])?
    } else {
        line.strip_prefix(['-', '*', '•', '–'])?
    };
    let words = rest.strip_prefix([' ', '\t'])?.trim();
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Option<Vec<String>> {
        split(text).map(|s| s.items)
    }

    #[test]
    fn a_list_has_items_and_what_is_common_to_them() {
        let found = split(
            "For the bakery:\n- opening hours\n- an order form\n  with a date\n3) a map\nKeep it plain.",
        )
        .unwrap();
        assert_eq!(found.common, "For the bakery:\nKeep it plain.");
        assert_eq!(found.items, ["opening hours", "an order form with a date", "a map"]);
        assert_eq!(items("1. one\n2. two").unwrap(), ["one", "two"]);
    }

    #[test]
    fn what_is_no_list_is_not_split() {
        for text in [
            "",
            "a page",
            "- only one",
            "well-known - and so on\nnext",
            "3.5 kg\n4.5 kg",
            "--flag\n--other",
            "-\n-\n",
        ] {
            assert_eq!(items(text), None, "{text:?}");
        }
        assert_eq!(items(&"- x\n".repeat(MOST + 1)), None);
    }
}
