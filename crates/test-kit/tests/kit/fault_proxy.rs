//! The wire does to bytes what it is told to, while they run, and nothing else.

use std::{
    io::ErrorKind,
    time::{Duration, Instant},
};

use test_kit::{Direction, Fault, FaultProxy, eventually};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(150);

/// A server that says everything back, and a wire to it.
async fn echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                drop(tokio::io::copy(&mut from, &mut to).await);
                drop(to.shutdown().await);
            });
        }
    });
    FaultProxy::to(&address.to_string())
}

async fn connect(wire: &FaultProxy) -> TcpStream {
    TcpStream::connect(wire.address()).await.expect("a connection")
}

async fn ask(stream: &mut TcpStream, word: &[u8]) -> Vec<u8> {
    stream.write_all(word).await.expect("sent");
    let mut answer = vec![0; word.len()];
    timeout(super::SOON, stream.read_exact(&mut answer)).await.expect("in time").expect("an answer");
    answer
}

/// Nothing is heard for a while; what is heard later is still there.
async fn hears_nothing(stream: &mut TcpStream) {
    let heard = timeout(A_WHILE, stream.peek(&mut [0])).await;
    assert!(heard.is_err(), "something is heard");
}

#[tokio::test]
async fn everything_passes_until_told_otherwise_and_is_counted() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    let large = vec![7; 3_000_000];
    let (mut from, mut to) = stream.split();
    let mut heard = Vec::new();
    let sending = async {
        to.write_all(&large).await.expect("sent");
        to.shutdown().await.expect("closed");
    };
    let (_, read) = tokio::join!(sending, from.read_to_end(&mut heard));
    read.expect("an end");
    assert!(heard == large, "other bytes came back");
    for direction in [Direction::ToServer, Direction::ToClient] {
        assert_eq!((wire.arrived(direction), wire.lost(direction)), (3_000_000, 0));
    }
    eventually("the connection to be gone", super::SOON, async || wire.open() == 0).await;
    assert_eq!(wire.opened(), 1);
}

#[tokio::test]
async fn a_delay_is_a_long_way_and_not_a_narrow_one() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    wire.set(Fault::Delay(Duration::from_millis(100)));
    let start = Instant::now();
    assert_eq!(ask(&mut stream, b"hello").await, b"hello");
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(200), "there and back: {took:?}");
    // A hundred pieces, one after the other, take no hundred delays.
    let (mut from, mut to) = stream.split();
    let start = Instant::now();
    let sending = async {
        for _ in 0..100 {
            to.write_all(&[1; 1_000]).await.expect("sent");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let mut heard = vec![0; 100_000];
    let ((), read) = tokio::join!(sending, from.read_exact(&mut heard));
    read.expect("all of it");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_throttle_is_a_narrow_way_one_way() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    wire.set_way(Direction::ToServer, Fault::Throttle(10_000));
    let start = Instant::now();
    ask(&mut stream, &[3; 3_000]).await;
    let took = start.elapsed();
    assert!(took >= Duration::from_millis(250), "3,000 bytes at 10,000 a second: {took:?}");
    // Healed while it still carries: the rest comes at once.
    wire.set_way(Direction::ToServer, Fault::Throttle(10));
    stream.write_all(&[4; 1_000]).await.expect("sent");
    wire.heal();
    let mut heard = vec![0; 1_000];
    timeout(super::SOON, stream.read_exact(&mut heard)).await.expect("in time").expect("the rest");
}

#[tokio::test]
async fn what_is_held_arrives_later_and_in_order() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    wire.set_way(Direction::ToClient, Fault::Hold);
    stream.write_all(b"one ").await.expect("sent");
    stream.write_all(b"two").await.expect("sent");
    hears_nothing(&mut stream).await;
    wire.heal();
    let mut heard = [0; 7];
    timeout(super::SOON, stream.read_exact(&mut heard)).await.expect("in time").expect("both");
    assert_eq!(&heard, b"one two");
}

#[tokio::test]
async fn a_black_hole_swallows_bytes_and_the_end_and_the_connection_stays() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    for direction in [Direction::ToServer, Direction::ToClient] {
        wire.set_way(direction, Fault::Blackhole);
        stream.write_all(b"lost").await.expect("sent");
        eventually("the black hole to swallow", super::SOON, async || wire.lost(direction) == 4).await;
        hears_nothing(&mut stream).await;
        wire.heal();
        assert_eq!(ask(&mut stream, b"found").await, b"found");
    }
    assert_eq!((wire.open(), wire.opened()), (1, 1));
    wire.set_way(Direction::ToServer, Fault::Blackhole);
    stream.shutdown().await.expect("closed");
    hears_nothing(&mut stream).await;
    wire.heal();
    let mut rest = Vec::new();
    timeout(super::SOON, stream.read_to_end(&mut rest)).await.expect("in time").expect("an end");
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_corrupt_wire_changes_a_byte_and_keeps_the_length() {
    let wire = echo().await;
    let mut stream = connect(&wire).await;
    wire.set_way(Direction::ToServer, Fault::Corrupt);
    let heard = ask(&mut stream, b"abc").await;
    assert_eq!((heard[0], heard[1], heard[2]), (b'a', !b'b', b'c'));
    wire.heal();
    assert_eq!(ask(&mut stream, b"abc").await, b"abc");
}

#[tokio::test]
async fn a_cut_resets_every_connection_and_the_next_one_works() {
    let wire = echo().await;
    let mut streams = [connect(&wire).await, connect(&wire).await];
    for stream in &mut streams {
        ask(stream, b"hello").await;
    }
    wire.cut();
    for stream in &mut streams {
        let error = timeout(super::SOON, stream.read(&mut [0])).await.expect("in time").expect_err("a reset");
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
    eventually("both to be gone", super::SOON, async || wire.open() == 0).await;
    assert_eq!(ask(&mut connect(&wire).await, b"again").await, b"again");
}

#[tokio::test]
async fn refusing_keeps_what_is_open_and_the_port() {
    let wire = echo().await;
    let mut open = connect(&wire).await;
    assert_eq!(ask(&mut open, b"open").await, b"open");
    wire.refuse();
    eventually("a refusal", super::SOON, async || {
        let refused = TcpStream::connect(wire.address()).await;
        refused.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    })
    .await;
    assert_eq!(ask(&mut open, b"still here").await, b"still here");
    wire.heal();
    let mut again =
        eventually("connections again", super::SOON, async || TcpStream::connect(wire.address()).await).await;
    assert_eq!(ask(&mut again, b"hello").await, b"hello");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_a_reset() {
    let wire = FaultProxy::to("127.0.0.1:1");
    // The wire takes the call before it finds nobody behind it: whether the reset comes while the caller still connects or
    // when it first reads is a matter of a moment.
    let heard = async {
        let mut stream = TcpStream::connect(wire.address()).await?;
        stream.read(&mut [0]).await
    };
    let error = timeout(super::SOON, heard).await.expect("in time").expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[test]
fn a_url_leads_through_the_wire_and_keeps_everything_else() {
    let wire = FaultProxy::to_server_of("amqp://user:21480@127.0.0.1:21480/%2f");
    assert_eq!(wire.target(), "127.0.0.1:21480");
    let through = wire.url("amqp://user:21480@127.0.0.1:21480/%2f");
    assert_eq!(through, format!("amqp://user:21480@{}/%2f", wire.address()));
}
