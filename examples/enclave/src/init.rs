//! What the first process of a machine owes it: file systems, kernel modules, an end.
//!
//! In an image that `nitro-cli build-enclave` made, AWS's own init does this and starts the program as another
//! process: then [`start`] and [`end`] do nothing. In an image whose `/init` is this program, the kernel starts it as
//! process 1. It starts no other process, so that there are none to be waited for.

use std::fmt::Arguments;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount};
use rustix::system::{RebootCommand, finit_module, reboot};

/// Where an image keeps the modules that its kernel needs, named in the order of loading (`10-vsock.ko.xz`).
pub const MODULES: &str = "/modules";
/// The parent instance, as its enclaves see it (AWS, `aws-nitro-enclaves-sdk-bootstrap`, `init/init.c`, `VSOCK_CID`).
pub const PARENT_CID: u32 = 3;
/// Where `nitro-cli run-enclave` waits for the word that the enclave has started (same file, `VSOCK_PORT`).
pub const HEARTBEAT_PORT: u32 = 9000;
/// The word, and the answer to it (same file, `HEART_BEAT`).
pub const HEARTBEAT: u8 = 0xb7;
/// The kernel's command line says this when [`heartbeat`] is wanted.
pub const HEARTBEAT_ARGUMENT: &str = "pcrseal.heartbeat";

/// `MODULE_INIT_COMPRESSED_FILE` (Linux, `include/uapi/linux/module.h`): the kernel decompresses the module.
const COMPRESSED: i32 = 4;
/// How long to wait before looking for a device again. Ours: short beside the second that a kernel takes to boot.
const PAUSE: Duration = Duration::from_millis(5);

/// Whether this process is the first of its machine.
pub fn is_first_process() -> bool {
    std::process::id() == 1
}

