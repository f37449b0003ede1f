//! `throwaway`: servers to throw away, by hand. Each net has a name and its own internet; `up` makes one server in it.

use clap::{Parser, Subcommand};
use std::io::{Error, Result, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use testkit::server::{
    Contact, Fault, Init, Place, Request, Running, Server, Spec, Suite, forget, image, keeper,
};

#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a server, or one more in a net that is up.
    Up(Up),
    /// End a net and its servers.
    Down { net: String },
    /// All nets and their servers.
    List,
    /// Run a shell command as root, past sshd.
    Exec {
        net: String,
        command: String,
        #[arg(long)]
        server: Option<String>,
        /// What the command reads.
        #[arg(long)]
        stdin: Option<PathBuf>,
        #[arg(long, default_value_t = 600)]
        seconds: u32,
    },
    /// Do something to a server: `freeze`, `apt-lock=30`, `slow=256kbit`, `sshd-config=MaxSessions 1`.
    Fault {
        net: String,
        fault: Fault,
        #[arg(long)]
        server: Option<String>,
    },
    /// Wait until sshd answers again after a restart.
    Wait {
        net: String,
        #[arg(long)]
        server: Option<String>,
    },
    /// Stop it, keep its disk under a name for `up --from`, start it again.
    Snapshot {
        net: String,
        name: String,
        #[arg(long)]
        server: Option<String>,
    },
    /// Throw a snapshot away.
    Forget { snapshot: String },
    /// A power cut and the disk of the first day.
    Reset {
        net: String,
        #[arg(long)]
        server: Option<String>,
    },
    /// The TCP ports that are open to the internet.
    Ports {
        net: String,
        #[arg(long)]
        server: Option<String>,
    },
    /// What lies on its disk, as JSON.
    Manifest {
        net: String,
        #[arg(long)]
        server: Option<String>,
    },
    /// A port of 127.0.0.1 that leads to a port of the server.
    Forward {
        net: String,
        port: u16,
        #[arg(long)]
        server: Option<String>,
    },
    /// Give a name an address in the net's DNS.
    Name { net: String, name: String, ip: std::net::Ipv4Addr },
    /// Make the image of a suite, if it is not there.
    Image { suite: Suite },
    /// The private key that may log in.
    Key,
    #[command(hide = true)]
    Keep {
        net: String,
        #[arg(long)]
        lifeline: bool,
    },
}

#[derive(clap::Args)]
struct Up {
    net: String,
    /// The server's name, if it is not the net's.
    #[arg(long)]
    server: Option<String>,
    #[arg(long, value_enum, default_value = "bookworm")]
    suite: Suite,
    #[arg(long, value_enum, default_value = "systemd")]
    init: Init,
    /// MiB.
    #[arg(long, default_value_t = 1024)]
    memory: u32,
    #[arg(long, default_value_t = 1)]
    cpus: u32,
    /// MiB.
    #[arg(long, default_value_t = 10 * 1024)]
    disk: u32,
    /// A snapshot to begin with.
    #[arg(long)]
    from: Option<String>,
    /// The port on 127.0.0.1 that leads to its sshd.
    #[arg(long, default_value_t = 0)]
    ssh_port: u16,
}

fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(code) => code,
        Err(error) => {
            // Nothing is left to be told where stderr is closed.
            let _unsaid = writeln!(std::io::stderr(), "throwaway: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up(up) => start(up)?,
        Command::Down { net } => Contact::named(&net)?.down()?,
        Command::List => list()?,
        Command::Exec { net, command, server, stdin, seconds } => {
            let ran = of(&net, server.as_deref())?.exec_with(&command, stdin.as_deref(), seconds)?;
            write!(std::io::stdout(), "{}", ran.out)?;
            write!(std::io::stderr(), "{}", ran.err)?;
            return Ok(ExitCode::from(u8::try_from(ran.code).unwrap_or(u8::MAX)));
        }
        Command::Fault { net, fault, server } => of(&net, server.as_deref())?.fault(fault)?,
        Command::Wait { net, server } => of(&net, server.as_deref())?.wait()?,
        Command::Snapshot { net, name, server } => of(&net, server.as_deref())?.snapshot(&name)?,
        Command::Forget { snapshot } => forget(&snapshot)?,
        Command::Reset { net, server } => of(&net, server.as_deref())?.reset()?,
        Command::Ports { net, server } => say(&format!("{:?}", of(&net, server.as_deref())?.open_ports()?))?,
        Command::Manifest { net, server } => {
            say(&serde_json::to_string_pretty(&of(&net, server.as_deref())?.manifest()?)?)?;
        }
        Command::Forward { net, port, server } => {
            say(&format!("127.0.0.1:{}", of(&net, server.as_deref())?.forward(port)?))?;
        }
        Command::Name { net, name, ip } => Contact::named(&net)?.ask(&Request::Name { name, ip })?,
        Command::Image { suite } => say(&image(&Place::of_this_user()?, suite)?.display().to_string())?,
        Command::Key => say(&keeper::login_key(&Place::of_this_user()?.keys())?.display().to_string())?,
        Command::Keep { net, lifeline } => keeper::keep(Place::of_this_user()?, &net, lifeline)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn start(up: Up) -> Result<()> {
    let fresh = !Place::of_this_user()?.nets()?.contains(&up.net);
    let contact = if fresh { Contact::stay(&up.net)? } else { Contact::named(&up.net)? };
    let spec = Spec {
        name: up.server.unwrap_or(up.net),
        suite: up.suite,
        init: up.init,
        memory_mib: up.memory,
        cpus: up.cpus,
        disk_mib: up.disk,
        from: up.from,
        ssh_port: up.ssh_port,
        ..Spec::default()
    };
    let started: Result<Running> = contact.ask(&Request::Start(Box::new(spec)));
    if started.is_err() && fresh {
        contact.down()?;
    }
    let running = started?;
    say(&format!("{} {} ssh 127.0.0.1:{}", running.name, running.ip, running.ssh_port))?;
    say(&format!("ssh -i {} -p {} root@127.0.0.1", contact.key()?.display(), running.ssh_port))
}

fn list() -> Result<()> {
    for net in Place::of_this_user()?.nets()? {
        match Contact::named(&net).and_then(|contact| contact.servers()) {
            Ok(servers) => {
                for server in servers {
                    say(&format!("{net}: {} {} ssh 127.0.0.1:{}", server.name, server.ip, server.ssh_port))?;
                }
            }
            Err(error) => say(&format!("{net}: {error}"))?,
        }
    }
    Ok(())
}

fn of(net: &str, server: Option<&str>) -> Result<Server> {
    Contact::named(net)?.server(server).map_err(|error| Error::other(error.to_string()))
}

fn say(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}")
}
