//! Those who answer, but not what one hopes for.

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Seen, read_head, write};

/// The same answer to every request of a connection; `headers` end with a line break.
pub(super) async fn say(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    status: &str,
    headers: &str,
    seen: &Seen,
) {
    let answer = format!("HTTP/1.1 {status}\r\n{headers}content-length: 2\r\n\r\nok");
    while read_head(&mut stream, seen).await && write(&mut stream, answer.as_bytes(), seen).await {}
}

/// The second answer is for whoever uses the connection next.
pub(super) async fn twice(mut stream: impl AsyncRead + AsyncWrite + Unpin, seen: &Seen) {
    let answers = b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    while read_head(&mut stream, seen).await && write(&mut stream, answers, seen).await {}
}
