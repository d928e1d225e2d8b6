#![allow(clippy::unwrap_used)]
use super::*;
use std::net::IpAddr;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const FLOOD: u8 = 1;
const SMALL: u8 = 2;

fn admission(running: usize, waiting: usize, share: usize) -> Admission {
    Admission::new(&ServerOptions {
        concurrent_queries: running,
        queued_queries: waiting,
        concurrent_queries_per_client: share,
        contested_queries_per_client: share,
        ..ServerOptions::default()
    })
}

fn caller(number: u8) -> Caller {
    Caller::at(IpAddr::from([10, 0, 0, number]))
}

fn soon() -> Instant {
    Instant::now() + Duration::from_millis(300)
}

async fn enter(admission: &Admission, client: u8) -> Result<Permit, Problem> {
    admission.enter(caller(client), soon()).await
}

/// Waits in a task of its own; it is in the queue when this returns.
async fn queue(admission: &Admission, client: u8) -> JoinHandle<Result<Permit, Problem>> {
    let admission = admission.clone();
    let task =
        tokio::spawn(async move { admission.enter(caller(client), Instant::now() + Duration::from_secs(30)).await });
    sleep(Duration::from_millis(5)).await;
    task
}

/// Gives one place back after the other, and notes who gets it.
async fn order(permit: Permit, mut waiting: Vec<(u8, JoinHandle<Result<Permit, Problem>>)>) -> Vec<u8> {
    let mut held = Some(permit);
    let mut order = Vec::new();
    while !waiting.is_empty() {
        drop(held.take());
        sleep(Duration::from_millis(5)).await;
        let served: Vec<usize> = (0..waiting.len()).filter(|i| waiting[*i].1.is_finished()).collect();
        assert_eq!(served.len(), 1, "one place is for one query");
        let (client, task) = waiting.remove(served[0]);
        order.push(client);
        held = Some(task.await.unwrap().unwrap());
    }
    order
}

#[tokio::test]
async fn the_queue_is_bounded_and_so_is_waiting() {
    let admission = admission(1, 1, 1);
    let first = enter(&admission, FLOOD).await.unwrap();
    let second = queue(&admission, FLOOD).await;
    let refused = enter(&admission, FLOOD).await.unwrap_err();
    assert_eq!(refused.message, "too many queries run and wait already (limits.queued_queries)");
    assert_eq!(refused.code, Code::Overloaded);
    drop(first);
    let second = second.await.unwrap().unwrap();
    let late = enter(&admission, FLOOD).await.unwrap_err();
    assert_eq!(late.message, "the query waited for others until its time was over");
    drop(second);
    enter(&admission, FLOOD).await.unwrap();
}

#[tokio::test]
async fn a_client_has_its_share_and_no_more() {
    let admission = admission(4, 8, 3);
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(enter(&admission, FLOOD).await.unwrap());
    }
    assert!(enter(&admission, FLOOD).await.is_err());
    // The place that is left is for others, at once and whatever waits.
    let waits = queue(&admission, FLOOD).await;
    let small = admission.enter(caller(SMALL), Instant::now()).await.unwrap();
    assert!(!waits.is_finished());
    // A place that comes back is not one more for whoever has enough.
    drop(small);
    sleep(Duration::from_millis(5)).await;
    assert!(!waits.is_finished());
    held.pop();
    waits.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_comes_anew_waits_a_round_and_not_the_whole_queue() {
    let admission = admission(1, 64, 1);
    let running = enter(&admission, FLOOD).await.unwrap();
    let mut waiting = Vec::new();
    for _ in 0..6 {
        waiting.push((FLOOD, queue(&admission, FLOOD).await));
    }
    for _ in 0..3 {
        waiting.push((SMALL, queue(&admission, SMALL).await));
    }
    let order = order(running, waiting).await;
    assert_eq!(order, [FLOOD, SMALL, FLOOD, SMALL, FLOOD, SMALL, FLOOD, FLOOD, FLOOD]);
}

