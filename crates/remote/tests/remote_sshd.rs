//! This crate against a real OpenSSH server. Named slow_*, since they need root, sshd and sudo.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test's own tools have nobody to hand an error to")]

#[path = "remote_sshd/daemon.rs"]
mod daemon;
#[path = "remote_sshd/sshd.rs"]
mod sshd;

#[path = "remote_sshd/contact.rs"]
mod slow_contact;
#[path = "remote_sshd/lines.rs"]
mod slow_lines;
#[path = "remote_sshd/plan.rs"]
mod slow_plan;
#[path = "remote_sshd/signin.rs"]
mod slow_signin;
#[path = "remote_sshd/tunnel.rs"]
mod slow_tunnel;
