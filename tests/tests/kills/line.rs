//! The line between a desktop and a server: a relay that can be cut at any moment, or after so many bytes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

#[derive(Clone)]
pub struct Line {
    port: u16,
    open: Arc<Mutex<Vec<TcpStream>>>,
    /// Bytes that still go to the server.
    left: Arc<AtomicI64>,
}

impl Line {
    pub fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let line = Self { port, open: Arc::default(), left: Arc::new(AtomicI64::new(i64::MAX)) };
        let own = line.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                // A server that is not there refuses; the caller sees an end.
                let Ok(far) = TcpStream::connect(("127.0.0.1", server)) else { continue };
                own.carry(near, far);
            }
        });
        line
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn carry(&self, near: TcpStream, far: TcpStream) {
        let copies =
            [(&near, &far), (&far, &near)].map(|(a, b)| (a.try_clone().unwrap(), b.try_clone().unwrap()));
        self.open.lock().unwrap().extend([near, far]);
        for (number, (from, to)) in copies.into_iter().enumerate() {
            let line = self.clone();
            std::thread::spawn(move || line.pump(from, to, number == 0));
        }
    }

    fn pump(&self, mut from: TcpStream, mut to: TcpStream, counted: bool) {
        let mut buffer = vec![0; 1 << 15];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let bytes = i64::try_from(count).unwrap();
            if counted && self.left.fetch_sub(bytes, Ordering::SeqCst) < bytes {
                self.left.store(i64::MAX, Ordering::SeqCst);
                self.cut();
            }
            if to.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Both);
        let _ = from.shutdown(Shutdown::Both);
    }

    /// All that is open ends; a new call gets through.
    pub fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// It is cut once so many bytes more went to the server.
    pub fn cut_after(&self, bytes: i64) {
        self.left.store(bytes, Ordering::SeqCst);
    }
}
