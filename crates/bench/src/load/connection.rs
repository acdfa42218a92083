//! One keep-alive connection.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// More than most answers; it grows when one is longer.
const INBOX: usize = 8 * 1024;
const NOT_MODIFIED: u16 = 304;

/// A connection that is used for one request after the other.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    inbox: Vec<u8>,
}

/// An answer, still in the connection's buffer.
#[derive(Debug)]
pub struct Response<'a> {
    /// 200 and so on.
    pub status: u16,
    /// Status line and headers.
    head: &'a [u8],
    /// Exactly as long as it was announced.
    pub body: &'a [u8],
}

impl Response<'_> {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// The system's.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, inbox: vec![0; INBOX] })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection ends, or the answer is not one that this simple client reads.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Response<'_>> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            if filled == self.inbox.len() {
                self.inbox.resize(2 * filled, 0);
            }
            let room = self.inbox.get_mut(filled..).unwrap_or_default();
            let read = self.stream.read(room).await?;
            if read == 0 {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection"));
            }
            filled += read;
            if let Some(head) = find(&self.inbox[..filled], b"\r\n\r\n") {
                let end = head + 4 + length(&self.inbox[..head])?;
                if filled >= end {
                    let (head, body) = self.inbox[..end].split_at(head + 4);
                    return Ok(Response { status: status(head)?, head, body });
                }
            }
        }
    }
}

/// Where `wanted` begins.
pub(super) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// How long the body is.
fn length(head: &[u8]) -> io::Result<usize> {
    if status(head)? == NOT_MODIFIED {
        // It never has one, and so announces none.
        return Ok(0);
    }
    let announced = header(head, "content-length").and_then(|text| text.parse().ok());
    announced.ok_or_else(|| io::Error::other("an answer without content-length"))
}

fn status(head: &[u8]) -> io::Result<u16> {
    head.get(9..12)
        .and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .ok_or_else(|| io::Error::other("an answer without a status"))
}

fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (found, value) = line.split_at(colon);
        if !found.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        std::str::from_utf8(value.get(1..)?).ok().map(str::trim)
    })
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    const LONG: usize = 5 * INBOX;

    #[test]
    fn a_header_is_found_whatever_its_case() {
        let head = b"HTTP/1.1 200 OK\r\ncontent-type: a\r\nContent-Length:  12\r\n\r\n";
        assert_eq!(header(head, "content-length"), Some("12"));
        assert_eq!(header(head, "location"), None);
        assert_eq!(length(head).ok(), Some(12));
        assert_eq!(length(b"HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n").ok(), Some(0));
    }

    #[tokio::test]
    async fn an_answer_in_pieces_is_read_to_its_end_and_the_connection_is_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _peer) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 4];
            for piece in ["HTTP/1.1 302 Found\r\nlocation: x\r\ncont", "ent-length: 5\r\n\r\nhe", "llo"] {
                if piece.starts_with("HTTP") {
                    stream.read_exact(&mut request).await.unwrap();
                }
                stream.write_all(piece.as_bytes()).await.unwrap();
                tokio::task::yield_now().await;
            }
            stream.read_exact(&mut request).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            stream.read_exact(&mut request).await.unwrap();
            let long = format!("HTTP/1.1 200 OK\r\ncontent-length: {LONG}\r\n\r\n{}", "x".repeat(LONG));
            stream.write_all(long.as_bytes()).await.unwrap();
        });
        let mut connection = Connection::open(address).await.unwrap();
        let answer = connection.exchange(b"one!").await.unwrap();
        assert_eq!((answer.status, answer.body), (302, &b"hello"[..]));
        assert_eq!(answer.header("Location"), Some("x"));
        let answer = connection.exchange(b"two!").await.unwrap();
        assert_eq!((answer.status, answer.body), (200, &b""[..]));
        let answer = connection.exchange(b"big!").await.unwrap();
        assert_eq!((answer.status, answer.body.len()), (200, LONG));
        server.await.unwrap();
    }
}
