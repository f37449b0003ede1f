//! Code: which sources and fences are code, and what is declared and brought in there.

use super::Kind;
use super::prose::package;
use super::seen::Seen;
use super::word::{classify, is_identifier};
use std::cell::Cell;
use std::ops::ControlFlow;
use tree_sitter::{Node, ParseOptions, ParseState, Parser, Point, Tree, TreeCursor};

/// So much of one piece of code is read, word by word.
const BYTES: usize = 128 * 1024;
/// So much is parsed at once, and of one note: there are texts that cost a parser the square of their length.
const PARSED: usize = 32 * 1024;
pub(super) const PARSED_OF_ONE: usize = 128 * 1024;
/// A parser is given code in pieces of so many bytes, and may go through each so often, all in all. It looks for the end of a
/// string that is never closed anew at each place where one may begin.
const PIECE: usize = 1024;
const OFTEN: usize = 16;

/// Whether a note of this source is a file of code.
pub(super) fn is_code(source: &str) -> bool {
    Language::of_source(source).is_some()
}

/// Languages whose declarations are known. TSX is read for JavaScript too, which is a part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Rust,
    Python,
    Tsx,
}

impl Language {
    pub(super) fn of_source(source: &str) -> Option<Language> {
        let path = source.split(['#', '?']).next().unwrap_or(source);
        let name = path.rsplit('/').next()?;
        Language::of_tag(name.rsplit_once('.')?.1)
    }

    /// By the word after a fence, or a file's ending.
    pub(super) fn of_tag(tag: &str) -> Option<Language> {
        Some(match tag.trim().to_ascii_lowercase().as_str() {
            "rs" | "rust" => Language::Rust,
            "py" | "python" | "pyi" => Language::Python,
            "js" | "jsx" | "mjs" | "cjs" | "javascript" | "ts" | "tsx" | "mts" | "cts" | "typescript" => {
                Language::Tsx
            }
            _ => return None,
        })
    }

    fn grammar(self) -> tree_sitter::Language {
        match self {
            Language::Rust => tree_sitter_rust::LANGUAGE.into(),
            Language::Python => tree_sitter_python::LANGUAGE.into(),
            Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        }
    }
}

/// What a piece of code that begins at `at` declares and brings in, and the files, routes and settings that it names.
pub(super) fn read(code: &str, at: usize, language: Language, seen: &mut Seen<'_>) {
    let code = beginning(code, BYTES);
    let mut from = 0;
    while from < code.len() && seen.left_to_parse > 0 {
        let rest = code.get(from..).unwrap_or_default();
        let part = portion(rest, PARSED.min(seen.left_to_parse));
        if part.is_empty() {
            break;
        }
        parse(part, at + from, language, seen);
        seen.left_to_parse = seen.left_to_parse.saturating_sub(part.len());
        from += part.len();
    }
    let mut begin = at;
    for line in code.split_inclusive('\n') {
        words(line, begin, seen);
        begin += line.len();
    }
}

fn beginning(code: &str, most: usize) -> &str {
    code.get(..code.floor_char_boundary(most)).unwrap_or_default()
}

/// As many whole lines as fit; of a line that is too long, its beginning.
fn portion(code: &str, most: usize) -> &str {
    let part = beginning(code, most);
    if part.len() == code.len() {
        return part;
    }
    part.rfind('\n').and_then(|end| part.get(..=end)).unwrap_or(part)
}

fn parse(code: &str, at: usize, language: Language, seen: &mut Seen<'_>) {
    if let Some(tree) = tree(code, language) {
        walk(&mut tree.walk(), code, at, language, seen);
    }
}

/// None for code that a parser would go through too often.
fn tree(code: &str, language: Language) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&language.grammar()).ok()?;
    let left = Cell::new((code.len() / PIECE + 1) * OFTEN);
    let mut end = 0;
    let mut piece = |at: usize, _: Point| -> &[u8] {
        // Those that were read to their end count, and not where it goes to and fro.
        left.set(left.get().saturating_sub(usize::from(at == end)));
        end = code.len().min(at + PIECE);
        if left.get() == 0 { &[] } else { code.as_bytes().get(at..end).unwrap_or_default() }
    };
    let mut go_on = |_: &ParseState| match left.get() {
        0 => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    let options = ParseOptions::new().progress_callback(&mut go_on);
    parser.parse_with_options(&mut piece, None, Some(options)).filter(|_| left.get() > 0)
}

