//! What the servers of a net see of the world: a name server, and a relay for TCP to ports 80 and 443. Both listen in the internet's
//! namespace and ask from this machine's own network. The relay goes only where this machine's resolver has just pointed to, so
//! that a server reaches what this machine reaches by name (registries, say) and nothing else.

mod dns;

use super::segment::{GATEWAY, GATEWAY6, PREFIX6, RELAY_PORT, Segment, enter};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Error, Read, Result, Write};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream, UdpSocket,
};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DNS_PATIENCE: Duration = Duration::from_secs(5);

pub struct Gateway {
    segment: Segment,
    resolver: SocketAddr,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// Names of this net's own.
    names: BTreeMap<String, Ipv4Addr>,
    /// What the resolver has answered with.
    allowed: BTreeSet<Ipv4Addr>,
    /// Ports of 127.0.0.1 that lead somewhere already: they stay open, and a server may come back.
    forwards: BTreeMap<u16, SocketAddrV4>,
}

impl Gateway {
    pub fn open(segment: &Segment, resolver: SocketAddr) -> Result<Arc<Self>> {
        let (udp, tcp, relay) = segment.inside(|| {
            Ok((
                UdpSocket::bind((GATEWAY, 53))?,
                TcpListener::bind((GATEWAY, 53))?,
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, RELAY_PORT))?,
            ))
        })?;
        let gateway = Arc::new(Self { segment: segment.clone(), resolver, known: Mutex::default() });
        // Without IPv6 on this machine nobody asks there.
        let six = segment
            .inside(|| Ok((UdpSocket::bind((GATEWAY6, 53))?, TcpListener::bind((GATEWAY6, RELAY_PORT))?)));
        if let Ok((udp, relay)) = six {
            let own = gateway.clone();
            std::thread::spawn(move || own.answer_datagrams(&udp, Self::resolve6));
            let own = gateway.clone();
            std::thread::spawn(move || each(&relay, move |stream| own.relay6(stream)));
        }
        let own = gateway.clone();
        std::thread::spawn(move || own.answer_datagrams(&udp, Self::resolve));
        let own = gateway.clone();
        std::thread::spawn(move || each(&tcp, move |stream| own.answer_stream(stream)));
        let own = gateway.clone();
        std::thread::spawn(move || each(&relay, move |stream| own.relay(stream)));
        Ok(gateway)
    }

    pub fn name(&self, name: &str, ip: Ipv4Addr) {
        self.known().names.insert(name.trim_end_matches('.').to_lowercase(), ip);
    }

    /// Opens a port of 127.0.0.1 that leads to a server's port; its number.
    pub fn forward(&self, local: u16, to: SocketAddrV4) -> Result<u16> {
        if self.known().forwards.get(&local) == Some(&to) {
            return Ok(local);
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, local))
            .map_err(|error| Error::other(format!("cannot listen on 127.0.0.1:{local}: {error}")))?;
        let port = listener.local_addr()?.port();
        self.known().forwards.insert(port, to);
        let segment = self.segment.clone();
        std::thread::spawn(move || {
            each(&listener, move |stream| {
                match enter(segment.internet()).and_then(|()| TcpStream::connect(to)) {
                    Ok(there) => splice(stream, there),
                    Err(_) => reset(&stream),
                }
            });
        });
        Ok(port)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer_datagrams(self: Arc<Self>, socket: &UdpSocket, resolve: fn(&Self, &[u8]) -> Result<Vec<u8>>) {
        let mut buffer = [0; 4096];
        loop {
            let Ok((length, from)) = socket.recv_from(&mut buffer) else { continue };
            let (own, question) = (self.clone(), buffer.get(..length).unwrap_or_default().to_vec());
            let Ok(socket) = socket.try_clone() else { continue };
            std::thread::spawn(move || {
                if let Ok(answer) = resolve(&own, &question) {
                    // A name server that cannot send is one that does not answer.
                    let _lost = socket.send_to(&answer, from);
                }
            });
        }
    }

    fn answer_stream(&self, mut stream: TcpStream) {
        let mut talk = || -> Result<()> {
            let mut length = [0; 2];
            stream.read_exact(&mut length)?;
            let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut question)?;
            let answer = self.resolve(&question)?;
            stream.write_all(&u16::try_from(answer.len()).unwrap_or(u16::MAX).to_be_bytes())?;
            stream.write_all(&answer)
        };
        // Its end is all that the other side needs to know.
        let _ended = talk();
    }

    fn resolve(&self, question: &[u8]) -> Result<Vec<u8>> {
        let asked = dns::question(question).ok_or_else(|| Error::other("not a question"))?;
        let own = self.known().names.get(&asked.name).copied();
        if own.is_some() || asked.name.ends_with(".test") {
            return Ok(dns::reply(question, &asked, own));
        }
        // The world outside is reached by IPv4 alone, and an address of it would only be tried in vain.
        if asked.kind == dns::AAAA {
            return Ok(dns::empty(question, &asked));
        }
        let local: IpAddr = if self.resolver.is_ipv4() {
            Ipv4Addr::UNSPECIFIED.into()
        } else {
            std::net::Ipv6Addr::UNSPECIFIED.into()
        };
        let socket = UdpSocket::bind((local, 0))?;
        socket.set_read_timeout(Some(DNS_PATIENCE))?;
        socket.connect(self.resolver)?;
        socket.send(question)?;
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer)?;
        let answer = buffer.get(..length).unwrap_or_default();
        self.known().allowed.extend(dns::addresses(answer));
        Ok(answer.to_vec())
    }

    /// For a server that has no IPv4: an IPv4 address is told as one of IPv6, as a provider's name server does (DNS64).
    fn resolve6(&self, question: &[u8]) -> Result<Vec<u8>> {
        let asked = dns::question(question).ok_or_else(|| Error::other("not a question"))?;
        if asked.kind != dns::AAAA || asked.name.ends_with(".test") {
            return self.resolve(question);
        }
        let answer = self.resolve(&dns::for_ipv4(question, &asked))?;
        let found = dns::addresses(&answer);
        let mapped = found.iter().map(|ip| mapped(*ip)).collect::<Vec<_>>();
        Ok(if found.is_empty() && !dns::is_good(&answer) {
            answer
        } else {
            dns::reply6(question, &asked, &mapped)
        })
    }

    fn relay6(&self, stream: TcpStream) {
        let wanted = rustix::net::sockopt::ipv6_original_dst(&stream).ok();
        let wanted = wanted.and_then(|to| Some(SocketAddrV4::new(unmapped(*to.ip())?, to.port())));
        self.carry_on(stream, wanted);
    }

    fn relay(&self, stream: TcpStream) {
        let wanted = rustix::net::sockopt::ip_original_dst(&stream).ok();
        self.carry_on(stream, wanted);
    }

    fn carry_on(&self, stream: TcpStream, wanted: Option<SocketAddrV4>) {
        let there = wanted.filter(|to| self.known().allowed.contains(to.ip())).map(TcpStream::connect);
        match there {
            Some(Ok(there)) => splice(stream, there),
            Some(Err(_)) | None => reset(&stream),
        }
    }
}

