//! What the tests of the throw-away servers share: OpenSSH's own client, which stands in the net as somebody on the internet.
//! And the tests of the faults.

mod faults;

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Output, Stdio};
use testkit::server::{Net, Server};

pub struct Ssh<'a> {
    net: &'a Net,
    server: &'a Server,
    folder: tempfile::TempDir,
}

pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl<'a> Ssh<'a> {
    pub fn new(net: &'a Net, server: &'a Server) -> Self {
        Self { net, server, folder: tempfile::tempdir().unwrap() }
    }

    /// A command as root, with the key.
    pub fn root(&self, command: &str) -> Said {
        self.key("root", command)
    }

    pub fn key(&self, user: &str, command: &str) -> Said {
        self.run(self.with_key(user, command), "")
    }

    pub fn password(&self, user: &str, password: &str, command: &str, input: &str) -> Said {
        let ask = self.folder.path().join("ask");
        std::fs::write(&ask, format!("#!/bin/sh\necho '{password}'\n")).unwrap();
        std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o700)).unwrap();
        // A server takes some seconds over a wrong password.
        let mut ssh = self.client_with(&["ConnectTimeout=30", "ServerAliveInterval=0"]);
        ssh.args(["-o", "PreferredAuthentications=password", "-o", "NumberOfPasswordPrompts=1"]);
        ssh.arg(format!("{user}@{}", self.server.ip())).arg(command);
        ssh.env("SSH_ASKPASS", ask).env("SSH_ASKPASS_REQUIRE", "force");
        self.run(ssh, input)
    }

    /// A session that is open and goes on; its client finds a dead server out after two seconds.
    pub fn session(&self) -> Child {
        let mut ssh = self.with_key("root", "echo begun; sleep 600");
        ssh.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = ssh.spawn().unwrap();
        let mut begun = [0; 6];
        child.stdout.as_mut().unwrap().read_exact(&mut begun).unwrap();
        child
    }

    /// The host key that this client has seen first must be shown again.
    pub fn strict(&self) -> Said {
        let known = format!("UserKnownHostsFile={}", self.folder.path().join("known").display());
        // Of two values the first one counts.
        let mut ssh = self.client_with(&["StrictHostKeyChecking=accept-new", &known]);
        self.add_key(&mut ssh, "root", "true");
        self.run(ssh, "")
    }

    fn client_with(&self, options: &[&str]) -> Command {
        let mut ssh = self.net.command("timeout").unwrap();
        ssh.args(["60", "ssh", "-F", "none", "-T"]);
        let usual = [
            "StrictHostKeyChecking=no",
            "UserKnownHostsFile=/dev/null",
            "LogLevel=INFO",
            "ConnectTimeout=3",
            "ServerAliveInterval=1",
            "ServerAliveCountMax=2",
        ];
        for option in options.iter().chain(&usual) {
            ssh.args(["-o", option]);
        }
        ssh.env_remove("SSH_AUTH_SOCK");
        ssh
    }

    fn with_key(&self, user: &str, command: &str) -> Command {
        let mut ssh = self.client_with(&[]);
        self.add_key(&mut ssh, user, command);
        ssh
    }

    fn add_key(&self, ssh: &mut Command, user: &str, command: &str) {
        ssh.args(["-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes", "-i"]).arg(self.net.key().unwrap());
        ssh.arg(format!("{user}@{}", self.server.ip())).arg(command);
    }

    fn run(&self, mut ssh: Command, input: &str) -> Said {
        let mut child =
            ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // A client that was refused does not read it.
        let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
        ended(child)
    }
}

pub fn ended(child: Child) -> Said {
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim_end().to_owned();
    Said { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}

impl Said {
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self.out
    }

    /// That no session came about, and the client's reason.
    #[track_caller]
    pub fn lost(self) -> String {
        assert_eq!(self.code, 255, "{}{}", self.out, self.err);
        self.err
    }
}
