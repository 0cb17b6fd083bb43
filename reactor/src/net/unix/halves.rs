use super::{SocketAddr, UnixStream};

stream_halves!(UnixStream, std::os::unix::net::UnixStream, SocketAddr);
