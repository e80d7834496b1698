//! Which library this is, what it can do, and the wiping of memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod calls;

use std::ptr;

use calls::{c, text};
use pcrseal_ffi::{
    PCRSEAL_ABI_VERSION, pcrseal_abi_version, pcrseal_has_feature, pcrseal_version, pcrseal_zeroize,
};

#[test]
fn versions() {
    assert_eq!(pcrseal_abi_version(), PCRSEAL_ABI_VERSION);
    assert_eq!(text(pcrseal_version()).unwrap(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn features_by_name() {
    let has = |name: &str| unsafe { pcrseal_has_feature(c(name).as_ptr()) };
    for name in ["host-transport", "log", "nitro-tpm", "nsm-socket", "vsock"] {
        assert!(has(name), "{name}");
    }
    let long = "vsock".repeat(1000);
    for name in ["", "vsoc", "vsock ", "VSOCK", "time-travel", &long] {
        assert!(!has(name), "{name}");
    }
    assert!(!unsafe { pcrseal_has_feature(ptr::null()) });
    assert!(!unsafe { pcrseal_has_feature(c"\xff".as_ptr()) });
}

#[test]
fn zeroize_overwrites_what_it_is_given_and_nothing_else() {
    let mut memory = [0xa5_u8; 64];
    unsafe { pcrseal_zeroize(memory.as_mut_ptr().add(8), 48) };
    assert_eq!(memory, std::array::from_fn(|at| if (8..56).contains(&at) { 0 } else { 0xa5 }));
    unsafe {
        pcrseal_zeroize(memory.as_mut_ptr(), 0);
        pcrseal_zeroize(memory.as_mut_ptr(), usize::MAX);
        pcrseal_zeroize(ptr::null_mut(), 64);
    }
    assert_eq!(memory[0], 0xa5);
}
