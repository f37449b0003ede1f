//! A file as a document. Text is taken, whatever its name; what is no text is refused as LightRAG refuses a type that it
//! does not know.

use super::documents::{document, push, shows, taken};
use super::door::Space;
use super::refuse::{Answered, Refusal};
use crate::context::Daemon;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::{Extension, Json};
use protocol::clean;
use serde_json::json;
use std::sync::Arc;

/// Bytes of what divides the parts of a body.
const BOUNDARY: usize = 70;

/// Told to clients that look before they send.
const EXTENSIONS: &[&str] = &[
    ".adoc",
    ".bat",
    ".c",
    ".conf",
    ".cpp",
    ".css",
    ".csv",
    ".go",
    ".h",
    ".hpp",
    ".htm",
    ".html",
    ".ini",
    ".java",
    ".js",
    ".json",
    ".jsx",
    ".less",
    ".log",
    ".md",
    ".mdx",
    ".php",
    ".properties",
    ".py",
    ".rb",
    ".rs",
    ".rst",
    ".scss",
    ".sh",
    ".sql",
    ".svelte",
    ".swift",
    ".tex",
    ".toml",
    ".ts",
    ".tsx",
    ".txt",
    ".vue",
    ".yaml",
    ".yml",
];

pub async fn supported() -> Answered {
    Ok(Json(json!({ "supported_extensions": EXTENSIONS, "engines": { "text": EXTENSIONS } })))
}

pub async fn upload(
    State(daemon): State<Arc<Daemon>>,
    Extension(Space(space)): Extension<Space>,
    headers: HeaderMap,
    body: Bytes,
) -> Answered {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let file = boundary(kind).and_then(|boundary| part(&body, &boundary, "file"));
    let Some(Part { name, data }) = file else {
        let missing =
            json!({ "type": "missing", "loc": ["body", "file"], "msg": "Field required", "input": null });
        return Err(Refusal::Fields(vec![missing]));
    };
    let name = named(&name)?;
    if data.len() > clean::MAX_NOTE {
        let mb = |bytes: usize| format!("{:.1}MB", bytes as f64 / 1024.0 / 1024.0);
        let says = format!(
            "File too large. Maximum size: {}, uploaded: {}: split it, or `loopwrightd memory import` it",
            mb(clean::MAX_NOTE),
            mb(data.len())
        );
        return Err(Refusal::says(StatusCode::PAYLOAD_TOO_LARGE, says));
    }
    let text = std::str::from_utf8(data).ok().filter(|text| !text.contains('\0'));
    let Some(text) = text else {
        let known = EXTENSIONS.join(", ");
        return Err(Refusal::bad(format!("Unsupported file type. Supported types: text such as {known}")));
    };
    let text = text.trim_start_matches('\u{FEFF}').to_owned();
    if !shows(&text) {
        return Err(Refusal::bad(format!("the file {name:?} is empty")));
    }
    let track = push(&daemon, &space, "upload", vec![document(text, Some(name.clone()))]).await?;
    Ok(taken(&format!("the file '{name}' is remembered"), &track))
}

/// A file's own name, without folders.
fn named(raw: &str) -> Result<String, Refusal> {
    if raw.trim().is_empty() {
        return Err(Refusal::bad("Filename cannot be empty"));
    }
    if raw.contains(['/', '\\']) || matches!(raw, "." | "..") {
        return Err(Refusal::bad("Unsafe filename detected"));
    }
    if raw.chars().any(char::is_control) || raw != raw.trim() {
        return Err(Refusal::bad("Invalid filename"));
    }
    Ok(raw.to_owned())
}

struct Part<'a> {
    name: String,
    data: &'a [u8],
}

/// What divides the parts of such a body.
fn boundary(kind: &str) -> Option<Vec<u8>> {
    let (essence, parameters) = kind.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    })?;
    // As the standard has it; a long one costs its length at every byte of the body.
    (1..=BOUNDARY).contains(&value.len()).then(|| format!("--{value}").into_bytes())
}

