//! Clients that ask over HTTP, each from an address of its own, and what they notice.
//!
//! A query has a connection to itself, and nothing is shared between clients, so that what they wait for is the broker.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// For one answer. The broker gives a query less.
const LIMIT: Duration = Duration::from_secs(150);

/// Clients that do the same.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    pub(super) endpoint: SocketAddr,
    /// With `{n}` for a number that is another each time.
    pub(super) query: String,
    pub(super) clients: usize,
    pub(super) from: From,
    /// How long a client waits when it is told to come back.
    pub(super) patience: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// All from the same address.
    One(Ipv4Addr),
    /// Each from its own.
    Many,
}

/// What all of a crowd noticed.
#[derive(Debug, Default)]
pub(super) struct Noticed {
    /// Of answers.
    latencies: Vec<Duration>,
    /// Told to come back.
    pub(super) refused: u64,
    /// Anything else that is no answer.
    pub(super) failed: Vec<String>,
    elapsed: Duration,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Summary {
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) failed: u64,
    /// Answers a second.
    pub(super) throughput: f64,
    /// Milliseconds.
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) most: f64,
}

enum Reply {
    Answer,
    /// Code 503 or 429.
    ComeBack,
}

impl Crowd {
    /// Asks until the time is over. Answers that come later count as well.
    pub(super) async fn ask_for(self, time: Duration) -> Noticed {
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            clients.spawn(client(self.clone(), number, begun + time));
        }
        let mut all = Noticed::default();
        while let Some(ended) = clients.join_next().await {
            match ended {
                Ok(noticed) => all.add(noticed),
                Err(error) => all.failed.push(error.to_string()),
            }
        }
        all.elapsed = begun.elapsed();
        all
    }
}

async fn client(crowd: Crowd, number: usize, until: Instant) -> Noticed {
    let address = crowd.from.address(number);
    let mut noticed = Noticed::default();
    let mut asked = number;
    while Instant::now() < until {
        asked += crowd.clients;
        let query = crowd.query.replace("{n}", &(asked % 100_000).to_string());
        let begun = Instant::now();
        match timeout(LIMIT, ask(crowd.endpoint, address, &query)).await {
            Ok(Ok(Reply::Answer)) => noticed.latencies.push(begun.elapsed()),
            Ok(Ok(Reply::ComeBack)) => {
                noticed.refused += 1;
                tokio::time::sleep(crowd.patience).await;
            }
            Ok(Err(error)) => noticed.failed.push(format!("{error:#}")),
            Err(_) => noticed.failed.push(format!("no answer within {} s", LIMIT.as_secs())),
        }
    }
    noticed
}

impl From {
    /// The whole network 127 is of this machine.
    fn address(self, number: usize) -> IpAddr {
        let address = match self {
            Self::One(address) => address,
            Self::Many => {
                let [_, a, b, c] = u32::try_from(number % 1_000_000 + 0x1_0001).unwrap_or(1).to_be_bytes();
                Ipv4Addr::new(127, a, b, c)
            }
        };
        IpAddr::V4(address)
    }
}

async fn ask(endpoint: SocketAddr, from: IpAddr, query: &str) -> Result<Reply> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(from, 0)).with_context(|| format!("cannot ask from {from}"))?;
    let mut connection = socket.connect(endpoint).await.context("cannot connect")?;
    connection.set_nodelay(true)?;
    let request = format!(
        "POST /sparql HTTP/1.1\r\nHost: {endpoint}\r\nConnection: close\r\nAccept: text/csv\r\n\
         Content-Type: application/sparql-query\r\nContent-Length: {}\r\n\r\n{query}",
        query.len()
    );
    connection.write_all(request.as_bytes()).await?;
    read(connection).await
}

/// What a cut answer lacks is the end.
#[derive(Clone, Copy)]
enum End {
    /// As many bytes in all.
    At(u64),
    /// An empty chunk.
    Chunk,
}

