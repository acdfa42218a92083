//! Closed loop: each connection sends its next request when the last one is answered. Measures how much goes through.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::try_join_all;
use uuid::Uuid;

use super::{Connection, Promised, Template};

/// Connections at a time.
pub const CONNECTIONS: usize = 256;

/// What a load brought.
#[derive(Debug, Default)]
pub struct Load {
    /// Ids that the answers promised.
    pub promised: Vec<Uuid>,
    /// Calls whose answer promised nothing.
    pub refused: u64,
    /// Until the last answer.
    pub wall: Duration,
}

/// When a load has been enough.
#[derive(Debug, Clone, Copy)]
pub enum Until {
    /// This time is over.
    Elapsed(Duration),
    /// This many calls are answered.
    Answered(u64),
}

/// Keep-alive connections that stand before any clock starts, and stay when a load is over.
#[derive(Debug)]
pub struct Crowd {
    connections: Vec<Connection>,
}

impl Load {
    /// How many calls were answered.
    pub const fn calls(&self) -> u64 {
        self.promised.len() as u64 + self.refused
    }

    fn join(mut self, other: Self) -> Self {
        self.promised.extend(other.promised);
        self.refused += other.refused;
        self.wall = self.wall.max(other.wall);
        self
    }
}

impl Until {
    fn is_over(self, start: Instant, number: u64) -> bool {
        match self {
            Self::Elapsed(time) => start.elapsed() >= time,
            Self::Answered(calls) => number >= calls,
        }
    }
}

impl Crowd {
    /// Connects so many times.
    ///
    /// # Errors
    /// The system's.
    pub async fn connect(address: SocketAddr, connections: usize) -> io::Result<Self> {
        let connections = try_join_all((0..connections).map(|_| Connection::open(address))).await?;
        Ok(Self { connections })
    }

    /// Sends over all connections. Every call that was begun is finished and counted; their numbers begin at `first` and
    /// leave none out.
    ///
    /// # Errors
    /// When a connection fails: then the figures are worth nothing.
    pub async fn send(
        &mut self,
        template: &Template,
        first: u64,
        until: Until,
        promised: Promised,
    ) -> anyhow::Result<Load> {
        let next = Arc::new(AtomicU64::new(0));
        let start = Instant::now();
        let tasks: Vec<_> = self
            .connections
            .drain(..)
            .map(|connection| {
                let lane = Lane { connection, template: template.clone(), promised, load: Load::default() };
                tokio::spawn(lane.run(Arc::clone(&next), first, start, until))
            })
            .collect();
        let mut load = Load::default();
        for task in tasks {
            let lane = task.await??;
            self.connections.push(lane.connection);
            load = load.join(lane.load);
        }
        Ok(load)
    }
}

/// One connection at work.
struct Lane {
    connection: Connection,
    template: Template,
    promised: Promised,
    load: Load,
}

impl Lane {
    async fn run(
        mut self,
        next: Arc<AtomicU64>,
        first: u64,
        start: Instant,
        until: Until,
    ) -> io::Result<Self> {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if until.is_over(start, number) {
                self.load.wall = start.elapsed();
                return Ok(self);
            }
            let response = self.connection.exchange(self.template.stamped(first + number)).await?;
            match (self.promised)(&response) {
                Some(id) => self.load.promised.push(id),
                None => self.load.refused += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, sync::Mutex};

    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::{super::SLOT, *};

    #[tokio::test]
    async fn as_many_calls_as_asked_for_each_with_a_number_of_its_own() {
        const BEFORE: &str = "GET /";
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let numbers = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = Arc::clone(&numbers);
        tokio::spawn(async move {
            while let Ok((mut stream, _peer)) = listener.accept().await {
                let seen = Arc::clone(&seen);
                tokio::spawn(async move {
                    let mut request = [0; BEFORE.len() + SLOT.len()];
                    while stream.read_exact(&mut request).await.is_ok() {
                        let number = String::from_utf8_lossy(&request[BEFORE.len()..]).into_owned();
                        // Every third is refused.
                        let status = if number.ends_with(['0', '3', '6', '9', 'c', 'f']) { 503 } else { 204 };
                        assert!(seen.lock().unwrap().insert(number));
                        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        let template = Template::new(&format!("{BEFORE}{SLOT}"));
        let promised: Promised = |response| (response.status == 204).then_some(Uuid::nil());
        let mut crowd = Crowd::connect(address, 8).await.unwrap();
        let load = crowd.send(&template, 0, Until::Answered(96), promised).await.unwrap();
        assert_eq!((load.calls(), load.refused), (96, 36));
        let load = crowd.send(&template, 96, Until::Answered(4), promised).await.unwrap();
        assert_eq!(load.calls(), 4);
        let seen: Vec<String> = numbers.lock().unwrap().iter().cloned().collect();
        let wanted: Vec<String> = (0..100).map(|number| format!("{number:016x}")).collect();
        assert_eq!(seen, wanted);
    }
}