fn mapped(ip: Ipv4Addr) -> Ipv6Addr {
    let [a, b, c, d, e, f] = PREFIX6;
    let [w, x, y, z] = ip.octets();
    Ipv6Addr::new(a, b, c, d, e, f, u16::from_be_bytes([w, x]), u16::from_be_bytes([y, z]))
}

fn unmapped(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [prefix @ .., high, low] = ip.segments();
    let ([w, x], [y, z]) = (high.to_be_bytes(), low.to_be_bytes());
    (prefix == PREFIX6).then(|| Ipv4Addr::new(w, x, y, z))
}

/// A thread for each connection, for as long as the program runs.
fn each(listener: &TcpListener, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
    let serve = Arc::new(serve);
    for stream in listener.incoming().flatten() {
        let serve = serve.clone();
        std::thread::spawn(move || serve(stream));
    }
}

/// Closes a connection so that the other side sees a reset.
fn reset(stream: &TcpStream) {
    // If it cannot be set, the other side sees an ordinary end.
    let _plain = rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO));
}

/// Carries bytes both ways until both sides are done; a side that breaks off breaks the other off too.
fn splice(here: TcpStream, there: TcpStream) {
    let (Ok(here2), Ok(there2)) = (here.try_clone(), there.try_clone()) else { return };
    for stream in [&here, &there] {
        // Only slower without.
        let _slower = stream.set_nodelay(true);
    }
    let back = std::thread::spawn(move || carry(there2, here2));
    carry(here, there);
    let _joined = back.join();
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let ended = std::io::copy(&mut from, &mut to);
    if ended.is_err() {
        reset(&from);
        reset(&to);
        let _closed = from.shutdown(Shutdown::Both);
    }
    let _closed = to.shutdown(if ended.is_ok() { Shutdown::Write } else { Shutdown::Both });
}
