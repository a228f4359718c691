//! Free ports for servers that cannot choose their own, and the address of this machine as other
//! machines see it.

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

/// Below Linux's ephemeral range (from 32768), so that no outgoing connection takes a port between
/// the check and the start of its server. Above the ports of well-known services.
const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

/// A loopback port that nothing uses, neither by TCP nor by UDP. Earlier calls of this process did
/// not return it.
///
/// # Panics
///
/// When there is no free port left.
#[must_use]
pub fn free_port() -> u16 {
    // Test binaries run at the same time, so each starts at another port.
    static START: OnceLock<u16> = OnceLock::new();
    static NEXT: AtomicU16 = AtomicU16::new(0);

    let start = *START.get_or_init(|| (RandomState::new().hash_one(()) % u64::from(COUNT)) as u16);
    (0..COUNT)
        .map(|_| FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed) % COUNT) % COUNT)
        .find(|&port| is_free(port))
        .expect("some of 20,000 ports are free")
}

/// An address of this machine that is not loopback. If it has none, returns `None` and writes to
/// standard error. A connection to this address also comes from it, so the server sees another
/// machine.
#[must_use]
pub fn outside_address() -> Option<IpAddr> {
    // Nothing is sent: the system only reports which address it would send from. The target is a
    // documentation address.
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
