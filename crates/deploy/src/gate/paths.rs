//! Which paths may change. Names are compared folded (case, full-width letters), since a name that is harmless here may
//! be another one on the file system that it is copied to.

/// Why a change of this path may not land, whatever its content.
pub(super) fn refused(path: &[u8]) -> Option<String> {
    let Ok(path) = std::str::from_utf8(path) else {
        return Some("its name is not text (UTF-8)".into());
    };
    if path.len() > 240 {
        return Some("its path is longer than 240 bytes".into());
    }
    if path.chars().any(is_odd) {
        return Some("its name has control, invisible or backslash characters".into());
    }
    let parts: Vec<&str> = path.split('/').collect();
    for part in &parts {
        if part.is_empty() || *part == "." || *part == ".." {
            return Some("its path has an empty or a dot part".into());
        }
        if part.ends_with(['.', ' ']) || part.starts_with(' ') {
            return Some("a name in it begins with a space, or ends with a space or a dot".into());
        }
        if part.contains(':') {
            return Some("its name has a colon".into());
        }
    }
    match parts.first() {
        Some(&"app") if parts.len() > 1 => {}
        Some(first) if fold(first) == "app" => {
            return Some("is not in app/ (it is only spelled like it)".into());
        }
        _ => return Some("is outside app/, the only folder whose changes may land".into()),
    }
    parts.iter().find_map(|part| forbidden(&fold(part)))
}

/// Names as [`fold`] leaves them, by the reason why they may not land.
const AGENT: &[&str] = &[
    ".claude",
    ".codex",
    ".gemini",
    ".qwen",
    ".kimi",
    ".agents",
    ".mcp.json",
    "mcp.json",
    ".cursor",
    ".cursorrules",
    ".cursorignore",
    ".windsurf",
    ".windsurfrules",
    ".clinerules",
    ".roo",
    ".continue",
    ".opencode",
    ".goose",
    ".goosehints",
    ".github",
    ".claude.json",
    ".claudeignore",
    ".geminiignore",
];
const EDITOR: &[&str] =
    &[".vscode", ".idea", ".zed", ".fleet", ".devcontainer", ".nvim", ".exrc", ".nvimrc", ".vimrc"];
const INSTRUCTIONS: &[&str] = &[
    "agents.md",
    "agents.override.md",
    "claude.md",
    "claude.local.md",
    "soul.md",
    "glossary.md",
    "gemini.md",
    "qwen.md",
    "kimi.md",
];
const GIT: &[&str] =
    &[".git", "git~1", ".gitattributes", ".gitmodules", ".githooks", ".gitconfig", ".lfsconfig"];
const HOOKS: &[&str] = &[".husky", ".lefthook.yml", "lefthook.yml", ".pre-commit-config.yaml"];
const PACKAGES: &[&str] =
    &[".npmrc", "bunfig.toml", ".bunfig.toml", "node_modules", ".nvmrc", ".node-version"];
const ACCOUNTS: &[&str] = &[".ssh", ".netrc", ".aws", ".pypirc", ".git-credentials"];

fn forbidden(name: &str) -> Option<String> {
    let is = |list: &[&str]| list.contains(&name);
    let begins = |list: &[&str]| list.iter().any(|start| name.starts_with(start));
    let why = match () {
        () if is(AGENT) || begins(&[".aider"]) => "is configuration of a coding agent",
        () if is(EDITOR) => "is configuration of an editor",
        () if is(INSTRUCTIONS) => {
            "is an instruction file for agents; those are edited by people, in Instructions"
        }
        () if is(GIT) => "is configuration of git",
        () if is(HOOKS) => "is a hook that would run on somebody's computer",
        () if is(PACKAGES) || begins(&[".yarn", ".pnp"]) => {
            "is configuration or storage of a package manager"
        }
        () if begins(&[".env"]) => {
            "holds an environment, and with it secrets; settings are given by the daemon"
        }
        () if is(ACCOUNTS) => "holds somebody's account",
        () => return None,
    };
    Some(why.into())
}

/// A name as the least strict file system sees it.
fn fold(name: &str) -> String {
    let half_width = |c: char| match c {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(c) - 0xFEE0).unwrap_or(c),
        '\u{2024}' | '\u{FE52}' => '.',
        _ => c,
    };
    name.chars().map(half_width).flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

fn is_odd(c: char) -> bool {
    c.is_control()
        || c == '\\'
        || matches!(
            c,
            '\u{00AD}'
                | '\u{034F}'
                | '\u{061C}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{17B4}'
                | '\u{17B5}'
                | '\u{180E}'
        )
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}')
        || matches!(c, '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// A path as one harmless line, the way the user knows it.
pub(super) fn shown(path: &[u8]) -> String {
    let text = String::from_utf8_lossy(path);
    let text =
        text.strip_suffix("-nested").filter(|rest| rest.to_lowercase().ends_with("git")).unwrap_or(&text);
    text.chars()
        .map(|c| if is_odd(c) { c.escape_default().to_string() } else { c.to_string() })
        .take(200)
        .collect()
}
