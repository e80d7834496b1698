//! Shared by the integration tests; each test binary uses what it needs of it.

#![allow(dead_code, unreachable_pub)]

pub mod backends;
pub mod cms;
pub mod der_tree;
pub mod documents;
pub mod forge;
pub mod kms;
pub mod refused;
#[allow(clippy::new_without_default)]
pub mod sample;
pub mod steps;
pub mod tree;

use std::fmt::Write;
use std::path::PathBuf;

/// The folder of genuine AWS documents beside the checkout (`../shared/vectors/NAME`), which is not part of
/// the project. `None`, with a printed note, in a clone without it; a failure in CI.
pub fn vectors(name: &str) -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs ../shared/vectors/{name}");
    println!("skipped: no ../shared/vectors/{name} beside this checkout");
    None
}

/// Lower-case hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// The bytes of hex digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    assert_eq!(digits.len() % 2, 0);
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
