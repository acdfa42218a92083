//! Names whose owner changes his mind: the address that was judged is the address that is connected to.
//!
//! The public internet is played by 127.0.0.2, which an operator allowed; the private side by 127.0.0.1, which nobody did.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rstest::rstest;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{Client, ClientSettings, Method, Outbound, SendError, header::HeaderMap};

const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Two servers with the same port, and how many connections each has seen.
struct Sides {
    port: u16,
    public: Arc<AtomicUsize>,
    private: Arc<AtomicUsize>,
}

async fn sides() -> Sides {
    // A port that is free on one address is mostly free on the other; the next one is tried when it is not.
    loop {
        let public = TcpListener::bind((PUBLIC, 0)).await.unwrap();
        let port = public.local_addr().unwrap().port();
        if let Ok(private) = TcpListener::bind((PRIVATE, port)).await {
            return Sides { port, public: serve(public), private: serve(private) };
        }
    }
}

fn serve(listener: TcpListener) -> Arc<AtomicUsize> {
    let seen = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&seen);
    process::Supervisor::new().spawn_support("side", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut head = [0_u8; 1_024];
            drop(stream.read(&mut head).await);
            drop(
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").await,
            );
        }
    });
    seen
}

/// A client to which a name leads to these addresses, the next ones each time; and how often it has asked.
fn client(answers: &[&[IpAddr]]) -> (Client, Arc<AtomicUsize>) {
    let answers: VecDeque<Vec<SocketAddr>> =
        answers.iter().map(|answer| answer.iter().map(|ip| SocketAddr::new(*ip, 0)).collect()).collect();
    let answers = Mutex::new(answers);
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    let settings = ClientSettings {
        allowed_networks: vec!["127.0.0.2/32".parse().unwrap()],
        ..ClientSettings::default()
    };
    let lookup = Arc::new(move |_name| {
        counter.fetch_add(1, Ordering::SeqCst);
        let answer = answers.lock().unwrap().pop_front().expect("nobody asks more often than he calls");
        let found: futures_util::future::BoxFuture<'static, _> = Box::pin(async move { Ok(answer) });
        found
    });
    (Client::with_names(&settings, lookup).unwrap(), asked)
}

async fn call(client: &Client, port: u16) -> Result<u16, SendError> {
    let url = format!("http://rebinding.example:{port}/").parse().unwrap();
    let request = Outbound { method: Method::GET, url, headers: HeaderMap::new(), body: bytes::Bytes::new() };
    client.send(request).await.map(|answer| answer.status)
}

#[tokio::test]
async fn a_name_that_was_public_and_is_private_now_is_refused() {
    let sides = sides().await;
    let (client, asked) = client(&[&[PUBLIC], &[PRIVATE], &[PUBLIC]]);
    assert_eq!(call(&client, sides.port).await, Ok(200));
    assert_eq!(call(&client, sides.port).await, Err(SendError::Address));
    assert_eq!(call(&client, sides.port).await, Ok(200));
    assert_eq!(
        asked.load(Ordering::SeqCst),
        3,
        "one question a call: there is no second answer to connect to"
    );
    assert_eq!(sides.public.load(Ordering::SeqCst), 2);
    assert_eq!(sides.private.load(Ordering::SeqCst), 0);
}

#[rstest]
#[case::private_first(&[PRIVATE, PUBLIC])]
#[case::private_last(&[PUBLIC, PRIVATE])]
#[tokio::test]
async fn of_a_mixed_answer_only_the_public_address_is_called(#[case] answer: &[IpAddr]) {
    let sides = sides().await;
    let (client, _asked) = client(&[answer]);
    assert_eq!(call(&client, sides.port).await, Ok(200));
    assert_eq!(sides.public.load(Ordering::SeqCst), 1);
    assert_eq!(sides.private.load(Ordering::SeqCst), 0);
}

#[rstest]
#[case::loopback("127.0.0.1")]
#[case::loopback_v6("::1")]
#[case::mapped("::ffff:127.0.0.1")]
#[case::zero("0.0.0.0")]
#[case::unspecified("::")]
#[case::compatible("::127.0.0.1")]
#[case::metadata("169.254.169.254")]
#[case::metadata_mapped("::ffff:169.254.169.254")]
#[case::nat64("64:ff9b::7f00:1")]
#[case::nat64_metadata("64:ff9b::a9fe:a9fe")]
#[case::six_to_four("2002:7f00:1::")]
#[case::teredo("2001:0:7f00:1::")]
#[case::unique_local("fd00:ec2::254")]
#[case::link_local("fe80::1")]
#[case::private("10.0.0.1")]
#[case::shared("100.100.100.200")]
#[case::azure("168.63.129.16")]
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_without_a_connection(#[case] address: IpAddr) {
    let sides = sides().await;
    let (client, _asked) = client(&[&[address]]);
    let refused = call(&client, sides.port).await.unwrap_err();
    assert_eq!(refused, SendError::Address);
    assert!(!refused.to_string().contains(&address.to_string()), "the address is nobody's business");
    assert_eq!(sides.private.load(Ordering::SeqCst), 0);
}
