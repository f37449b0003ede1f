//! Which way leads to the control socket. A socket that is not there and forwarding that is switched off look alike in the
//! protocol, so the next way is what tells them apart.

use super::{ControlError, Dial};
use crate::connect::{NotOpened, Session};
use protocol::desk::Route;
use protocol::setup::Greeting;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, timeout};

const LIMIT: Duration = Duration::from_secs(15);

pub(super) async fn find(
    session: &Session,
    greeting: &Greeting,
    loopback: Option<u16>,
) -> Result<(Dial, Route, Option<String>), ControlError> {
    match timeout(LIMIT, session.socket(&greeting.control)).await {
        Ok(Ok(_)) => {
            return Ok((Dial::Socket(session.clone(), greeting.control.clone()), Route::Streamlocal, None));
        }
        Ok(Err(error @ NotOpened::Gone(_))) => return Err(gone(session, &error)),
        Ok(Err(NotOpened::Refused | NotOpened::Forbidden)) => {}
        Err(_) => {
            return Err(ControlError::Lost { why: "the server did not open the socket in time".into() });
        }
    }
    // A closed port and a forbidden one do not look alike, as a socket's do.
    let port = loopback.unwrap_or(NOBODYS);
    let tried = timeout(LIMIT, session.tcp("127.0.0.1", port)).await;
    if loopback.is_some() && matches!(tried, Ok(Ok(_))) {
        return Ok((Dial::Loopback(session.clone(), port), Route::Loopback, Some(NO_SOCKETS.to_owned())));
    }
    by_program(session).await?;
    let why = if matches!(tried, Ok(Err(NotOpened::Forbidden))) { NOTHING } else { NO_SOCKETS };
    Ok((Dial::Stdio(session.clone()), Route::Stdio, Some(why.to_owned())))
}

/// "discard": nothing listens there.
const NOBODYS: u16 = 9;
const NO_SOCKETS: &str = "the server's sshd does not forward to sockets (AllowStreamLocalForwarding no)";
/// OpenSSH forwards to no socket either then.
const NOTHING: &str = "the server's sshd forwards nothing (AllowTcpForwarding no, or DisableForwarding yes)";

/// The bridge is there when the daemon answers through it.
async fn by_program(session: &Session) -> Result<(), ControlError> {
    let mut pipe = session.program("stdio").await.map_err(|error| gone(session, &error))?;
    // Any answer will do: also that there is no such thing.
    let asked = pipe.write_all(b"HEAD / HTTP/1.1\r\nhost: loopwright\r\nconnection: close\r\n\r\n").await;
    let mut first = [0; 5];
    let answered = timeout(LIMIT, pipe.read_exact(&mut first)).await;
    if asked.is_ok() && matches!(answered, Ok(Ok(_))) && &first == b"HTTP/" {
        return Ok(());
    }
    let said = pipe.said();
    // What this error says by itself need not be said twice.
    let said = said.trim_start_matches("failed: ").trim_start_matches("no daemon answers ").to_owned();
    let why = if said.is_empty() { "the server's program is there, its daemon is not".into() } else { said };
    Err(ControlError::NoDaemon {
        why,
        next: "repair the server, or look at why its daemon does not start".into(),
    })
}

/// A stream that was not opened on a way that has worked before.
pub(super) fn gone(session: &Session, error: &NotOpened) -> ControlError {
    match error {
        NotOpened::Gone(why) => ControlError::Lost { why: why.clone() },
        _ if session.is_closed() => ControlError::Lost { why: "the connection was cut".into() },
        NotOpened::Refused | NotOpened::Forbidden => ControlError::NoDaemon {
            why: error.to_string(),
            next: "wait a moment if the daemon starts just now; else repair the server".into(),
        },
    }
}
