//! Small files, read whole into memory that is wiped.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use pcrseal_core::error::{Code, Error as Fault};
use zeroize::Zeroizing;

/// Reads a regular file of at most `max` bytes, on a thread that may block. A pipe or a device would let its
/// writer decide when the read ends.
pub(super) async fn read(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || read_blocking(&path, max)).await;
    read.unwrap_or_else(|_| Err(Fault::new(Code::CredentialsInterrupted)))
}

fn read_blocking(path: &Path, max: usize) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let unreadable = |found: &dyn std::fmt::Display| {
        let expected = format!("{} to be a readable file", path.display());
        Fault::text(Code::CredentialsFile, "file", expected, found)
    };
    // Looked at by name first: to open a pipe is to wait for its writer.
    let kind = std::fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !kind.is_file() {
        return Err(unreadable(&"no regular file"));
    }
    let mut file = File::open(path).map_err(|error| unreadable(&error))?;
    // One byte more than allowed shows that there is more.
    let mut bytes = Zeroizing::new(vec![0; max + 1]);
    let mut len = 0;
    while let Some(rest) = bytes.get_mut(len..).filter(|rest| !rest.is_empty()) {
        match file.read(rest) {
            Ok(0) => break,
            Ok(read) => len += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(unreadable(&error)),
        }
    }
    if len > max {
        return Err(Fault::text(Code::CredentialsTooLong, "file", format!("at most {max} bytes"), "more"));
    }
    bytes.truncate(len);
    Ok(bytes)
}
