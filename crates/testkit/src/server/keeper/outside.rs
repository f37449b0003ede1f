//! Knocking at a server's ports from the internet, many at a time.

use crate::server::spec::Outside;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, ipproto, socket_with, sockopt};
use std::io::Result;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Far longer than an answer takes on a network without a distance.
const PATIENCE: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 500;

pub fn knock(ip: Ipv4Addr, ports: &[u16]) -> Result<Vec<Outside>> {
    let mut answers = Vec::new();
    for some in ports.chunks(AT_ONCE) {
        answers.extend(round(ip, some)?);
    }
    Ok(answers)
}

fn round(ip: Ipv4Addr, ports: &[u16]) -> Result<Vec<Outside>> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let mut open: Vec<(usize, OwnedFd)> = Vec::new();
    let mut answers = vec![Outside::Silent; ports.len()];
    for ((at, port), answer) in ports.iter().enumerate().zip(&mut answers) {
        let socket = socket_with(AddressFamily::INET, SocketType::STREAM, flags, Some(ipproto::TCP))?;
        match connect(&socket, &SocketAddrV4::new(ip, *port)) {
            Ok(()) => *answer = Outside::Open,
            Err(Errno::INPROGRESS) => open.push((at, socket)),
            Err(Errno::CONNREFUSED) => *answer = Outside::Refused,
            Err(error) => return Err(error.into()),
        }
    }
    let deadline = Instant::now() + PATIENCE;
    while !open.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        let mut waiting: Vec<PollFd<'_>> =
            open.iter().map(|(_, fd)| PollFd::new(fd, PollFlags::OUT)).collect();
        let limit = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        poll(&mut waiting, Some(&limit))?;
        let settled: Vec<bool> = waiting.iter().map(|fd| !fd.revents().is_empty()).collect();
        let mut states = settled.into_iter();
        let mut kept = Vec::new();
        for (at, socket) in open {
            if !states.next().unwrap_or(false) {
                kept.push((at, socket));
                continue;
            }
            let found = match sockopt::socket_error(&socket)? {
                Ok(()) => Outside::Open,
                Err(Errno::CONNREFUSED) => Outside::Refused,
                // No route, no host: nothing came back from the server.
                Err(_) => Outside::Silent,
            };
            if let Some(answer) = answers.get_mut(at) {
                *answer = found;
            }
        }
        open = kept;
    }
    Ok(answers)
}
