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
    let first = match timeout(LIMIT, session.socket(&greeting.control)).await {
        Ok(Ok(_)) => {
            return Ok((Dial::Socket(session.clone(), greeting.control.clone()), Route::Streamlocal, None));
        }
        Ok(Err(error @ NotOpened::Gone(_))) => return Err(gone(session, &error)),
        Ok(Err(error)) => error,
        Err(_) => {
            return Err(ControlError::Lost { why: "the server did not open the socket in time".into() });
        }
    };
    if let Some(port) = loopback
        && let Ok(Ok(_)) = timeout(LIMIT, session.tcp("127.0.0.1", port)).await
    {
        let why = "the server's sshd does not forward to sockets (AllowStreamLocalForwarding)".to_owned();
        return Ok((Dial::Loopback(session.clone(), port), Route::Loopback, Some(why)));
    }
    by_program(session).await?;
    let why = match first {
        NotOpened::Forbidden => {
            "the server's sshd forwards nothing (AllowTcpForwarding or DisableForwarding)"
        }
        NotOpened::Refused | NotOpened::Gone(_) => {
            "the server's sshd does not forward to sockets (AllowStreamLocalForwarding)"
        }
    };
    Ok((Dial::Stdio(session.clone()), Route::Stdio, Some(why.to_owned())))
}

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
