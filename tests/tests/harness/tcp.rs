//! As much HTTP as a visitor of a site or of the dashboard needs: one request per connection, by plain TCP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use super::PATIENCE;

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What a visitor of this address gets.
pub fn get(url: &str) -> Answer {
    let (address, path) = parts(url);
    send(&address, "GET", &path, &[("host", &address)], "")
}

/// `host:port` and the path of an address.
pub fn parts(url: &str) -> (String, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, path) = rest.split_once('/').unwrap_or((rest, ""));
    (address.to_owned(), format!("/{path}"))
}

/// Exactly these headers, but for the body's length.
pub fn send(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut answer = open(address, method, path, headers, body);
    let (status, headers) = head(&mut answer);
    let mut bytes = Vec::new();
    answer.read_to_end(&mut bytes).unwrap();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let bytes = if chunked { joined(&bytes) } else { bytes };
    Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned() }
}

/// An answer that goes on: its status, and its lines as they come.
pub fn stream(address: &str, path: &str, headers: &[(&str, &str)]) -> (u16, BufReader<TcpStream>) {
    let mut answer = open(address, "GET", path, headers, "");
    let (status, _) = head(&mut answer);
    (status, answer)
}

fn open(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> BufReader<TcpStream> {
    let mut connection = TcpStream::connect(address).unwrap();
    connection.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\n");
    for (name, value) in headers {
        lines.push_str(&format!("{name}: {value}\r\n"));
    }
    write!(connection, "{lines}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    BufReader::new(connection)
}

fn head(answer: &mut BufReader<TcpStream>) -> (u16, Vec<(String, String)>) {
    let mut first = String::new();
    answer.read_line(&mut first).unwrap();
    let status = first.split(' ').nth(1).unwrap().parse().unwrap();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        answer.read_line(&mut line).unwrap();
        match line.trim_end().split_once(':') {
            None => return (status, headers),
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.trim().to_owned())),
        }
    }
}

/// The chunks of a body, put together.
fn joined(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap().trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 4 + size..];
    }
    whole
}
