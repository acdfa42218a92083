//! A wire between a bus and the broker that a test can make fall silent without breaking it.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a test fails by panic, and the wire is not one of our tasks"
)]

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Forwards bytes both ways until the broker's side falls silent.
pub struct Proxy {
    pub url: String,
    silent: watch::Sender<bool>,
}

impl Proxy {
    /// A wire to the broker of `url`.
    pub async fn to(url: &str) -> Self {
        let (credentials, rest) = url.split_once('@').unwrap();
        let (address, vhost) = rest.split_once('/').unwrap();
        let broker = address.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{credentials}@{}/{vhost}", listener.local_addr().unwrap());
        let (silent, watched) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (from_client, to_client) = client.into_split();
                let (from_broker, to_broker) = TcpStream::connect(&broker).await.unwrap().into_split();
                tokio::spawn(forward(from_client, to_broker, None));
                tokio::spawn(forward(from_broker, to_client, Some(watched.clone())));
            }
        });
        Self { url, silent }
    }

    /// What the broker says is held back, or flows again. What is said to it always arrives.
    pub fn set_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }
}

async fn forward(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: Option<watch::Receiver<bool>>) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if let Some(silent) = &mut silent {
            drop(silent.wait_for(|silent| !*silent).await);
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
