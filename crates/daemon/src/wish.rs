//! Who makes what of a request, as it is written on the command line: parts, races, and a text that is split by its list.

use protocol::AgentId;
use protocol::api::Part;

/// A part as it is written: `TEXT`, or `codex: TEXT`, or `codex+claude-code: TEXT` for a race at it.
pub fn part(text: &str, is_agent: impl Fn(&str) -> bool) -> Part {
    let named = text.split_once(':').and_then(|(names, rest)| {
        let names: Vec<&str> = names.split('+').map(str::trim).collect();
        let agents = names.iter().filter(|name| is_agent(name)).filter_map(|name| AgentId::new(*name).ok());
        let agents: Vec<AgentId> = agents.collect();
        // A colon stands in many a sentence; only known names make it a wish.
        (agents.len() == names.len()).then(|| (agents, rest.trim()))
    });
    match named {
        Some((agents, rest)) => Part { text: rest.to_owned(), agents },
        None => Part { text: text.trim().to_owned(), agents: Vec::new() },
    }
}

/// The items of the text's lists become parts, each with what is indented under it; what stands around them is common.
pub fn split(text: &str) -> (String, Vec<String>) {
    let mut common = Vec::new();
    let mut items: Vec<Vec<&str>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(first) = item(line) {
            items.push(vec![first]);
            inside = true;
            continue;
        }
        inside = inside && (line.trim().is_empty() || line.starts_with([' ', '\t']));
        match items.last_mut() {
            Some(item) if inside => item.push(line),
            _ => common.push(line),
        }
    }
    let items: Vec<String> = items.iter().map(|lines| lines.join("\n").trim().to_owned()).collect();
    let common = common.join("\n").trim().to_owned();
    if !common.is_empty() || items.is_empty() {
        return (common, items);
    }
    let titles: Vec<&str> = items.iter().filter_map(|item| item.lines().next()).collect();
    (titles.join("; "), items)
}

/// The text of a list's item that begins at the margin: `- x`, `* x`, `+ x`, `1. x`, `1) x`.
fn item(line: &str) -> Option<&str> {
    let after_digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = if after_digits.len() < line.len() {
        after_digits.strip_prefix(['.', ')'])?
    } else {
        line.strip_prefix(['-', '*', '+'])?
    };
    rest.strip_prefix(' ').map(str::trim).filter(|rest| !rest.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_agent(name: &str) -> bool {
        ["codex", "claude-code"].contains(&name)
    }

    #[test]
    fn a_part_may_name_who_makes_it() {
        let of = |text| {
            let part = part(text, is_agent);
            (part.text, part.agents.iter().map(ToString::to_string).collect::<Vec<_>>().join("+"))
        };
        assert_eq!(of("the menu"), ("the menu".into(), String::new()));
        assert_eq!(of("codex: the menu: with prices"), ("the menu: with prices".into(), "codex".into()));
        assert_eq!(of("codex + claude-code: x"), ("x".into(), "codex+claude-code".into()));
        assert_eq!(of("note: the menu"), ("note: the menu".into(), String::new()));
        assert_eq!(of("codex: "), (String::new(), "codex".into()));
    }

    #[test]
    fn a_text_is_split_by_its_list() {
        let text = "A page for a bakery.\n\n- the menu\n  with prices\n\n  and a note\n* codex: the map\n\nAll in blue.\n";
        let (common, parts) = split(text);
        assert_eq!(common, "A page for a bakery.\n\nAll in blue.");
        assert_eq!(parts, ["the menu\n  with prices\n\n  and a note", "codex: the map"]);
        assert_eq!(split("1. one\n2) two\n"), ("one; two".into(), vec!["one".into(), "two".into()]));
        assert_eq!(
            split("no list - here\n-nor here\n2024 was good"),
            ("no list - here\n-nor here\n2024 was good".into(), vec![])
        );
    }
}
