//! The React starter: one route module. Words stand in it as string literals inside braces, so that no word can be
//! read as markup or as code.

use super::{EXAMPLE_HOURS, FOOTER, THANKS};
use crate::practice::page::{Body, Field, Page, Section};
use std::fmt::Write;

pub(crate) fn page(page: &Page) -> String {
    let has_form = page.sections.iter().any(|section| matches!(section.body, Body::Form { .. }));
    let mut out = String::new();
    out.push_str("// The practice agent writes this file from ../../content.json.\n");
    head(&mut out, page, has_form);
    out.push_str("export default function Home() {\n");
    if has_form {
        out.push_str("  const answer = useActionData<typeof action>();\n");
    }
    out.push_str(
        "  return (\n    <div className=\"mx-auto max-w-2xl px-5 py-10 text-lg leading-relaxed\">\n",
    );
    let _ = writeln!(
        out,
        "      <header>\n        <h1 dir=\"auto\" className=\"text-4xl font-bold break-words\">{}</h1>",
        text(&page.title)
    );
    if !page.tagline.is_empty() {
        let _ =
            writeln!(out, "        <p dir=\"auto\" className=\"mt-2 text-xl\">{}</p>", text(&page.tagline));
    }
    out.push_str("      </header>\n      <main>\n");
    for item in &page.sections {
        section(&mut out, item);
    }
    let _ = write!(
        out,
        "      </main>\n      <footer className=\"mt-12 text-base opacity-80\">\n        <p>{FOOTER}</p>\n      \
         </footer>\n    </div>\n  );\n}}\n"
    );
    out
}

fn head(out: &mut String, page: &Page, has_form: bool) {
    if has_form {
        out.push_str("import { Form, useActionData, type ActionFunctionArgs } from \"react-router\";\n\n");
    }
    let _ = write!(out, "export function meta() {{\n  return [{{ title: {} }}", literal(&page.title));
    if !page.tagline.is_empty() {
        let _ = write!(out, ", {{ name: \"description\", content: {} }}", literal(&page.tagline));
    }
    out.push_str("];\n}\n\n");
    if has_form {
        out.push_str(
            "// What was sent is kept in memory only: a restart forgets it.\n\
             const received: Record<string, FormDataEntryValue>[] = [];\n\n\
             export async function action({ request }: ActionFunctionArgs) {\n  \
             const data = await request.formData();\n  \
             received.push(Object.fromEntries(data));\n  \
             if (received.length > 1000) received.shift();\n  \
             return { form: String(data.get(\"form\") ?? \"\") };\n}\n\n",
        );
    }
}

fn section(out: &mut String, section: &Section) {
    let id = literal(&section.id);
    let _ = write!(
        out,
        "        <section aria-labelledby={{{id}}} className=\"mt-8 border-t border-stone-300 pt-6\">\n          \
         <h2 id={{{id}}} dir=\"auto\" className=\"mb-2 text-2xl font-semibold break-words\">{}</h2>\n",
        text(&section.heading)
    );
    match &section.body {
        Body::Text { items } => {
            for item in items {
                let _ =
                    writeln!(out, "          <p dir=\"auto\" className=\"break-words\">{}</p>", text(item));
            }
        }
        Body::Hours { items, example } => {
            list(out, items);
            if *example {
                let _ =
                    writeln!(out, "          <p className=\"mt-2 text-base opacity-80\">{EXAMPLE_HOURS}</p>");
            }
        }
        Body::List { items } => list(out, items),
        Body::Form { items, button } => form(out, &section.id, items, button),
    }
    out.push_str("        </section>\n");
}

fn list(out: &mut String, items: &[String]) {
    out.push_str("          <ul className=\"list-disc pl-6\">\n");
    for item in items {
        let _ = writeln!(out, "            <li dir=\"auto\" className=\"break-words\">{}</li>", text(item));
    }
    out.push_str("          </ul>\n");
}

fn form(out: &mut String, id: &str, fields: &[Field], button: &str) {
    let quoted = literal(id);
    let _ = write!(
        out,
        "          <Form method=\"post\" aria-labelledby={{{quoted}}} className=\"grid max-w-md gap-2\">\n            \
         <input type=\"hidden\" name=\"form\" value={{{quoted}}} />\n"
    );
    for field in fields {
        let (field_id, name) = (literal(&format!("{id}-{}", field.name)), literal(&field.name));
        let class = "className=\"rounded border border-stone-400 p-2\"";
        let control = match field.input.as_str() {
            "textarea" => {
                format!("<textarea id={{{field_id}}} name={{{name}}} required rows={{4}} {class} />")
            }
            input => {
                let input = literal(input);
                format!("<input id={{{field_id}}} name={{{name}}} required type={{{input}}} {class} />")
            }
        };
        let _ = writeln!(
            out,
            "            <label htmlFor={{{field_id}}} dir=\"auto\">{}</label>\n            {control}",
            text(&field.label)
        );
    }
    let _ = write!(
        out,
        "            <button type=\"submit\" className=\"mt-2 justify-self-start rounded bg-orange-800 px-5 py-2 \
         font-semibold text-white\">{}</button>\n          </Form>\n          \
         <p role=\"status\" className=\"mt-2 font-semibold\">{{answer?.form === {quoted} ? \"{THANKS}\" : \"\"}}</p>\n",
        text(button)
    );
}

/// A JSX child that is this text and nothing else.
fn text(words: &str) -> String {
    format!("{{{}}}", literal(words))
}

/// A JavaScript string literal. `<` and the two line separators are escaped too, so that the text can stand anywhere.
fn literal(words: &str) -> String {
    let mut out = String::with_capacity(words.len() + 2);
    out.push('"');
    for c in words.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '<' | '>' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
