//! How each fault is done: to the network from the internet's side, to everything else as root in the server.

use super::guest::Guest;
use super::segment::{
    GATEWAY, GATEWAY6, address6, cable, guest as namespace, inside_ip, inside_rules, inside_run,
};
use crate::server::host::run;
use crate::server::spec::Fault;
use std::io::{Error, Result};

/// The daemon's own title and the children's: `sshd: root@notty`, `sshd-session: root [priv]`, but not `sshd: /usr/sbin/sshd -D`.
const CUT_SESSIONS: &str = r#"for pid in $(ps -eo pid=,args= | awk '$2 ~ /^sshd(-session|-auth)?:$/ && $3 !~ /^\//{print $1}'); do kill -9 "$pid"; done"#;

/// The locks as apt and dpkg take them (fcntl; flock would not clash with them).
const HOLD_LOCKS: &str = r"import fcntl, sys, time
files = [open(path, 'w') for path in ('/var/lib/dpkg/lock-frontend', '/var/lib/dpkg/lock', '/var/lib/apt/lists/lock', '/var/cache/apt/archives/lock')]
for file in files: fcntl.lockf(file, fcntl.LOCK_EX)
open('/proc/self/comm', 'w').write('unattended-upgr')
open('/run/fault-apt-lock.held', 'w').close()
time.sleep(float(sys.argv[1]))";

const LISTEN: &str = r"import socket, sys, time
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('0.0.0.0', int(sys.argv[1])))
server.listen(5)
open('/run/fault-port-%s.busy' % sys.argv[1], 'w').close()
time.sleep(10 ** 7)";

const BREAK_DPKG: &str = r"printf 'Package: fault-half\nStatus: install ok half-configured\nMaintainer: nobody <nobody@example.test>\nArchitecture: all\nVersion: 1\nDescription: cannot be configured\n\n' >>/var/lib/dpkg/status
mkdir -p /var/lib/dpkg/info && : >/var/lib/dpkg/info/fault-half.list
printf '#!/bin/sh\necho fault-half cannot be configured >&2\nexit 1\n' >/var/lib/dpkg/info/fault-half.postinst
chmod 755 /var/lib/dpkg/info/fault-half.postinst";

/// A mount that somebody writes through cannot be made read-only; the two who do on every server are asked to let go. Whoever
/// else does is named.
const READ_ONLY: &str = r#"journalctl --relinquish-var; systemctl stop unattended-upgrades
mount -o remount,bind,ro / && exit 0
for fd in /proc/[0-9]*/fd/*; do
  at=${fd%/fd/*}; case $(readlink "$fd") in /dev/* | /run/* | /proc/* | /sys/* | [!/]*) continue ;; esac
  grep -q '^flags:.*[12]$' "$at/fdinfo/${fd##*/}" && echo "$(cat "$at/comm") writes $(readlink "$fd")"
done 2>/dev/null
exit 1"#;

pub fn inject(guest: &Guest, fault: &Fault) -> Result<()> {
    match fault {
        Fault::Blackhole | Fault::LinkDown | Fault::Reset(_) | Fault::Slow(_) | Fault::DnsDead => {
            network(guest, fault)
        }
        Fault::NoRegistry | Fault::RegistryRefuses | Fault::Heal => network(guest, fault),
        Fault::Freeze => guest.limits().freeze(true),
        Fault::Thaw => guest.limits().freeze(false),
        Fault::Reboot => {
            guest.expect_restart();
            // It may be gone before it answers.
            guest.exec("systemctl reboot", None, 30).map(drop)
        }
        Fault::PowerCut => guest.power_cut(),
        Fault::PowerOff => guest.power_off(),
        Fault::PowerOn => guest.power_on(),
        Fault::Ipv6Only => guest.order(&ipv6_only(guest.number)).map(drop),
        _ => guest.order(&inside(fault)?).map(drop),
    }
}

