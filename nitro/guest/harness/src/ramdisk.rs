//! Ramdisks: cpio archives in the form `newc` (Linux, `Documentation/driver-api/early-userspace/buffer-format.rst`).
//!
//! They are not compressed: unpacking costs an emulated processor more than reading. Same content, same bytes:
//! the times are zero, and the order is the caller's.

/// Regular file that its owner may write, and everybody may read and run.
const PROGRAM: u32 = 0o100_755;
/// Regular file that its owner may write, and everybody may read.
const FILE: u32 = 0o100_644;
const FOLDER: u32 = 0o040_755;
/// The name that ends an archive.
const TRAILER: &str = "TRAILER!!!";
/// Names and contents begin at multiples of this.
const ALIGNMENT: usize = 4;

/// An archive in the making.
#[derive(Default)]
pub(crate) struct Ramdisk {
    bytes: Vec<u8>,
    entries: u32,
}

impl Ramdisk {
    /// Adds a folder, after its parents: `dev` or `etc/pcrseal`.
    pub(crate) fn folder(mut self, path: &str) -> Self {
        self.entry(path, FOLDER, &[]);
        self
    }

    /// Adds a program.
    pub(crate) fn program(mut self, path: &str, content: &[u8]) -> Self {
        self.entry(path, PROGRAM, content);
        self
    }

    /// Adds a file.
    pub(crate) fn file(mut self, path: &str, content: &[u8]) -> Self {
        self.entry(path, FILE, content);
        self
    }

    /// The archive.
    pub(crate) fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        // inode, mode, owner, group, links, time, length, device (2), special device (2), length of the name with
        // its zero byte, checksum
        let length = content.len();
        let name_length = path.len() + 1;
        let header = format!(
            "070701{:08x}{mode:08x}{:08x}{:08x}{:08x}{:08x}{length:08x}{:08x}{:08x}{:08x}{:08x}{name_length:08x}{:08x}",
            self.entries, 0, 0, 1, 0, 0, 0, 0, 0, 0
        );
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_aligned_and_ends_with_its_trailer() {
        let archive = Ramdisk::default().folder("etc").file("etc/a", b"12345").finish();
        let text = String::from_utf8(archive).unwrap();
        assert_eq!(text.len() % ALIGNMENT, 0);
        assert_eq!(&text[..14], "07070100000001");
        // 110 bytes of header and six of the name end at a multiple of four; five bytes of content do not.
        assert!(text.contains("etc/a\x0012345\x00\x00\x0007"), "{text:?}");
        assert!(text.trim_end_matches('\0').ends_with(TRAILER));
    }
}
