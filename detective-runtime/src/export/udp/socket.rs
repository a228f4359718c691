//! The socket on which opentelemetry-jaeger sends, and the runtime through which it asks for it.
#![expect(deprecated, reason = "the crate has no successor for this protocol")]

use std::fmt::Debug;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket as StdSocket};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use futures_util::stream::Pending;
use opentelemetry_jaeger::JaegerTraceRuntime;
use opentelemetry_sdk_0_23::runtime::{Runtime, RuntimeChannel, TrySend, TrySendError};
use tokio::net::UdpSocket;

/// How fast datagrams follow each other. The kernel buffers about 200 kB for an agent that is busy
/// (Linux, `net.core.rmem_default`), and silently throws away what comes beyond; at 16 MB a second
/// an agent may be away for 10 ms.
const BYTES_PER_MICROSECOND: u64 = 16;

/// Opens sockets to `agent`, whatever address they are asked for.
#[derive(Debug, Clone)]
pub(super) struct AgentRuntime {
    pub(super) agent: SocketAddr,
}

#[async_trait]
impl JaegerTraceRuntime for AgentRuntime {
    type Socket = UdpSocket;

    fn create_socket<T: ToSocketAddrs>(&self, _endpoint: T) -> thrift::Result<UdpSocket> {
        let local: SocketAddr = match self.agent {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = StdSocket::bind(local)?;
        socket.connect(self.agent)?;
        socket.set_nonblocking(true)?;
        Ok(UdpSocket::from_std(socket)?)
    }

    async fn write_to_socket(&self, socket: &UdpSocket, payload: Vec<u8>) -> thrift::Result<()> {
        let result = socket.send(&payload).await;
        if let Err(error) = &result
            && error.kind() == io::ErrorKind::ConnectionRefused
        {
            // This is the answer to an earlier datagram, and this one was not sent. It goes out
            // now, in case the agent is back; the error counts for the one that was lost.
            socket.send(&payload).await?;
        }
        let pause = payload.len() as u64 / BYTES_PER_MICROSECOND;
        tokio::time::sleep(Duration::from_micros(pause)).await;
        result?;
        Ok(())
    }
}

// The exporter is used alone, without the batch processor that the rest of a runtime is for.

impl Runtime for AgentRuntime {
    type Interval = Pending<()>;
    type Delay = BoxFuture<'static, ()>;

    fn interval(&self, _duration: Duration) -> Self::Interval {
        futures_util::stream::pending()
    }

    fn spawn(&self, future: BoxFuture<'static, ()>) {
        tokio::spawn(future);
    }

    fn delay(&self, duration: Duration) -> Self::Delay {
        Box::pin(tokio::time::sleep(duration))
    }
}

impl RuntimeChannel for AgentRuntime {
    type Receiver<T: Debug + Send> = Pending<T>;
    type Sender<T: Debug + Send> = ClosedSender<T>;

    fn batch_message_channel<T: Debug + Send>(
        &self,
        _capacity: usize,
    ) -> (Self::Sender<T>, Self::Receiver<T>) {
        (
            ClosedSender(std::marker::PhantomData),
            futures_util::stream::pending(),
        )
    }
}

/// The sending half of a channel that takes nothing.
#[derive(Debug)]
pub(super) struct ClosedSender<T>(std::marker::PhantomData<fn(T)>);

impl<T: Debug + Send> TrySend for ClosedSender<T> {
    type Message = T;

    fn try_send(&self, _item: T) -> Result<(), TrySendError> {
        Err(TrySendError::ChannelClosed)
    }
}