fn network(guest: &Guest, fault: &Fault) -> Result<()> {
    let (cable, ip, number) = (cable(guest.number), guest.ip(), guest.number);
    let table = format!("fault{number}");
    match fault {
        Fault::Blackhole => inside_rules(&format!(
            "table netdev {table} {{
  chain from {{ type filter hook ingress device {cable} priority 0; meta protocol ip drop; }}
  chain to {{ type filter hook egress device {cable} priority 0; meta protocol ip drop; }}
}}"
        )),
        Fault::LinkDown => inside_ip(&format!("link set {cable} down")),
        Fault::Reset(port) => inside_rules(&format!(
            "table ip {table} {{ chain out {{ type filter hook output priority 0; ip daddr {ip} tcp dport {port} reject with tcp reset; }}; }}"
        )),
        Fault::DnsDead => inside_rules(&format!(
            "table ip {table} {{ chain in {{ type filter hook input priority 0; ip saddr {ip} meta l4proto {{ tcp, udp }} th dport 53 drop; }}; }}"
        )),
        Fault::NoRegistry => relay_rule(guest, "drop"),
        Fault::RegistryRefuses => relay_rule(guest, "reject with tcp reset"),
        Fault::Slow(rate) => {
            let shape = ["root", "tbf", "rate", rate, "burst", "16kb", "latency", "500ms"];
            inside_run(&[&["tc", "qdisc", "replace", "dev", &cable], &shape[..]].concat())?;
            let own = namespace(number);
            run(&[&["ip", "netns", "exec", &own, "tc", "qdisc", "replace", "dev", "eth0"], &shape[..]]
                .concat())
            .map(drop)
        }
        _ => heal(&cable, &table, number),
    }
}

/// Before the rule that leads to the relay: a reset that is sent after it does not find its way back.
fn relay_rule(guest: &Guest, verdict: &str) -> Result<()> {
    let (ip, number) = (guest.ip(), guest.number);
    inside_rules(&format!(
        "table ip fault{number} {{ chain asked {{ type filter hook prerouting priority -150; ip saddr {ip} ip daddr != 198.51.100.0/24 tcp dport {{ 80, 443 }} {verdict}; }}; }}"
    ))
}

fn heal(cable: &str, table: &str, number: u8) -> Result<()> {
    for family in ["netdev", "ip"] {
        // Made if it is not there, so that it can be deleted.
        inside_rules(&format!("table {family} {table} {{}}\ndelete table {family} {table}\n"))?;
    }
    inside_ip(&format!("link set {cable} up"))?;
    let own = namespace(number);
    for (prefix, device) in
        [(["ip", "netns", "exec", "internet"], cable), (["ip", "netns", "exec", &own], "eth0")]
    {
        let shown = run(&[&prefix[..], &["tc", "qdisc", "show", "dev", device]].concat())?;
        if shown.contains("tbf") {
            run(&[&prefix[..], &["tc", "qdisc", "del", "dev", device, "root"]].concat())?;
        }
    }
    Ok(())
}

fn ipv6_only(number: u8) -> String {
    let own = address6(number);
    format!(
        "ip -6 addr add {own}/64 dev eth0 nodad && ip -6 route replace default via {GATEWAY6} && ip -4 addr flush dev eth0 \
         && printf 'nameserver {GATEWAY6}\\n' >/etc/resolv.conf"
    )
}

/// By the environment of a session, not of sshd, whose sandbox ends it. Nothing of the package system's state changes.
const CLOCK: &str = r#"apt-get -qq update && mkdir -p /run/fault-clock && cd /run/fault-clock && apt-get -qq download libfaketime 2>/dev/null && dpkg-deb -x libfaketime_*.deb . || exit 1
cp -a /etc/environment environment
lib=$(find "$PWD" -name libfaketime.so.1) && printf 'LD_PRELOAD=%s\nFAKETIME=+%s\nFAKETIME_DONT_FAKE_MONOTONIC=1\n' "$lib" "$1" >>/etc/environment"#;