/// Mounts `/dev`, `/proc` and `/sys`, and loads the modules in [`MODULES`]. Does nothing in any other process than the
/// first. What a module's loading gives is told to `log` alone: a device that is missing afterwards shows whether
/// it mattered.
///
/// # Errors
/// What the kernel answers to a mount, with the place.
pub fn start(log: &dyn Fn(Arguments<'_>)) -> io::Result<()> {
    if !is_first_process() {
        return Ok(());
    }
    let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount_at("devtmpfs", "/dev", quiet)?;
    mount_at("proc", "/proc", quiet | MountFlags::NODEV)?;
    mount_at("sysfs", "/sys", quiet | MountFlags::NODEV)?;
    for module in modules(Path::new(MODULES))? {
        match load(&module) {
            Ok(()) => log(format_args!("loaded {}", module.display())),
            Err(error) => log(format_args!("not loaded: {}: {error}", module.display())),
        }
    }
    Ok(())
}

/// Waits until something stands at `path`; a driver makes its device when it finds its hardware, which may be after
/// its module was loaded. Returns whether it came within `limit`.
pub fn wait_for(path: impl AsRef<Path>, limit: Duration) -> bool {
    let start = Instant::now();
    loop {
        if path.as_ref().exists() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        sleep(PAUSE);
    }
}

/// Whether the kernel's command line has this argument, alone or with a value.
pub fn command_line_has(argument: &str) -> bool {
    fs::read_to_string("/proc/cmdline").is_ok_and(|line| has(&line, argument))
}

/// Tells `nitro-cli run-enclave` that the enclave has started, over a connection to [`PARENT_CID`],
/// [`HEARTBEAT_PORT`]. AWS's init does it; an image with an init of its own has to, or `run-enclave` gives up and ends
/// the enclave.
///
/// # Errors
/// What the connection answers; [`io::ErrorKind::InvalidData`] when another byte comes back.
pub fn heartbeat(mut parent: impl Read + Write) -> io::Result<()> {
    parent.write_all(&[HEARTBEAT])?;
    let mut answer = [0];
    parent.read_exact(&mut answer)?;
    let [byte] = answer;
    if byte == HEARTBEAT {
        Ok(())
    } else {
        let text = format!("expected {HEARTBEAT:#04x} back, found {byte:#04x}");
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }
}

/// Restarts the machine, which is how an enclave ends (AWS's init does the same), and QEMU with `-no-reboot`. Returns
/// in any other process than the first. When the kernel refuses it returns too: the first process then exits,
/// and the kernel ends the machine by a panic.
pub fn end() {
    if !is_first_process() {
        return;
    }
    // What was written may still be on its way to the console.
    let _ = io::stdout().flush();
    let _ = rustix::termios::tcdrain(io::stderr());
    rustix::fs::sync();
    let _ = reboot(RebootCommand::Restart);
}

fn mount_at(kind: &str, place: &str, flags: MountFlags) -> io::Result<()> {
    fs::create_dir_all(place)?;
    match mount(kind, place, kind, flags, None) {
        // Already there: the kernel mounts /dev itself when it is configured to (CONFIG_DEVTMPFS_MOUNT).
        Ok(()) | Err(Errno::BUSY) => Ok(()),
        Err(errno) => {
            let error = io::Error::from(errno);
            Err(io::Error::new(error.kind(), format!("mount {kind} at {place}: {error}")))
        }
    }
}

/// The files of a folder in the order of their names; none if there is no folder.
fn modules(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn load(path: &Path) -> io::Result<()> {
    let flags = if path.extension().is_some_and(|kind| kind == "ko") { 0 } else { COMPRESSED };
    match finit_module(File::open(path)?, c"", flags) {
        // Loaded before, or built in.
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

fn has(command_line: &str, argument: &str) -> bool {
    command_line.split_ascii_whitespace().any(|word| word.split('=').next() == Some(argument))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Wire {
        sent: Vec<u8>,
        answer: &'static [u8],
    }

    impl Read for Wire {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.answer.read(buffer)
        }
    }

    impl Write for Wire {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.sent.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn beat(answer: &'static [u8]) -> (io::Result<()>, Vec<u8>) {
        let mut wire = Wire { sent: Vec::new(), answer };
        let result = heartbeat(&mut wire);
        (result, wire.sent)
    }

    #[test]
    fn the_heartbeat_is_one_byte_each_way() {
        let (result, sent) = beat(&[0xb7]);
        assert!(result.is_ok());
        assert_eq!(sent, [0xb7]);
        let (result, _) = beat(&[0x00]);
        assert_eq!(result.unwrap_err().to_string(), "expected 0xb7 back, found 0x00");
        let (result, _) = beat(&[]);
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn an_argument_is_a_whole_word_of_the_command_line() {
        let line = "console=ttyS0 pcrseal.heartbeat panic=-1\n";
        assert!(has(line, "pcrseal.heartbeat"));
        assert!(has(line, "panic"));
        assert!(!has(line, "pcrseal"));
        assert!(!has(line, "heartbeat"));
        assert!(!has("pcrseal.heartbeats", "pcrseal.heartbeat"));
    }

    #[test]
    fn modules_come_in_the_order_of_their_names_and_a_missing_folder_has_none() {
        let folder = std::env::temp_dir().join(format!("pcrseal-modules-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        for name in ["20-nsm.ko.xz", "10-vsock.ko.xz", "11-transport.ko"] {
            fs::write(folder.join(name), "").unwrap();
        }
        let names = modules(&folder).unwrap();
        let names: Vec<_> = names.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["10-vsock.ko.xz", "11-transport.ko", "20-nsm.ko.xz"]);
        fs::remove_dir_all(&folder).unwrap();
        assert!(modules(&folder).unwrap().is_empty());
    }

    #[test]
    fn waiting_ends_when_the_path_is_there_and_when_the_time_is_up() {
        assert!(wait_for("/", Duration::ZERO));
        assert!(!wait_for("/there is no such device", Duration::from_millis(1)));
    }

    #[test]
    fn another_process_than_the_first_does_nothing() {
        assert!(!is_first_process());
        start(&|_| panic!("nothing to be told")).unwrap();
        end();
    }
}
