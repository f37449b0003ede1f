//! The system users that agents and apps run as when the daemon is root.

use anyhow::{Context, Result};
use std::path::Path;

const AGENT: &str = "loopwright-agent";
const APP: &str = "loopwright-app";

/// User and group ids of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Users {
    pub agent: (u32, u32),
    pub app: (u32, u32),
}

/// The users of a daemon that is root. It does not go without them: an agent as root could do anything to this machine.
pub fn of_root(passwd: &Path) -> Result<Users> {
    let user = |name| {
        let found = find(passwd, name).filter(|(uid, _)| *uid != 0);
        found.with_context(|| {
            format!(
                "root runs no agents and no apps: they need users of their own, and {name} is missing. \
                 Run ./dev setup, which makes {AGENT} and {APP}, or start it as an ordinary user"
            )
        })
    };
    Ok(Users { agent: user(AGENT)?, app: user(APP)? })
}

/// The user whom the desktop signs in as.
pub fn of_desk(name: &str) -> Result<(u32, u32)> {
    find(Path::new("/etc/passwd"), name)
        .with_context(|| format!("there is no user {name}; run `loopwrightd setup repair`"))
}

/// User and group id of a name, read from the password file.
fn find(passwd: &Path, name: &str) -> Option<(u32, u32)> {
    let text = std::fs::read_to_string(passwd).ok()?;
    text.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        Some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(
            file.path(),
            "root:x:0:0:root:/root:/bin/sh\nagent-x:x:7:8::/:\nagent:x:901:902::/:/bin/false\n",
        )
        .unwrap();
        assert_eq!(super::find(file.path(), "agent"), Some((901, 902)));
        assert_eq!(super::find(file.path(), "nobody"), None);
    }

    #[test]
    fn root_goes_without_neither_user() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let agent = "loopwright-agent:x:901:902::/:/bin/false\n";
        std::fs::write(file.path(), agent).unwrap();
        let says = super::of_root(file.path()).unwrap_err().to_string();
        assert!(says.contains("loopwright-app is missing") && says.contains("./dev setup"), "{says}");
        let app = |uid| format!("{agent}loopwright-app:x:{uid}:904::/:/bin/false\n");
        std::fs::write(file.path(), app(0)).unwrap();
        super::of_root(file.path()).unwrap_err();
        std::fs::write(file.path(), app(903)).unwrap();
        let users = super::of_root(file.path()).unwrap();
        assert_eq!((users.agent, users.app), ((901, 902), (903, 904)));
    }
}
