//! Endpoints that hurt whoever calls them: raw sockets that do what no HTTP server would do.
//!
//! One module for each kind of evil. They run on threads of their own, so that what they send is sent as fast as the caller
//! takes it, whatever the caller's runtime does meanwhile.

mod answers;
mod breaks;
mod floods;
mod silence;
mod tls;

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use rustls::{ServerConfig, server::Acceptor};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    runtime::{Builder, Runtime},
};
use tokio_rustls::LazyConfigAcceptor;

/// What the kernel may take of an answer that nobody reads: so that [`EvilEndpoint::bytes_taken`] says what the caller read.
const SEND_BUFFER_BYTES: u32 = 64 * 1_024;
const BACKLOG: u32 = 128;

/// What an endpoint does to its callers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evil {
    /// Takes the request and says nothing.
    NeverAnswers,
    /// Takes the connection and never begins the TLS handshake.
    NeverShakesHands,
    /// A good status line, then headers at one byte a second.
    TricklesHead,
    /// A good head, then a body at one byte a second.
    TricklesBody,
    /// A good head, then a body without an end.
    EndlessBody,
    /// 16 KiB that unpack to 16 MiB, again and again.
    GzipBomb,
    /// 100 000 headers, with a good status.
    ManyHeaders,
    /// `100 Continue` for ever.
    EndlessInterim,
    /// Resets the connection when it has the request.
    Resets,
    /// Resets it in the middle of the body of a 200.
    ResetsInBody,
    /// Speaks another protocol.
    NotHttp,
    /// Answers in HTTP/2, which nobody has agreed on.
    UnaskedHttp2,
    /// Redirects to itself.
    RedirectsToItself,
    /// A 500 with a whole 200 behind it, which nobody has asked for.
    AnswersTwice,
    /// Plain text on a TLS port.
    NotTls,
    /// A certificate of its own making.
    SelfSigned,
    /// A certificate of the farm's authority that is over.
    Expired,
    /// A certificate of the farm's authority for another name.
    OtherName,
    /// Agrees on HTTP/2 or nothing, with a good certificate.
    OnlyHttp2,
    /// No evil: a certificate of the farm's authority for `localhost` and 127.0.0.1, and 200. Like every web server of today it prefers
    /// HTTP/2; whoever offers that gets no answer here.
    GoodTls,
    /// 429 with this `Retry-After`.
    TooMany(&'static str),
    /// 410.
    Gone,
}

/// What an endpoint has seen.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicUsize,
    requests: AtomicUsize,
    bytes: AtomicU64,
    offered: Mutex<Vec<String>>,
}

/// Where the evil endpoints live. They end when it is dropped.
#[derive(Debug)]
pub struct EvilFarm {
    runtime: Option<Runtime>,
    authority: tls::Authority,
}

impl EvilFarm {
    /// An empty farm.
    ///
    /// # Panics
    /// When there can be no threads.
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        Self { runtime: Some(runtime), authority: tls::Authority::new() }
    }

    /// The certificate of the farm's authority, for callers that are to trust it.
    pub fn authority_pem(&self) -> &str {
        self.authority.pem()
    }

    /// An endpoint on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// When there is none.
    pub fn endpoint(&self, evil: Evil) -> EvilEndpoint {
        let runtime = self.runtime.as_ref().expect("only dropping takes it");
        let _inside = runtime.enter();
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_send_buffer_size(SEND_BUFFER_BYTES).expect("a smaller buffer");
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let listener = socket.listen(BACKLOG).expect("a listener");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Seen::default());
        let config = self.authority.config(evil);
        let shared = Arc::clone(&seen);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let (seen, config) = (Arc::clone(&shared), config.clone());
                tokio::spawn(async move {
                    match config {
                        Some(config) => speak_tls(stream, config, &seen).await,
                        None => meet(evil, stream, port, &seen).await,
                    }
                });
            }
        });
        let scheme = match evil {
            Evil::NeverShakesHands
            | Evil::NotTls
            | Evil::SelfSigned
            | Evil::Expired
            | Evil::OtherName
            | Evil::OnlyHttp2
            | Evil::GoodTls => "https",
            _ => "http",
        };
        EvilEndpoint { scheme, port, seen }
    }
}

impl Drop for EvilFarm {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // The test's own runtime drops this: nothing may block here.
            runtime.shutdown_background();
        }
    }
}

