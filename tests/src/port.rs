//! Ports for servers that cannot be told to choose their own, and the address of this machine as others see it.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket},
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

/// An address of this machine that is not loopback, or `None` with a line on standard error when it has none. Who
/// connects to it comes from it, too, and so is another machine for all that a server can tell.
#[must_use]
pub fn outside_address() -> Option<IpAddr> {
    // Nothing is sent: the system only says which address it would send from. The other one is for documentation.
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    let address = socket
        .connect(("192.0.2.1", 9))
        .and_then(|()| socket.local_addr())
        .map(|address| address.ip());
    let address = address.ok().filter(|address| !address.is_loopback());
    if address.is_none() {
        let _ = writeln!(
            io::stderr(),
            "skipped: this machine has no address but loopback"
        );
    }
    address
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}
