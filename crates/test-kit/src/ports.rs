//! Ports that nobody else is given until this process ends.
//!
//! The usual way, to bind port 0 and let go of it, only says what was free: before a service binds it, seconds later or after a
//! restart, the kernel may have given it to one of the thousand outgoing connections of the tests beside it. So these lie below the
//! range that the kernel takes from, and tests agree among themselves by an abstract socket for each: it is held as long as its
//! process lives, however that ends, and leaves no file behind.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    ops::Range,
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr as UnixAddr, UnixDatagram},
    },
    sync::{Mutex, PoisonError},
};

/// Below what the kernel gives away (32768 on), and below what `deploy/local` chooses for the nodes (20000 on).
const PORTS: Range<u16> = 10_000..20_000;
/// Of so many at random one is free on any machine that can run the tests.
const TRIES: usize = 1_000;

/// What this process holds.
static HELD: Mutex<Vec<UnixDatagram>> = Mutex::new(Vec::new());

/// An address of loopback that nobody listens on, and that no other test is given while this process lives.
///
/// # Panics
/// When there is none.
pub fn free_port() -> SocketAddr {
    (0..TRIES).find_map(|_| take(random())).expect("a free port of a thousand tried")
}

fn take(port: u16) -> Option<SocketAddr> {
    let name = UnixAddr::from_abstract_name(format!("gokart-test-port-{port}")).expect("a short name");
    let held = UnixDatagram::bind_addr(&name).ok()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Nor does a program that is no test of ours listen there.
    TcpListener::bind(address).ok()?;
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(held);
    Some(address)
}

fn random() -> u16 {
    let mut bytes = [0_u8; 2];
    getrandom::fill(&mut bytes).expect("the operating system has random bytes");
    PORTS.start + u16::from_ne_bytes(bytes) % (PORTS.end - PORTS.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_given_once_and_can_be_listened_on() {
        let address = free_port();
        assert!(PORTS.contains(&address.port()));
        assert_eq!(take(address.port()), None, "given twice");
        drop(TcpListener::bind(address).unwrap());
        drop(TcpListener::bind(address).expect("again, as after a restart"));
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_not_given() {
        // Not one of ours, which another test may have been given.
        let listens = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert_eq!(take(listens.local_addr().unwrap().port()), None);
    }
}
