//! From the look's lines to what is known. Pure; any text gives an answer.

use protocol::setup::{Found, Installed, PortHolder, Rights, SetupEvent, System};

/// `now` is this computer's time in milliseconds at which the server read its own.
pub(super) fn parse(text: &str, now: i64) -> Found {
    let mut found = Found::default();
    let mut os = Os::default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        if !value.is_empty() {
            take(&mut found, &mut os, key, value, now);
        }
    }
    found.system = os.system();
    found.ports.sort_by_key(|holder| (holder.port, holder.program.is_none(), holder.pid));
    found.ports.dedup_by_key(|holder| holder.port);
    found
}

fn take(found: &mut Found, os: &mut Os, key: &str, value: &str, now: i64) {
    match key {
        "clock" => found.clock_skew = skew(value, now),
        "host" => found.host = Some(value.to_owned()),
        "arch" => found.arch = Some(value.to_owned()),
        "user" => found.user = Some(value.to_owned()),
        "init" => found.init = Some(value.to_owned()),
        "os" => os.take(value),
        "cores" => found.cores = value.parse().ok(),
        "memory" => found.memory = kib(value),
        "swap" => found.swap = kib(value),
        "disk" => found.disk_free = smaller(found.disk_free, disk_free(value)),
        "mount" => found.read_only |= is_read_only(value),
        "sudo" => {
            found.rights = rights(value);
            found.sudo_says =
                (found.rights == Rights::None).then(|| value.trim_start_matches("no ").to_owned());
        }
        "ss" => found.ports.extend(from_ss(value)),
        "proc" => found.ports.extend(from_proc(value)),
        "packages" => found.packages.kind = Some(if value == "apt-get" { "apt" } else { value }.to_owned()),
        "lock" => found.packages.locked_by = found.packages.locked_by.take().or_else(|| Some(holder(value))),
        "audit" => found.packages.broken = true,
        "firewall" => found.firewall = found.firewall.take().or_else(|| Some(value.to_owned())),
        "proxy" => found.proxy = found.proxy.take().or_else(|| proxy(value)),
        "ipv4" => found.ipv4 = true,
        "ipv6" => found.ipv6 = true,
        "synced" => found.time_synced = yes_or_no(value),
        "installed" => found.installed = installed(value),
        "sha256" => {
            if let (Some(installed), Some(sum)) = (&mut found.installed, value.split_whitespace().next()) {
                installed.sha256 = Some(sum.to_owned()).filter(|sum| sum.len() == 64);
            }
        }
        "setup" => {
            if let Some(installed) = &mut found.installed {
                installed.complete = ran_to_the_end(value);
            }
        }
        _ => {}
    }
}

#[derive(Default)]
struct Os {
    id: Option<String>,
    version: Option<String>,
    name: Option<String>,
}

impl Os {
    /// One line of os-release: `ID="debian"`.
    fn take(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('=') else { return };
        let value = value.trim().trim_matches(['"', '\'']).to_owned();
        match key.trim() {
            "ID" => self.id = Some(value),
            "VERSION_ID" => self.version = Some(value),
            "PRETTY_NAME" => self.name = Some(value),
            _ => {}
        }
    }

    fn system(self) -> Option<System> {
        let id = self.id.filter(|id| !id.is_empty())?;
        let version = self.version.unwrap_or_default();
        let name = self.name.unwrap_or_else(|| format!("{id} {version}").trim().to_owned());
        Some(System { id, version, name })
    }
}

/// Whole seconds; the server's are cut off, so half a second is the middle.
fn skew(value: &str, now: i64) -> Option<i64> {
    let there: i64 = value.parse().ok()?;
    let millis = there.checked_mul(1000)?.checked_add(500)?.checked_sub(now)?;
    // To the nearest second.
    Some((millis.checked_add(499)?).div_euclid(1000))
}

fn kib(value: &str) -> Option<u64> {
    value.parse::<u64>().ok()?.checked_mul(1024)
}

fn smaller(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// `FILESYSTEM BLOCKS USED AVAILABLE CAPACITY MOUNTED`, read from its end, since the first may hold spaces.
fn disk_free(line: &str) -> Option<u64> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let percent = words.iter().rposition(|word| word.ends_with('%'))?;
    kib(words.get(percent.checked_sub(1)?)?)
}

/// `MOUNTPOINT OPTIONS`.
fn is_read_only(value: &str) -> bool {
    let (_, options) = value.split_once(' ').unwrap_or_default();
    options.split(',').any(|option| option == "ro")
}

fn rights(value: &str) -> Rights {
    let lower = value.to_lowercase();
    match value.split_whitespace().next() {
        Some("root") => Rights::Root,
        Some("yes") => Rights::Sudo,
        Some("no") if lower.contains("password") && !lower.contains("not allowed") => Rights::SudoAsks,
        _ => Rights::None,
    }
}

const WEB: [u16; 2] = [80, 443];

/// `LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=812,fd=6),…)`.
fn from_ss(line: &str) -> Option<PortHolder> {
    let mut words = line.split_whitespace();
    let local = words.nth(3)?;
    let port = local.rsplit_once(':')?.1.parse().ok().filter(|port| WEB.contains(port))?;
    let users = line.split_once("users:((").map(|(_, users)| users);
    let program = users.and_then(|users| users.split('"').nth(1)).map(str::to_owned);
    let pid = users.and_then(|users| users.split_once("pid=")).and_then(|(_, rest)| digits(rest));
    Some(PortHolder { port, program, pid })
}

