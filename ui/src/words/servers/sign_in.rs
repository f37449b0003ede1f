//! Signing in to a server: what was typed as its address, and how its fingerprint is compared.

use protocol::desk::Target;

/// Where sshd listens unless it was told otherwise.
pub const PORT: u16 = 22;
/// Whom a new server usually lets in.
pub const USER: &str = "root";

/// An address as people paste it: `203.0.113.7`, `root@web-1.example:2222`, `ssh root@web-1.example -p 2222`,
/// `[2001:db8::1]:22`. What it does not say is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    pub host: String,
    pub port: Option<u16>,
    pub user: Option<String>,
}

pub fn address(typed: &str) -> Address {
    let mut words = typed.split_whitespace().filter(|word| *word != "ssh").peekable();
    let (mut found, mut place) = (Address::default(), "");
    while let Some(word) = words.next() {
        match word {
            "-p" => found.port = words.next().and_then(|port| port.parse().ok()),
            "-l" => found.user = words.next().map(str::to_owned),
            _ if place.is_empty() => place = word,
            _ => {}
        }
    }
    let place = place.strip_prefix("ssh://").unwrap_or(place).trim_end_matches('/');
    let (user, place) = place.rsplit_once('@').map_or((None, place), |(user, place)| (Some(user), place));
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        found.user = Some(user.split(':').next().unwrap_or(user).to_owned());
    }
    let (host, port) = host_and_port(place);
    host.clone_into(&mut found.host);
    found.port = found.port.or(port);
    found
}

fn host_and_port(place: &str) -> (&str, Option<u16>) {
    if let Some((host, rest)) = place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match place.split_once(':') {
        // More than one colon: an IPv6 address without its brackets.
        Some((_, rest)) if rest.contains(':') => (place, None),
        Some((host, port)) => (host, port.parse().ok()),
        None => (place, None),
    }
}

/// A whole target out of the fields, or what is wrong with them.
pub fn target(host: &str, port: &str, user: &str) -> Result<Target, &'static str> {
    let typed = address(host);
    if typed.host.is_empty() {
        return Err("Type the server's address: a name or an IP address.");
    }
    if typed.host.contains(|c: char| c.is_whitespace() || c.is_control() || "/\\'\"`$;&|<>".contains(c)) {
        return Err("This is not a server's address. Type a name or an IP address, without spaces.");
    }
    let port = match (typed.port, port.trim()) {
        (Some(port), _) => port,
        (None, "") => PORT,
        (None, port) => match port.parse() {
            Ok(port) if port > 0 => port,
            _ => return Err("The port is a number from 1 to 65535; it is 22 unless it was changed."),
        },
    };
    let user = typed.user.unwrap_or_else(|| user.trim().to_owned());
    let user = if user.is_empty() { USER.to_owned() } else { user };
    Ok(Target { host: typed.host, port, user, jump: None })
}

/// `root@203.0.113.7`, with the port where it is another one than usual.
pub fn said(target: &Target) -> String {
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    let port = if target.port == PORT { String::new() } else { format!(":{}", target.port) };
    format!("{}@{host}{port}", target.user)
}

/// The command that prints the fingerprint on the server itself, for a kind of key as SSH names it.
pub fn compare_by(kind: &str) -> String {
    let kind = kind.to_ascii_lowercase();
    let file = if kind.contains("ecdsa") {
        "ecdsa"
    } else if kind.contains("rsa") {
        "rsa"
    } else {
        "ed25519"
    };
    format!("ssh-keygen -lf /etc/ssh/ssh_host_{file}_key.pub")
}

/// Whether what was pasted holds the fingerprint; none while there is nothing to compare yet.
pub fn same(fingerprint: &str, pasted: &str) -> Option<bool> {
    let bare = |text: &str| text.trim().trim_start_matches("SHA256:").trim_end_matches('=').to_owned();
    let wanted = bare(fingerprint);
    // A fingerprint has 43 characters; a few of them prove nothing.
    let mut candidates = pasted.split_whitespace().map(bare).filter(|word| word.len() >= 40).peekable();
    candidates.peek()?;
    Some(candidates.any(|word| word == wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_people_paste_it() {
        let table = [
            ("203.0.113.7", "203.0.113.7", None, None),
            (" web-1.example ", "web-1.example", None, None),
            ("root@web-1.example:2222", "web-1.example", Some(2222), Some("root")),
            ("ssh -p 2200 deploy@web-1.example", "web-1.example", Some(2200), Some("deploy")),
            ("ssh web-1.example -l deploy", "web-1.example", None, Some("deploy")),
            ("ssh://root@web-1.example:22/", "web-1.example", Some(22), Some("root")),
            ("2001:db8::1", "2001:db8::1", None, None),
            ("root@[2001:db8::1]:2222", "2001:db8::1", Some(2222), Some("root")),
            ("", "", None, None),
        ];
        for (typed, host, port, user) in table {
            let wanted = Address { host: host.into(), port, user: user.map(str::to_owned) };
            assert_eq!(address(typed), wanted, "{typed}");
        }
    }

    #[test]
    fn what_cannot_be_a_server_is_said_before_anything_is_tried() {
        assert!(target("", "", "").is_err());
        assert!(target("web 1", "22", "root").unwrap().host == "web", "what follows is no address");
        assert!(target("a;b", "", "").is_err());
        assert!(target("web-1", "0", "").is_err());
        assert!(target("web-1", "many", "").is_err());
        let found = target("web-1", "", " ").unwrap();
        assert_eq!((found.port, found.user.as_str()), (22, "root"));
        assert_eq!(target("deploy@web-1:2222", "22", "root").unwrap().user, "deploy");
        assert_eq!(said(&target("deploy@web-1:2222", "", "").unwrap()), "deploy@web-1:2222");
        assert_eq!(said(&target("2001:db8::1", "", "").unwrap()), "root@[2001:db8::1]");
    }

    #[test]
    fn the_command_is_of_the_kind_that_the_server_showed() {
        assert!(compare_by("ssh-ed25519").ends_with("ssh_host_ed25519_key.pub"));
        assert!(compare_by("ecdsa-sha2-nistp256").ends_with("ssh_host_ecdsa_key.pub"));
        assert!(compare_by("ssh-rsa").ends_with("ssh_host_rsa_key.pub"));
    }

    #[test]
    fn what_the_console_printed_is_compared_whole() {
        let shown = "SHA256:qTz8mUeAH8Yk5bBfZ0b1sXQeZ0yqk3v7rJH0m2d9XyE";
        let line = format!("256 {shown} root@web-1 (ED25519)");
        assert_eq!(same(shown, &line), Some(true));
        assert_eq!(same(shown, shown.trim_start_matches("SHA256:")), Some(true));
        assert_eq!(same(shown, ""), None);
        assert_eq!(same(shown, "SHA256:qTz8"), None, "a part proves nothing");
        assert_eq!(same(shown, &line.replace("XyE", "XyF")), Some(false));
    }
}
