//! What the way through SSH adds to a control request: the same client, once on the server's own socket and once through
//! the tunnel, in turn.

use super::ground::{From, Ground, path_on};
use crate::row::{Row, median};
use crate::spine::ms;
use anyhow::{Context, Result, ensure};
use protocol::Request;
use protocol::desk::Route;
use remote::{Control, Entry, OurKey};
use std::time::Instant;
use testkit::server::Fault;

const PAIRS: usize = 300;
const WARM: usize = 30;
/// On the server's loopback, for the measure alone.
const PORT: u16 = 9480;

pub fn added(ground: &Ground, key: &OurKey) -> Result<Vec<Row>> {
    let daemon = ground.process(&["loopwrightd", "serve"])?;
    let direct = Control::local(&path_on(daemon, "/run/loopwright/control.sock"));
    let way = |route, loopback, what: &str| {
        let both = ground.inside(pairs(ground, key, &direct, route, loopback))?;
        let [direct, tunnel] = both.map(|samples| median(&samples));
        let how = format!(
            "median of {PAIRS} requests for Hello through {what} ({tunnel:.2} ms), less that of the same client on the server's \
             own socket ({direct:.2} ms), in turn; no added distance"
        );
        anyhow::Ok((tunnel - direct, how))
    };
    let (by_socket, how_socket) = way(Route::Streamlocal, None, "the tunnel to the socket")?;
    let mut rows =
        vec![Row::new("what the tunnel adds to a request", "ms", by_socket, PAIRS, how_socket).at_most(2.0)];
    let relay = format!(
        "systemd-run --quiet --unit=bench-relay systemd-socket-activate -l 127.0.0.1:{PORT} \
         /lib/systemd/systemd-socket-proxyd /run/loopwright/control.sock"
    );
    ground.exec(&relay)?.ok()?;
    ground.server.fault(Fault::SshdConfig("AllowStreamLocalForwarding no".into()))?;
    let by_port = way(Route::Loopback, Some(PORT), "a loopback port, with a relay of systemd's behind it");
    ground.server.fault(Fault::SshdAsBefore)?;
    ground.exec("systemctl stop bench-relay")?.ok()?;
    let (by_port, how_port) = by_port?;
    rows.push(Row::new("- by loopback forwarding", "ms", by_port, PAIRS, how_port));
    ground.server.fault(Fault::SshdConfig("AllowStreamLocalForwarding no\nAllowTcpForwarding no".into()))?;
    let by_program = way(Route::Stdio, None, "a program's standard input and output");
    ground.server.fault(Fault::SshdAsBefore)?;
    let (by_program, how_program) = by_program?;
    rows.push(Row::new("- by standard input and output", "ms", by_program, PAIRS, how_program));
    // Each row says it already.
    rows.iter_mut().for_each(|row| row.runs = 1);
    Ok(rows)
}

/// Milliseconds of each request, directly and through the tunnel.
async fn pairs(
    ground: &Ground,
    key: &OurKey,
    direct: &Control,
    route: Route,
    loopback: Option<u16>,
) -> Result<[Vec<f64>; 2]> {
    let session = ground.ours(From::Near, key).await?;
    let greeting = Entry::new(session.clone()).hello().await?;
    let tunnel = Control::open(&session, &greeting, loopback).await?;
    ensure!(tunnel.route() == route, "the route is {:?} ({:?})", tunnel.route(), tunnel.why());
    let mut took = [Vec::new(), Vec::new()];
    for number in 0..WARM + PAIRS {
        for (control, took) in [direct, &tunnel].into_iter().zip(&mut took) {
            let clock = Instant::now();
            control.request(&Request::Hello).await.context("the daemon did not answer")?;
            if number >= WARM {
                took.push(ms(clock.elapsed()));
            }
        }
    }
    session.close().await;
    Ok(took)
}
