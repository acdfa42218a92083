//! Thousands of connections that want nothing but to be held: what a slow-sender tool does, with an eye on how each ends.

use std::time::{Duration, Instant};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
    time::{interval, timeout},
};

use crate::raw::address_of;

/// Between two bytes of one connection: slower than any honest caller, faster than any idle limit.
const DRIP: Duration = Duration::from_secs(1);
/// Gives up when the server holds on for so long: no limit is that far away.
const GIVE_UP: Duration = Duration::from_secs(60);

/// What a connection does to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drip {
    /// A head, a byte at a time.
    Head,
    /// A body, a byte at a time.
    Body,
    /// Nothing at all.
    Nothing,
}

/// How one connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shed {
    /// What it did.
    pub drip: Drip,
    /// The status it was told, if any.
    pub status: Option<u16>,
    /// How long it was held.
    pub held: Duration,
}

/// A flood that runs.
#[derive(Debug)]
pub struct Flood {
    running: JoinSet<Shed>,
}

impl Flood {
    /// Opens so many connections of each kind to the server of `url`, all at once; `url` is also what is asked for.
    ///
    /// # Panics
    /// When the process may not hold as many.
    pub async fn start(url: &str, each: usize) -> Self {
        make_room(each * 3);
        let address = address_of(url);
        let parsed: url::Url = url.parse().expect("a URL");
        let target = format!("{}?{}", parsed.path(), parsed.query().unwrap_or_default());
        let mut running = JoinSet::new();
        // In turns, so that all kinds are there from the start.
        for number in 0..each * 3 {
            let drip = [Drip::Head, Drip::Body, Drip::Nothing][number % 3];
            let stream = TcpStream::connect(&address).await.expect("the server takes connections");
            running.spawn(hold(stream, drip, target.clone()));
        }
        Self { running }
    }

    /// Waits until the server has let every connection go, and tells how.
    ///
    /// # Panics
    /// When it never does.
    pub async fn shed(self) -> Vec<Shed> {
        self.running.join_all().await
    }
}

async fn hold(mut stream: TcpStream, drip: Drip, target: String) -> Shed {
    let start = Instant::now();
    let first = match drip {
        Drip::Head => format!("GET {target} HTTP/1.1\r\nhost: h\r\nx-drip: "),
        Drip::Body => format!("POST {target} HTTP/1.1\r\nhost: h\r\ncontent-length: 60000\r\n\r\n"),
        Drip::Nothing => String::new(),
    };
    // A server that has closed already is told by what is heard.
    stream.write_all(first.as_bytes()).await.ok();
    let (mut from, mut to) = stream.split();
    let mut heard = Vec::new();
    let mut ticks = interval(DRIP);
    let listening = async { while matches!(from.read_buf(&mut heard).await, Ok(1..)) {} };
    let dripping = async {
        loop {
            ticks.tick().await;
            if drip == Drip::Nothing || to.write_all(b"x").await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    let ended = timeout(GIVE_UP, async {
        tokio::select! {
            () = listening => {}
            () = dripping => {}
        }
    })
    .await;
    assert!(ended.is_ok(), "{drip:?} is still held after {GIVE_UP:?}");
    let text = String::from_utf8_lossy(&heard);
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    Shed { drip, status, held: start.elapsed() }
}

/// Files that the test itself needs besides.
const RESERVE: u64 = 1_024;

/// Raises the soft limit of open files, which a shell sets low, as far as needed; services inherit it.
fn make_room(connections: usize) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let wanted = u64::try_from(connections).expect("a number") + RESERVE;
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    assert!(
        limit.maximum.is_none_or(|most| most >= wanted),
        "{wanted} open files are needed, and the hard limit is {:?}: raise it (ulimit -Hn)",
        limit.maximum
    );
    setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
        .expect("the soft limit can be raised to the hard one");
}