/// The file of the field.
fn part<'a>(body: &'a [u8], boundary: &[u8], field: &str) -> Option<Part<'a>> {
    let mut rest = body.get(find(body, boundary)? + boundary.len()..)?;
    loop {
        rest = rest.strip_prefix(b"\r\n")?;
        let head_end = find(rest, b"\r\n\r\n")?;
        let (head, body) = (rest.get(..head_end)?, rest.get(head_end + 4..)?);
        let mut divider = b"\r\n".to_vec();
        divider.extend_from_slice(boundary);
        let end = find(body, &divider)?;
        let head = String::from_utf8_lossy(head);
        let disposition =
            head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
        let of = |name: &str| disposition.and_then(|line| parameter(line, name));
        if of("name").as_deref() == Some(field)
            && let Some(name) = of("filename*").and_then(|name| extended(&name)).or_else(|| of("filename"))
        {
            return Some(Part { name, data: body.get(..end)? });
        }
        rest = body.get(end + divider.len()..)?;
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// `name="value"` of a header's line, with `\"` in it.
fn parameter(line: &str, name: &str) -> Option<String> {
    let mut rest = line;
    loop {
        let at = rest.find(name)?;
        let before = rest.get(..at)?;
        let after = rest.get(at + name.len()..)?;
        if !before.ends_with([' ', ';']) || !after.starts_with('=') {
            rest = after;
            continue;
        }
        let value = after.get(1..)?;
        let Some(quoted) = value.strip_prefix('"') else {
            return Some(value.split(';').next().unwrap_or_default().trim().to_owned());
        };
        let mut text = String::new();
        let mut chars = quoted.chars();
        while let Some(c) = chars.next() {
            match c {
                '"' => break,
                '\\' => text.extend(chars.next()),
                other => text.push(other),
            }
        }
        // Browsers and libraries write a quote, and only that, as `%22`.
        return Some(text.replace("%22", "\""));
    }
}

/// `UTF-8''na%C3%AFve.md`.
fn extended(value: &str) -> Option<String> {
    let (_, name) = value.split_once("''")?;
    Some(super::fields::decoded(&name.replace('+', "%2B")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = "--xyz\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nnot a file\r\n\
        --xyz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a \\\"b\\\".md\"\r\n\
        Content-Type: text/markdown\r\n\r\n# one\r\n--xy\r\n\r\n--xyz--\r\n";

    #[test]
    fn the_file_is_found_among_the_parts() {
        let boundary = boundary("multipart/form-data; boundary=\"xyz\"").unwrap();
        let Part { name, data } = part(BODY.as_bytes(), &boundary, "file").unwrap();
        assert_eq!((name.as_str(), data), ("a \"b\".md", &b"# one\r\n--xy\r\n"[..]));
        assert!(part(BODY.as_bytes(), &boundary, "note").is_none(), "it has no file's name");
    }

    #[test]
    fn a_name_in_other_letters_is_read() {
        let line = "Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''%D0%B4%D0%B0.md";
        assert_eq!(extended(&parameter(line, "filename*").unwrap()).unwrap(), "да.md");
        assert_eq!(parameter(line, "filename"), None);
        assert_eq!(parameter(line, "name").as_deref(), Some("file"));
    }

    #[test]
    fn a_body_that_is_cut_anywhere_gives_no_file_or_all_of_it() {
        for end in 0..BODY.len() {
            if let Some(part) = part(&BODY.as_bytes()[..end], b"--xyz", "file") {
                assert_eq!(part.data, b"# one\r\n--xy\r\n");
            }
        }
        assert!(boundary("application/json").is_none() && boundary("multipart/form-data; a=b").is_none());
    }

    #[test]
    fn a_name_stays_in_its_folder() {
        assert!(named("a.md").is_ok() && named("да ню.md").is_ok());
        for bad in ["", " ", "../a", "a/b", "a\\b", "..", "a\nb", " a"] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }
}
