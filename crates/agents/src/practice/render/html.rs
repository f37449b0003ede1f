//! The plain starter: one HTML page and one style sheet, no script.

use super::{EXAMPLE_HOURS, FOOTER, THANKS};
use crate::practice::page::{Body, Field, Page, Section};
use std::fmt::Write;

pub(crate) fn page(page: &Page) -> String {
    let mut out = String::new();
    let title = escape(&page.title);
    // Writing to a String cannot fail.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n  <meta charset=\"utf-8\">\n  \
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n  <title>{title}</title>\n  \
         <link rel=\"stylesheet\" href=\"style.css\">\n</head>\n<body>\n  <header>\n    <h1 dir=\"auto\">{title}</h1>\n"
    );
    if !page.tagline.is_empty() {
        let _ = writeln!(out, "    <p class=\"tagline\" dir=\"auto\">{}</p>", escape(&page.tagline));
    }
    out.push_str("  </header>\n  <main>\n");
    for item in &page.sections {
        section(&mut out, item);
    }
    let _ = write!(out, "  </main>\n  <footer>\n    <p>{FOOTER}</p>\n  </footer>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, section: &Section) {
    let id = escape(&section.id);
    let heading = escape(&section.heading);
    let _ = write!(
        out,
        "    <section aria-labelledby=\"{id}\">\n      <h2 id=\"{id}\" dir=\"auto\">{heading}</h2>\n"
    );
    match &section.body {
        Body::Text { items } => {
            for item in items {
                let _ = writeln!(out, "      <p dir=\"auto\">{}</p>", escape(item));
            }
        }
        Body::Hours { items, example } => {
            list(out, items);
            if *example {
                let _ = writeln!(out, "      <p class=\"hint\">{EXAMPLE_HOURS}</p>");
            }
        }
        Body::List { items } => list(out, items),
        Body::Form { items, button } => form(out, &id, items, button),
    }
    out.push_str("    </section>\n");
}

fn list(out: &mut String, items: &[String]) {
    out.push_str("      <ul>\n");
    for item in items {
        let _ = writeln!(out, "        <li dir=\"auto\">{}</li>", escape(item));
    }
    out.push_str("      </ul>\n");
}

/// A page without a server keeps nothing: the form leads to its thanks by the address alone, and says so.
fn form(out: &mut String, id: &str, fields: &[Field], button: &str) {
    let _ = writeln!(out, "      <form method=\"get\" action=\"#{id}-thanks\" aria-labelledby=\"{id}\">");
    for field in fields {
        let (name, label) = (escape(&field.name), escape(&field.label));
        let attributes = format!("id=\"{id}-{name}\" name=\"{name}\" required");
        let control = match field.input.as_str() {
            "textarea" => format!("<textarea {attributes} rows=\"4\"></textarea>"),
            input => format!("<input {attributes} type=\"{}\">", escape(input)),
        };
        let _ = writeln!(
            out,
            "        <label for=\"{id}-{name}\" dir=\"auto\">{label}</label>\n        {control}"
        );
    }
    let _ = write!(
        out,
        "        <button type=\"submit\">{}</button>\n      </form>\n      \
         <p class=\"thanks\" id=\"{id}-thanks\" role=\"status\">{THANKS}</p>\n      \
         <p class=\"hint\">This page has no server of its own: nothing is sent to anybody.</p>\n",
        escape(button)
    );
}

/// Text as text, in an element or in a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

pub(crate) const STYLE: &str = "\
:root { color-scheme: light dark; --accent: #9a3412; --line: #d6d3d1; }
@media (prefers-color-scheme: dark) { :root { --accent: #fdba74; --line: #57534e; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 44rem; padding: 2rem 1.25rem; font: 1.0625rem/1.6 system-ui, sans-serif; }
h1 { font-size: 2.5rem; line-height: 1.15; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.375rem; margin: 0 0 .5rem; overflow-wrap: anywhere; }
p, li { overflow-wrap: anywhere; }
.tagline { font-size: 1.25rem; margin: .5rem 0 0; }
section { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.5rem; }
ul { padding-left: 1.25rem; }
.hint, footer { font-size: .9375rem; opacity: .8; }
form { display: grid; gap: .5rem; max-width: 28rem; }
input, textarea { font: inherit; padding: .5rem; border: 1px solid var(--line); border-radius: .375rem; }
button { font: inherit; justify-self: start; margin-top: .5rem; padding: .5rem 1.25rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.thanks { display: none; }
.thanks:target { display: block; font-weight: 600; }
footer { margin-top: 3rem; }
";
