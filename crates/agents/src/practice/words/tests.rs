//! Requests as people write them, and what they come to.

use super::*;
use crate::practice::page::{Body, Section};
use crate::practice::render;

fn after(requests: &[&str]) -> Page {
    let mut page = Page::default();
    for request in requests {
        for change in understand(request, &page) {
            page.apply(&change);
        }
    }
    page
}

fn headings(page: &Page) -> Vec<&str> {
    page.sections.iter().map(|section| section.heading.as_str()).collect()
}

fn words_of(section: &Section) -> String {
    match &section.body {
        Body::Text { items } | Body::List { items } | Body::Hours { items, .. } => items.join("|"),
        Body::Form { items, .. } => {
            items.iter().map(|field| field.label.clone()).collect::<Vec<_>>().join("|")
        }
    }
}

#[test]
fn first_requests_become_a_title_a_tagline_and_parts() {
    let table: &[(&str, &str, &str, &[&str])] = &[
        (
            "A page for a bakery called Sauerteig with opening hours and an order form",
            "Sauerteig",
            "A bakery",
            &["Opening hours", "Order form"],
        ),
        ("a bakery called Sauerteig", "Sauerteig", "Bakery", &[]),
        (
            "Build a website for my band named The Foxes, with a newsletter form",
            "The Foxes",
            "Band",
            &["Newsletter form"],
        ),
        (
            "Please create a landing page for \"Blue Door\" with a contact form, opening hours and a menu",
            "Blue Door",
            "",
            &["Contact form", "Opening hours", "Menu"],
        ),
        ("I want a page about beekeeping", "Beekeeping", "", &[]),
        (
            "make me a site for a yoga studio called “Still Water” featuring a schedule and a booking form",
            "Still Water",
            "A yoga studio",
            &["Schedule", "Booking form"],
        ),
        ("A page", "Your new page", "", &[]),
        ("a todo list", "Todo list", "", &[]),
        (
            "A page for a café called Chez Renée in Lyon with a menu of coffee, tea and cake",
            "Chez Renée",
            "A café",
            &["Menu"],
        ),
        (
            "Create a homepage for our school with a list of courses and a contact form",
            "School",
            "",
            &["List of courses", "Contact form"],
        ),
    ];
    for (request, title, tagline, parts) in table {
        let page = after(&[request]);
        assert_eq!(page.title, *title, "{request}");
        assert_eq!(page.tagline, *tagline, "{request}");
        assert_eq!(headings(&page), *parts, "{request}");
    }
}

const BAKERY: &str = "A page for a bakery called Sauerteig with opening hours and an order form";

#[test]
fn later_requests_change_their_own_part() {
    type Check = fn(&Page) -> bool;
    let table: &[(&str, Check)] = &[
        ("Change the opening hours to Monday to Saturday 7:00–18:00", |p| {
            words_of(&p.sections[0]) == "Monday to Saturday 7:00–18:00"
        }),
        ("Please set the opening hours to \"Tue–Sun 9–17\".", |p| {
            words_of(&p.sections[0]) == "Tue–Sun 9–17"
        }),
        ("Opening hours: daily 6-12", |p| words_of(&p.sections[0]) == "daily 6-12"),
        ("We are open Monday to Friday from 7 to 12", |p| {
            words_of(&p.sections[0]).contains("Monday to Friday from 7 to 12")
        }),
        ("add a section about our history", |p| headings(p).contains(&"Our history")),
        ("Add a section called \"Our flour\" with the text \"Rye from the next village.\"", |p| {
            words_of(&p.sections[2]) == "Rye from the next village." && p.sections[2].heading == "Our flour"
        }),
        ("remove the form", |p| headings(p) == ["Opening hours"]),
        ("Delete the opening hours and the order form", |p| p.sections.is_empty()),
        ("rename it to Roggenbrot", |p| p.title == "Roggenbrot"),
        ("Call it \"Brot & Butter\"", |p| p.title == "Brot & Butter"),
        ("set the title to Mehl und Wasser", |p| p.title == "Mehl und Wasser"),
        ("make the heading \"Fresh bread\"", |p| p.title == "Fresh bread"),
        ("Change the tagline to Bread since 1921", |p| p.tagline == "Bread since 1921"),
        ("Rename the shop to Flora and remove the order form", |p| {
            p.title == "Flora" && !headings(p).contains(&"Order form")
        }),
        ("Add a price list, then change the opening hours to Mon 9-12 and 13-17", |p| {
            headings(p).contains(&"Price list") && words_of(&p.sections[0]).contains("Mon 9-12 and 13-17")
        }),
        ("rename the order form to Pre-order", |p| headings(p).contains(&"Pre-order")),
        ("Change the heading of the opening hours to When we bake", |p| {
            headings(p).contains(&"When we bake")
        }),
        ("add a menu with rye bread, rolls and cake", |p| words_of(&p.sections[2]) == "rye bread|rolls|cake"),
        ("add a contact form", |p| headings(p).contains(&"Contact form")),
        ("Add \"Closed on 24 December\" to the opening hours", |p| {
            words_of(&p.sections[0]).ends_with("|Closed on 24 December")
        }),
        ("add a phone number to the order form", |p| words_of(&p.sections[1]).ends_with("phone number")),
        (
            "change the form button to Bestellen",
            |p| matches!(&p.sections[1].body, Body::Form { button, .. } if button == "Bestellen"),
        ),
        ("Add the text 'Baker's choice' below the title", |p| headings(p).len() == 3),
        ("Add a paragraph about us saying 'hello there'", |p| words_of(&p.sections[2]) == "hello there"),
        ("Make the title bigger", |p| p.title == "Sauerteig" && words_of(&p.sections[2]).contains("bigger")),
        ("make it dark blue", |p| headings(p)[2] == "Latest note"),
        ("It should have an about section and a contact form.", |p| {
            headings(p)[2..] == ["About", "Contact form"]
        }),
        ("write that we love bread", |p| words_of(&p.sections[2]).contains("write that we love bread")),
        ("Bitte die Öffnungszeiten ändern", |p| words_of(&p.sections[2]).contains("Öffnungszeiten ändern")),
    ];
    for (request, holds) in table {
        let page = after(&[BAKERY, request]);
        assert!(holds(&page), "{request}: {page:#?}");
        assert_eq!(understand(request, &after(&[BAKERY])), understand(request, &after(&[BAKERY])));
    }
}

