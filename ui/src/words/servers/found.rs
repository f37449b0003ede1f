//! What the first look at a server found, as lines. What could not be found out is said to be unknown.

use super::{Line, size};
use crate::words::agents::Light;
use crate::words::listed;
use protocol::setup::{Found, Installed, Packages, PortHolder, Rights};

const GIB: u64 = 1 << 30;

pub fn lines(found: &Found) -> Vec<Line> {
    let mut lines = vec![
        system(found),
        rights(found),
        memory(found),
        disk(found),
        ports(&found.ports),
        network(found),
        packages(&found.packages),
        clock(found),
        firewall(found),
    ];
    lines.extend(found.proxy.as_ref().map(|proxy| {
        Line::new(Light::Blue, "Proxy", proxy.clone()).more("Packages and programs are fetched through it.")
    }));
    lines.push(earlier(found.installed.as_ref()));
    lines
}

fn system(found: &Found) -> Line {
    let Some(system) = &found.system else { return Line::unknown("System") };
    let arch = found.arch.as_deref().unwrap_or("processor unknown");
    let cores = found.cores.map(|n| if n == 1 { ", 1 core".to_owned() } else { format!(", {n} cores") });
    let says = format!("{}, {arch}{}", system.name, cores.unwrap_or_default());
    match found.init.as_deref() {
        Some("systemd") => Line::new(Light::Green, "System", says),
        Some(other) => Line::new(Light::Red, "System", says)
            .more(format!("Services are kept by {other}. Loopwright needs systemd for that.")),
        None => {
            Line::new(Light::Grey, "System", says).more("What keeps its services could not be found out.")
        }
    }
}

fn rights(found: &Found) -> Line {
    let user = found.user.as_deref().unwrap_or("unknown user");
    let (light, says) = match found.rights {
        Rights::Root => (Light::Green, format!("{user}, who may do everything")),
        Rights::Sudo => (Light::Green, format!("{user}, with sudo")),
        Rights::SudoAsks => (Light::Amber, format!("{user}, with sudo that asks for the password")),
        Rights::None => (Light::Red, format!("{user}, without sudo: nothing can be set up as this user")),
    };
    Line::new(light, "Signed in as", says)
}

fn memory(found: &Found) -> Line {
    let Some(memory) = found.memory else { return Line::unknown("Memory") };
    let swap = match found.swap {
        Some(0) => "no swap".to_owned(),
        Some(swap) => format!("{} of swap", size(swap)),
        None => "swap unknown".to_owned(),
    };
    let line = |light| Line::new(light, "Memory", format!("{}, {swap}", size(memory)));
    if memory < GIB * 9 / 10 {
        line(Light::Amber).more("Little for a coding agent and a build at the same time; a swap file helps.")
    } else {
        line(Light::Green)
    }
}

fn disk(found: &Found) -> Line {
    if found.read_only {
        return Line::new(Light::Red, "Disk", "cannot be written")
            .more("A disk that turned read-only is often a damaged one: ask your provider.");
    }
    match found.disk_free {
        None => Line::unknown("Disk"),
        Some(free) if free < 2 * GIB => Line::new(Light::Amber, "Disk", format!("{} free", size(free)))
            .more("Agents and builds need about 2 GiB."),
        Some(free) => Line::new(Light::Green, "Disk", format!("{} free", size(free))),
    }
}

fn ports(held: &[PortHolder]) -> Line {
    if held.is_empty() {
        return Line::new(Light::Green, "Ports 80 and 443", "free");
    }
    let says: Vec<String> = held.iter().map(holder).collect();
    Line::new(Light::Amber, "Ports 80 and 443", listed(&says)).more("The plan asks what to do about it.")
}

/// `port 80 is held by nginx (process 812)`.
fn holder(held: &PortHolder) -> String {
    let by = held.program.as_deref().unwrap_or("a program that the system does not name");
    let pid = held.pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    format!("port {} is held by {by}{pid}", held.port)
}

fn network(found: &Found) -> Line {
    match (found.ipv4, found.ipv6) {
        (true, true) => Line::new(Light::Green, "Network", "IPv4 and IPv6"),
        (true, false) => Line::new(Light::Green, "Network", "IPv4"),
        (false, true) => Line::new(Light::Blue, "Network", "IPv6 only")
            .more("Visitors without IPv6 cannot see the site, and some package servers have none."),
        (false, false) => Line::new(Light::Amber, "Network", "no way out was found")
            .more("Packages and certificates cannot be fetched without one."),
    }
}

