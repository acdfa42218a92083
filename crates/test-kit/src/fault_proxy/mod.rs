//! A wire between two programs that a test can make slow, deaf, dumb or broken while bytes run through it.
//!
//! It stands between a service and the broker, or between a client and a service, and knows nothing of what it carries.
//! It runs on a thread of its own, so it goes on while the test blocks.

mod link;

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    runtime, select,
    sync::{oneshot, watch},
    task::JoinSet,
};
use url::Url;

/// What the kernel keeps for each socket of the wire, in bytes, about: little, so that a stalled wire is soon felt at its
/// ends, as a slow network's is.
const SOCKET_BUFFER_BYTES: u32 = 64 * 1_024;

/// Connections that may wait to be taken: a flood must pass, too.
const BACKLOG: u32 = 4_096;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the program that connected.
    ToServer,
    /// Back to it.
    ToClient,
}

/// What happens to bytes on their way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// They arrive.
    #[default]
    Pass,
    /// They arrive this much later: a long way.
    Delay(Duration),
    /// So many arrive in a second: a narrow way.
    Throttle(u32),
    /// They are kept, and arrive when this is over: a network that loses every packet for a while, after which TCP sends
    /// them again.
    Hold,
    /// They vanish, and so does the end of the connection: a firewall that forgot it. What is said after this is over has a
    /// gap before it.
    Blackhole,
    /// One byte of each piece arrives as another one.
    Corrupt,
}

/// The wire. Ends with all its connections when dropped.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    target: String,
    switches: Switches,
    shared: Arc<Shared>,
    thread: Option<(oneshot::Sender<()>, JoinHandle<()>)>,
}

#[derive(Debug)]
struct Switches {
    to_server: watch::Sender<Fault>,
    to_client: watch::Sender<Fault>,
    refusing: watch::Sender<bool>,
    cuts: watch::Sender<u64>,
}

/// What one way has carried so far.
#[derive(Debug, Default)]
struct Meter {
    arrived: AtomicU64,
    lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Shared {
    to_server: Meter,
    to_client: Meter,
    open: AtomicUsize,
    opened: AtomicUsize,
}

impl Shared {
    fn meter(&self, direction: Direction) -> &Meter {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }
}

impl FaultProxy {
    /// A wire to `target`, as `host:port`. Passes everything until told otherwise.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn to(target: &str) -> Self {
        let (sender, address) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let switches = Switches {
            to_server: watch::Sender::default(),
            to_client: watch::Sender::default(),
            refusing: watch::Sender::default(),
            cuts: watch::Sender::default(),
        };
        let shared = Arc::new(Shared::default());
        let wire = Wire {
            target: target.to_owned(),
            shared: Arc::clone(&shared),
            to_server: switches.to_server.subscribe(),
            to_client: switches.to_client.subscribe(),
            refusing: switches.refusing.subscribe(),
            cuts: switches.cuts.subscribe(),
        };
        let thread = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let place = Place::reserve();
                let listener = place.listen();
                sender.send(place.address).expect("the test waits for the address");
                select! {
                    () = wire.run(place, listener) => {}
                    // Dropped counts as told.
                    _ = stopped => {}
                }
            });
        });
        let address = address.recv().expect("a wire that runs");
        Self { address, target: target.to_owned(), switches, shared, thread: Some((stop, thread)) }
    }

    /// A wire to the server of a URL; [`FaultProxy::url`] is the same URL with the wire in the server's place.
    ///
    /// # Panics
    /// When the URL names no host and port.
    pub fn to_server_of(url: &str) -> Self {
        let parsed = Url::parse(url).expect("a URL");
        let host = parsed.host_str().expect("a URL with a host");
        let port = parsed.port_or_known_default().expect("a URL with a port");
        Self::to(&format!("{host}:{port}"))
    }

    /// `url` with the wire in its server's place.
    ///
    /// # Panics
    /// When the URL names no host.
    pub fn url(&self, url: &str) -> String {
        let parsed = Url::parse(url).expect("a URL");
        let host = parsed.host_str().expect("a URL with a host");
        // By hand: `Url` would write a path of `%2f` or a password as it likes.
        let authority = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        assert!(url.contains(&authority), "the URL names its host in another way than {authority}");
        let at = url.rfind('@').unwrap_or_default();
        let (before, after) = url.split_at(at);
        format!("{before}{}", after.replacen(&authority, &self.address.to_string(), 1))
    }

    /// Where to connect to.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it leads to.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// From now on, both ways, for connections that are open as well.
    pub fn set(&self, fault: Fault) {
        self.set_way(Direction::ToServer, fault);
        self.set_way(Direction::ToClient, fault);
    }

    /// From now on, one way.
    pub fn set_way(&self, direction: Direction, fault: Fault) {
        let way = match direction {
            Direction::ToServer => &self.switches.to_server,
            Direction::ToClient => &self.switches.to_client,
        };
        way.send_replace(fault);
    }

    /// New connections are refused, as if nobody listened; open ones stay. The port stays ours.
    pub fn refuse(&self) {
        self.switches.refusing.send_replace(true);
    }

    /// Everything passes and new connections are taken. What was cut stays cut.
    pub fn heal(&self) {
        self.set(Fault::Pass);
        self.switches.refusing.send_replace(false);
    }

    /// Resets every open connection at both ends.
    pub fn cut(&self) {
        self.switches.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Connections open now.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// Connections ever opened.
    pub fn opened(&self) -> usize {
        self.shared.opened.load(Ordering::SeqCst)
    }

    /// Bytes that arrived so far.
    pub fn arrived(&self, direction: Direction) -> u64 {
        self.shared.meter(direction).arrived.load(Ordering::SeqCst)
    }

    /// Bytes that vanished so far: shows that a black hole swallowed something.
    pub fn lost(&self, direction: Direction) -> u64 {
        self.shared.meter(direction).lost.load(Ordering::SeqCst)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        if let Some((stop, thread)) = self.thread.take() {
            drop(stop);
            if thread.join().is_err() {
                eprintln!("the fault proxy to {} had panicked", self.target);
            }
        }
    }
}

