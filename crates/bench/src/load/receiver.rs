//! Publishers' servers: one listener that answers for all of 127.0.0.0/8 and notes when each postback came. Cheaper than
//! the tests' publisher, which keeps whole requests: it shares two cores with what is measured.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::connection::find;

/// Longest request that is read.
const INBOX: usize = 8 * 1024;
/// A path that begins so is never answered.
pub const NEVER: &str = "/never";

/// The publishers' server. Stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    arrivals: Mutex<HashMap<String, Arrival>>,
    /// How long an answer takes.
    answers_after_micros: AtomicU64,
    first_request: OnceLock<Vec<u8>>,
}

/// What came for one key.
#[derive(Debug, Clone, Copy)]
pub struct Arrival {
    /// When the first one had come.
    pub first: Instant,
    /// How many.
    pub times: u32,
}

impl Receiver {
    /// Listens on a free port of every address of this machine. Requests are told apart by the value after `key=`, which
    /// ends at `&` or a blank. It answers 200 at once, but for paths that begin with [`NEVER`].
    ///
    /// # Errors
    /// The system's.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("0.0.0.0:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared::default());
        let of_connections = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&of_connections)));
            }
        });
        Ok(Self { port, shared, accepting })
    }

    /// Its port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// From now on an answer takes so long.
    pub fn answer_after(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.shared.answers_after_micros.store(micros, Ordering::Relaxed);
    }

    /// Different keys that have come, but for those that are never answered.
    pub fn count(&self) -> usize {
        locked(&self.shared.arrivals).len()
    }

    /// Everything that has come, by key.
    pub fn arrivals(&self) -> HashMap<String, Arrival> {
        locked(&self.shared.arrivals).clone()
    }

    /// The same, and forgets it.
    pub fn take(&self) -> HashMap<String, Arrival> {
        std::mem::take(&mut *locked(&self.shared.arrivals))
    }

    /// The first request that ever came, as it came.
    pub fn first_request(&self) -> Option<&[u8]> {
        self.shared.first_request.get().map(Vec::as_slice)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = vec![0; INBOX];
    let mut filled = 0;
    loop {
        while let Some((head, whole)) = request(&inbox[..filled])? {
            if path(&inbox[..head]).starts_with(NEVER.as_bytes()) {
                return hold(stream).await;
            }
            shared.note(&inbox[..head], &inbox[..whole]);
            inbox.copy_within(whole..filled, 0);
            filled -= whole;
            let time = Duration::from_micros(shared.answers_after_micros.load(Ordering::Relaxed));
            if !time.is_zero() {
                tokio::time::sleep(time).await;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        }
        match stream.read(&mut inbox[filled..]).await? {
            0 => return Ok(()),
            read => filled += read,
        }
    }
}

/// Says nothing until the caller gives up.
async fn hold(mut stream: TcpStream) -> io::Result<()> {
    let mut nothing = [0; 64];
    while stream.read(&mut nothing).await? > 0 {}
    Ok(())
}

/// Where the head of the first request ends, and where all of it does; `None` while it is not there. Names of headers are
/// looked for in small letters, as hyper writes them.
fn request(inbox: &[u8]) -> io::Result<Option<(usize, usize)>> {
    const LENGTH: &[u8] = b"\r\ncontent-length: ";
    let Some(head) = find(inbox, b"\r\n\r\n") else { return Ok(None) };
    let length = match find(&inbox[..head], LENGTH) {
        None => 0,
        Some(at) => {
            let digits = inbox[at + LENGTH.len()..head].split(|byte| *byte == b'\r').next();
            let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
            text.and_then(|text| text.parse().ok()).ok_or_else(|| io::Error::other("no length"))?
        }
    };
    let whole = head + 4 + length;
    if whole > INBOX {
        return Err(io::Error::other("a request that is longer than the inbox"));
    }
    Ok((inbox.len() >= whole).then_some((head, whole)))
}

/// What is asked for.
fn path(head: &[u8]) -> &[u8] {
    head.split(|byte| *byte == b' ').nth(1).unwrap_or_default()
}

impl Shared {
    fn note(&self, head: &[u8], whole: &[u8]) {
        let now = Instant::now();
        self.first_request.get_or_init(|| whole.to_vec());
        let key = find(head, b"key=").map_or(&b"without key"[..], |at| {
            let value = &head[at + 4..];
            value.split(|byte| matches!(byte, b'&' | b' ')).next().unwrap_or_default()
        });
        let key = String::from_utf8_lossy(key).into_owned();
        locked(&self.arrivals)
            .entry(key)
            .and_modify(|arrival| arrival.times += 1)
            .or_insert(Arrival { first: now, times: 1 });
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while holding it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Connection, Template};

    #[tokio::test]
    async fn every_key_is_noted_once_however_often_it_comes() {
        let receiver = Receiver::start().await.unwrap();
        let mut connection = Connection::open(([127, 0, 0, 1], receiver.port()).into()).await.unwrap();
        let mut template = Template::get("x", "/?key=################&more=1");
        for number in [1, 2, 2] {
            assert_eq!(connection.exchange(template.stamped(number)).await.unwrap().status, 200);
        }
        assert_eq!(receiver.count(), 2);
        assert_eq!(receiver.take()["0000000000000002"].times, 2);
        assert_eq!(receiver.count(), 0);
    }

    #[tokio::test]
    async fn a_body_is_part_of_its_request_and_each_host_of_the_loopback_is_served() {
        let receiver = Receiver::start().await.unwrap();
        let request = b"POST /?key=a HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nkey=b\r\n\r\n";
        for host in [1, 2] {
            let mut connection = Connection::open(([127, 0, 7, host], receiver.port()).into()).await.unwrap();
            assert_eq!(connection.exchange(request).await.unwrap().status, 200);
            assert_eq!(connection.exchange(request).await.unwrap().status, 200);
        }
        assert_eq!(receiver.first_request(), Some(&request[..]));
        assert_eq!(receiver.take()["a"].times, 4);
    }

    #[tokio::test]
    async fn some_are_never_answered() {
        let receiver = Receiver::start().await.unwrap();
        let mut connection = Connection::open(([127, 0, 0, 1], receiver.port()).into()).await.unwrap();
        let asked = connection.exchange(b"GET /never?key=a HTTP/1.1\r\nhost: x\r\n\r\n");
        assert!(tokio::time::timeout(Duration::from_millis(100), asked).await.is_err());
        assert_eq!(receiver.count(), 0);
    }
}