async fn read(mut connection: TcpStream) -> Result<Reply> {
    let mut head = Vec::new();
    let mut piece = vec![0; 64 << 10];
    let body = loop {
        let count = connection.read(&mut piece).await?;
        ensure!(count > 0 && head.len() < 64 << 10, "no whole head came");
        head.extend_from_slice(&piece[..count]);
        if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let text = String::from_utf8_lossy(&head[..body]).to_ascii_lowercase();
    let end = match text.lines().find_map(|line| line.strip_prefix("content-length:")) {
        Some(length) => End::At(body as u64 + length.trim().parse::<u64>()?),
        None => End::Chunk,
    };
    let (mut total, mut last) = (head.len() as u64, head.clone());
    loop {
        let count = connection.read(&mut piece).await?;
        if count == 0 {
            break;
        }
        total += count as u64;
        // Only the last few bytes are of interest, in however many pieces they came.
        last.extend_from_slice(&piece[..count]);
        last.drain(..last.len().saturating_sub(16));
    }
    let whole = match end {
        End::At(length) => total == length,
        End::Chunk => last.ends_with(b"\r\n0\r\n\r\n"),
    };
    match text.split_whitespace().nth(1) {
        Some("200") if whole => Ok(Reply::Answer),
        Some("200") => bail!("the answer was cut"),
        Some("503" | "429") => Ok(Reply::ComeBack),
        status => bail!("status {}", status.unwrap_or_default()),
    }
}

impl Noticed {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.refused += other.refused;
        self.failed.extend(other.failed);
    }

    #[allow(clippy::cast_precision_loss, reason = "a rate")]
    pub(super) fn summary(&self) -> Summary {
        let mut millis: Vec<f64> = self.latencies.iter().map(|time| time.as_secs_f64() * 1e3).collect();
        millis.sort_by(f64::total_cmp);
        // The least that so many of a hundred do not exceed.
        let of = |percent: usize| {
            millis.get((millis.len() * percent).div_ceil(100).saturating_sub(1)).copied().unwrap_or_default()
        };
        Summary {
            answered: millis.len() as u64,
            refused: self.refused,
            failed: self.failed.len() as u64,
            throughput: millis.len() as f64 / self.elapsed.as_secs_f64().max(1e-9),
            p50: of(50),
            p99: of(99),
            most: of(100),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::net::TcpListener;

    /// Answers each connection with the next of the texts.
    async fn server(texts: &'static [&'static str]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            for text in texts {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                assert!(stream.read(&mut request).await.unwrap() > 0);
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        address
    }

    #[tokio::test]
    async fn only_whole_answers_are_answers() {
        let texts: &[&str] = &[
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n1234",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n",
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
            "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
            "",
        ];
        let endpoint = server(texts).await;
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
        let mut said = Vec::new();
        for _ in texts {
            said.push(match ask(endpoint, from, "q").await {
                Ok(Reply::Answer) => "answer".to_owned(),
                Ok(Reply::ComeBack) => "come back".to_owned(),
                Err(error) => error.to_string(),
            });
        }
        let expected = [
            "answer",
            "the answer was cut",
            "answer",
            "the answer was cut",
            "come back",
            "status 500",
            "no whole head came",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn many_clients_have_as_many_addresses() {
        let addresses: std::collections::HashSet<IpAddr> =
            (0..1_000).map(|number| From::Many.address(number)).collect();
        assert_eq!(addresses.len(), 1_000);
        assert!(addresses.iter().all(IpAddr::is_loopback));
    }

    #[test]
    fn a_summary_is_of_what_was_answered() {
        let latencies = (1..=200).map(Duration::from_millis).collect();
        let noticed =
            Noticed { latencies, refused: 3, failed: vec!["no".to_owned()], elapsed: Duration::from_secs(10) };
        let summary = noticed.summary();
        assert_eq!((summary.p50, summary.p99, summary.most, summary.throughput), (100.0, 198.0, 200.0, 20.0));
        assert_eq!((summary.answered, summary.refused, summary.failed), (200, 3, 1));
        assert_eq!(Noticed::default().summary().p99, 0.0);
    }
}
