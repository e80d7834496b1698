//! Arbitrary bytes as the bundle inside a good outer layer: what the parent instance, who knows every PCR
//! value, can put there. No panic, and nothing but the sealed secret ever comes out.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use pcrseal_core::names::Wrapping;
use pcrseal_core::unseal::Plan;
use pcrseal_fuzz::outer::Outer;
use pcrseal_fuzz::world::{SECRET_LEN, World, answer_all};

static WORLD: LazyLock<(World, Outer)> = LazyLock::new(|| {
    let world = World::usual(Wrapping::Attested);
    let outer = Outer::open(&world.seal(SECRET_LEN, &[])).expect("a good blob");
    (world, outer)
});

fuzz_target!(|data: &[u8]| {
    let (world, outer) = &*WORLD;
    let blob = outer.with_bundle(data);
    let Ok(plan) = Plan::new(&blob, &world.policy, &world.measured, b"") else { return };
    assert_eq!(plan.keys(), world.policy.seal_quorum().expect("a quorum").keys());
    if let Ok(opened) = answer_all(plan) {
        assert_eq!(opened.secret().expose(), [0x5a; SECRET_LEN]);
    }
});
