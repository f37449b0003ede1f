//! One thread that starts processes and never ends. "Death with its parent" means the parent's *thread*: a child that
//! a pool's thread started would be killed when the pool lets that thread go.

use std::io;
use std::sync::{OnceLock, mpsc};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

type Order = (Command, Handle, oneshot::Sender<io::Result<Child>>);

pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let (answer, spawned) = oneshot::channel();
    orders()?.send((command, Handle::current(), answer)).map_err(|_| gone())?;
    spawned.await.map_err(|_| gone())?
}

fn orders() -> io::Result<&'static mpsc::Sender<Order>> {
    static ORDERS: OnceLock<mpsc::Sender<Order>> = OnceLock::new();
    if let Some(orders) = ORDERS.get() {
        return Ok(orders);
    }
    let (orders, received) = mpsc::channel::<Order>();
    // When two callers race here, the loser's thread ends with its channel.
    std::thread::Builder::new().name("agent-spawner".into()).spawn(move || {
        for (mut command, runtime, answer) in received {
            let _inside = runtime.enter();
            // A caller that is gone drops the child, and with it its pipes.
            let _ = answer.send(command.kill_on_drop(true).spawn());
        }
    })?;
    Ok(ORDERS.get_or_init(|| orders))
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes is gone")
}
