//! A client that may misbehave: it writes HTTP/1.1 by hand, on one connection.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

/// One connection to a server. Dropping it closes the connection.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// How the body is delimited.
    pub body: Length,
}

/// How a body is delimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// By `Content-Length`, or by a status without a body.
    Known(usize),
    /// By chunks.
    Chunked,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// When nothing listens.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Writes `text` unchanged.
    ///
    /// # Errors
    ///
    /// When the server has closed the connection.
    pub async fn write(&mut self, text: &str) -> io::Result<()> {
        self.0.get_mut().write_all(text.as_bytes()).await
    }

    /// Sends a request without a body.
    ///
    /// # Errors
    ///
    /// See [`write`](Self::write).
    pub async fn send(&mut self, method: &str, path: &str) -> io::Result<()> {
        self.write(&request(method, path, "")).await
    }

    /// Sends a GET and reads the whole response.
    ///
    /// # Errors
    ///
    /// When the connection ends before the response does.
    pub async fn get(&mut self, path: &str) -> io::Result<(u16, Vec<u8>)> {
        self.send("GET", path).await?;
        let head = self.head().await?;
        Ok((head.status, self.body(head.body).await?))
    }

    /// Reads the head of a response.
    ///
    /// # Errors
    ///
    /// When the connection ends first.
    pub async fn head(&mut self) -> io::Result<Head> {
        let line = self.line().await?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .ok_or_else(|| io::Error::other(format!("no status line: `{line}`")))?;
        let mut body = Length::Known(0);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(": ") {
                Some(("content-length", length)) => {
                    body = Length::Known(length.parse().map_err(io::Error::other)?);
                }
                Some(("transfer-encoding", _)) => body = Length::Chunked,
                Some(_) => {}
                None => return Ok(Head { status, body }),
            }
        }
    }

    /// Reads a body to its end.
    ///
    /// # Errors
    ///
    /// When the connection ends first.
    pub async fn body(&mut self, length: Length) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        match length {
            Length::Known(length) => body = self.bytes(length).await?,
            Length::Chunked => {
                while let Some(chunk) = self.chunk().await? {
                    body.extend(chunk);
                }
            }
        }
        Ok(body)
    }

    /// Reads one chunk of a chunked body; `None` at its end.
    ///
    /// # Errors
    ///
    /// When the connection ends first.
    pub async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line().await?, 16).map_err(io::Error::other)?;
        let chunk = self.bytes(length).await?;
        self.line().await?;
        Ok((length > 0).then_some(chunk))
    }

    /// Reads `count` bytes.
    ///
    /// # Errors
    ///
    /// When the connection ends first.
    pub async fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.0.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    /// Whether the server closes the connection without sending another byte.
    pub async fn is_closed(&mut self) -> bool {
        self.0.read_u8().await.is_err()
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line).await?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// The text of a request. `rest` is further header lines, each with its line end; the body comes
/// after it.
#[must_use]
pub fn request(method: &str, path: &str, rest: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n{rest}\r\n")
}
