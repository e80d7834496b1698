//! How the request's fields reach a program that reads files.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use pcrseal_core::error::{Code, Error};
use rustix::rand::{GetRandomFlags, getrandom};

/// A folder for one run of the program, readable by this user alone, and gone when this is dropped.
///
/// Files, because the program has three options that each take a path. Pipes and anonymous files have paths too
/// (`/dev/fd/3`), but only by being inherited, and then by every other program that another thread starts at that moment;
/// and those below `/proc/PID` are closed to a process that denies core dumps. What is in the files is public, so that a
/// folder that outlives a killed process is litter, not a leak; and whoever could alter them is found out, because
/// the document is compared with the request.
pub(super) struct Handover(PathBuf);

impl Handover {
    /// Makes the folder, with a name that nobody can guess or take: an existing one, or a link, is an error.
    pub(super) fn new(parent: Option<&Path>) -> Result<Self, Error> {
        let mut name = [0; 16];
        // As many bytes as asked for: the kernel gives up to 256 at once or fails.
        getrandom(&mut name, GetRandomFlags::empty())
            .map_err(|error| failed(Path::new("getrandom"), &error.into()))?;
        let name = format!("pcrseal-{:032x}", u128::from_ne_bytes(name));
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        // Absolute, because the program has another working directory than this process.
        let path = std::path::absolute(&parent).map_err(|error| failed(&parent, &error))?.join(name);
        DirBuilder::new().mode(0o700).create(&path).map_err(|error| failed(&path, &error))?;
        Ok(Self(path))
    }

    /// Writes one field, and gives its path.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Error> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(bytes))
            .map_err(|error| failed(&path, &error))?;
        Ok(path)
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        // Nothing can be done about a folder that does not go, and it harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn failed(path: &Path, error: &std::io::Error) -> Error {
    Error::at(Code::NitroTpmTool, path.display().to_string(), "a private folder for the request", error)
}
