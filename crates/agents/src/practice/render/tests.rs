//! Words stay words, wherever they stand.

use super::*;
use crate::practice::page::{Body, Field, Page, Section};
use proptest::prelude::*;

fn page_of(words: &str) -> Page {
    let section = |id: &str, body: Body| Section { id: id.into(), heading: words.into(), body };
    Page {
        title: words.into(),
        tagline: words.into(),
        sections: vec![
            section("a", Body::Text { items: vec![words.into()] }),
            section("b", Body::List { items: vec![words.into()] }),
            section("c", Body::Hours { items: vec![words.into()], example: true }),
            section("d", Body::Form { items: vec![Field::asking(words)], button: words.into() }),
        ],
    }
}

/// The page with its string literals taken out: what the compiler reads as code.
fn code_of(tsx: &str) -> String {
    let mut code = String::new();
    let mut inside = false;
    let mut chars = tsx.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if inside => {
                chars.next();
            }
            '"' => inside = !inside,
            c if !inside => code.push(c),
            _ => {}
        }
    }
    code
}

fn tags_of(html: &str) -> String {
    let mut tags = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if inside && c.is_ascii_alphabetic() => tags.push(c),
            _ => {}
        }
    }
    tags
}

proptest! {
    #[test]
    fn words_never_become_code(words in "\\PC{1,80}|[<>\"'`{}$\\\\/&;a-z ]{1,40}") {
        prop_assert_eq!(code_of(&react_page(&page_of(&words))), code_of(&react_page(&page_of("x"))));
    }

    #[test]
    fn words_never_become_markup(words in "\\PC{1,80}|[<>\"'`{}$\\\\/&;a-z ]{1,40}") {
        let mut page = page_of(&words);
        let mut plain = page_of("x");
        // The field's name and type are made from its label and are attributes: they are compared apart.
        page.sections.truncate(3);
        plain.sections.truncate(3);
        prop_assert_eq!(tags_of(&html_page(&page)), tags_of(&html_page(&plain)));
    }
}

#[test]
fn text_is_verbatim_where_a_reader_sees_it() {
    let page = page_of("Crème brûlée — שלום");
    for out in [html_page(&page), react_page(&page)] {
        assert!(out.contains("Crème brûlée — שלום"));
        assert!(out.contains(FOOTER));
    }
}

#[test]
fn the_pages_look_as_they_did() {
    let mut page = page_of("Bread & <b>rolls</b>");
    page.title = "Sauerteig".into();
    insta::assert_snapshot!("html", html_page(&page));
    insta::assert_snapshot!("react", react_page(&page));
}
