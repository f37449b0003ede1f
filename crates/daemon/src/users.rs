//! The system users that agents and apps run as when the daemon is root.

use std::path::Path;

/// User and group id of a name, read from the password file.
pub fn find(passwd: &Path, name: &str) -> Option<(u32, u32)> {
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
}
