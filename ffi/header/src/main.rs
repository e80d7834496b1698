//! Writes the files that are made from the sources: `cargo run -p pcrseal-header`. `cargo test -p pcrseal-header` fails
//! where one of them has drifted. `cargo run -p pcrseal-header -- arguments` prints a test program in C, made from the
//! header as it lies there.
#![forbid(unsafe_code)]

mod arguments;
mod conventions;
mod declarations;
mod go;
mod header;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// The header, in the repository.
const HEADER: &str = "include/pcrseal.h";

/// A generated file: its path in the repository, and what belongs there.
type Generated = (PathBuf, String);

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1).as_deref() {
        None => write(),
        Some("arguments") => {
            print!("{}", arguments::program(&fs::read_to_string(repository().join(HEADER))?)?);
            Ok(())
        }
        Some(other) => Err(format!("{other:?} is not \"arguments\"").into()),
    }
}

fn write() -> Result<(), Box<dyn Error>> {
    let files = generated()?;
    for (path, content) in &files {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, content)?;
        println!("wrote {}", path.display());
    }
    let [(_, header), _] = files;
    let faults = conventions::faults(&header);
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n").into()) }
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn generated() -> Result<[Generated; 2], Box<dyn Error>> {
    let repository = repository();
    Ok([
        (repository.join(HEADER), header::write(&repository.join("ffi"))?),
        (repository.join("go/codes.go"), go::codes()),
    ])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_header_keeps_to_its_conventions() {
        let [(_, header), _] = super::generated().unwrap();
        let faults = super::conventions::faults(&header);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn the_generated_files_are_current() {
        for (path, content) in super::generated().unwrap() {
            let found = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(found == content, "{} is not current: run `cargo run -p pcrseal-header`", path.display());
        }
    }
}
