//! A toy store with `#[investigate]` on its functions: the program to copy from.
//!
//! This file has everything that Detective needs from a program: it starts Detective first, puts the
//! handle into the state, and serves. The rest is an ordinary store with `#[investigate]` on its
//! functions.

#![allow(
    unreachable_pub,
    reason = "a program has no outside, and `pub` reads better than `pub(crate)`"
)]

mod arguments;
mod catalogue;
mod database;
mod error;
mod extract;
mod gift_wrap;
mod orders;
mod routes;
mod search;
mod store;
#[cfg(test)]
mod tests;
mod toys;
mod users;
mod visitors;
mod welcome;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use detective::Detective;
use tokio::net::TcpListener;

use arguments::{Arguments, Command};
use store::Store;
use welcome::say;

/// The address of the store, if `STORE_LISTEN` does not set another.
const LISTEN: &str = "127.0.0.1:8000";

/// The store's own database. Detective writes to another one, which `detective.toml` names.
const DATABASE: &str = "data/store.db";

#[tokio::main]
async fn main() -> ExitCode {
    // `cargo run -- detective check`, `config`, `init`, `doctor`
    Detective::commands(async |detective| {
        let store = open_store(&format!("http://{LISTEN}"), detective).await?;
        Ok::<_, Box<dyn Error>>(routes::router(store))
    })
    .await;
    let done = match arguments::read(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            say(arguments::HELP);
            Ok(())
        }
        Ok(Command::Run(arguments)) => run(arguments).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => welcome::apologise(error.as_ref()),
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error>> {
    welcome::log_to_stderr();
    let listener = listen().await?;
    let url = welcome::url_of(listener.local_addr()?);

    let detective = Detective::start().await?;
    let store = open_store(&url, &detective).await?;

    welcome::greet(&url, &detective, arguments.visitors);
    // The visitors stop when this is dropped.
    let _visitors = visitors::invite(arguments.visitors, &url)?;
    detective.serve(listener, routes::router(store)).await?;
    say("The toy store is closed.");
    Ok(())
}

/// Opens the store. `url` is the address at which it calls itself.
async fn open_store(url: &str, detective: &Detective) -> Result<Store, Box<dyn Error>> {
    let database = database::open(Path::new(DATABASE)).await?;
    Ok(Store::new(database, url, detective.handle())?)
}

async fn listen() -> Result<TcpListener, String> {
    let address = std::env::var("STORE_LISTEN").unwrap_or_else(|_| LISTEN.to_owned());
    TcpListener::bind(&address).await.map_err(|error| {
        format!("cannot listen on `{address}`: {error}; set `STORE_LISTEN` to another `host:port`")
    })
}
