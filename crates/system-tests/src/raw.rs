//! HTTP byte by byte: what a caller sends that no client library would, and what really comes back.

use std::{io::ErrorKind, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

/// An answer, or the end of a connection, comes within this: longer than every bound that is waited for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// One connection, used as often as the server lets.
#[derive(Debug)]
pub struct RawCaller {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// One answer, as it came over the wire.
#[derive(Debug)]
pub struct RawAnswer {
    /// Of the status line.
    pub status: u16,
    /// Status line and headers.
    pub head: String,
    /// As long as its head said.
    pub body: String,
}

/// `host:port` of a URL.
///
/// # Panics
/// When it is no URL with a port.
pub fn address_of(url: &str) -> String {
    let url: url::Url = url.parse().expect("a URL");
    format!("{}:{}", url.host_str().expect("a host"), url.port_or_known_default().expect("a port"))
}

impl RawCaller {
    /// Connects to the server of a URL.
    ///
    /// # Panics
    /// When it does not listen.
    pub async fn to(url: &str) -> Self {
        let stream = TcpStream::connect(address_of(url)).await.expect("the server listens");
        Self { stream, heard: Vec::new() }
    }

    /// As [`RawCaller::to`], with hardly any room for answers that are not read.
    ///
    /// # Panics
    /// When it does not listen.
    pub async fn with_little_room(url: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4_096).expect("an option");
        let address = address_of(url).parse().expect("an address");
        let stream = socket.connect(address).await.expect("the server listens");
        Self { stream, heard: Vec::new() }
    }

    /// Sends.
    ///
    /// # Panics
    /// When the server has reset the connection.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) {
        self.try_say(bytes).await.expect("the server takes it");
    }

    /// Sends.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn try_say(&mut self, bytes: impl AsRef<[u8]>) -> std::io::Result<()> {
        self.stream.write_all(bytes.as_ref()).await
    }

    /// Says that nothing more will be said.
    ///
    /// # Panics
    /// When the connection is gone.
    pub async fn end(&mut self) {
        self.stream.shutdown().await.expect("a connection");
    }

    /// The next answer.
    ///
    /// # Panics
    /// When none comes, or the connection is reset instead.
    pub async fn answer(&mut self) -> RawAnswer {
        match self.answer_or_end().await {
            Some(answer) => answer,
            None => panic!("closed instead of an answer; heard {:?}", String::from_utf8_lossy(&self.heard)),
        }
    }

    /// The next answer; `None` when the server closes in peace instead.
    ///
    /// # Panics
    /// When neither happens, or the connection is reset.
    pub async fn answer_or_end(&mut self) -> Option<RawAnswer> {
        loop {
            if let Some(answer) = self.take() {
                return Some(answer);
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.heard)).await;
            let read = read.expect("an answer or an end in time").unwrap_or_else(|error| {
                panic!("{error} instead of an answer; heard {:?}", String::from_utf8_lossy(&self.heard))
            });
            if read == 0 {
                return None;
            }
        }
    }

    /// Closed in peace, without another word.
    ///
    /// # Panics
    /// When it is not.
    pub async fn is_let_go(&mut self) {
        let answer = self.answer_or_end().await;
        assert!(answer.is_none() && self.heard.is_empty(), "{answer:?} {:?}", self.heard);
    }

    /// Whether the server has ended the connection, in peace or not; what it said before is thrown away.
    pub fn is_over(&self) -> bool {
        let mut space = [0; 4_096];
        loop {
            match self.stream.try_read(&mut space) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    fn take(&mut self) -> Option<RawAnswer> {
        let text = String::from_utf8_lossy(&self.heard).into_owned();
        let (head, _) = text.split_once("\r\n\r\n")?;
        let mut answer = RawAnswer {
            status: head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default(),
            head: head.to_owned(),
            body: String::new(),
        };
        let length: usize = answer.header("content-length").and_then(|length| length.parse().ok())?;
        let whole = head.len() + 4 + length;
        if self.heard.len() < whole {
            return None;
        }
        let bytes: Vec<u8> = self.heard.drain(..whole).collect();
        answer.body = String::from_utf8_lossy(&bytes[head.len() + 4..]).into_owned();
        Some(answer)
    }
}

impl RawAnswer {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    /// Whether the server closes after it.
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The code of the problem in the body.
    ///
    /// # Panics
    /// When it is none, or not one that names status and request.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body: Value =
            serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"));
        assert_eq!(body["status"], self.status, "{self:?}");
        assert_eq!(body["requestId"].as_str(), self.header("x-request-id"), "{self:?}");
        body["code"].as_str().expect("a code").to_owned()
    }
}
