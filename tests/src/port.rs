//! Ports for servers that cannot be told to choose their own.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    sync::{
        OnceLock,
        atomic::{AtomicU16, Ordering},
    },
};

/// Below Linux's ephemeral range (from 32768), so that no outgoing connection takes a port between the moment it is
/// found free and the moment its server listens on it; above the ports that well-known services use.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback port that nothing listens on, neither by TCP nor by UDP, and that no earlier call of this process gave
/// out.
///
/// # Panics
///
/// When there is no free port left.
#[must_use]
pub fn free_port() -> u16 {
    // Test binaries run side by side: each starts somewhere else.
    static START: OnceLock<u16> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(0);

    let start = *START.get_or_init(|| (RandomState::new().hash_one(()) % u64::from(COUNT)) as u16);
    (0..COUNT)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|&port| is_free(port))
        .expect("some of 20,000 ports are free")
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}
