//! A house whose memory listens, and a plain client of it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "test code, its helpers included")]
#![allow(dead_code, clippy::allow_attributes, reason = "each test program uses the part that it needs")]

pub mod stumbling;

use crate::harness::tcp::{self, Answer};
use crate::harness::{House, QUIET};
use protocol::{Request, Response};
use serde_json::Value;
use testkit::Workspace;

pub struct Face {
    pub house: House,
    /// `host:port`.
    pub address: String,
    pub key: String,
}

/// With the memory on this port.
pub fn start(port: &str) -> House {
    let workspace = Workspace::new().unwrap();
    workspace.settings(QUIET).unwrap();
    start_in(workspace, port)
}

pub fn start_in(workspace: Workspace, port: &str) -> House {
    House::start_with(workspace, &["--port", "0", "--starter", "static", "--memory", port])
}

impl Face {
    /// On any free port.
    pub fn open() -> Face {
        Self::of(start("0"))
    }

    pub fn open_at(port: &str) -> Face {
        Self::of(start(port))
    }

    pub fn of(house: House) -> Face {
        let Response::Memory(view) = house.call(&Request::Memory { project: None }) else {
            panic!("no memory")
        };
        let address = view.address.unwrap_or_else(|| panic!("not open: {:?}", view.address_why));
        let address = address.strip_prefix("http://").unwrap().to_owned();
        let key =
            std::fs::read_to_string(house.workspace.home().join("memory.key")).unwrap().trim().to_owned();
        Face { house, address, key }
    }

    /// SIGKILL, and another daemon on the same home and port.
    pub fn killed_and_started(self) -> Face {
        let port = self.address.rsplit(':').next().unwrap().to_owned();
        let House { daemon, workspace } = self.house;
        daemon.kill9().unwrap();
        // A child that was just being made holds what its parent held until it becomes a program of its own.
        let lock = std::fs::File::open(workspace.home().join("run/daemon.lock")).unwrap();
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
        drop(lock);
        Self::of(start_in(workspace, &port))
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all = vec![
            ("host", self.address.as_str()),
            ("x-api-key", &self.key),
            ("content-type", "application/json"),
        ];
        all.retain(|(name, _)| !headers.iter().any(|(own, _)| own == name));
        all.extend(headers);
        tcp::send(&self.address, method, path, &all, body)
    }

    pub fn raw(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.send(method, path, &[], body);
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    pub fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.raw(method, path, &body.to_string())
    }

    pub fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body);
        assert_eq!(status, 200, "{method} {path} {body}: {answer}");
        answer
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, answer) = self.raw("GET", path, "");
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    pub fn in_space(&self, space: &str, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.send(method, path, &[("lightrag-workspace", space)], body);
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }

    pub fn upload(&self, name: &str, text: &str) -> (u16, Value) {
        let body = format!(
            "--b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{text}\r\n--b1--\r\n"
        );
        let answer = self.send(
            "POST",
            "/documents/upload",
            &[("content-type", "multipart/form-data; boundary=b1")],
            &body,
        );
        (answer.status, serde_json::from_str(&answer.body).unwrap_or(Value::Null))
    }
}
