//! Those who hold a caller by saying nothing, or next to nothing.

use std::time::Duration;

use tokio::{net::TcpStream, time::interval};

use super::{Seen, read_head, write};

/// One byte.
const PACE: Duration = Duration::from_secs(1);

/// Holds the connection.
pub(super) async fn for_ever(stream: TcpStream) {
    std::future::pending::<()>().await;
    drop(stream);
}

/// A header that goes on and on.
pub(super) async fn trickle_head(stream: TcpStream, seen: &Seen) {
    trickle(stream, b"HTTP/1.1 200 OK\r\nx-slow: ", seen).await;
}

/// A body that goes on and on.
pub(super) async fn trickle_body(stream: TcpStream, seen: &Seen) {
    trickle(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n", seen).await;
}

async fn trickle(mut stream: TcpStream, begin: &[u8], seen: &Seen) {
    if !read_head(&mut stream, seen).await || !write(&mut stream, begin, seen).await {
        return;
    }
    let mut pace = interval(PACE);
    while write(&mut stream, b"x", seen).await {
        pace.tick().await;
    }
}
