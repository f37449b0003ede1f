//! Fingerprints of errors: what stays the same of a message when it occurs again elsewhere.

/// Letters of a fingerprint.
const LETTERS: usize = 100;

/// The fingerprint of the error that a line tells, and where in the line it begins.
pub(super) fn fingerprint(line: &str) -> Option<(usize, String)> {
    let start = start(line)?;
    let message = line.get(start..)?.trim_matches(|c: char| c.is_whitespace() || "`*".contains(c));
    let mut print = String::new();
    for word in message.split_whitespace() {
        if print.len() >= LETTERS {
            break;
        }
        if !print.is_empty() {
            print.push(' ');
        }
        push_word(word, &mut print);
    }
    let cut = (0..=LETTERS.min(print.len())).rev().find(|at| print.is_char_boundary(*at)).unwrap_or(0);
    print.truncate(cut);
    let print = print.trim_end_matches(|c: char| c.is_whitespace() || ",.;:".contains(c));
    // A bare "error:" says nothing.
    print.split_whitespace().nth(1).map(|_| (start, print.to_owned()))
}

/// `TypeError: …`, `java.lang.FooException: …`, `ENOENT: …` anywhere; `error: …`, `error[E0308]: …`, `fatal: …`,
/// `panicked at …` where the message begins.
fn start(line: &str) -> Option<usize> {
    let trimmed = line.trim_start_matches(|c: char| c.is_whitespace() || ">-*`|+".contains(c));
    let lead = line.len() - trimmed.len();
    let beginnings = ["error: ", "error[", "fatal: ", "npm ERR! ", "panic: ", "ERROR: ", "FATAL: ", "E: "];
    if beginnings.iter().any(|beginning| trimmed.starts_with(beginning)) {
        return Some(lead);
    }
    if let Some(at) = line.find("panicked at ") {
        return Some(at);
    }
    let mut at = 0;
    for word in line.split_inclusive([' ', '\t', '(', '`', '"']) {
        let bare = word.trim_end_matches([' ', '\t', '(', '`', '"']);
        if let Some(name) = bare.strip_suffix(':')
            && is_error_name(name)
        {
            return Some(at);
        }
        at += word.len();
    }
    None
}

fn is_error_name(name: &str) -> bool {
    let camel = |ending: &str| {
        name.len() > ending.len()
            && name.ends_with(ending)
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '_')
    };
    let system = name.len() >= 5 && name.starts_with('E') && name.chars().all(|c| c.is_ascii_uppercase());
    camel("Error") || camel("Exception") || system
}

/// Paths become `…`, and runs of digits, addresses among them, `#`.
fn push_word(word: &str, print: &mut String) {
    if word.contains('/') || word.contains('\\') {
        print.push('…');
        return;
    }
    if word.trim_start_matches(|c: char| !c.is_alphanumeric()).starts_with("0x") {
        print.push('#');
        return;
    }
    let mut digits = false;
    let in_code = word.starts_with("error[");
    for c in word.chars() {
        let digit = c.is_ascii_digit() && !in_code;
        match (digit, digits) {
            (true, true) => {}
            (true, false) => print.push('#'),
            (false, _) => print.push(c),
        }
        digits = digit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(line: &str) -> Option<String> {
        fingerprint(line).map(|(_, print)| print)
    }

    #[test]
    fn what_changes_from_time_to_time_is_not_in_it() {
        let first =
            print("TypeError: Cannot read property 'map' of undefined at /srv/app/x.tsx:12:3").unwrap();
        let again =
            print("  [12:00] TypeError: Cannot read property 'map' of undefined at /home/b/y.tsx:7:1")
                .unwrap();
        assert_eq!(first, again);
        assert_eq!(first, "TypeError: Cannot read property 'map' of undefined at …");
        assert_eq!(
            print("thread 'main' panicked at src/a.rs:3:4: index 7 out of 3").unwrap(),
            "panicked at … index # out of #"
        );
        assert_eq!(print("error[E0308]: mismatched types").unwrap(), "error[E0308]: mismatched types");
        assert_eq!(print("> ENOENT: no such file, open 'x'").unwrap(), "ENOENT: no such file, open 'x'");
    }

    #[test]
    fn prose_is_no_error() {
        for line in ["The error was mended.", "error:", "Terror: a novel", "Note: the error page is new", ""]
        {
            assert_eq!(print(line), None, "{line}");
        }
    }

    #[test]
    fn a_long_message_is_cut() {
        assert!(print(&format!("error: {}", "é ".repeat(500))).unwrap().len() <= LETTERS);
    }
}