/// One endpoint of a farm.
#[derive(Debug)]
pub struct EvilEndpoint {
    scheme: &'static str,
    port: u16,
    seen: Arc<Seen>,
}

impl EvilEndpoint {
    /// `http://127.0.0.1:port` or `https://…`, without a slash at the end.
    pub fn url(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme, self.port)
    }

    /// Its port on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Connections that were made.
    pub fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// Requests whose head arrived.
    pub fn requests(&self) -> usize {
        self.seen.requests.load(Ordering::SeqCst)
    }

    /// The protocols that the last caller offered to speak within TLS, the one that it prefers first.
    ///
    /// # Panics
    /// When an endpoint did.
    pub fn offered(&self) -> Vec<String> {
        self.seen.offered.lock().expect("nobody panicked").clone()
    }

    /// Bytes of answers that the caller's side took, what waits in the kernel's buffers included.
    pub fn bytes_taken(&self) -> u64 {
        self.seen.bytes.load(Ordering::SeqCst)
    }
}

async fn speak_tls(stream: TcpStream, config: Arc<ServerConfig>, seen: &Seen) {
    let Ok(begun) = LazyConfigAcceptor::new(Acceptor::default(), stream).await else { return };
    let offered = begun.client_hello().alpn().into_iter().flatten();
    let offered = offered.map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    *seen.offered.lock().expect("nobody panicked") = offered;
    if let Ok(stream) = begun.into_stream(config).await {
        answers::say(stream, "200 OK", "", seen).await;
    }
}

async fn meet(evil: Evil, stream: TcpStream, port: u16, seen: &Seen) {
    match evil {
        Evil::NeverAnswers | Evil::NeverShakesHands => silence::for_ever(stream).await,
        Evil::TricklesHead => silence::trickle_head(stream, seen).await,
        Evil::TricklesBody => silence::trickle_body(stream, seen).await,
        Evil::EndlessBody => floods::endless_body(stream, seen).await,
        Evil::GzipBomb => floods::bomb(stream, seen).await,
        Evil::ManyHeaders => floods::many_headers(stream, seen).await,
        Evil::EndlessInterim => floods::interim(stream, seen).await,
        Evil::Resets => breaks::reset(stream, b"", seen).await,
        Evil::ResetsInBody => {
            breaks::reset(stream, b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nhalf of", seen).await;
        }
        Evil::NotHttp => breaks::junk(stream, b"SSH-2.0-OpenSSH_9.2\r\n", seen).await,
        // An empty SETTINGS frame, with which a server begins.
        Evil::UnaskedHttp2 => breaks::junk(stream, &[0, 0, 0, 4, 0, 0, 0, 0, 0], seen).await,
        Evil::RedirectsToItself => {
            let location = format!("location: http://127.0.0.1:{port}/again\r\n");
            answers::say(stream, "302 Found", &location, seen).await;
        }
        Evil::AnswersTwice => answers::twice(stream, seen).await,
        Evil::NotTls => breaks::plain_text(stream, seen).await,
        Evil::TooMany(when) => {
            let header = format!("retry-after: {when}\r\n");
            answers::say(stream, "429 Too Many Requests", &header, seen).await;
        }
        Evil::Gone => answers::say(stream, "410 Gone", "", seen).await,
        Evil::SelfSigned | Evil::Expired | Evil::OtherName | Evil::OnlyHttp2 | Evil::GoodTls => {
            unreachable!("these speak TLS")
        }
    }
}

/// Reads a request's head: what is answered before it would race with it. Whether there was one.
async fn read_head(stream: &mut (impl AsyncRead + Unpin), seen: &Seen) -> bool {
    let (mut head, mut byte) = (Vec::new(), [0_u8; 1]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_exact(&mut byte).await.is_err() {
            return false;
        }
        head.extend(byte);
    }
    seen.requests.fetch_add(1, Ordering::SeqCst);
    true
}

/// Writes, and counts what was taken. Whether the caller is still there.
async fn write(stream: &mut (impl AsyncWrite + Unpin), mut bytes: &[u8], seen: &Seen) -> bool {
    while !bytes.is_empty() {
        match stream.write(bytes).await {
            Ok(taken @ 1..) => {
                seen.bytes.fetch_add(taken as u64, Ordering::SeqCst);
                bytes = &bytes[taken..];
            }
            Ok(0) | Err(_) => return false,
        }
    }
    true
}
