//! A server on a free port, and the plainest of clients.

use std::{
    io::Write,
    net::SocketAddr,
    sync::{Mutex, Once},
    time::Duration,
};

use http_kit::{AccessLog, HttpSettings, Server};
use process::Supervisor;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use utoipa_actix_web::service_config::ServiceConfig;

/// Longer than anything here takes, short enough to see what hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub address: SocketAddr,
    pub supervisor: Supervisor,
}

/// Bounds small enough to reach in a test.
pub(crate) fn small() -> HttpSettings {
    HttpSettings {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        workers: 1,
        head_timeout_ms: 500,
        body_timeout_ms: 500,
        write_timeout_ms: 500,
        disconnect_timeout_ms: 1_000,
        uri_limit_bytes: 512,
        body_limit_bytes: 2_048,
        stop_seconds: 5,
        ..HttpSettings::default()
    }
}

pub(crate) fn serve<F>(routes: F) -> Running
where
    F: Fn(&mut ServiceConfig<'_>) + Clone + Send + 'static,
{
    let supervisor = Supervisor::new();
    let settings = small();
    let server = Server::new("test", &settings).access_log(AccessLog::Info);
    let address = server.listen(&supervisor, routes).unwrap();
    Running { address, supervisor }
}

/// One answer, as it came over the wire.
#[derive(Debug)]
pub(crate) struct Wire {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Wire {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn parse(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }
}

/// Sends these bytes and reads until the server closes.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> Wire {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    read_to_end(&mut stream).await
}

pub(crate) async fn read_to_end(stream: &mut TcpStream) -> Wire {
    let mut answer = Vec::new();
    let reading = stream.read_to_end(&mut answer);
    // A reset after the answer is a way to close, too.
    drop(tokio::time::timeout(PATIENCE, reading).await.expect("the server neither answers nor closes"));
    Wire::parse(&answer)
}

/// A request without a body; `headers` are whole lines.
pub(crate) async fn call(address: SocketAddr, line: &str, headers: &[&str]) -> Wire {
    let fixed = ["host: test", "connection: close"];
    let lines: Vec<_> = fixed.iter().chain(headers).copied().chain(["", ""]).collect();
    raw(address, format!("{line} HTTP/1.1\r\n{}", lines.join("\r\n")).as_bytes()).await
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> Wire {
    call(address, &format!("GET {target}"), &[]).await
}

pub(crate) async fn post(address: SocketAddr, target: &str, content_type: &str, body: &str) -> Wire {
    let length = body.len();
    raw(
        address,
        format!(
            "POST {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: {content_type}\r\n\
             content-length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    )
    .await
}

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct LogWriter;

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// From now on everything that is logged, by anybody and at every level, can be read with [`logged`].
pub(crate) fn log_everything() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(|| LogWriter)
            .init();
    });
}

pub(crate) fn logged() -> String {
    String::from_utf8_lossy(&LOG.lock().unwrap()).into_owned()
}
