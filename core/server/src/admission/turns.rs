//! Whose turn it is: fair queueing of queries by client.
//!
//! Each query gets the number of a round when it comes: the round after the one that was served last, or after the last
//! query of its client, whichever is later. So the queries of one client are in rounds of their own, those of several clients
//! share rounds, and who comes anew waits for one round and not for the whole queue (start-time fair queueing, Goyal et
//! al. 1996, with queries of equal weight). As queries take very different times, the number a client has running goes first.

use super::Caller;
use std::collections::{HashMap, VecDeque};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// For how long a client that asked is still there: it will ask again, and should not find everything taken.
const PRESENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug)]
pub(super) struct Places {
    /// Queries that run at once.
    pub(super) running: usize,
    /// Queries that wait.
    pub(super) waiting: usize,
    /// Queries of one client that run at once.
    pub(super) share: usize,
    /// Those of one client while others are there.
    pub(super) contested_share: usize,
}

/// What becomes of a query that comes.
#[derive(Debug)]
pub(super) enum Arrival {
    Runs,
    /// Until the channel says that it runs. When the channel closes without, another took the place in the queue.
    Waits {
        number: u64,
        admitted: oneshot::Receiver<()>,
    },
    Refused,
}

#[derive(Debug)]
pub(super) struct Turns {
    places: Places,
    running: usize,
    waiting: usize,
    /// Of clients with a query that runs or waits, and of no others.
    clients: HashMap<Caller, Client>,
    /// The last two clients that came, and when they last did.
    came: [Option<(Caller, Instant)>; 2],
    /// The latest round that was served.
    round: u64,
    arrived: u64,
}

#[derive(Debug, Default)]
struct Client {
    running: usize,
    /// The round of its latest query.
    round: u64,
    /// In the order of arrival, which is that of rounds.
    waiting: VecDeque<Query>,
}

#[derive(Debug)]
struct Query {
    number: u64,
    round: u64,
    admitted: oneshot::Sender<()>,
}

impl Turns {
    pub(super) fn new(places: Places) -> Self {
        Self { places, running: 0, waiting: 0, clients: HashMap::new(), came: [None; 2], round: 0, arrived: 0 }
    }

    pub(super) fn arrive(&mut self, caller: Caller, now: Instant) -> Arrival {
        self.note(caller, now);
        // Others may have gone, so that a share is larger. Whoever still waits while a place is free has its share, and nobody
        // is overtaken below.
        self.admit(now);
        let running = self.clients.get(&caller).map_or(0, |client| client.running);
        if self.running < self.places.running && running < self.share(caller, now) {
            self.running += 1;
            let round = self.next_round(caller);
            self.round = self.round.max(round);
            self.client(caller, round).running += 1;
            return Arrival::Runs;
        }
        if self.waiting >= self.places.waiting && !self.displace_for(caller) {
            return Arrival::Refused;
        }
        self.waiting += 1;
        self.arrived += 1;
        let (sender, admitted) = oneshot::channel();
        let (number, round) = (self.arrived, self.next_round(caller));
        self.client(caller, round).waiting.push_back(Query { number, round, admitted: sender });
        Arrival::Waits { number, admitted }
    }

    /// A query that waits does so no longer.
    pub(super) fn give_up(&mut self, caller: Caller, number: u64) {
        let Some(client) = self.clients.get_mut(&caller) else { return };
        let before = client.waiting.len();
        client.waiting.retain(|query| query.number != number);
        self.waiting -= before - client.waiting.len();
        self.forget_if_idle(caller);
    }

    /// A query that ran does so no longer.
    pub(super) fn end(&mut self, caller: Caller, now: Instant) {
        if let Some(client) = self.clients.get_mut(&caller) {
            client.running = client.running.saturating_sub(1);
        }
        self.running = self.running.saturating_sub(1);
        self.forget_if_idle(caller);
        self.admit(now);
    }

    fn note(&mut self, caller: Caller, now: Instant) {
        if self.came[0].is_none_or(|(last, _)| last != caller) {
            self.came.swap(0, 1);
        }
        self.came[0] = Some((caller, now));
    }

    /// Queries of this client that may run at once.
    fn share(&self, caller: Caller, now: Instant) -> usize {
        let is_other = |other: &Caller| *other != caller;
        let has_come =
            self.came.iter().flatten().any(|(other, at)| is_other(other) && now.duration_since(*at) < PRESENCE);
        if has_come || self.clients.keys().any(is_other) { self.places.contested_share } else { self.places.share }
    }

    fn admit(&mut self, now: Instant) {
        while self.waiting > 0 && self.running < self.places.running && self.admit_next(now) {}
    }

