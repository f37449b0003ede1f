//! Against a socket that answers as the daemon would: a journal that grows while it is followed.

use super::*;
use protocol::At;
use std::io::{BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{Receiver, channel};

/// The daemon's handle on a child that only sleeps, with `socket` served by `serve`, once for each connection.
fn pretend(folder: &Path, serve: impl Fn(&str, &str, &mut UnixStream) + Send + 'static) -> Daemon {
    let socket = folder.join("control.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let serve = std::sync::Arc::new(std::sync::Mutex::new(serve));
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let (mut connection, serve) = (connection.unwrap(), serve.clone());
            std::thread::spawn(move || {
                let mut reader = BufReader::new(connection.try_clone().unwrap());
                let mut first = String::new();
                reader.read_line(&mut first).unwrap();
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    reader.read_line(&mut line).unwrap();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.trim().parse().unwrap();
                    }
                    if line.trim().is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                serve.lock().unwrap()(&first, &String::from_utf8(body).unwrap(), &mut connection);
            });
        }
    });
    let child = Command::new("sleep").arg("600").spawn().unwrap();
    Daemon { child, socket, log: folder.join("log") }
}

fn plain(connection: &mut UnixStream, status: &str, body: &str) {
    write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
}

fn journal(upto: u64, after: u64) -> String {
    let entry = |seq: u64| {
        serde_json::json!({"seq": seq, "at": seq, "prev": "", "hash": "", "fact": {"kind": "memory.forgotten",
            "body": {"note": "n", "blob": "b"}}})
    };
    let entries: Vec<_> = (after + 1..=upto).map(entry).collect();
    serde_json::json!({"answer": "journal", "entries": entries, "head": upto}).to_string()
}

fn following(folder: &Path, heads: Receiver<u64>) -> Daemon {
    let heads = std::sync::Mutex::new(heads);
    let head = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(1));
    pretend(folder, move |first, body, connection| {
        use std::sync::atomic::Ordering::SeqCst;
        if first.starts_with("GET /api/head") {
            let mut connection = connection.try_clone().unwrap();
            let head = head.clone();
            let numbers: Vec<u64> = heads.lock().unwrap().try_iter().collect();
            std::thread::spawn(move || {
                write!(connection, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
                for number in numbers {
                    head.store(number, SeqCst);
                    let event = format!("data: {number}\n\n");
                    write!(connection, "{:x}\r\n{event}\r\n", event.len()).unwrap();
                }
                let _ = connection.read(&mut [0]);
            });
        } else {
            let after = serde_json::from_str::<serde_json::Value>(body).unwrap()["after"].as_u64().unwrap();
            plain(connection, "200 OK", &journal(head.load(SeqCst), after));
        }
    })
}

#[test]
fn it_waits_for_an_entry_that_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let (send, heads) = channel();
    for head in [1, 2, 5] {
        send.send(head).unwrap();
    }
    let daemon = following(folder.path(), heads);
    let at = daemon.wait_for(Duration::from_secs(20), |entry| (entry.seq == 4).then_some(entry.at)).unwrap();
    assert_eq!(at, At(4));
}

#[test]
fn a_deadline_ends_the_wait_and_tells_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (send, heads) = channel();
    send.send(2).unwrap();
    let daemon = following(folder.path(), heads);
    let error =
        daemon.wait_for(Duration::from_millis(200), |entry| (entry.seq == 9).then_some(())).unwrap_err();
    assert!(error.to_string().contains("last of 2 entries: memory.forgotten"), "{error}");
}

#[test]
fn an_api_error_is_told_as_one_and_a_closed_socket_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = pretend(folder.path(), |_, _, connection| {
        plain(connection, "409 Conflict", r#"{"code":"conflict","message":"it runs"}"#);
    });
    assert_eq!(daemon.call(&Request::Hello), Err(ApiError::new(Code::Conflict, "it runs")));
    let folder = tempfile::tempdir().unwrap();
    let daemon = pretend(folder.path(), |_, _, _| {});
    assert!(daemon.try_call(&Request::Hello).is_err());
    assert_eq!(daemon.call(&Request::Hello).unwrap_err().code, Code::Internal);
}
