//! A package registry on loopback, as small as one can be: archives by their address, and what was asked of it.

use base64::Engine;
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest, Sha512};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

#[derive(Default)]
struct Shelf {
    files: BTreeMap<String, Vec<u8>>,
    /// Sent half, then the connection breaks off.
    broken: BTreeSet<String>,
    asked: Vec<String>,
}

#[derive(Clone)]
pub struct Registry {
    pub url: String,
    shelf: Arc<Mutex<Shelf>>,
}

/// A file of an archive: path, mode, content.
pub type File<'a> = (&'a str, u32, &'a str);

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let served = shelf.clone();
        // It ends with the test's process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = served.clone();
                std::thread::spawn(move || serve(stream, &shelf));
            }
        });
        Self { url, shelf }
    }

    /// Puts a package on the shelf and gives its row for a lock file.
    pub fn publish(&self, name: &str, version: &str, files: &[File<'_>]) -> String {
        let bytes = archive(files);
        let integrity = base64::engine::general_purpose::STANDARD.encode(Sha512::digest(&bytes));
        self.put(&address(name, version), bytes);
        format!(r#""node_modules/{name}": {{"version": "{version}", "integrity": "sha512-{integrity}"}}"#)
    }

    pub fn put(&self, path: &str, bytes: Vec<u8>) {
        self.shelf.lock().unwrap().files.insert(path.to_owned(), bytes);
    }

    pub fn take(&self, path: &str) -> Vec<u8> {
        self.shelf.lock().unwrap().files.remove(path).unwrap()
    }

    pub fn break_off(&self, path: &str, broken: bool) {
        let mut shelf = self.shelf.lock().unwrap();
        if broken {
            shelf.broken.insert(path.to_owned())
        } else {
            shelf.broken.remove(path)
        };
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<String> {
        let mut asked = std::mem::take(&mut self.shelf.lock().unwrap().asked);
        asked.sort();
        asked
    }
}

pub fn address(name: &str, version: &str) -> String {
    format!("/{name}/-/{}-{version}.tgz", name.rsplit('/').next().unwrap())
}

pub fn archive(files: &[File<'_>]) -> Vec<u8> {
    let mut tar = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, mode, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(*mode);
        header.set_cksum();
        tar.append_data(&mut header, path, text.as_bytes()).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn serve(stream: TcpStream, shelf: &Mutex<Shelf>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        let (body, broken) = {
            let mut shelf = shelf.lock().unwrap();
            shelf.asked.push(path.clone());
            (shelf.files.get(&path).cloned(), shelf.broken.contains(&path))
        };
        let (status, body) = body.map_or(("404 Not Found", Vec::new()), |body| ("200 OK", body));
        let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n", body.len());
        let sent = if broken { &body[..body.len() / 2] } else { &body[..] };
        let mut out = &stream;
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(sent)).is_err() || broken {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}
