//! A web proxy such as stands before a company's servers: plain requests and CONNECT. It listens in the net and asks from
//! this machine's own network; it ends when it is dropped.

use std::io::{BufRead, BufReader, Error, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

pub struct Proxy {
    at: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
}

/// More than any head that a package manager sends.
const HEAD: u64 = 16 << 10;

impl Proxy {
    pub(super) fn serve(listener: TcpListener) -> Result<Self> {
        let proxy = Self { at: listener.local_addr()?, asked: Arc::default(), over: Arc::default() };
        let (asked, over) = (proxy.asked.clone(), proxy.over.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if over.load(Ordering::Acquire) {
                    return;
                }
                let asked = asked.clone();
                // Whoever asked sees the end of the connection, and that is all there is to say.
                std::thread::spawn(move || drop(carry(stream, &asked)));
            }
        });
        Ok(proxy)
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// The first lines of what was asked so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // The thread sees it at the next connection, or ends with the program.
        self.over.store(true, Ordering::Release);
    }
}

fn carry(stream: TcpStream, asked: &Mutex<Vec<String>>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?).take(HEAD);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Err(Error::other("no whole request"));
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let (first, fields) = head.split_once("\r\n").unwrap_or_default();
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(first.to_owned());
    let mut words = first.split(' ');
    let (verb, to) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let there = if verb == "CONNECT" {
        let there = TcpStream::connect(to)?;
        (&stream).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
        there
    } else {
        let rest = to.strip_prefix("http://").ok_or_else(|| Error::other("not a request to a proxy"))?;
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let mut there =
            TcpStream::connect(if host.contains(':') { host.into() } else { format!("{host}:80") })?;
        // One request for each connection, so that nothing has to be understood of what follows.
        let own = ["connection:", "proxy-connection:"];
        let kept =
            fields.lines().filter(|line| !own.iter().any(|name| line.to_lowercase().starts_with(name)));
        let fields: String = kept.filter(|line| !line.is_empty()).map(|line| format!("{line}\r\n")).collect();
        let path = if path.is_empty() { "/" } else { path };
        there.write_all(format!("{verb} {path} HTTP/1.1\r\n{fields}Connection: close\r\n\r\n").as_bytes())?;
        there
    };
    let (mut up, mut here) = (there.try_clone()?, stream);
    let mut down = there;
    let back = std::thread::spawn(move || {
        let done = std::io::copy(&mut down, &mut here);
        let _closed = here.shutdown(Shutdown::Both);
        done
    });
    let mut rest = reader.into_inner();
    std::io::copy(&mut rest, &mut up)?;
    let _closed = up.shutdown(Shutdown::Write);
    back.join().map_err(|_| Error::other("a thread of the proxy panicked"))?.map(drop)
}
