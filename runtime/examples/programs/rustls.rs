//! An echo pair over TLS: rustls by way of futures-rustls, both ends on our sockets and on the runtime, with a
//! certificate made as it starts. It checks what it gets and fails unless all is as it should be.
//!
//! `cargo run --release -p programs --example rustls`
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::future::try_join;
use futures::io::{AsyncReadExt, AsyncWriteExt};
use futures_rustls::rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName};
use futures_rustls::rustls::{AlertDescription, CertificateError, ClientConfig, RootCertStore, ServerConfig};
use futures_rustls::rustls::{Error as TlsError, ProtocolVersion};
use futures_rustls::{TlsAcceptor, TlsConnector, client, server};
use rcgen::{CertificateParams, CertifiedKey, DnType, KeyPair};
use runtime::net::{TcpListener, TcpStream};
use runtime::task::JoinSet;
use runtime::time::timeout;

type Failure = Box<dyn Error + Send + Sync>;

const CLIENTS: usize = 8;
const LENGTH: usize = 1 << 20;
/// By then the check is done many times over.
const LIMIT: Duration = Duration::from_secs(60);

#[runtime::main]
async fn main() -> Result<(), Failure> {
    timeout(LIMIT, check()).await?
}

async fn check() -> Result<(), Failure> {
    let CertifiedKey { cert, signing_key } = certified("the server")?;
    let trusting = connector([cert.der().clone()])?;
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(
        vec![cert.der().clone()],
        PrivatePkcs8KeyDer::from(signing_key.serialize_der()).into(),
    )?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;

    let (mut clients, mut served) = (JoinSet::new(), JoinSet::new());
    for number in 0..CLIENTS {
        clients.spawn(exchange(trusting.clone(), address, number));
    }
    for _ in 0..CLIENTS {
        served.spawn(serve(acceptor.clone(), listener.accept().await?.0));
    }
    while let Some(client) = clients.join_next().await {
        client??;
    }
    while let Some(echoed) = served.join_next().await {
        assert_eq!(echoed??, LENGTH);
    }
    println!("ok: {CLIENTS} clients at once, a mebibyte each way, closed by both ends");

    // A server can tell an end that was announced from a connection that was cut.
    let client = runtime::spawn(cut(trusting.clone(), address));
    let echoed = serve(acceptor.clone(), listener.accept().await?.0).await;
    client.await??;
    assert_eq!(echoed.expect_err("a cut connection is no end").kind(), io::ErrorKind::UnexpectedEof);
    println!("ok: a connection that is cut is an error");

    let stranger = certified("a stranger")?;
    let distrustful = connector([stranger.cert.der().clone()])?;
    let client = runtime::spawn(connect(distrustful, address, "localhost"));
    let refused = serve(acceptor.clone(), listener.accept().await?.0).await.expect_err("nobody to serve");
    assert_eq!(tls_error(&refused), Some(&TlsError::AlertReceived(AlertDescription::UnknownCA)));
    let refusal = client.await?.expect_err("a stranger's certificate was trusted");
    assert_eq!(tls_error(&refusal), Some(&TlsError::InvalidCertificate(CertificateError::UnknownIssuer)));
    println!("ok: a client that does not know the certificate: {refusal}; its server: {refused}");

    let client = runtime::spawn(connect(trusting, address, "elsewhere.example"));
    serve(acceptor, listener.accept().await?.0).await.expect_err("nobody to serve");
    let refusal = client.await?.expect_err("a certificate of another name was trusted");
    assert!(matches!(
        tls_error(&refusal),
        Some(TlsError::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
        ))
    ));
    println!("ok: a client that asked for another name: {refusal}");
    Ok(())
}

/// A certificate for `localhost` that `subject` has signed itself.
fn certified(subject: &str) -> Result<CertifiedKey<KeyPair>, rcgen::Error> {
    let signing_key = KeyPair::generate()?;
    let mut parameters = CertificateParams::new(["localhost".to_owned()])?;
    parameters.distinguished_name.push(DnType::CommonName, subject);
    Ok(CertifiedKey { cert: parameters.self_signed(&signing_key)?, signing_key })
}

/// Trusts these certificates and no others.
fn connector(trusted: impl IntoIterator<Item = CertificateDer<'static>>) -> Result<TlsConnector, Failure> {
    let mut roots = RootCertStore::empty();
    for certificate in trusted {
        roots.add(certificate)?;
    }
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn connect(
    connector: TlsConnector,
    address: SocketAddr,
    name: &'static str,
) -> io::Result<client::TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).map_err(io::Error::other)?;
    connector.connect(name, TcpStream::connect(address).await?).await
}

/// Sends back what it gets, and returns how much that was once the client has announced its end.
async fn serve(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<usize> {
    let mut stream: server::TlsStream<TcpStream> = acceptor.accept(stream).await?;
    let mut buffer = vec![0; 16 << 10];
    let mut echoed = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 => break,
            length => {
                stream.write_all(&buffer[..length]).await?;
                stream.flush().await?;
                echoed += length;
            }
        }
    }
    stream.close().await?;
    Ok(echoed)
}

async fn exchange(connector: TlsConnector, address: SocketAddr, number: usize) -> Result<(), Failure> {
    let stream = connect(connector, address, "localhost").await?;
    assert_eq!(stream.get_ref().1.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    let sent: Vec<u8> = (0..LENGTH).map(|at| (at.wrapping_mul(131) + number) as u8).collect();
    let mut received = Vec::with_capacity(LENGTH);

    // Both directions at once: neither end could buffer all of it.
    let (mut reader, mut writer) = stream.split();
    let send = async {
        writer.write_all(&sent).await?;
        // The announcement of the end; what is under way towards us still comes.
        writer.close().await
    };
    // Ends without an error only when the server announces its end.
    try_join(send, reader.read_to_end(&mut received)).await?;
    assert!(received == sent, "client {number}: a mebibyte came back changed");
    Ok(())
}

/// A client whose connection ends without a word.
async fn cut(connector: TlsConnector, address: SocketAddr) -> io::Result<()> {
    let mut stream = connect(connector, address, "localhost").await?;
    stream.write_all(b"half a sent").await?;
    stream.flush().await?;
    let mut echo = [0; 11];
    stream.read_exact(&mut echo).await?;
    assert_eq!(&echo, b"half a sent");
    Ok(())
}

/// What TLS had to say, if it was TLS.
fn tls_error(error: &io::Error) -> Option<&TlsError> {
    error.get_ref()?.downcast_ref()
}
