//! The software NSM does what every Nitro Secure Module does; and whatever lies about one thing is found out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use common::{NOON, ROLE, image, index};
use pcrseal_core::pcr::{Pcr, PcrSet};
use pcrseal_emulator::Clock;
use pcrseal_emulator::nsm::{Authority, MapEncoding, Nsm, NsmConfig};
use pcrseal_nsm_conformance::{Expectations, run};

#[test]
fn the_software_nsm_conforms() {
    for config in [
        NsmConfig::new(image()).role_arn(ROLE),
        NsmConfig::new(image()).map_encoding(MapEncoding::Definite).instance_id("i-01234567"),
        NsmConfig::new(image()).debug_mode(),
    ] {
        let authority = Authority::new(&Clock::fixed(NOON)).unwrap();
        let debug = format!("{config:?}").contains("debug: true");
        let nsm = Nsm::boot(&authority, config).unwrap();
        let pcrs: PcrSet =
            (0..3).zip(if debug { [Pcr::ZERO; 3] } else { image() }).map(|(n, v)| (index(n), v)).collect();
        let expect =
            Expectations::signed_under(authority.root_der()).pcrs(pcrs).issued_within_ms(NOON..=NOON);
        for outcome in run(&nsm, &expect) {
            println!("{outcome}");
            assert!(outcome.passed(), "{outcome}");
        }
    }
}