/// A client that always asks again at once has no round to itself: the flood gets its turns, too.
#[tokio::test]
async fn nobody_is_passed_over_for_ever() {
    let admission = admission(1, 64, 1);
    let mut running = enter(&admission, 3).await.unwrap();
    let flood = queue(&admission, FLOOD).await;
    let mut turns = 0;
    while !flood.is_finished() {
        let next = queue(&admission, 3 + turns % 2).await;
        drop(running);
        sleep(Duration::from_millis(5)).await;
        turns += 1;
        assert!(turns < 5, "others were served {turns} times, and the first of all waits");
        if flood.is_finished() {
            next.abort();
            break;
        }
        running = next.await.unwrap().unwrap();
    }
    flood.await.unwrap().unwrap();
}

#[tokio::test]
async fn whoever_runs_fewest_is_next() {
    let admission = admission(3, 64, 3);
    let mut held = Vec::new();
    for client in [FLOOD, FLOOD, SMALL] {
        held.push(enter(&admission, client).await.unwrap());
    }
    let flood = queue(&admission, FLOOD).await;
    let other = queue(&admission, 3).await;
    drop(held.pop());
    let other = other.await.unwrap().unwrap();
    assert!(!flood.is_finished());
    drop(other);
    flood.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_full_queue_takes_from_the_client_with_the_most_in_it() {
    let admission = admission(1, 4, 1);
    let running = enter(&admission, FLOOD).await.unwrap();
    let mut flood = Vec::new();
    for _ in 0..4 {
        flood.push(queue(&admission, FLOOD).await);
    }
    assert!(enter(&admission, FLOOD).await.is_err());
    let first = queue(&admission, SMALL).await;
    let displaced = flood.pop().unwrap().await.unwrap().unwrap_err();
    assert!(displaced.message.contains("gave up its place"), "{displaced}");
    assert_eq!(displaced.code, Code::Overloaded);
    // Now it would be two each, and then nobody has more than another.
    let second = queue(&admission, SMALL).await;
    assert!(flood.pop().unwrap().await.unwrap().is_err());
    assert!(enter(&admission, SMALL).await.is_err());
    let waiting = flood.into_iter().map(|task| (FLOOD, task)).chain([(SMALL, first), (SMALL, second)]).collect();
    assert_eq!(order(running, waiting).await, [FLOOD, SMALL, FLOOD, SMALL]);
}

#[tokio::test]
async fn who_leaves_gives_the_place_back() {
    let admission = admission(1, 1, 1);
    let running = enter(&admission, FLOOD).await.unwrap();
    let waiting = queue(&admission, FLOOD).await;
    waiting.abort();
    assert!(waiting.await.unwrap_err().is_cancelled());
    let next = queue(&admission, FLOOD).await;
    drop(running);
    drop(next.await.unwrap().unwrap());
    // A turn that comes when its query is gone already is not lost.
    let running = enter(&admission, FLOOD).await.unwrap();
    {
        let mut entering = std::pin::pin!(admission.enter(caller(SMALL), Instant::now() + Duration::from_secs(30)));
        assert!(futures::poll!(entering.as_mut()).is_pending());
        drop(running);
    }
    let last = admission.enter(caller(FLOOD), Instant::now()).await.unwrap();
    drop(last);
    assert!(admission.turns().is_idle());
}

/// Whatever comes, waits, leaves and ends: no place is lost or made, and no client is remembered for nothing.
#[tokio::test]
async fn after_a_rush_everything_is_as_before() {
    let admission = admission(5, 20, 4);
    let tasks: Vec<_> = (0..400_u64)
        .map(|number| {
            let admission = admission.clone();
            tokio::spawn(async move {
                let client = u8::try_from(number % 7).unwrap();
                sleep(Duration::from_millis(number * 37 % 100)).await;
                let patience = Instant::now() + Duration::from_millis(number % 11);
                let Ok(permit) = admission.enter(caller(client), patience).await else { return false };
                assert!(admission.turns().is_within_limits());
                sleep(Duration::from_millis(number % 3)).await;
                drop(permit);
                true
            })
        })
        .collect();
    for task in tasks.iter().step_by(5) {
        task.abort();
    }
    let mut served = 0;
    for task in tasks {
        served += usize::from(task.await.unwrap_or(false));
    }
    assert!(served > 0);
    assert!(admission.turns().is_idle());
}
