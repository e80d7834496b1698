//! Where unsafe code stands.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

/// The files that may have it, and tests beside them.
const ALLOWED: [&str; 4] = ["locked.rs", "locked/tests.rs", "log/tests.rs", "pointer.rs"];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The lines with an unsafe block or an unsafe implementation: whatever `unsafe` is beside an exported function's
/// signature, an export's name, and the type of a callback.
fn unsafe_lines(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let said = code.filter(|line| {
        let rest = ["pub unsafe extern \"C\" fn pcrseal_", "unsafe(no_mangle)", "unsafe extern \"C\" fn("]
            .iter()
            .fold((*line).to_owned(), |line, harmless| line.replace(harmless, ""));
        rest.contains("unsafe")
    });
    // Lints are named so, too.
    said.filter(|line| !line.starts_with("#![deny(unsafe_op_in_unsafe_fn")).collect()
}

#[test]
fn unsafe_code_stands_in_two_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&folder, &mut paths);
    let mut with_unsafe = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        if !unsafe_lines(&text).is_empty() {
            with_unsafe.push(path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned());
        }
    }
    with_unsafe.sort();
    assert_eq!(with_unsafe, ALLOWED);
    assert!(paths.len() > 15, "the sources were found");
}

#[test]
fn unsafe_code_is_recognized() {
    for line in
        ["    unsafe { x() };", "unsafe impl Send for X {}", "unsafe fn x() {}", "let x = unsafe", "unsafe{"]
    {
        assert_eq!(unsafe_lines(line), [line]);
    }
    let harmless = "#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn pcrseal_x(\n// unsafe {}\nOption<unsafe extern \"C\" fn(";
    assert_eq!(unsafe_lines(harmless), [""; 0]);
}
