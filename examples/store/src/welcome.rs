//! The messages for the person who started the program.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;

use detective::Detective;
use tracing_subscriber::EnvFilter;

/// The URL of a server that listens on `address`, for clients on this machine. If the server listens on
/// every interface, the URL has the loopback address.
pub fn url_of(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    format!("http://{address}")
}

/// Prints the addresses to open.
pub fn greet(url: &str, detective: &Detective, visitors: usize) {
    let pages = detective
        .admin_address()
        .map_or_else(|| url.to_owned(), url_of);
    let traces = detective.config().jaeger.ui_url;
    let visitors = match visitors {
        0 => "none; `cargo run -- --visitors 20` adds some".to_owned(),
        visitors => visitors.to_string(),
    };
    say(&format!(
        "\
The toy store is open. Press ctrl-c to close it.

  store       {url}
  metrics     {pages}/metrics
  analytics   {pages}/analytics
  traces      {traces} (Jaeger's own page, if Jaeger runs)
  visitors    {visitors}
"
    ));
}

/// Writes to standard output. It ignores an error, for example when nobody reads the output.
pub fn say(text: &str) {
    let mut output = io::stdout();
    let _nobody_reads = writeln!(output, "{text}").and_then(|()| output.flush());
}

/// Prints why the program ends with an error.
pub fn apologise(error: &dyn Error) -> ExitCode {
    let _nobody_reads = writeln!(io::stderr(), "error: {error}");
    ExitCode::FAILURE
}

/// Logs to standard error. `RUST_LOG` sets the level; the default is `warn`.
pub fn log_to_stderr() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_is_one_that_can_be_called() {
        let check = |address: &str, expected: &str| {
            let address = address.parse().expect("the test gives an address");
            assert_eq!(url_of(address), expected);
        };
        check("127.0.0.1:8000", "http://127.0.0.1:8000");
        check("0.0.0.0:80", "http://127.0.0.1:80");
        check("[::]:8000", "http://[::1]:8000");
        check("192.0.2.7:8000", "http://192.0.2.7:8000");
    }
}