fn digits(text: &str) -> Option<u32> {
    text.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The port of a listening socket, in hex.
fn from_proc(value: &str) -> Option<PortHolder> {
    let port = u16::from_str_radix(value, 16).ok().filter(|port| WEB.contains(port))?;
    Some(PortHolder { port, program: None, pid: None })
}

/// `PID NAME`.
fn holder(value: &str) -> String {
    match value.split_once(' ') {
        Some((pid, name)) => format!("{} (pid {pid})", name.trim()),
        None => format!("pid {value}"),
    }
}

/// A proxy's address may hold a password, which is nobody's to see.
fn proxy(value: &str) -> Option<String> {
    let value = value.trim_matches(['"', '\'', ';', ' ']);
    let (scheme, rest) = value.split_once("://").map_or(("", value), |(scheme, rest)| (scheme, rest));
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    if rest.is_empty() || value.eq_ignore_ascii_case("false") || value.eq_ignore_ascii_case("direct") {
        return None;
    }
    Some(if scheme.is_empty() { rest.to_owned() } else { format!("{scheme}://{rest}") })
}

fn yes_or_no(value: &str) -> Option<bool> {
    match value {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Where the link to the program in use leads: `versions/0.1.0-0123456789ab`.
fn installed(link: &str) -> Option<Installed> {
    let name = link.trim_end_matches('/').rsplit('/').next()?;
    let version = match name.rsplit_once('-') {
        Some((version, hash)) if hash.len() == 12 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => version,
        _ => name,
    };
    let version = Some(version).filter(|version| !version.is_empty())?.to_owned();
    Some(Installed { version, sha256: None, complete: false })
}

/// The last run that came to its end (another desktop's first contact is left out by the look) was not a removal, and nothing
/// stood in its way.
fn ran_to_the_end(line: &str) -> bool {
    use protocol::setup::{SetupEntry, Work};
    match serde_json::from_str::<SetupEntry>(line).map(|entry| entry.event) {
        Ok(SetupEvent::Finished { work, ok, .. }) => ok && !matches!(work, Work::Begin | Work::Remove),
        Ok(_) | Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 1_795_372_000_000;

    /// Recorded on a Debian 12 server with nginx, signed in as a user whom sudo asks.
    const DEBIAN: &str = include_str!("../../tests/recorded/debian12.txt");
    /// Recorded with busybox and no ss, as root; no services.
    const BUSYBOX: &str = include_str!("../../tests/recorded/busybox.txt");

    #[test]
    fn a_debian_server() {
        insta::assert_json_snapshot!(parse(DEBIAN, NOW));
    }

    #[test]
    fn a_busybox_machine() {
        insta::assert_json_snapshot!(parse(BUSYBOX, NOW));
    }

    #[test]
    fn nothing_said_is_nothing_known() {
        assert_eq!(parse("", NOW), Found::default());
        assert_eq!(parse("memory=\narch=\nclock=soon\ncores=-1\ndisk=x\nss=LISTEN", NOW), Found::default());
    }

    #[test]
    fn the_clock_is_judged_by_its_middle() {
        for (there, skew) in
            [(NOW / 1000, 0), (NOW / 1000 + 86_400, 86_400), (NOW / 1000 - 3600, -3600), (0, -(NOW / 1000))]
        {
            assert_eq!(parse(&format!("clock={there}"), NOW).clock_skew, Some(skew), "{there}");
        }
    }

    #[test]
    fn rights_are_told_apart() {
        let table = [
            ("root", Rights::Root),
            ("yes", Rights::Sudo),
            ("no sudo: a password is required", Rights::SudoAsks),
            (
                "no sudo: sorry, user a is not allowed to execute '/bin/true' as root on b. password",
                Rights::None,
            ),
            ("no a is not in the sudoers file.", Rights::None),
            ("none", Rights::None),
        ];
        for (value, rights) in table {
            assert_eq!(parse(&format!("sudo={value}"), NOW).rights, rights, "{value}");
        }
    }

    #[test]
    fn a_proxy_is_shown_without_its_password() {
        let table = [
            ("http://user:pa@ss@proxy:3128/", Some("http://proxy:3128/")),
            ("\"http://proxy:3128\";", Some("http://proxy:3128")),
            ("proxy:3128", Some("proxy:3128")),
            ("DIRECT", None),
            ("\"false\";", None),
        ];
        for (value, shown) in table {
            assert_eq!(parse(&format!("proxy={value}"), NOW).proxy.as_deref(), shown);
        }
    }

    #[test]
    fn an_installation_is_named_by_its_link_and_judged_by_its_journal() {
        let done =
            r#"setup={"seq":9,"at":1,"event":"finished","work":"apply","ok":true,"changes":3,"millis":5}"#;
        let begun = done.replace("apply", "begin");
        let link = "installed=versions/0.2.0-rc1-0123456789ab\n";
        let at = |rest: &str| parse(&format!("{link}{rest}"), NOW).installed.unwrap();
        assert_eq!(at(done), Installed { version: "0.2.0-rc1".into(), sha256: None, complete: true });
        assert!(!at(&begun).complete && !at("setup={").complete && !at("").complete);
    }

    proptest! {
        #[test]
        fn any_text_gives_an_answer(text in "(\\PC{0,30}\n){0,12}") {
            let _ = parse(&text, NOW);
        }

        #[test]
        fn any_value_of_any_key_gives_an_answer(
            key in "clock|os|memory|disk|mount|sudo|ss|proc|lock|proxy|installed|sha256|setup|synced|cores",
            value in "\\PC{0,60}", now in any::<i64>(),
        ) {
            let _ = parse(&format!("{key}={value}\n{key}={value}"), now);
        }
    }
}