fn packages(packages: &Packages) -> Line {
    let Some(kind) = &packages.kind else {
        return Line::new(Light::Grey, "Packages", "no package system that is known here");
    };
    if packages.broken {
        Line::new(Light::Amber, "Packages", format!("{kind} is half-way through an installation"))
            .more("The plan offers to let it finish.")
    } else if let Some(holder) = &packages.locked_by {
        Line::new(Light::Blue, "Packages", format!("{kind}, in use by {holder} now")).more(
            "Often the system's own updates after a start. The set-up waits for them; it never stops them.",
        )
    } else {
        Line::new(Light::Green, "Packages", kind.clone())
    }
}

fn clock(found: &Found) -> Line {
    let synced = match found.time_synced {
        Some(true) => "kept right by the system",
        Some(false) => "not kept right by anything yet",
        None => "whether it is kept right is unknown",
    };
    match found.clock_skew {
        None => Line::unknown("Clock"),
        Some(skew) if skew.abs() <= 60 => Line::new(Light::Green, "Clock", format!("right; {synced}")),
        Some(skew) => {
            let span = crate::words::time::elapsed(skew.unsigned_abs().saturating_mul(1000));
            let way = if skew > 0 { "ahead of" } else { "behind" };
            Line::new(Light::Amber, "Clock", format!("{span} {way} this computer; {synced}"))
                .more("Certificates are refused by a clock that is wrong.")
        }
    }
}

fn firewall(found: &Found) -> Line {
    match &found.firewall {
        Some(name) => Line::new(Light::Blue, "Firewall", format!("{name} is on"))
            .more("It stays as it is unless you choose otherwise in the plan."),
        None => Line::new(Light::Grey, "Firewall", "none found on the server itself"),
    }
}

fn earlier(installed: Option<&Installed>) -> Line {
    match installed {
        None => Line::new(Light::Green, "Earlier installation", "none"),
        Some(there) if there.complete => {
            Line::new(Light::Blue, "Earlier installation", format!("Loopwright {}", there.version))
                .more("What is there stays: only what is missing or differs is done.")
        }
        Some(there) => Line::new(
            Light::Amber,
            "Earlier installation",
            format!("Loopwright {}, not finished", there.version),
        )
        .more("It goes on from where it was cut off; nothing is wiped."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::servers::sample;

    fn line(found: &Found, name: &str) -> Line {
        lines(found).into_iter().find(|line| line.name == name).unwrap()
    }

    #[test]
    fn nothing_found_out_is_unknown_and_never_a_guess() {
        let nothing = Found::default();
        for name in ["System", "Memory", "Disk", "Clock"] {
            let line = line(&nothing, name);
            assert_eq!((line.light, line.says.as_str()), (Light::Grey, "unknown"), "{name}");
        }
    }

    #[test]
    fn a_bare_server_is_green() {
        let found = sample::found();
        assert_eq!(line(&found, "System").says, "Debian GNU/Linux 12 (bookworm), x86_64, 2 cores");
        assert_eq!(line(&found, "Memory").says, "1.9 GiB, no swap");
        assert_eq!(line(&found, "Disk").says, "17.2 GiB free");
        assert_eq!(line(&found, "Ports 80 and 443").says, "free");
        assert!(lines(&found).iter().all(|line| matches!(line.light, Light::Green | Light::Grey)));
    }

    #[test]
    fn what_stands_in_the_way_is_named() {
        let mut found = sample::found();
        found.ports = vec![PortHolder { port: 80, program: Some("nginx".into()), pid: Some(812) }];
        assert_eq!(line(&found, "Ports 80 and 443").says, "port 80 is held by nginx (process 812)");
        found.ports = vec![PortHolder { port: 443, program: None, pid: None }];
        assert!(line(&found, "Ports 80 and 443").says.contains("does not name"));
        found.memory = Some(512 << 20);
        assert_eq!(line(&found, "Memory").light, Light::Amber);
        found.read_only = true;
        assert_eq!(line(&found, "Disk").light, Light::Red);
        found.clock_skew = Some(-90_000);
        assert!(line(&found, "Clock").says.starts_with("1 d 1 h behind this computer"));
        found.rights = Rights::None;
        assert_eq!(line(&found, "Signed in as").light, Light::Red);
        found.init = Some("openrc".into());
        assert!(line(&found, "System").more.unwrap().contains("systemd"));
        found.packages.locked_by = Some("unattended-upgr (process 903)".into());
        assert!(line(&found, "Packages").says.contains("in use by unattended-upgr"));
        found.installed = Some(Installed { version: "0.1.0".into(), sha256: None, complete: false });
        assert!(line(&found, "Earlier installation").says.ends_with("not finished"));
        (found.ipv4, found.ipv6) = (false, true);
        assert_eq!(line(&found, "Network").says, "IPv6 only");
    }
}
