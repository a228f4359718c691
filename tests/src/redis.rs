//! A real Redis server that writes nothing to disk.

use std::{path::Path, process::Command};

use ::redis::{Client, Cmd, FromRedisValue};

use crate::{Folder, Process, binary, free_port};

/// A running Redis.
#[derive(Debug)]
pub struct Redis {
    process: Process,
    port: u16,
}

impl Redis {
    /// Starts one, or returns `None` when it is not installed.
    pub async fn start() -> Option<Self> {
        let program = binary::require("redis-server")?;
        let mut redis = Self::run(&program, free_port());
        redis.wait_until_ready().await;
        Some(redis)
    }

    /// Its address for `cache.url`: `redis://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.port)
    }

    /// The process. `kill` is a crash; `signal("STOP")` makes it hang, and `signal("CONT")` makes
    /// it continue.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Kills it if it is running, and starts an empty one on the same port.
    pub async fn restart(&mut self) {
        self.process.kill();
        let program = binary::require("redis-server")
            .expect("the program was there when it was started first");
        *self = Self::run(&program, self.port);
        self.wait_until_ready().await;
    }

    /// The answer to a command: `redis.command::<i64>(&["TTL", "user:1"])`.
    ///
    /// # Panics
    ///
    /// When Redis does not answer, or the answer is not a `T`.
    pub async fn command<T: FromRedisValue>(&self, words: &[&str]) -> T {
        ask(self.port, words)
            .await
            .unwrap_or_else(|error| panic!("Redis on {words:?}: {error}"))
    }

    /// The text under a key.
    pub async fn get(&self, key: &str) -> Option<String> {
        self.command(&["GET", key]).await
    }

    /// The remaining seconds of a key; `None` if there is no such key or it never expires.
    pub async fn ttl(&self, key: &str) -> Option<u64> {
        u64::try_from(self.command::<i64>(&["TTL", key]).await).ok()
    }

    /// All keys that match a pattern such as `user:*`, sorted.
    pub async fn keys(&self, pattern: &str) -> Vec<String> {
        let mut keys: Vec<String> = self.command(&["KEYS", pattern]).await;
        keys.sort();
        keys
    }

    fn run(program: &Path, port: u16) -> Self {
        let mut command = Command::new(program);
        command
            .args([
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--port",
            ])
            .arg(port.to_string());
        Self {
            process: Process::start(command, Folder::new("redis")),
            port,
        }
    }

    async fn wait_until_ready(&mut self) {
        let port = self.port;
        let answers = async || {
            ask::<String>(port, &["PING"])
                .await
                .map(drop)
                .map_err(|error| error.to_string())
        };
        self.process.wait_until_ready(answers).await;
    }
}

/// Uses a new connection, since the server may have been restarted.
async fn ask<T: FromRedisValue>(port: u16, words: &[&str]) -> ::redis::RedisResult<T> {
    let mut connection = Client::open(url(port))?
        .get_multiplexed_async_connection()
        .await?;
    let mut command = Cmd::new();
    words.iter().for_each(|word| {
        command.arg(word);
    });
    command.query_async(&mut connection).await
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}