/// A port that stays ours while nobody listens on it.
struct Place {
    address: SocketAddr,
    // Bound and not listening: a connection to it is refused, and no other program is given the port.
    _bound: TcpSocket,
}

impl Place {
    fn reserve() -> Self {
        let socket = socket_at("127.0.0.1:0".parse().expect("an address"));
        Self { address: socket.local_addr().expect("an address"), _bound: socket }
    }

    fn listen(&self) -> TcpListener {
        socket_at(self.address).listen(BACKLOG).expect("a listener on a port that is ours")
    }
}

fn socket_at(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("an option");
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES).expect("an option");
    socket.bind(address).expect("a free port");
    socket
}

/// The part that runs.
struct Wire {
    target: String,
    shared: Arc<Shared>,
    to_server: watch::Receiver<Fault>,
    to_client: watch::Receiver<Fault>,
    refusing: watch::Receiver<bool>,
    cuts: watch::Receiver<u64>,
}

impl Wire {
    async fn run(mut self, place: Place, listener: TcpListener) {
        let mut links = JoinSet::new();
        let mut listener = Some(listener);
        loop {
            select! {
                accepted = accept(listener.as_ref()) => {
                    if let Some(client) = accepted {
                        links.spawn(self.link(client));
                    }
                }
                changed = self.refusing.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    listener = (!*self.refusing.borrow_and_update()).then(|| place.listen());
                }
                Some(_ended) = links.join_next() => {}
            }
        }
    }

    fn link(&self, client: TcpStream) -> impl Future<Output = ()> + use<> {
        let target = self.target.clone();
        let shared = Arc::clone(&self.shared);
        let ways = (self.to_server.clone(), self.to_client.clone());
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        shared.open.fetch_add(1, Ordering::SeqCst);
        shared.opened.fetch_add(1, Ordering::SeqCst);
        async move {
            link::carry(client, &target, &shared, ways, cuts).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

async fn accept(listener: Option<&TcpListener>) -> Option<TcpStream> {
    match listener {
        // A connection that was gone before it was taken is nobody's concern.
        Some(listener) => listener.accept().await.ok().map(|(client, _)| client),
        None => std::future::pending().await,
    }
}
