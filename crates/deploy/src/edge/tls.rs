//! The door that speaks TLS. Handshakes are made beside the accepting, in a limited number and time.

use super::server::{Door, Via, accept, connection};
use rustls::ServerConfig;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

/// Accepts until told to quit.
pub(super) async fn serve(listener: TcpListener, door: Door, config: Arc<ServerConfig>) {
    let acceptor = TlsAcceptor::from(config);
    let places = Arc::new(Semaphore::new(door.limits.handshakes));
    accept(listener, door, move |stream, peer, door| {
        let (acceptor, places) = (acceptor.clone(), places.clone());
        async move {
            let _ = stream.set_nodelay(true);
            let hands = tokio::time::timeout(door.limits.handshake, shake(&acceptor, &places, stream));
            let stream = match hands.await {
                Ok(Ok(stream)) => stream,
                Ok(Err(cause)) => return tracing::debug!(%cause, "a TLS handshake failed"),
                Err(_) => return tracing::debug!("a TLS handshake took too long"),
            };
            // Without a name there is no certificate, and so no connection.
            let Some(name) = stream.get_ref().1.server_name().map(str::to_owned) else { return };
            connection(stream, peer, door, Via::Tls(name.into())).await;
        }
    })
    .await;
}

async fn shake(
    acceptor: &TlsAcceptor,
    places: &Semaphore,
    stream: TcpStream,
) -> std::io::Result<tokio_rustls::server::TlsStream<TcpStream>> {
    let _place = places.acquire().await.map_err(std::io::Error::other)?;
    acceptor.accept(stream).await
}
