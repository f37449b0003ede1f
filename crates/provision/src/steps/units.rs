//! The texts of our systemd units.
//!
//! Hardened as far as the work allows. Agents make sandboxes of their own (bubblewrap, in user namespaces), so neither
//! namespaces are restricted nor is anything mounted over /proc: the kernel refuses a sandbox its own /proc where the
//! outer one is partly hidden. Both services start programs as other users, which takes the capabilities below.

use std::net::IpAddr;

/// Where the edge listens when another web server has the ports.
const BEHIND: &str = "127.0.0.1:8480";

/// What the other web server is told, in its own words.
pub(crate) fn proxy_words() -> String {
    format!(
        "the site listens on {BEHIND}. For nginx: location / {{ proxy_pass http://{BEHIND}; proxy_http_version 1.1; \
         proxy_set_header Host $host; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\"; }} \
         For Caddy: reverse_proxy {BEHIND}"
    )
}

const WALLS: &str = "NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/var/lib/loopwright /opt/loopwright/tools
ProtectHome=yes
PrivateTmp=yes
ProtectKernelModules=yes
ProtectHostname=yes
LockPersonality=yes
RestrictRealtime=yes
SystemCallArchitectures=native
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH CAP_FOWNER CAP_FSETID CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_PTRACE CAP_SYS_RESOURCE
UMask=0022
";

/// `address`: under which the first project's site is reached as long as it has no domain. The machine's environment is where
/// its proxies are named.
pub(super) fn daemon(address: Option<IpAddr>) -> String {
    let host = address.map(|address| match address {
        IpAddr::V6(address) => format!("[{address}]"),
        IpAddr::V4(address) => address.to_string(),
    });
    let site = host.map_or_else(String::new, |host| format!(" --site http://{host}/"));
    format!(
        "[Unit]
Description=Loopwright: the loop
Wants=network-online.target loopwright-edge.service
After=network-online.target loopwright-edge.service
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/opt/loopwright/current/loopwrightd serve --home /var/lib/loopwright/workspace --tools /opt/loopwright/tools --control /run/loopwright/control.sock --desk loopwright-desk --edge-unit --no-project{site}
Environment=HOME=/root
EnvironmentFile=-/etc/environment
RuntimeDirectory=loopwright
RuntimeDirectoryMode=0755
Restart=on-failure
RestartSec=1
TimeoutStopSec=30
Delegate=yes
LimitNOFILE=65536
OOMScoreAdjust=-500
ReadWritePaths=/run/loopwright
{WALLS}
[Install]
WantedBy=multi-user.target
"
    )
}

/// It is never given up: a server without it is a server without its sites. The sites' programs are this unit's, too. They outlive the edge, which the next one takes over; `setup remove` and the
/// end of the machine end them.
pub(super) fn edge() -> String {
    format!(
        "[Unit]
Description=Loopwright: the sites
Requires=loopwright-edge.socket
After=network.target loopwright-edge.socket
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=/opt/loopwright/current/loopwrightd edge --unit --control /var/lib/loopwright/workspace/run/edge.sock --run /var/lib/loopwright/workspace/run
Sockets=loopwright-edge.socket
Restart=on-failure
RestartSec=200ms
TimeoutStopSec=45
KillMode=process
CPUWeight=200
LimitNOFILE=65536
OOMScoreAdjust=-600
{WALLS}
[Install]
WantedBy=multi-user.target
"
    )
}

pub(super) fn socket(behind: bool) -> String {
    let listen = if behind {
        format!("ListenStream={BEHIND}")
    } else {
        "ListenStream=80\nListenStream=443".to_owned()
    };
    format!(
        "[Unit]
Description=Loopwright: the ports of the sites

[Socket]
{listen}
NoDelay=yes
Backlog=4096

[Install]
WantedBy=sockets.target
"
    )
}
