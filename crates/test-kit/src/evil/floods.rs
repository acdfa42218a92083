//! Those who send more than anybody can hold.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tokio::net::TcpStream;

use super::{Seen, read_head, write};

const MEBIBYTE: usize = 1_024 * 1_024;
const HEADERS: usize = 100_000;

/// Letters, as long as somebody takes them.
pub(super) async fn endless_body(stream: TcpStream, seen: &Seen) {
    pour(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n", &[b'x'; 4_096], seen).await;
}

/// A thousand times what it looks like, as long as somebody takes it: members of gzip may follow each other.
pub(super) async fn bomb(stream: TcpStream, seen: &Seen) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&vec![0; 16 * MEBIBYTE]).expect("a vector takes everything");
    let member = packed.finish().expect("a vector takes everything");
    let head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 10000000000\r\n\r\n";
    pour(stream, head, &member, seen).await;
}

/// A good answer, behind so many headers.
pub(super) async fn many_headers(mut stream: TcpStream, seen: &Seen) {
    let mut answer = String::from("HTTP/1.1 200 OK\r\n");
    for number in 0..HEADERS {
        answer.push_str(&format!("x-{number}: y\r\n"));
    }
    answer.push_str("content-length: 0\r\n\r\n");
    if read_head(&mut stream, seen).await {
        write(&mut stream, answer.as_bytes(), seen).await;
    }
}

/// "Go on", for ever.
pub(super) async fn interim(stream: TcpStream, seen: &Seen) {
    pour(stream, b"", b"HTTP/1.1 100 Continue\r\n\r\n", seen).await;
}

async fn pour(mut stream: TcpStream, begin: &[u8], again: &[u8], seen: &Seen) {
    if read_head(&mut stream, seen).await && write(&mut stream, begin, seen).await {
        while write(&mut stream, again, seen).await {}
    }
}
