//! Code: which sources and fences are code, and what is declared and brought in there.

/// Whether a note of this source is a file of code.
pub(super) fn is_code(source: &str) -> bool {
    Language::of_source(source).is_some()
}

/// Languages whose declarations are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    JavaScript,
    TypeScript,
    Tsx,
}

impl Language {
    pub(super) fn of_source(source: &str) -> Option<Language> {
        let path = source.split(['#', '?']).next().unwrap_or(source);
        let name = path.rsplit('/').next()?;
        Language::of_tag(name.rsplit_once('.')?.1)
    }

    /// By the word after a fence, or a file's extension.
    pub(super) fn of_tag(tag: &str) -> Option<Language> {
        Some(match tag.trim().to_ascii_lowercase().as_str() {
            "rs" | "rust" => Language::Rust,
            "py" | "python" | "pyi" => Language::Python,
            "js" | "jsx" | "mjs" | "cjs" | "javascript" => Language::JavaScript,
            "ts" | "mts" | "cts" | "typescript" => Language::TypeScript,
            "tsx" => Language::Tsx,
            _ => return None,
        })
    }
}
