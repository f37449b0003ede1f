//! What a single word of a text is, by its shape.

use super::Kind;

/// Endings of files. A bare word with one of them is a file; a path may have any short ending.
const ENDINGS: [&str; 62] = [
    "bash", "c", "cc", "cfg", "cjs", "conf", "cpp", "cs", "css", "csv", "cts", "db", "diff", "ex", "go",
    "gradle", "h", "hpp", "htm", "html", "ico", "ini", "ipynb", "java", "jpg", "js", "json", "jsonc", "jsx",
    "kt", "lock", "log", "lua", "md", "mdx", "mjs", "mts", "php", "png", "proto", "ps1", "py", "pyi", "rb",
    "rs", "scss", "service", "sh", "sql", "sqlite", "svelte", "svg", "swift", "toml", "ts", "tsx", "txt",
    "vue", "wasm", "xml", "yaml", "yml",
];

const DOT_FILES: [&str; 9] = [
    ".dockerignore",
    ".editorconfig",
    ".env",
    ".env.local",
    ".eslintrc",
    ".gitattributes",
    ".gitignore",
    ".npmrc",
    ".prettierrc",
];

/// Written like symbols, but known to everybody as names.
const PRODUCTS: [&str; 22] = [
    "dropbox",
    "ebpf",
    "github",
    "gitlab",
    "graphql",
    "grpc",
    "ios",
    "iphone",
    "javascript",
    "javascripts",
    "linkedin",
    "macos",
    "mongodb",
    "mysql",
    "openai",
    "paypal",
    "postgresql",
    "powershell",
    "sqlite",
    "typescript",
    "webgl",
    "youtube",
];

/// The kind of a word that stands by itself, without the signs around it; none for a plain word.
pub(super) fn classify(word: &str) -> Option<Kind> {
    if word.len() < 2 {
        return None;
    }
    if word.starts_with("http://") || word.starts_with("https://") {
        return Some(Kind::Url);
    }
    if is_route(word) {
        return Some(Kind::Route);
    }
    if is_package(word) {
        return Some(Kind::Package);
    }
    if is_file(word) {
        return Some(Kind::File);
    }
    if is_env(word) {
        return Some(Kind::Env);
    }
    if is_commit(word) {
        return Some(Kind::Commit);
    }
    is_symbol(word).then_some(Kind::Symbol)
}

/// `/api/orders`, `/orders/:id`, `/orders/{id}`.
pub(super) fn is_route(word: &str) -> bool {
    let Some(rest) = word.strip_prefix('/') else { return false };
    let signs = |c: char| c.is_ascii_alphanumeric() || "/-_.:{}[]*$~".contains(c);
    if !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == ':' || c == '{')
        || !rest.chars().all(signs)
    {
        return false;
    }
    rest.split('/').next() == Some("api")
        || rest.split('/').any(|part| part.starts_with([':', '{', '[']) && part.len() > 1)
}

/// `@scope/name`, `name@1.2.3`.
fn is_package(word: &str) -> bool {
    let name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if let Some(rest) = word.strip_prefix('@') {
        let mut parts = rest.splitn(2, '/');
        return matches!((parts.next(), parts.next()), (Some(a), Some(b)) if name(a) && name(b.split('@').next().unwrap_or(b)));
    }
    word.split_once('@').is_some_and(|(a, b)| {
        name(a) && name(b) && b.starts_with(|c: char| c.is_ascii_digit()) && b.contains('.')
    })
}

fn is_file(word: &str) -> bool {
    if DOT_FILES.contains(&word) {
        return true;
    }
    let signs = |c: char| c.is_alphanumeric() || "/-_.+@[]()$~".contains(c);
    if !word.chars().all(signs) || word.contains("//") {
        return false;
    }
    let (folder, name) = word.rsplit_once('/').unwrap_or(("", word));
    let Some((stem, ending)) = name.rsplit_once('.') else {
        // Folders, where they are unmistakable.
        return word.ends_with('/')
            && word.len() > 2
            && !word.starts_with('/')
            && word.matches('/').count() > 1;
    };
    let lower = ending.to_ascii_lowercase();
    let known = ENDINGS.binary_search(&lower.as_str()).is_ok();
    if folder.is_empty() {
        // Node.js is a name, node.js could be a file.
        let product =
            lower == "js" && stem.starts_with(|c: char| c.is_ascii_uppercase()) && !stem.contains('.');
        return known
            && !stem.is_empty()
            && !product
            && !stem.chars().all(|c| c.is_ascii_digit() || c == '.');
    }
    known
        || (!ending.is_empty()
            && ending.len() <= 5
            && ending.chars().all(|c| c.is_ascii_lowercase())
            && !stem.is_empty())
}

/// `UPPER_SNAKE`.
fn is_env(word: &str) -> bool {
    word.len() >= 4
        && word.contains('_')
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && !word.ends_with('_')
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn is_commit(word: &str) -> bool {
    is_hash(word)
        && word.contains(|c: char| c.is_ascii_digit())
        && word.contains(|c: char| c.is_ascii_alphabetic())
}

/// What a commit may look like when the text says that it is one.
pub(super) fn is_hash(word: &str) -> bool {
    (7..=40).contains(&word.len()) && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
}

/// `camelCase`, `TwoHumps`, `snake_case`, `path::name`, `object.method` with a call after it is the caller's business.
fn is_symbol(word: &str) -> bool {
    if word.len() > 80 || !word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return false;
    }
    if word.contains("::") {
        return word.split("::").all(is_identifier);
    }
    if !is_identifier(word) {
        return false;
    }
    let bytes = word.as_bytes();
    let humps = bytes
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()));
    let snake = word.trim_matches('_').contains('_') && bytes.iter().any(u8::is_ascii_lowercase);
    (humps && !PRODUCTS.contains(&word.to_ascii_lowercase().as_str())) || snake
}

pub(super) fn is_identifier(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_endings_is_sorted() {
        assert!(ENDINGS.is_sorted());
    }

    #[test]
    fn words_are_known_by_their_shape() {
        for (kind, words) in [
            (
                Kind::File,
                "app/routes/hours.tsx Cargo.toml src/lib.rs .env ./a/b.ts crates/memory/src/ main.py x/y.snap",
            ),
            (Kind::Route, "/api/orders /orders/:id /users/{id}/edit /api"),
            (Kind::Symbol, "useState OrderForm order_form memory::Reader __init__x get_user2"),
            (Kind::Package, "@remix-run/node react@19.0.0"),
            (Kind::Env, "DATABASE_URL MAX_2"),
            (Kind::Commit, "3eb6f2c 0123456789abcdef0123456789abcdef01234567"),
            (Kind::Url, "https://example.org/a"),
        ] {
            for word in words.split(' ') {
                assert_eq!(classify(word), Some(kind), "{word}");
            }
        }
        for word in "and/or hello Hello TypeScript GitHub e.g 1.5 a b_ _ Node.js 1234567 deadbeef TCP/IP me@home API 3.rs"
            .split(' ')
        {
            assert_eq!(classify(word), None, "{word}");
        }
    }
}
