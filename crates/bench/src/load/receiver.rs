//! A publisher that answers at once and notes when each postback came. Cheaper than the tests' publisher, which keeps
//! whole requests: it shares two cores with what is measured.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex, MutexGuard},
    time::Instant,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::connection::find;

/// Longest request head that is read.
const INBOX: usize = 8 * 1024;

/// The publisher's server. Stops when dropped.
#[derive(Debug)]
pub struct Receiver {
    port: u16,
    arrivals: Arc<Mutex<HashMap<String, Arrival>>>,
    accepting: JoinHandle<()>,
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
    /// Listens on a free port. Requests are told apart by the value after `key=`, which ends at `&` or a blank.
    ///
    /// # Errors
    /// The system's.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let arrivals = Arc::new(Mutex::new(HashMap::new()));
        let shared = Arc::clone(&arrivals);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _peer)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Ok(Self { port, arrivals, accepting })
    }

    /// Its port on loopback.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Different keys that have come.
    pub fn count(&self) -> usize {
        locked(&self.arrivals).len()
    }

    /// Everything that has come, by key.
    pub fn arrivals(&self) -> HashMap<String, Arrival> {
        locked(&self.arrivals).clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(mut stream: TcpStream, arrivals: Arc<Mutex<HashMap<String, Arrival>>>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut inbox = vec![0; INBOX];
    let mut filled = 0;
    loop {
        while let Some(head) = find(&inbox[..filled], b"\r\n\r\n") {
            note(&inbox[..head], &arrivals);
            inbox.copy_within(head + 4..filled, 0);
            filled -= head + 4;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await?;
        }
        match stream.read(&mut inbox[filled..]).await? {
            0 => return Ok(()),
            read => filled += read,
        }
    }
}

fn note(head: &[u8], arrivals: &Mutex<HashMap<String, Arrival>>) {
    let now = Instant::now();
    let key = find(head, b"key=").map_or(&b"without key"[..], |at| {
        let value = &head[at + 4..];
        value.split(|byte| matches!(byte, b'&' | b' ')).next().unwrap_or_default()
    });
    let key = String::from_utf8_lossy(key).into_owned();
    locked(arrivals)
        .entry(key)
        .and_modify(|arrival| arrival.times += 1)
        .or_insert(Arrival { first: now, times: 1 });
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
        assert_eq!(receiver.arrivals()["0000000000000002"].times, 2);
    }
}
