//! Arbitrary bytes as a sealed blob: no panic, one encoding alone, and re-binding that takes back what it did.

#![no_main]

use std::sync::LazyLock;

use ciborium::Value;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use pcrseal_core::blob::SealedBlob;
use pcrseal_core::blob::rebind::{add_binding, drop_binding};
use pcrseal_core::error::Code;
use pcrseal_core::names::Wrapping;
use pcrseal_core::unseal::Plan;
use pcrseal_fuzz::key::FixedKey;
use pcrseal_fuzz::world::{World, answer_all, image};

static WORLD: LazyLock<World> = LazyLock::new(|| World::usual(Wrapping::Attested));

fuzz_target!(|data: &[u8]| {
    // Before anything else, as an enclave meets it.
    if let Ok(plan) = Plan::new(data, &WORLD.policy, &WORLD.measured, b"") {
        let _ = answer_all(plan);
    }

    let Ok(blob) = SealedBlob::parse(data) else { return };
    assert!(encoded(&deterministic(data)) == data, "another encoding than the deterministic one");

    let world = World::new(blob.header().cluster.clone(), blob.header().wrapping);
    let more = image(0xee);
    match add_binding(data, &more, &world.policy, &FixedKey) {
        Ok(both) => {
            let parsed = SealedBlob::parse(&both).expect("an added binding keeps the blob readable");
            assert_eq!(parsed.header(), blob.header());
            assert_eq!(parsed.bindings().len(), blob.bindings().len() + 1);
            assert_eq!(drop_binding(&both, &more).as_deref(), Ok(data), "add, then drop");
        }
        Err(error) => assert!(
            matches!(error.code(), Code::BindingDuplicate | Code::BindingCount | Code::BindingRejected),
            "{error}"
        ),
    }
    for (position, binding) in blob.bindings().iter().enumerate() {
        let dropped = drop_binding(data, binding.expected());
        if blob.bindings().len() == 1 {
            assert_eq!(dropped.expect_err("the last binding stays").code(), Code::BindingCount);
            continue;
        }
        let dropped = dropped.expect("a binding that is there and not the last");
        let left = SealedBlob::parse(&dropped).expect("a dropped binding keeps the blob readable");
        let mut expected = blob.bindings().to_vec();
        expected.remove(position);
        assert_eq!(left.bindings(), expected);
    }
});

// One mutation in four writes a head with a longer argument than it needs: what libFuzzer's own mutations hardly
// ever hit, and what the reader must refuse wherever it stands.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let position = seed as usize / 4 % size.max(1);
    if seed.is_multiple_of(4) && size < max_size && position < size && data[position] & 0x1f < 24 {
        let head = data[position];
        data.copy_within(position..size, position + 1);
        data[position] = head & 0xe0 | 24;
        data[position + 1] = head & 0x1f;
        return size + 1;
    }
    fuzzer_mutate(data, size, max_size)
});

/// What an independent reader makes of the bytes, the nested header included. Every map must be sorted.
fn deterministic(bytes: &[u8]) -> Value {
    let mut value: Value = ciborium::from_reader(bytes).expect("CBOR");
    check_maps(&value);
    let protected = value
        .as_tag_mut()
        .and_then(|(_, message)| message.as_array_mut())
        .and_then(|message| message.first_mut())
        .and_then(Value::as_bytes_mut)
        .expect("COSE_Encrypt");
    let header = ciborium::from_reader(protected.as_slice()).expect("CBOR in the protected header");
    check_maps(&header);
    *protected = encoded(&header);
    value
}

//= RFC 8949 section 4.2.1: "The keys in every map MUST be sorted in the bytewise lexicographic order of their
//= deterministic encodings."
fn check_maps(value: &Value) {
    match value {
        Value::Tag(_, inner) => check_maps(inner),
        Value::Array(items) => items.iter().for_each(check_maps),
        Value::Map(entries) => {
            let keys: Vec<_> = entries.iter().map(|(key, _)| encoded(key)).collect();
            assert!(keys.is_sorted_by(|earlier, later| earlier < later), "unsorted or repeated keys");
            entries.iter().for_each(|(_, value)| check_maps(value));
        }
        _ => {}
    }
}

fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a Vec takes everything");
    bytes
}
