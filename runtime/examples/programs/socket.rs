//! `/socket`: a WebSocket that sends back what it gets. hyper hands over the connection, and tungstenite speaks on our
//! stream itself.
use std::error::Error;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::handshake::derive_accept_key;
use async_tungstenite::tungstenite::protocol::Role;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use hyper::upgrade::OnUpgrade;
use runtime::net::TcpStream;

/// Accepts the upgrade, and spawns on our runtime what talks afterwards.
pub(crate) async fn upgrade(mut request: Request) -> Response {
    let headers = request.headers();
    let websocket =
        headers.get(header::UPGRADE).is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket"));
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY).filter(|_| websocket) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    let upgrade = hyper::upgrade::on(&mut request);
    drop(runtime::spawn(async move {
        if let Err(error) = echo(upgrade).await {
            eprintln!("websocket: {error}");
        }
    }));
    let headers = [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
        (header::SEC_WEBSOCKET_ACCEPT, accept.as_str()),
    ];
    (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
}

/// Ends when the closing handshake is done.
async fn echo(upgrade: OnUpgrade) -> Result<(), Box<dyn Error + Send + Sync>> {
    let parts = upgrade.await?.downcast::<TcpStream>().map_err(|_| "not one of our streams")?;
    let mut socket =
        WebSocketStream::from_partially_read(parts.io, parts.read_buf.into(), Role::Server, None).await;
    while let Some(message) = socket.next().await {
        let message = message?;
        // tungstenite itself answers pings and the close.
        if message.is_text() || message.is_binary() {
            socket.send(message).await?;
        }
    }
    Ok(())
}