    /// Lets one query run whose turn it is. Says whether there was one.
    fn admit_next(&mut self, now: Instant) -> bool {
        let candidates = self.clients.iter().filter_map(|(caller, client)| {
            let first = client.waiting.front()?;
            let has_room = client.running < self.share(*caller, now);
            has_room.then_some((client.running, first.round, first.number, *caller))
        });
        let Some((.., caller)) = candidates.min_by_key(|(running, round, number, _)| (*running, *round, *number))
        else {
            return false;
        };
        let Some(client) = self.clients.get_mut(&caller) else { return false };
        let Some(query) = client.waiting.pop_front() else { return false };
        self.waiting -= 1;
        self.round = self.round.max(query.round);
        // Who waits is in the queue for as long as it listens. Should it not listen, it does not run.
        if query.admitted.send(()).is_ok() {
            client.running += 1;
            self.running += 1;
        }
        self.forget_if_idle(caller);
        true
    }

    /// Takes a place in the queue from the client with the most queries there, if that leaves it as many as the caller then has.
    fn displace_for(&mut self, caller: Caller) -> bool {
        let own = self.clients.get(&caller).map_or(0, |client| client.waiting.len());
        let longest = self.clients.iter().max_by_key(|(_, client)| (client.waiting.len(), client.running));
        let Some((&displaced, client)) = longest else { return false };
        if client.waiting.len() < own + 2 {
            return false;
        }
        if let Some(client) = self.clients.get_mut(&displaced) {
            // Dropping the sender tells the query.
            client.waiting.pop_back();
            self.waiting -= 1;
        }
        true
    }

    fn next_round(&self, caller: Caller) -> u64 {
        let own = self.clients.get(&caller).map_or(0, |client| client.round);
        self.round.max(own) + 1
    }

    fn client(&mut self, caller: Caller, round: u64) -> &mut Client {
        let client = self.clients.entry(caller).or_default();
        client.round = round;
        client
    }

    /// All queries of an idle client were served, so its round says nothing that the latest does not.
    fn forget_if_idle(&mut self, caller: Caller) {
        if self.clients.get(&caller).is_some_and(|client| client.running == 0 && client.waiting.is_empty()) {
            self.clients.remove(&caller);
        }
    }
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.running == 0 && self.waiting == 0 && self.clients.is_empty()
    }

    #[cfg(test)]
    pub(super) fn is_within_limits(&self) -> bool {
        let sum = |count: fn(&Client) -> usize| self.clients.values().map(count).sum::<usize>();
        let running = sum(|client| client.running);
        let waiting = sum(|client| client.waiting.len());
        (running, waiting) == (self.running, self.waiting)
            && running <= self.places.running
            && waiting <= self.places.waiting
            && self.clients.values().all(|client| client.running <= self.places.share)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::net::Ipv4Addr;

    const PLACES: Places = Places { running: 8, waiting: 8, share: 6, contested_share: 2 };

    fn caller(last: u8) -> Caller {
        Caller::at(Ipv4Addr::new(10, 0, 0, last).into())
    }

    /// How many of so many queries run.
    fn running(turns: &mut Turns, client: u8, queries: usize, now: Instant) -> usize {
        let arrivals: Vec<Arrival> = (0..queries).map(|_| turns.arrive(caller(client), now)).collect();
        std::mem::forget(arrivals);
        turns.clients[&caller(client)].running
    }

    #[test]
    fn a_client_that_is_alone_has_more_than_one_beside_others() {
        let now = Instant::now();
        let mut turns = Turns::new(PLACES);
        assert_eq!(running(&mut turns, 1, 10, now), 6);
        assert_eq!(running(&mut turns, 2, 1, now), 1);
        // What runs goes on; what waits is let in when there are fewer than the share of a client among others.
        for left in [5, 4, 3, 2, 2] {
            turns.end(caller(1), now);
            assert_eq!(turns.clients[&caller(1)].running, left);
        }
        assert_eq!(turns.clients[&caller(1)].waiting.len(), 3);
        // The other is still there for a while after its query.
        turns.end(caller(2), now);
        turns.end(caller(1), now + PRESENCE / 2);
        assert_eq!((turns.running, turns.waiting), (2, 2));
        turns.end(caller(1), now + PRESENCE);
        assert_eq!((turns.running, turns.waiting), (3, 0));
    }

    #[test]
    fn who_comes_again_does_not_overtake_what_it_has_waiting() {
        let now = Instant::now();
        let mut turns = Turns::new(PLACES);
        running(&mut turns, 2, 1, now);
        turns.end(caller(2), now);
        assert_eq!(running(&mut turns, 1, 4, now), 2);
        let later = now + PRESENCE;
        assert!(matches!(turns.arrive(caller(1), later), Arrival::Runs));
        assert_eq!((turns.running, turns.waiting), (5, 0));
    }

    #[test]
    fn many_clients_take_all_places() {
        let now = Instant::now();
        let mut turns = Turns::new(PLACES);
        let mut all = 0;
        for client in 1..=5 {
            all += running(&mut turns, client, 2, now);
        }
        // The first had no others when it came.
        assert_eq!((all, turns.running, turns.waiting), (8, 8, 2));
    }
}
