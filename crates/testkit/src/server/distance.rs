//! A connection to somewhere far away: a relay on 127.0.0.1 that holds every byte back for the time that light would take.
//! (Kernels can do this with netem, which not every one has.)

use std::io::{Read, Result, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

/// Chunks on the way in one direction: enough for a fast line, few enough that a writer is slowed.
const ON_THE_WAY: usize = 1024;
const CHUNK: usize = 16 * 1024;

/// Opens a port that leads to `to`, `one_way` away in each direction; lives as long as the process. A connection costs
/// one round trip before its first byte, as the handshake would.
pub fn away(to: SocketAddr, one_way: Duration) -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            std::thread::spawn(move || {
                // Whoever is connected sees an end; there is nobody else to tell.
                let _ended = join(near, to, one_way);
            });
        }
    });
    Ok(address)
}

fn join(near: TcpStream, to: SocketAddr, one_way: Duration) -> Result<()> {
    std::thread::sleep(one_way * 2);
    let far = TcpStream::connect(to)?;
    near.set_nodelay(true)?;
    far.set_nodelay(true)?;
    direction(near.try_clone()?, far.try_clone()?, one_way);
    direction(far, near, one_way);
    Ok(())
}

fn direction(from: TcpStream, to: TcpStream, one_way: Duration) {
    let (sender, receiver) = sync_channel(ON_THE_WAY);
    std::thread::spawn(move || leave(from, &sender));
    std::thread::spawn(move || arrive(to, &receiver, one_way));
}

fn leave(mut from: TcpStream, sender: &SyncSender<(Instant, Vec<u8>)>) {
    let mut buffer = vec![0; CHUNK];
    while let Ok(length) = from.read(&mut buffer) {
        let chunk = buffer.get(..length).unwrap_or_default().to_vec();
        // An empty one is the end.
        if sender.send((Instant::now(), chunk)).is_err() || length == 0 {
            return;
        }
    }
}

fn arrive(mut to: TcpStream, receiver: &Receiver<(Instant, Vec<u8>)>, one_way: Duration) {
    while let Ok((left, chunk)) = receiver.recv() {
        std::thread::sleep((left + one_way).saturating_duration_since(Instant::now()));
        if chunk.is_empty() || to.write_all(&chunk).is_err() {
            break;
        }
    }
    // It may be closed already.
    let _closed = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_ends_arrive_both_ways_and_never_early() -> Result<()> {
        let far = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let one_way = Duration::from_millis(25);
        let address = away(far.local_addr()?, one_way)?;
        let echo = std::thread::spawn(move || -> Result<Vec<u8>> {
            let mut stream = far.accept()?.0;
            let mut all = Vec::new();
            stream.read_to_end(&mut all)?;
            stream.write_all(&all)?;
            Ok(all)
        });
        let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
        let mut near = TcpStream::connect(address)?;
        let start = Instant::now();
        near.write_all(&sent)?;
        near.shutdown(Shutdown::Write)?;
        let mut back = Vec::new();
        near.read_to_end(&mut back)?;
        assert!(start.elapsed() >= one_way * 4, "two round trips can take no less");
        assert!(back == sent && echo.join().unwrap()? == sent);
        Ok(())
    }
}
