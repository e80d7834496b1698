//! Writes the files that are made from the sources: `cargo run -p pcrseal-header`. `cargo test -p pcrseal-header` fails
//! where one of them has drifted.
#![forbid(unsafe_code)]

#[cfg(test)]
mod conventions;
mod declarations;
mod go;
mod header;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// A generated file: its path in the repository, and what belongs there.
type Generated = (PathBuf, String);

fn main() -> Result<(), Box<dyn Error>> {
    for (path, content) in generated()? {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn generated() -> Result<[Generated; 2], Box<dyn Error>> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    Ok([
        (repository.join("include/pcrseal.h"), header::write(&repository.join("ffi"))?),
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
