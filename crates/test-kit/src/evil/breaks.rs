//! Those who break the connection, or the protocol.

use tokio::{io::AsyncReadExt as _, net::TcpStream};

use super::{Seen, read_head, write};

/// Takes the request, says `first`, and resets: what was not read yet is gone.
pub(super) async fn reset(mut stream: TcpStream, first: &[u8], seen: &Seen) {
    if read_head(&mut stream, seen).await && write(&mut stream, first, seen).await {
        stream.set_zero_linger().expect("a socket that resets");
    }
}

/// Another protocol's greeting.
pub(super) async fn junk(mut stream: TcpStream, greeting: &[u8], seen: &Seen) {
    if read_head(&mut stream, seen).await {
        write(&mut stream, greeting, seen).await;
    }
}

/// What a web server says on its plain port to somebody who speaks TLS.
pub(super) async fn plain_text(mut stream: TcpStream, seen: &Seen) {
    write(&mut stream, b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n", seen).await;
    let mut rest = Vec::new();
    drop(stream.read_to_end(&mut rest).await);
}
