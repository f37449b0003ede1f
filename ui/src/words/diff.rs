//! A unified diff, line by line: what each line is, so that a page can colour it.

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    File,
    Hunk,
    Added,
    Removed,
    Same,
    Meta,
}

impl Kind {
    pub fn class(self) -> &'static str {
        match self {
            Self::File => "d-file",
            Self::Hunk => "d-hunk",
            Self::Added => "d-add",
            Self::Removed => "d-del",
            Self::Same => "d-same",
            Self::Meta => "d-meta",
        }
    }
}

/// Lines shown of one diff; a longer one is cut and says so.
pub const MOST_LINES: usize = 3_000;

/// Every line with its kind, and how many were left out.
pub fn lines(text: &str) -> (Vec<(Kind, &str)>, usize) {
    let mut in_hunk = false;
    let mut out = Vec::new();
    let mut left_out = 0;
    for line in text.lines() {
        let kind = classify(line, &mut in_hunk);
        if out.len() < MOST_LINES { out.push((kind, line)) } else { left_out += 1 }
    }
    (out, left_out)
}

/// Inside a hunk `+++ x` is an added line, outside it names a file.
fn classify(line: &str, in_hunk: &mut bool) -> Kind {
    if line.starts_with("diff --git ") {
        *in_hunk = false;
        return Kind::File;
    }
    if line.starts_with("@@") {
        *in_hunk = true;
        return Kind::Hunk;
    }
    match (*in_hunk, line.as_bytes().first()) {
        (false, _) => Kind::Meta,
        (true, Some(b'+')) => Kind::Added,
        (true, Some(b'-')) => Kind::Removed,
        (true, Some(b'\\')) => Kind::Meta,
        (true, _) => Kind::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_no_change_and_a_changed_line_may_look_like_a_header() {
        let text = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+++ new\n\\ No newline\ndiff --git a/y b/y";
        let (lines, left_out) = lines(text);
        let kinds: Vec<Kind> = lines.iter().map(|(k, _)| *k).collect();
        use Kind::*;
        assert_eq!(kinds, [File, Meta, Meta, Hunk, Same, Removed, Added, Meta, File]);
        assert_eq!(left_out, 0);
    }

    #[test]
    fn a_huge_diff_is_cut_and_says_so() {
        let text = "@@ @@\n".to_owned() + &"+x\n".repeat(MOST_LINES + 9);
        let (shown, left_out) = lines(&text);
        assert_eq!((shown.len(), left_out), (MOST_LINES, 10));
    }
}
