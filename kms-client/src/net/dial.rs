//! Connecting to a host that has several addresses: RFC 8305 ("Happy Eyeballs") in small.

use core::future::Future;
use core::time::Duration;
use std::io;
use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits::{CONNECTION_ATTEMPT_DELAY, MAX_ADDRESSES};

/// The first connection that stands.
pub(crate) async fn connect_first(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let stream = match addresses {
        [only] => TcpStream::connect(only).await?,
        several => race(several, CONNECTION_ATTEMPT_DELAY, TcpStream::connect).await?,
    };
    // One small request at a time: waiting for more to send only adds delay.
    stream.set_nodelay(true)?;
    Ok(stream)
}

//= RFC 8305 section 5
//# the client SHOULD NOT wait for the previous attempt to finish before starting the next one
/// The next address after `delay` or as soon as an attempt fails. What is still under way when one stands is dropped.
async fn race<T, F>(
    addresses: &[SocketAddr],
    delay: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<T>
where
    T: Send + 'static,
    F: Future<Output = io::Result<T>> + Send + 'static,
{
    let mut waiting = in_turn(addresses).into_iter();
    let mut attempts = JoinSet::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    loop {
        let all_started = waiting.next().map(|address| attempts.spawn(connect(address))).is_none();
        let ended = if all_started {
            attempts.join_next().await
        } else if let Ok(ended) = timeout(delay, attempts.join_next()).await {
            ended
        } else {
            continue;
        };
        match ended {
            Some(Ok(Ok(stream))) => return Ok(stream),
            Some(Ok(Err(error))) => failure = error,
            Some(Err(broken)) => failure = io::Error::other(broken),
            None => return Err(failure),
        }
    }
}

//= RFC 8305 section 4
//# If the first address in the list is an IPv6 address, then the first IPv4 address in the list should be moved
//# up in the list to be second in the list
/// The families take turns, beginning with the first address's; the order within each is the resolver's.
fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<SocketAddr>, Vec<SocketAddr>) =
        addresses.iter().copied().take(MAX_ADDRESSES).partition(|address| address.is_ipv6() == first_is_v6);
    let mut turns = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    loop {
        let pair = (first.next(), second.next());
        turns.extend(pair.0.into_iter().chain(pair.1));
        if pair == (None, None) {
            return turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{in_turn, race};
    use crate::limits::MAX_ADDRESSES;
    use core::future::pending;
    use core::time::Duration;
    use std::io;
    use std::net::SocketAddr;
    use tokio::time::{Instant, sleep};

    const DELAY: Duration = Duration::from_millis(250);

    fn addresses(ports: &[u16]) -> Vec<SocketAddr> {
        ports.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect()
    }

    /// Port 1 hangs, port 2 refuses at once, any other takes so many milliseconds.
    async fn connect(address: SocketAddr) -> io::Result<u16> {
        match address.port() {
            1 => pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            port => {
                sleep(Duration::from_millis(port.into())).await;
                Ok(port)
            }
        }
    }

    async fn outcome(ports: &[u16]) -> (Option<u16>, u128) {
        let start = Instant::now();
        let stream = race(&addresses(ports), DELAY, connect).await.ok();
        (stream, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_black_hole_costs_one_delay() {
        assert_eq!(outcome(&[1, 10]).await, (Some(10), 260));
        assert_eq!(outcome(&[1, 1, 10]).await, (Some(10), 510));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_costs_nothing() {
        assert_eq!(outcome(&[2, 2, 10]).await, (Some(10), 10));
        assert_eq!(outcome(&[2, 1, 10]).await, (Some(10), 260));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_first_address_is_not_given_up_for_a_slower_second() {
        assert_eq!(outcome(&[300, 400]).await, (Some(300), 300));
        assert_eq!(outcome(&[600, 100]).await, (Some(100), 350));
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_refuse_there_is_no_connection() {
        assert_eq!(outcome(&[2, 2, 2]).await, (None, 0));
        assert_eq!(outcome(&[]).await, (None, 0));
    }

    #[test]
    fn families_take_turns() {
        let parse = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| format!("{text}:1").parse().unwrap()).collect()
        };
        for (listed, tried) in [
            (
                ["[::1]", "[::2]", "[::3]", "127.0.0.1", "127.0.0.2"].as_slice(),
                ["[::1]", "127.0.0.1", "[::2]", "127.0.0.2", "[::3]"].as_slice(),
            ),
            (&["127.0.0.1", "127.0.0.2", "[::1]"], &["127.0.0.1", "[::1]", "127.0.0.2"]),
        ] {
            assert_eq!(in_turn(&parse(listed)), parse(tried));
        }
        assert_eq!(in_turn(&addresses(&[7; MAX_ADDRESSES + 1])).len(), MAX_ADDRESSES);
    }
}
