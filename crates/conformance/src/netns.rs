//! A network that holds nothing but loopback: real programs in it can reach the scripted servers beside them and nothing
//! else. It is also a process namespace, so that nothing of a run outlives it.
//!
//! As root it is made directly; as an ordinary user inside a user namespace, where the system allows that.

use std::ffi::OsStr;
use std::process::Command;

/// A command that runs `argv` with loopback up and no other interface.
pub fn netns_command<S: AsRef<OsStr>>(argv: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new("unshare");
    if !rustix::process::geteuid().is_root() {
        // The capability to set up loopback must survive the exec; it is worth something only inside.
        command.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command.args(["sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]).args(argv);
    command
}

/// Whether this process already has no interface but loopback.
pub fn only_loopback() -> bool {
    std::fs::read_to_string("/proc/net/dev").is_ok_and(|table| names_loopback_only(&table))
}

/// The first two lines of the table are its head; tunnel devices that the kernel puts into every namespace are down there.
fn names_loopback_only(table: &str) -> bool {
    let names: Vec<&str> =
        table.lines().skip(2).filter_map(|line| line.split(':').next()).map(str::trim).collect();
    names.contains(&"lo") && names.iter().all(|name| *name == "lo" || BUILT_IN.contains(name))
}

const BUILT_IN: [&str; 8] = ["sit0", "ip6tnl0", "tunl0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_interface_is_seen() {
        let head = "Inter-| Receive\n face |bytes\n";
        assert!(names_loopback_only(&format!("{head}    lo: 0 0\n")));
        assert!(names_loopback_only(&format!("{head}    lo: 0 0\n  sit0: 0 0\n")));
        assert!(!names_loopback_only(&format!("{head}    lo: 0 0\n  eth0: 0 0\n")));
        assert!(!names_loopback_only(head));
    }

    #[test]
    fn inside_there_is_loopback_and_nothing_else() {
        let script = "ls /sys/class/net >/dev/null; cat /proc/net/dev; ip -o link show up";
        let out = netns_command(["sh", "-c", script]).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(out.status.success(), "{text} {}", String::from_utf8_lossy(&out.stderr));
        let interfaces: Vec<_> =
            text.lines().filter(|line| line.contains(": ") && line.contains("mtu")).collect();
        assert!(interfaces.len() == 1 && interfaces[0].contains("lo"), "{text}");
        assert!(names_loopback_only(text.split("1: lo").next().unwrap_or_default()), "{text}");
    }
}