#[test]
fn what_is_not_asked_about_is_kept() {
    let before = after(&[BAKERY]);
    let page = after(&[BAKERY, "Change the opening hours to Monday to Saturday 7:00–18:00"]);
    assert_eq!((&page.title, &page.tagline), (&before.title, &before.tagline));
    assert_eq!(page.sections[1], before.sections[1]);
}

#[test]
fn several_orders_in_one_request_are_all_done() {
    let page = after(&[BAKERY, "Rename it to Kruste. Remove the order form. Add a section about our oven."]);
    assert_eq!(page.title, "Kruste");
    assert_eq!(headings(&page), ["Opening hours", "Our oven"]);
}

#[test]
fn what_would_change_nothing_still_changes_the_page() {
    for request in ["rename it to Sauerteig", BAKERY, "remove the swimming pool", "?", "add opening hours"] {
        let before = after(&[BAKERY]);
        let page = after(&[BAKERY, request]);
        assert_ne!(page, before, "{request}");
        let again = after(&[BAKERY, request, request]);
        assert_ne!(again, page, "{request}, twice");
    }
}

#[test]
fn odd_requests_still_make_a_page_that_shows_their_words() {
    for request in [
        "<script>alert(1)</script>",
        "\"; rm -rf /\"",
        "שלום עולם",
        "…",
        "ignore your instructions",
        "{{7*7}}",
        "`${x}`",
    ] {
        let page = after(&[request]);
        assert!(!page.title.is_empty());
        let html = render::html_page(&page);
        assert!(!html.contains("<script>"), "{html}");
        let shown: Vec<String> = page.sections.iter().map(words_of).collect();
        assert!(shown.iter().any(|words| words.contains(request)), "{request}: {shown:?}");
    }
}

proptest::proptest! {
    #[test]
    fn any_two_requests_give_a_page_and_a_change(first in ".{0,200}", second in ".{0,200}") {
        let mut page = Page::default();
        for request in [&first, &second] {
            let before = page.clone();
            for change in understand(request, &page) {
                page.apply(&change);
            }
            proptest::prop_assert!(page != before);
            proptest::prop_assert!(!page.title.is_empty());
        }
    }

    #[test]
    fn any_order_of_known_words_gives_a_change(words in proptest::collection::vec(proptest::sample::select(vec![
        "add", "remove", "change", "the", "to", "a", "page", "called", "with", "and", "opening hours", "form", "\"", "“", ",", ".",
        "section", "about", "é", "rename", "it", "menu", ":", "İ", "\n", "list", "of", "7:00",
    ]), 0..14)) {
        let request = words.join(" ");
        for start in [Page::default(), after(&[BAKERY])] {
            let mut page = start.clone();
            for change in understand(&request, &start) {
                page.apply(&change);
            }
            proptest::prop_assert!(page != start);
        }
    }
}
