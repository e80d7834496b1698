//! What a client with warm connections costs in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{DESCRIBE, METADATA, Reply, Server, authority::Authority, builder, ok};

const REGIONS: [&str; 5] = ["us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-central-1"];
const MIB: u64 = 1024 * 1024;

/// What AWS-LC allocates in C is not counted.
#[test]
fn five_warm_connections_stay_below_four_mib() {
    let authority = Authority::new();
    // The server runs on threads of its own, so that only the client's allocations are counted.
    let servers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let acceptor = authority.acceptor("127.0.0.1");
    let server = servers.block_on(Server::start_with(Some(acceptor), |_, _| Reply::Keep(ok(METADATA))));
    let url = format!("https://{}", server.address);

    let used = allocation_counter::measure(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let client = builder().endpoint_url(&url).root_certificate_der(authority.der()).build().unwrap();
            assert!(client.warm_up(REGIONS).await.regions.iter().all(|(_, took)| took.is_ok()));
            let answers: Vec<_> = REGIONS
                .map(|region| {
                    let client = client.clone();
                    tokio::spawn(async move { client.describe_key(region, &DESCRIBE).await })
                })
                .into();
            for answer in answers {
                answer.await.unwrap().unwrap();
            }
        });
    });
    assert_eq!((server.connections(), server.requests().len()), (5, 5));
    println!("peak with five warm connections, one request on each: {} KiB", used.bytes_max / 1024);
    assert!(used.bytes_max < 4 * MIB, "{} bytes", used.bytes_max);
}
