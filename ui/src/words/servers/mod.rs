//! What is said of servers: how one signs in, what was found, what would be done, what is being done, how a server does.

pub mod found;
pub mod health;
pub mod link;
pub mod plan;
pub mod progress;
pub mod removal;
pub mod sign_in;

#[cfg(test)]
pub(crate) mod sample;

use super::agents::Light;

/// A line of a list: how it stands, its name, what is to be said of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub light: Light,
    pub name: String,
    pub says: String,
    /// What it means, where that is not plain.
    pub more: Option<String>,
}

impl Line {
    fn new(light: Light, name: &str, says: impl Into<String>) -> Self {
        Self { light, name: name.to_owned(), says: says.into(), more: None }
    }
    fn more(mut self, more: impl Into<String>) -> Self {
        self.more = Some(more.into());
        self
    }
    /// What could not be found out is said to be so.
    fn unknown(name: &str) -> Self {
        Self::new(Light::Grey, name, "unknown")
    }
}

/// Memory and disk as their vendors count them: `512 MiB`, `3.8 GiB`.
pub fn size(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    const GIB: u64 = 1 << 30;
    match bytes {
        0..MIB => super::figures::bytes(bytes),
        MIB..GIB => format!("{} MiB", bytes / MIB),
        _ if bytes >= 100 * GIB => format!("{} GiB", bytes / GIB),
        _ => format!("{}.{} GiB", bytes / GIB, bytes % GIB * 10 / GIB),
    }
}

/// A step's name out of its id, where no plan told a better one: `time-sync` is "Time sync".
pub fn step_name(id: &str) -> String {
    super::begun(&id.replace(['-', '_'], " "))
}

/// A text between quotes in a style sheet; nothing in it can end the quotes.
pub fn css_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            _ if c.is_control() => out.push(' '),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_a_unit_and_a_fitting_grain() {
        let table = [
            (900, "900 B"),
            (512 << 20, "512 MiB"),
            (1 << 30, "1.0 GiB"),
            (4_100_000_000, "3.8 GiB"),
            (200 << 30, "200 GiB"),
        ];
        for (bytes, words) in table {
            assert_eq!(size(bytes), words);
        }
    }

    #[test]
    fn a_host_name_cannot_leave_its_quotes() {
        assert_eq!(css_text("web-1"), "\"web-1\"");
        assert_eq!(css_text("a\"; } b\\\n"), "\"a\\\"; } b\\\\ \"");
        assert_eq!(step_name("time-sync"), "Time sync");
    }
}
