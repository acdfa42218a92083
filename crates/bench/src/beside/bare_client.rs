//! A loop over the HTTP client that the services use, and nothing else: no database, no signature, no guard, no record. So
//! many requests are under way at a time, each over a connection that stays, in a process of its own as payout is.

use std::{
    io::{Read as _, Write as _},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use clap::Args;
use reqwest::{
    Client, Method, Url,
    header::{CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue},
    redirect, retry,
};

/// How the loop is started. On its standard input it is given the request to repeat, as it goes over the wire.
#[derive(Debug, Args)]
pub struct BareClient {
    /// Where each host listens.
    #[arg(long)]
    port: u16,
    /// Hosts, in turn: 127.0.1.1 and so on.
    #[arg(long)]
    hosts: u8,
    /// The number of the first host.
    #[arg(long)]
    first_host: u8,
    #[arg(long)]
    requests: u64,
    #[arg(long)]
    in_flight: u64,
}

/// What the loop is to do.
#[derive(Debug, Clone, Copy)]
pub struct Errand<'a> {
    /// Where each host listens.
    pub port: u16,
    /// The first host's number, and how many there are.
    pub hosts: (u8, u8),
    /// How often.
    pub requests: u64,
    /// So many at a time.
    pub in_flight: u64,
    /// The request, as payout sent it.
    pub request: &'a [u8],
}

/// The loop in a process of its own. Killed when dropped.
#[derive(Debug)]
pub struct RunningClient(Child);

/// The host with this number.
pub fn host(number: u8) -> String {
    format!("127.0.1.{number}")
}

impl RunningClient {
    /// Starts it; the first requests follow within moments.
    ///
    /// # Errors
    /// When it can not be started.
    pub fn start(errand: Errand<'_>) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("bare-client")
            .args(["--port", &errand.port.to_string()])
            .args(["--first-host", &errand.hosts.0.to_string(), "--hosts", &errand.hosts.1.to_string()])
            .args(["--requests", &errand.requests.to_string()])
            .args(["--in-flight", &errand.in_flight.to_string()]);
        let mut child =
            command.env_clear().stdin(Stdio::piped()).spawn().context("starting the bare client")?;
        let mut input = child.stdin.take().context("its standard input")?;
        input.write_all(errand.request)?;
        Ok(Self(child))
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Waits until it has ended.
    ///
    /// # Errors
    /// When a request of its was not answered 200.
    pub fn end(mut self) -> anyhow::Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "the bare client ended with {status}");
        Ok(())
    }
}

impl Drop for RunningClient {
    fn drop(&mut self) {
        // When it has ended there is nothing to kill, which is as good.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl BareClient {
    /// Sends all requests.
    ///
    /// # Errors
    /// When one is not answered 200, or what came on standard input is no request.
    pub fn send(self) -> anyhow::Result<()> {
        let mut request = Vec::new();
        std::io::stdin().read_to_end(&mut request)?;
        let template = Arc::new(Template::parse(&request)?);
        // As a service has it: as many threads as cores.
        tokio::runtime::Runtime::new()?.block_on(self.run(template))
    }

    async fn run(self, template: Arc<Template>) -> anyhow::Result<()> {
        telemetry::install_crypto_provider();
        // As `http_kit::client` builds its own, without its resolver: addresses are literal, it would not be asked.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .retry(retry::never())
            .connect_timeout(Duration::from_secs(5))
            .pool_max_idle_per_host(32)
            .build()?;
        let next = Arc::new(AtomicU64::new(0));
        let sends = (0..self.in_flight).map(|_| {
            let (client, template, next) = (client.clone(), Arc::clone(&template), Arc::clone(&next));
            tokio::spawn(async move {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= self.requests {
                        return anyhow::Ok(());
                    }
                    let turn = u8::try_from(number % u64::from(self.hosts))?;
                    let url = template.url(self.first_host + turn, self.port, number)?;
                    let request = client.request(template.method.clone(), url);
                    let request = request.headers(template.headers.clone()).body(template.body.clone());
                    let answer = request.send().await?;
                    ensure!(answer.status() == 200, "answered {}", answer.status());
                    // Read to its end, or the connection could not be used again.
                    drop(answer.bytes().await?);
                }
            })
        });
        for send in sends.collect::<Vec<_>>() {
            send.await??;
        }
        Ok(())
    }
}

/// The request that is repeated.
struct Template {
    method: Method,
    /// Until the value that tells requests apart, and how long that is.
    target: String,
    key_length: usize,
    headers: HeaderMap,
    body: Bytes,
}

impl Template {
    /// Reads a request as it went over the wire. What the client writes itself is left out.
    fn parse(request: &[u8]) -> anyhow::Result<Self> {
        let head =
            request.windows(4).position(|window| window == b"\r\n\r\n").context("no end of the head")?;
        let text = std::str::from_utf8(&request[..head])?;
        let mut lines = text.split("\r\n");
        let mut first = lines.next().context("no first line")?.split(' ');
        let method = Method::from_bytes(first.next().unwrap_or_default().as_bytes())?;
        let (target, key) =
            first.next().unwrap_or_default().split_once("key=").context("no key in the request")?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").context("a header without value")?;
            let name = HeaderName::from_bytes(name.as_bytes())?;
            if ![HOST, CONTENT_LENGTH].contains(&name) {
                headers.insert(name, HeaderValue::from_str(value)?);
            }
        }
        Ok(Self {
            method,
            target: format!("{target}key="),
            key_length: key.len(),
            headers,
            body: Bytes::copy_from_slice(&request[head + 4..]),
        })
    }

    fn url(&self, to: u8, port: u16, number: u64) -> anyhow::Result<Url> {
        let length = self.key_length;
        Ok(Url::parse(&format!("http://{}:{port}{}{number:0length$}", host(to), self.target))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_repeated_with_its_headers_and_another_key() {
        let request = b"POST /postback?key=0123-4567 HTTP/1.1\r\nhost: 127.0.1.1:1\r\nwebhook-id: a\r\n\
            content-length: 2\r\n\r\n{}";
        let template = Template::parse(request).unwrap();
        assert_eq!(template.url(7, 80, 42).unwrap().as_str(), "http://127.0.1.7/postback?key=000000042");
        assert_eq!(template.headers.len(), 1);
        assert_eq!(template.headers["webhook-id"], "a");
        assert_eq!((template.method, template.body.as_ref()), (Method::POST, &b"{}"[..]));
    }
}
