//! The accept loop: connections within limits, and a drain at the end.

use crate::routes::{Service, router};
use crate::{Health, QueryEndpoint, ServerOptions};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Streams one HTTP/2 connection may have open at once.
const STREAMS: u32 = 64;

/// Bytes of the head of a request: room for a query of the default limit in a URL, percent-encoded.
const MIN_HEAD_BYTES: usize = 64 * 1024;

/// A connection and where it comes from.
type Accepted = (TcpStream, SocketAddr);

/// A listener and what answers on it.
pub struct Server {
    listener: TcpListener,
    service: Arc<Service>,
}

impl Server {
    /// Binds the address. Nothing is answered before [`Server::run`].
    pub async fn bind(
        address: SocketAddr,
        endpoints: watch::Receiver<Arc<dyn QueryEndpoint>>,
        health: Health,
        options: ServerOptions,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        Ok(Self { listener, service: Arc::new(Service::new(endpoints, health, options)) })
    }

    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop` is ready, then lets running requests end within the drain time and breaks off the rest.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(self.service.options.connections.clamp(1, Semaphore::MAX_PERMITS)));
        let (draining, drain) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut stop = pin!(stop);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stop => break,
                // Finished connections are forgotten as they end.
                Some(_) = connections.join_next() => continue,
                accepted = accept(&self.listener, &places) => accepted,
            };
            match accepted {
                Ok((connection, place)) => {
                    connections.spawn(serve(connection, place, self.service.clone(), drain.clone()));
                }
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    // Out of file descriptors, most likely: trying again at once would spin.
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        self.service.health.set_draining();
        drop(self.listener);
        draining.send_replace(true);
        let all = async { while connections.join_next().await.is_some() {} };
        if timeout(self.service.options.drain_timeout, all).await.is_err() {
            tracing::warn!(open = connections.len(), "the drain time is over, breaking off what still runs");
            connections.shutdown().await;
        }
    }
}

/// Waits for a place first, so that connections beyond the limit wait in the backlog of the system.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> io::Result<(Accepted, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    Ok((listener.accept().await?, place))
}

async fn serve(
    (stream, address): Accepted,
    place: OwnedSemaphorePermit,
    service: Arc<Service>,
    mut drain: watch::Receiver<bool>,
) {
    let _place = place;
    // Small answers should not wait for more to send.
    stream.set_nodelay(true).ok();
    let builder = connection(&service.options);
    let handler = TowerToHyperService::new(router(service, address.ip()));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), handler));
    let mut draining = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!("connection ended: {error}");
                }
                return;
            }
            _ = drain.changed(), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn connection(options: &ServerOptions) -> Builder<TokioExecutor> {
    let head_bytes = options.query_bytes.saturating_mul(3).saturating_add(MIN_HEAD_BYTES);
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout).max_buf_size(head_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

#[cfg(test)]
mod tests;
