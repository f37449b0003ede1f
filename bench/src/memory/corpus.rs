//! Notes of about 870 tokens to fill a memory with, the same on every machine that has the same toolchain: the books of
//! Rust's own documentation, cut into parts of 700 words; then their lines dealt anew, with names made for each page. Where
//! the documentation is not installed, sentences of our own set are dealt.

use anyhow::{Context, Result, ensure};
use bench::recall_set::Set;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const WORDS: usize = 700;
/// Parts of one page at most.
const PARTS: usize = 6;
/// Bytes of a dealt page: what the parts of 700 words have on average.
const DEALT: usize = 3_500;
/// Prose first, then more and more code.
const BOOKS: [&str; 12] = [
    "book",
    "reference",
    "cargo",
    "rust-by-example",
    "nomicon",
    "edition-guide",
    "error_codes",
    "rustc",
    "clippy",
    "rustdoc",
    "std/collections",
    "std/vec",
];

pub struct Page {
    pub source: String,
    pub text: String,
}

pub struct Corpus {
    pub pages: Vec<Page>,
    /// For the reader of the figures.
    pub from: &'static str,
}

/// Exactly so many notes.
pub fn corpus(count: usize) -> Result<Corpus> {
    let mut pages = Vec::with_capacity(count);
    let Ok(root) = documentation() else {
        let set = Set::own()?;
        let texts = set.notes.iter().filter(|note| note.lang == "en").map(|note| note.text.as_str());
        let sentences: Vec<&str> = texts.flat_map(|text| text.split_inclusive(['.', '\n'])).collect();
        deal(&sentences, count, &mut pages)?;
        return Ok(Corpus { pages, from: "sentences of our own set, dealt" });
    };
    for book in BOOKS {
        walk(&root, &root.join(book), count, &mut pages)?;
    }
    // A page that is there twice is refused by LightRAG.
    let mut seen = HashSet::new();
    pages.retain(|page: &Page| seen.insert(page.text.clone()));
    let texts: Vec<String> = pages.iter().map(|page| page.text.clone()).collect();
    let lines: Vec<&str> =
        texts.iter().flat_map(|text| text.lines()).filter(|line| line.len() > 20).collect();
    deal(&lines, count, &mut pages)?;
    Ok(Corpus { pages, from: "the toolchain's own documentation, then its lines dealt anew" })
}

fn documentation() -> Result<PathBuf> {
    let said =
        Command::new("rustc").args(["--print", "sysroot"]).output().context("failed to start rustc")?;
    let root = PathBuf::from(String::from_utf8(said.stdout)?.trim()).join("share/doc/rust/html");
    ensure!(root.is_dir(), "the toolchain has no documentation");
    Ok(root)
}

fn walk(root: &Path, folder: &Path, count: usize, pages: &mut Vec<Page>) -> Result<()> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(()) };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<PathBuf>>>()?;
    paths.sort();
    for path in paths {
        if pages.len() >= count {
            break;
        }
        if path.is_dir() {
            walk(root, &path, count, pages)?;
        } else if path.extension().is_some_and(|end| end == "html") && !is_list(&path) {
            let name = path.strip_prefix(root).unwrap_or(&path).with_extension("");
            let text = plain(&std::fs::read_to_string(&path).unwrap_or_default());
            let words: Vec<&str> = text.split(' ').collect();
            for (part, words) in words.chunks(WORDS).take(PARTS).enumerate() {
                let text = words.join(" ");
                if text.len() >= 400 && pages.len() < count {
                    pages.push(Page { source: format!("{}-{part}", name.display()).replace('/', "_"), text });
                }
            }
        }
    }
    Ok(())
}

/// Pages that only list other ones, or hold a whole book.
fn is_list(path: &Path) -> bool {
    const LISTS: [&str; 5] = ["print", "toc", "404", "all", "sidebar-items"];
    path.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| LISTS.contains(&stem))
}

/// What a reader sees of the page's main part, a line per block.
fn plain(html: &str) -> String {
    const BLOCKS: [&str; 8] = ["/p", "/div", "/li", "/h1", "/h2", "/h3", "/pre", "/tr"];
    let main =
        html.split_once("<main").map_or(html, |(_, rest)| rest.split_once("</main>").map_or(rest, |it| it.0));
    let main = main.split_once('>').map_or(main, |(_, rest)| rest);
    let mut text = String::with_capacity(main.len() / 2);
    let mut rest = main;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        let (tag, after) = after.split_once('>').unwrap_or((after, ""));
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        if BLOCKS.contains(&name) {
            text.push('\n');
        }
        let silent = ["script", "style", "nav"].into_iter().find(|silent| name == *silent);
        rest = silent
            .and_then(|silent| after.split_once(&format!("</{silent}>")))
            .map_or(after, |(_, rest)| rest);
    }
    text.push_str(rest);
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    let text = text.replace("&nbsp;", " ").replace("&amp;", "&");
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Pages of such lines in an order of dice until there are enough, with names made for each page, so that no page is like
/// another.
fn deal(lines: &[&str], count: usize, pages: &mut Vec<Page>) -> Result<()> {
    ensure!(!lines.is_empty(), "there is no line to deal");
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for number in pages.len()..count {
        let mut text = format!(
            "Part {number} of module_{} in crates/part{}/src/piece_{number}.rs.",
            number % 997,
            number % 83
        );
        while text.len() < DEALT {
            let line = lines.get(dice.below(lines.len())).copied().unwrap_or_default();
            let names = format!("See handle_{}() and Shape{}.", dice.below(9000), dice.below(3000));
            for part in [line, &names] {
                text.push('\n');
                text.push_str(part.trim());
            }
        }
        pages.push(Page { source: format!("dealt-{number}"), text });
    }
    Ok(())
}

/// Numbers that look thrown and are the same each time (xorshift).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_page_only_what_a_reader_sees_is_left() {
        let html = "<head>x</head><main id=\"m\"><script>no<b></script><p>One &lt;T&gt;\n two</p><pre>let x;</pre></main>y";
        assert_eq!(plain(html), "One <T>\ntwo\nlet x;");
    }

    #[test]
    fn dealt_pages_are_long_enough_and_differ() {
        let mut pages = Vec::new();
        deal(&["the berth is free", "a glaze of ash"], 5, &mut pages).unwrap();
        assert!(pages.iter().all(|page| page.text.len() >= DEALT));
        assert!(pages.windows(2).all(|two| two.first().map(|p| &p.text) != two.last().map(|p| &p.text)));
    }
}
