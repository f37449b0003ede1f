//! Finds the request in a brief: the text under the heading `# Task`, up to the next heading of that rank.

/// The request's words. A brief without that heading is the request itself.
pub(crate) fn task(brief: &str) -> String {
    let mut lines = brief.lines();
    if !lines.by_ref().any(|line| line.trim_end() == "# Task") {
        return brief.trim().to_owned();
    }
    let task: Vec<&str> = lines.take_while(|line| !line.starts_with("# ")).collect();
    task.join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::task;

    #[test]
    fn the_task_is_what_stands_under_its_heading() {
        let brief = "# Who\nyou\n\n# Task\n\nA page\n## with a detail\n\n# Recalled memory\nold\n";
        assert_eq!(task(brief), "A page\n## with a detail");
        assert_eq!(task("  just words "), "just words");
        assert_eq!(task("# Task\n"), "");
    }
}
