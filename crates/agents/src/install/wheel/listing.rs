//! Where a wheel lies: the index' page about its package, as JSON or as HTML.

use super::Wheel;
use crate::install::fetch::{Registry, Trouble};
use crate::install::npmrc::without_password;
use serde::Deserialize;
use std::io::Read;
use ureq::ResponseExt;

/// A package with a thousand files has a page of less.
const MAX_PAGE: u64 = 16 << 20;
/// Either will do; a page that is not asked for in a way comes as HTML.
const KINDS: &str = "application/vnd.pypi.simple.v1+json, text/html;q=0.5";

#[derive(Deserialize)]
struct Page {
    files: Vec<Link>,
}

#[derive(Deserialize)]
struct Link {
    filename: String,
    url: String,
}

/// The address of the wheel's file.
pub(super) fn address(registry: &Registry, index: &str, wheel: &Wheel) -> Result<String, Trouble> {
    let url = format!("{index}/{}/", wheel.package);
    let response = registry.request(&url, &[("accept", KINDS)])?;
    let base = response.get_uri().to_string();
    let mut text = String::new();
    let read = response.into_body().into_reader().take(MAX_PAGE).read_to_string(&mut text);
    read.map_err(|e| Trouble::Passing(format!("{}: {e}", without_password(&url))))?;
    let link = link(&text, &wheel.file).ok_or(Trouble::NotThere)?;
    Ok(join(&base, link.split('#').next().unwrap_or_default()))
}

fn link(page: &str, file: &str) -> Option<String> {
    if let Ok(page) = serde_json::from_str::<Page>(page) {
        return page.files.into_iter().find(|link| link.filename == file).map(|link| link.url);
    }
    let hrefs = page.split("href=").skip(1).filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    });
    let names =
        |href: &&str| href.split(['#', '?']).next().and_then(|path| path.rsplit('/').next()) == Some(file);
    hrefs.into_iter().find(names).map(|href| href.replace("&amp;", "&"))
}

/// An address as it stands on the page of another one.
fn join(base: &str, href: &str) -> String {
    if href.contains("://") {
        return href.to_owned();
    }
    let Some((scheme, rest)) = base.split_once("://") else { return href.to_owned() };
    if let Some(rest) = href.strip_prefix("//") {
        return format!("{scheme}://{rest}");
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let mut steps: Vec<&str> = if href.starts_with('/') { Vec::new() } else { path.split('/').collect() };
    if !href.starts_with('/') {
        steps.pop();
    }
    for step in href.trim_start_matches('/').split('/') {
        match step {
            "." => {}
            ".." => drop(steps.pop()),
            step => steps.push(step),
        }
    }
    format!("{scheme}://{host}/{}", steps.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_found_on_either_kind_of_page() {
        let html = "<a href=\"../../files/other-1.whl#sha256=0\">other</a>\n\
                    <a data-x='1' href='../../files/a-1.whl?x=1&amp;y=2#sha256=1'>a-1.whl</a>";
        assert_eq!(link(html, "a-1.whl").unwrap(), "../../files/a-1.whl?x=1&y=2#sha256=1");
        assert_eq!(link(html, "a-2.whl"), None);
        let json = r#"{"files":[{"filename":"a-1.whl","url":"http://x.test/a-1.whl","hashes":{}}]}"#;
        assert_eq!(link(json, "a-1.whl").unwrap(), "http://x.test/a-1.whl");
        assert_eq!(link(json, "b.whl"), None);
    }

    #[test]
    fn an_address_is_read_from_where_its_page_is() {
        let base = "https://r.test:8/simple/a/";
        for (href, whole) in [
            ("https://x.test/a.whl", "https://x.test/a.whl"),
            ("//x.test/a.whl", "https://x.test/a.whl"),
            ("/files/a.whl", "https://r.test:8/files/a.whl"),
            ("a.whl", "https://r.test:8/simple/a/a.whl"),
            ("./a.whl", "https://r.test:8/simple/a/a.whl"),
            ("../../files/a.whl", "https://r.test:8/files/a.whl"),
            ("../../../../a.whl", "https://r.test:8/a.whl"),
        ] {
            assert_eq!(join(base, href), whole, "{href}");
        }
    }
}