/// What root does in the server. (Without `reset-failed`, systemd refuses to start a service again and again.)
fn inside(fault: &Fault) -> Result<String> {
    Ok(match fault {
        Fault::CutSessions => CUT_SESSIONS.to_owned(),
        Fault::NewHostKey => "rm -f /etc/ssh/ssh_host_* && ssh-keygen -q -A && systemctl reset-failed ssh && systemctl restart ssh".to_owned(),
        Fault::StopSshd => "systemctl stop ssh".to_owned(),
        Fault::StartSshd => "systemctl reset-failed ssh; systemctl start ssh".to_owned(),
        Fault::SshdConfig(lines) => format!(
            "printf '%s\\n' {} >/etc/ssh/sshd_config.d/00-fault.conf && sshd -t && systemctl reset-failed ssh && systemctl restart ssh",
            quoted(lines)
        ),
        Fault::SshdAsBefore => "rm -f /etc/ssh/sshd_config.d/00-fault.conf && systemctl reset-failed ssh && systemctl restart ssh".to_owned(),
        Fault::AptLock(seconds) => unit(
            "fault-apt-lock",
            &format!("bash -c {} - {seconds}", quoted(&format!("exec -a unattended-upgr python3 -c {} \"$1\"", quoted(HOLD_LOCKS)))),
            "/run/fault-apt-lock.held",
        ),
        Fault::AptFree => stop("fault-apt-lock", "/run/fault-apt-lock.held"),
        Fault::DpkgBroken => BREAK_DPKG.to_owned(),
        Fault::DpkgMended => "dpkg --remove --force-remove-reinstreq fault-half || { rm -f /var/lib/dpkg/info/fault-half.*; dpkg --purge --force-all fault-half; }".to_owned(),
        Fault::FillDisk(left) => format!(
            "free=$(df --output=avail -k / | tail -1) && fallocate -l $((free - {left}))K /var/fault-fill"
        ),
        Fault::FreeDisk => "rm -f /var/fault-fill".to_owned(),
        Fault::PortBusy(port) => unit(
            &format!("fault-port-{port}"),
            &format!("python3 -c {} {port}", quoted(LISTEN)),
            &format!("/run/fault-port-{port}.busy"),
        ),
        Fault::PortFree(port) => stop(&format!("fault-port-{port}"), &format!("/run/fault-port-{port}.busy")),
        Fault::ReadOnlyRoot => READ_ONLY.to_owned(),
        Fault::WritableRoot => "mount -o remount,bind,rw / && journalctl --flush && systemctl start unattended-upgrades".to_owned(),
        Fault::Ipv4Again => format!(
            "ip -6 addr flush dev eth0 scope global; printf 'nameserver {GATEWAY}\\n' >/etc/resolv.conf; ifdown --force eth0; ifup eth0"
        ),
        Fault::ClockAhead(seconds) => format!("sh -c {} - {seconds}", quoted(CLOCK)),
        Fault::ClockRight => {
            "cp -a /run/fault-clock/environment /etc/environment && rm -r /run/fault-clock".to_owned()
        }
        Fault::DateOff(seconds) => format!(
            "printf '#!/bin/sh\\nexec /usr/bin/date -d \"@$(($(/usr/bin/date +%%s) + {seconds}))\" \"$@\"\\n' >/usr/local/bin/date && chmod 755 /usr/local/bin/date"
        ),
        Fault::DateRight => "rm -f /usr/local/bin/date".to_owned(),
        Fault::NoisyBashrc(text) => {
            let line = quoted(&format!("echo {}", quoted(text)));
            format!(
                "for home in /root /home/*; do {{ printf '%s\\n' {line}; cat \"$home/.bashrc\"; }} >/run/fault-bashrc; cat /run/fault-bashrc >\"$home/.bashrc\"; done"
            )
        }
        Fault::NologinShell(user) => format!("usermod --shell /usr/sbin/nologin {}", quoted(user)),
        Fault::OsRelease(text) => format!("rm -f /etc/os-release && printf '%s' {} >/etc/os-release", quoted(text)),
        other => return Err(Error::other(format!("{other:?} is not done inside of a server"))),
    })
}

/// Starts a transient unit and waits until it has made this file.
fn unit(name: &str, command: &str, made: &str) -> String {
    format!(
        "rm -f {made} && systemd-run --quiet --collect --unit={name} {command} && for try in $(seq 200); do [ -e {made} ] && exit 0; sleep 0.05; done; systemctl status {name}; exit 1"
    )
}

fn stop(name: &str, made: &str) -> String {
    format!("systemctl stop {name}; rm -f {made}")
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