/// Every node once, without recursion: code may be nested to any depth.
fn walk(cursor: &mut TreeCursor<'_>, code: &str, at: usize, language: Language, seen: &mut Seen<'_>) {
    loop {
        let node = cursor.node();
        let deeper = look(node, code, at, language, seen);
        if deeper && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Takes what a node declares; returns whether there can be more within.
fn look(node: Node<'_>, code: &str, at: usize, language: Language, seen: &mut Seen<'_>) -> bool {
    let text = |node: Node<'_>| code.get(node.byte_range()).unwrap_or_default();
    let name = || node.child_by_field_name("name");
    match node.kind() {
        "function_item"
        | "struct_item"
        | "enum_item"
        | "trait_item"
        | "type_item"
        | "const_item"
        | "static_item"
        | "macro_definition"
        | "function_definition"
        | "class_definition"
        | "function_declaration"
        | "generator_function_declaration"
        | "class_declaration"
        | "abstract_class_declaration"
        | "interface_declaration"
        | "type_alias_declaration"
        | "enum_declaration"
        | "method_definition" => {
            if let Some(name) = name() {
                declared(text(name), at + name.start_byte(), seen);
            }
            true
        }
        "variable_declarator" => {
            let is_function = node.child_by_field_name("value").is_some_and(|value| {
                matches!(value.kind(), "arrow_function" | "function_expression" | "class")
            });
            if let Some(name) = name().filter(|_| is_function) {
                declared(text(name), at + name.start_byte(), seen);
            }
            true
        }
        "use_declaration" | "extern_crate_declaration" | "import_statement" | "import_from_statement" => {
            imported(node, code, at, language, seen);
            false
        }
        "call_expression" => {
            let called = node.child_by_field_name("function").map(text);
            if called == Some("require") {
                imported(node, code, at, language, seen);
            }
            true
        }
        // There is nothing declared in these, and much of them.
        "string" | "string_literal" | "comment" | "line_comment" | "block_comment" | "template_string" => {
            false
        }
        _ => true,
    }
}

fn declared(name: &str, at: usize, seen: &mut Seen<'_>) {
    if name.len() > 1 && is_identifier(name) && !matches!(name, "main" | "constructor" | "render" | "new") {
        seen.add(name, Kind::Symbol, at, 0.5);
    }
}

/// The package that an import names; what lies in the same project is none.
fn imported(node: Node<'_>, code: &str, at: usize, language: Language, seen: &mut Seen<'_>) {
    let text = code.get(node.byte_range()).unwrap_or_default();
    let found = match language {
        Language::Rust => {
            let path = text
                .trim_start_matches("pub ")
                .trim_start_matches("extern crate ")
                .trim_start_matches("use ");
            let first =
                path.trim_start_matches(':').split([':', ';', ' ', '{', ',']).next().unwrap_or_default();
            let own = matches!(first, "crate" | "self" | "super" | "std" | "core" | "alloc" | "");
            (!own && first.starts_with(|c: char| c.is_ascii_lowercase())).then_some(first)
        }
        Language::Python => {
            let module = text.trim_start_matches("from ").trim_start_matches("import ");
            let first = module.split(['.', ' ', ',', '\n']).next().unwrap_or_default();
            (!first.is_empty() && is_identifier(first)).then_some(first)
        }
        Language::Tsx => quoted(text).and_then(module),
    };
    if let Some(name) = found {
        seen.add(name, Kind::Package, at + node.start_byte(), 0.0);
    }
}

/// What stands in the last quotes.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim_end_matches([';', ')', ' ', '\n']);
    let quote = text.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    text.strip_suffix(quote)?.rsplit_once(quote).map(|(_, quoted)| quoted)
}

/// `@scope/name/part` is of package `@scope/name`.
fn module(path: &str) -> Option<&str> {
    if path.starts_with(['.', '/', '~', '#']) || path.is_empty() {
        return None;
    }
    let parts = if path.starts_with('@') { 2 } else { 1 };
    let end = path.match_indices('/').nth(parts - 1).map_or(path.len(), |(at, _)| at);
    path.get(..end).map(|path| path.strip_prefix("node:").unwrap_or(path)).map(package)
}

/// Files, routes, settings, packages and addresses in a line of code. Its other words are too many to mean something.
pub(super) fn words(line: &str, at: usize, seen: &mut Seen<'_>) {
    let mut begin = at;
    for piece in line.split_inclusive(|c: char| c.is_whitespace() || "\"'`(),;<>=|".contains(c)) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || "\"'`(),;<>=|:".contains(c));
        let name = word.trim_start_matches("./").trim_start_matches(['$', '{']).trim_end_matches(['.', '\\']);
        let name = name.strip_prefix("process.env.").unwrap_or(name);
        if let Some(kind @ (Kind::File | Kind::Route | Kind::Env | Kind::Url | Kind::Commit)) = classify(name)
        {
            seen.add(name, kind, begin, 0.0);
        }
        begin += piece.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_is_gone_through_again_and_again_is_given_up() {
        let languages = [Language::Rust, Language::Python, Language::Tsx];
        assert!(tree(&"r#\"".repeat(PARSED / 3), Language::Rust).is_none());
        for (code, times) in
            [(include_str!("code.rs"), 3), ("fn a() { let x = \"é\"; }\n", 1_400), ("`a", 16_000), ("", 1)]
        {
            let code = code.repeat(times);
            for language in languages {
                assert!(tree(beginning(&code, PARSED), language).is_some(), "{language:?} {:.40}", code);
            }
        }
    }
}
