//! One connection through the wire: two ways, each with its fault.

use std::{io, sync::atomic::Ordering, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream, lookup_host},
    select,
    sync::{mpsc, watch},
    time::{Instant, sleep, sleep_until},
};

use super::{Direction, Fault, Meter, SOCKET_BUFFER_BYTES, Shared};

/// Largest piece, in bytes.
const PIECE_BYTES: usize = 16 * 1_024;
/// Pieces under way at once: a delay must not make the wire narrow.
const PIECES: usize = 256;
/// How often in a second a narrow way lets something through.
const TICKS: u32 = 20;

/// Bytes with the moment they were read.
struct Piece {
    at: Instant,
    bytes: Vec<u8>,
}

/// Carries until both ends are done, one of them breaks, or the wire is cut: then both ends are reset.
pub(super) async fn carry(
    mut client: TcpStream,
    target: &str,
    shared: &Shared,
    (to_server, to_client): (watch::Receiver<Fault>, watch::Receiver<Fault>),
    mut cuts: watch::Receiver<u64>,
) {
    let Ok(mut server) = connect(target).await else {
        reset(&client);
        return;
    };
    let unbroken = {
        let (from_client, into_client) = client.split();
        let (from_server, into_server) = server.split();
        let there = way(from_client, into_server, to_server, shared.meter(Direction::ToServer));
        let back = way(from_server, into_client, to_client, shared.meter(Direction::ToClient));
        select! {
            both = async { tokio::try_join!(there, back) } => both.is_ok(),
            _ = cuts.changed() => false,
        }
    };
    if !unbroken {
        reset(&client);
        reset(&server);
    }
}

async fn connect(target: &str) -> io::Result<TcpStream> {
    let address = lookup_host(target).await?.find(std::net::SocketAddr::is_ipv4);
    let address = address.ok_or_else(|| io::Error::other("no address"))?;
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(SOCKET_BUFFER_BYTES)?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Its close becomes a reset.
fn reset(stream: &TcpStream) {
    // A connection that is gone already needs none.
    stream.set_zero_linger().ok();
}

async fn way(
    from: impl AsyncRead + Unpin,
    to: impl AsyncWrite + Unpin,
    fault: watch::Receiver<Fault>,
    meter: &Meter,
) -> io::Result<()> {
    let (sender, pieces) = mpsc::channel(PIECES);
    tokio::try_join!(take(from, sender), hand_over(pieces, to, fault, meter))?;
    Ok(())
}

async fn take(mut from: impl AsyncRead + Unpin, pieces: mpsc::Sender<Piece>) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        let piece = Piece { at: Instant::now(), bytes: buffer[..read].to_vec() };
        if pieces.send(piece).await.is_err() {
            return Ok(());
        }
    }
}

async fn hand_over(
    mut pieces: mpsc::Receiver<Piece>,
    mut to: impl AsyncWrite + Unpin,
    mut fault: watch::Receiver<Fault>,
    meter: &Meter,
) -> io::Result<()> {
    while let Some(piece) = pieces.recv().await {
        hand_over_one(piece, &mut to, &mut fault, meter).await?;
    }
    // The end of the connection is a thing that travels, too.
    let closed = |fault: &Fault| !matches!(fault, Fault::Hold | Fault::Blackhole);
    drop(fault.wait_for(closed).await);
    to.shutdown().await
}

async fn hand_over_one(
    piece: Piece,
    to: &mut (impl AsyncWrite + Unpin),
    fault: &mut watch::Receiver<Fault>,
    meter: &Meter,
) -> io::Result<()> {
    let mut left = piece.bytes;
    loop {
        let now = *fault.borrow_and_update();
        match now {
            Fault::Pass => return write(to, &left, meter).await,
            Fault::Delay(by) => {
                select! {
                    () = sleep_until(piece.at + by) => return write(to, &left, meter).await,
                    changed = fault.changed() => gone(changed)?,
                }
            }
            Fault::Throttle(bytes_per_second) => {
                let tick = usize::try_from((bytes_per_second / TICKS).max(1)).expect("a small number");
                let rest = left.split_off(tick.min(left.len()));
                write(to, &left, meter).await?;
                let took = Duration::from_secs_f64(left.len() as f64 / f64::from(bytes_per_second.max(1)));
                left = rest;
                select! {
                    () = sleep(took) => {}
                    changed = fault.changed() => gone(changed)?,
                }
                if left.is_empty() {
                    return Ok(());
                }
            }
            Fault::Hold => gone(fault.changed().await)?,
            Fault::Blackhole => {
                meter.lost.fetch_add(left.len() as u64, Ordering::SeqCst);
                return Ok(());
            }
            Fault::Corrupt => {
                let middle = left.len() / 2;
                left[middle] = !left[middle];
                return write(to, &left, meter).await;
            }
        }
    }
}

/// The wire itself has ended.
fn gone(changed: Result<(), watch::error::RecvError>) -> io::Result<()> {
    changed.map_err(|_| io::Error::other("the wire is gone"))
}

async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8], meter: &Meter) -> io::Result<()> {
    to.write_all(bytes).await?;
    meter.arrived.fetch_add(bytes.len() as u64, Ordering::SeqCst);
    Ok(())
}
