//! A service on loopback as small as one can be: each test says what it answers, and reads what it was asked.

#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// What it was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    /// In lower case.
    pub headers: Vec<String>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    }
}

/// What it answers.
#[derive(Debug, Clone)]
pub enum Reply {
    Json(String),
    /// With this status and these header lines.
    Status(u16, Vec<String>, String),
    Bytes(Vec<u8>),
    /// The answer to a request for bytes from here on.
    Partial(Vec<u8>),
    /// Half of it, then the connection ends.
    Half(Vec<u8>),
    /// Nothing, for as long as the other side waits.
    Hang,
    /// An answer without an end.
    Endless,
}

pub struct Service {
    pub port: u16,
    log: Arc<Mutex<Vec<Asked>>>,
    /// Gets each request as it comes.
    pub arrivals: Receiver<Asked>,
}

impl Service {
    /// `answer` is given how many were asked before.
    pub fn start(answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Service {
        Self::start_on(0, answer)
    }

    pub fn start_on(port: u16, answer: impl Fn(usize, &Asked) -> Reply + Send + Sync + 'static) -> Service {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let log = Arc::new(Mutex::new(Vec::new()));
        let (tx, arrivals) = channel();
        let (kept, answer) = (log.clone(), Arc::new(answer));
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, answer, tx) = (kept.clone(), answer.clone(), tx.clone());
                std::thread::spawn(move || serve(stream, &kept, &*answer, &tx));
            }
        });
        Service { port, log, arrivals }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &(dyn Fn(usize, &Asked) -> Reply + Send + Sync),
    arrivals: &Sender<Asked>,
) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    if reader.read_line(&mut first).unwrap_or(0) == 0 {
        return;
    }
    let mut headers = Vec::new();
    for line in reader.by_ref().lines().map_while(Result::ok).take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        headers.push(format!("{}:{value}", name.to_lowercase()));
    }
    let mut asked =
        Asked { path: first.split(' ').nth(1).unwrap_or_default().into(), headers, body: String::new() };
    let length = asked.header("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    asked.body = String::from_utf8(body).unwrap();
    let before = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.len() - 1
    };
    let _ = arrivals.send(asked.clone());
    let (status, extra, body, cut) = match answer(before, &asked) {
        Reply::Json(text) => (200, vec![], text.into_bytes(), false),
        Reply::Status(status, headers, text) => (status, headers, text.into_bytes(), false),
        Reply::Bytes(bytes) => (200, vec![], bytes, false),
        Reply::Partial(bytes) => (206, vec![], bytes, false),
        Reply::Half(bytes) => (200, vec![], bytes, true),
        Reply::Hang => {
            // Until the other side goes.
            let _ = reader.read(&mut [0; 1]);
            return;
        }
        Reply::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n");
            while stream.write_all(&[b' '; 1 << 16]).is_ok() {}
            return;
        }
    };
    let extra: String = extra.iter().map(|line| format!("{line}\r\n")).collect();
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\n{extra}content-length: {}\r\n\r\n",
        body.len()
    );
    let sent = if cut { &body[..body.len() / 2] } else { &body[..] };
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
}
