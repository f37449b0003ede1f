//! The two ends of a conversation put together: lines to and from the agent's pipes, and what we say.

use super::ending::Ending;
use super::talk::{self, Line, Remark, Topic};
use agent_client_protocol::v1::ConnectionTo;
use agent_client_protocol::v1::schema::{CreateElicitationRequest, RequestPermissionRequest};
use agent_client_protocol::{Agent, Client, Error, Lines as AcpLines};
use futures_util::{sink, stream};
use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;
use tokio::sync::mpsc;

pub(super) async fn converse(
    stdin: ChildStdin,
    from_agent: mpsc::UnboundedReceiver<String>,
    topic: Topic,
    line: Line,
) -> Ending {
    let outgoing = sink::unfold(stdin, |mut stdin, line: String| async move {
        stdin.write_all(line.as_bytes()).await?;
        stdin.write_all(b"\n").await?;
        stdin.flush().await?;
        Ok::<_, std::io::Error>(stdin)
    });
    let incoming = stream::unfold(from_agent, |mut lines| async move {
        let line = lines.recv().await?;
        Some((Ok::<_, std::io::Error>(line), lines))
    });
    let (permissions, forms) = (line.remarks.clone(), line.remarks.clone());
    let talked = Client
        .v1()
        .name("loopwright")
        .on_receive_request(
            async move |request: RequestPermissionRequest, responder, _cx| {
                // When nobody listens, the run is over.
                let _ = permissions.send(Remark::Permission(request, responder));
                Ok(())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .on_receive_request(
            async move |request: CreateElicitationRequest, responder, _cx| {
                let _ = forms.send(Remark::Form(request, responder));
                Ok(())
            },
            agent_client_protocol::on_receive_request!(),
        )
        .connect_with(
            AcpLines::new(Box::pin(outgoing), Box::pin(incoming)),
            async |cx: ConnectionTo<Agent>| Ok::<_, Error>(talk::talk(cx, topic, line).await),
        )
        .await;
    talked.unwrap_or_else(|error| Ending::Broken(format!("the conversation broke off: {}", error.message)))
}
