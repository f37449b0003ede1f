//! The internet of a net: a network namespace with a bridge, to which each server hangs by its own cable. Its addresses are those
//! set aside for documentation, and they exist nowhere else. Nothing is forwarded out of it: what servers ask of the
//! world goes to the [`super::gateway`].

use crate::server::host::{run, run_fed};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::io::{Error, Result};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::fd::AsFd;
use std::sync::Arc;

pub const GATEWAY: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);
/// The same gateway for a server that has no IPv4.
pub const GATEWAY6: Ipv6Addr = Ipv6Addr::new(0xfd00, 5, 0, 0, 0, 0, 0, 1);
/// Where IPv4 lies for those who have only IPv6 (RFC 6052): the name server answers with such addresses.
pub const PREFIX6: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];
pub const FIRST: u8 = 10;
/// Where the relay to the registries listens, in the namespace.
pub const RELAY_PORT: u16 = 3129;
const INTERNET: &str = "internet";

#[derive(Clone)]
pub struct Segment {
    internet: Arc<File>,
}

impl Segment {
    /// `/run` has to be the keeper's own: the names of the namespaces are there.
    pub fn up() -> Result<Self> {
        run(&["ip", "netns", "add", INTERNET])?;
        for link in [
            "link set lo up",
            "link add br0 type bridge",
            "addr add 198.51.100.1/24 dev br0",
            "link set br0 up",
        ] {
            ip(INTERNET, link)?;
        }
        let rules = format!(
            "table ip loopwright {{
  chain in {{ type nat hook prerouting priority dstnat; ip daddr != 198.51.100.0/24 tcp dport {{ 80, 443 }} redirect to :{RELAY_PORT}; }}
  chain through {{ type filter hook forward priority 0; policy drop; }}
}}"
        );
        inside_rules(&rules)?;
        // A machine without IPv6 has servers all the same, but none that is without IPv4.
        let _none = six();
        Ok(Self { internet: Arc::new(File::open(namespace(INTERNET))?) })
    }

    pub fn internet(&self) -> &File {
        &self.internet
    }

    /// Runs something in a thread that stands in the internet; sockets made there stay there.
    pub fn inside<T: Send + 'static>(&self, body: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        let internet = self.internet.clone();
        let thread = std::thread::spawn(move || {
            enter(&internet)?;
            body()
        });
        thread.join().map_err(|_| Error::other("a thread in the internet's namespace panicked"))?
    }

    /// A namespace and a cable for the server with this last number in its address.
    pub fn plug(&self, number: u8) -> Result<()> {
        let (guest, cable) = (guest(number), cable(number));
        run(&["ip", "netns", "add", &guest])?;
        ip(&guest, "link set lo up")?;
        ip(INTERNET, &format!("link add {cable} type veth peer name eth0 netns {guest}"))?;
        ip(INTERNET, &format!("link set {cable} master br0 up"))
    }

    pub fn unplug(&self, number: u8) -> Result<()> {
        // The cable's other end goes with the namespace, some time later: its name may be needed again before.
        let _gone = ip(INTERNET, &format!("link del {}", cable(number)));
        run(&["ip", "netns", "del", &guest(number)]).map(drop)
    }

    /// What a restart does to a machine's network: addresses and firewall rules are forgotten.
    pub fn forget(&self, number: u8) -> Result<()> {
        let guest = guest(number);
        ip(&guest, "addr flush dev eth0")?;
        ip(&guest, "link set eth0 down")?;
        run(&["ip", "netns", "exec", &guest, "nft", "flush", "ruleset"]).map(drop)
    }
}

/// Puts the calling thread into a network namespace; it must not do anything else afterwards.
pub fn enter(namespace: impl AsFd) -> Result<()> {
    Ok(move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?)
}

fn six() -> Result<()> {
    ip(INTERNET, &format!("-6 addr add {GATEWAY6}/64 dev br0 nodad"))?;
    inside_rules(&format!(
        "table ip6 loopwright {{
  chain in {{ type nat hook prerouting priority dstnat; ip6 daddr 64:ff9b::/96 tcp dport {{ 80, 443 }} dnat to [{GATEWAY6}]:{RELAY_PORT}; }}
  chain through {{ type filter hook forward priority 0; policy drop; }}
}}"
    ))
}

pub fn address6(number: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfd00, 5, 0, 0, 0, 0, 0, u16::from(number))
}

pub fn address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(198, 51, 100, number)
}

pub fn guest(number: u8) -> String {
    format!("guest{number}")
}

pub fn cable(number: u8) -> String {
    format!("cable{number}")
}

pub fn namespace(name: &str) -> String {
    format!("/run/netns/{name}")
}

/// `ip` in a namespace, with its arguments as one line.
pub fn ip(namespace: &str, line: &str) -> Result<()> {
    let mut argv = vec!["ip", "-n", namespace];
    argv.extend(line.split_whitespace());
    run(&argv).map(drop)
}

/// `ip` in the internet.
pub fn inside_ip(line: &str) -> Result<()> {
    ip(INTERNET, line)
}

/// A program in the internet.
pub fn inside_run(argv: &[&str]) -> Result<String> {
    let mut whole = vec!["ip", "netns", "exec", INTERNET];
    whole.extend(argv);
    run(&whole)
}

/// Adds firewall rules in the internet.
pub fn inside_rules(rules: &str) -> Result<()> {
    run_fed(&["ip", "netns", "exec", INTERNET, "nft", "-f", "-"], rules).map(drop)
}
