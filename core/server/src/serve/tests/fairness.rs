//! Clients at several addresses.
use super::*;
use std::net::{IpAddr, Ipv4Addr};

fn client_at(last: u8) -> reqwest::Client {
    let address = IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
    reqwest::Client::builder().local_address(address).build().unwrap()
}

fn asking(server: &Running, client: &reqwest::Client, query: &str) -> JoinHandle<u16> {
    let request = client.get(format!("{}/sparql?query={query}", server.url)).send();
    tokio::spawn(async move { request.await.unwrap().status().as_u16() })
}

#[tokio::test]
async fn a_client_that_floods_does_not_shut_out_another() {
    let limits = ServerOptions {
        concurrent_queries: 4,
        concurrent_queries_per_client: 3,
        contested_queries_per_client: 3,
        queued_queries: 8,
        ..ServerOptions::default()
    };
    let server = start(limits).await;
    let (flood, small) = (client_at(2), client_at(3));
    let flooding: Vec<_> = (0..40).map(|_| asking(&server, &flood, "hang")).collect();
    settles("the flood", || flooding.iter().filter(|task| task.is_finished()).count() == 40 - 3 - 8).await;
    assert_eq!(server.queries.load(Ordering::SeqCst), 3);
    for _ in 0..5 {
        assert_eq!(asking(&server, &small, "yes").await.unwrap(), 200);
    }
    // What one address has running is no matter of the connection it came by.
    assert_eq!(asking(&server, &client_at(2), "yes").await.unwrap(), 503);
    for task in flooding {
        if task.is_finished() {
            assert_eq!(task.await.unwrap(), 503);
        } else {
            task.abort();
        }
    }
    settles("the end of the flood", || server.queries.load(Ordering::SeqCst) == 0).await;
    assert_eq!(asking(&server, &flood, "yes").await.unwrap(), 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_share_of_its_own() {
    let limits = ServerOptions {
        concurrent_queries: 2,
        concurrent_queries_per_client: 1,
        queued_queries: 0,
        trusted_proxies: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
        ..ServerOptions::default()
    };
    let server = start(limits).await;
    let ask = |query: &str, from: &'static str| {
        let url = format!("{}/sparql?query={query}", server.url);
        let request = reqwest::Client::new().get(url).header("x-forwarded-for", from);
        tokio::spawn(async move { request.send().await.unwrap().status().as_u16() })
    };
    let hanging = ask("hang", "203.0.113.1");
    settles("the start", || server.queries.load(Ordering::SeqCst) == 1).await;
    assert_eq!(ask("yes", "203.0.113.1").await.unwrap(), 503);
    assert_eq!(ask("yes", "203.0.113.2").await.unwrap(), 200);
    hanging.abort();
}
