//! What can be wrong with the device's path. The module itself is not here: `/dev/null` stands for a character device
//! that does not know the request.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, missing_docs)]

mod common;

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;

use pcrseal_core::attester::NitroSecureModule;
use pcrseal_core::error::{Code, Error};
use pcrseal_nitro::{Channel, Device, Nsm};
use rustix::fs::{CWD, FileType, Mode, makedev, mkfifoat, mknodat};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

/// A folder of its own, gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("pcrseal-device-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The error, which names the path.
#[track_caller]
fn refused(path: &Path) -> Error {
    let error = Device::open(path).expect_err("a refusal");
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert_eq!(Nsm::open_at(path).expect_err("the same refusal"), error);
    error
}

#[test]
fn no_device() {
    let folder = Folder::new("missing");
    symlink("nowhere", folder.join("dangling")).unwrap();
    for path in [&folder.join("nsm"), &folder.join("dangling"), Path::new("/dev/null/nsm"), Path::new("")] {
        let error = refused(path);
        assert_eq!(error.code(), Code::NsmDeviceMissing, "{error}");
    }
    if !Path::new(pcrseal_nitro::DEVICE).exists() {
        assert_eq!(Nsm::open().expect_err("no enclave").code(), Code::NsmDeviceMissing);
    }
}

// Opened as a plain file is, a FIFO without a peer can keep a program waiting for ever.
#[test]
fn not_a_character_device() {
    let folder = Folder::new("kind");
    fs::write(folder.join("file"), "not a device").unwrap();
    mkfifoat(CWD, folder.join("fifo"), Mode::RUSR | Mode::WUSR).unwrap();
    let _socket = UnixListener::bind(folder.join("socket")).unwrap();
    fs::create_dir(folder.join("directory")).unwrap();
    symlink("fifo", folder.join("link")).unwrap();
    for (name, kind) in [
        ("file", "a regular file"),
        ("fifo", "a FIFO"),
        ("socket", "a socket"),
        ("directory", "a directory"),
        ("link", "a FIFO"),
    ] {
        let error = refused(&folder.join(name));
        assert_eq!(error.code(), Code::NsmDeviceKind, "{error}");
        assert_eq!(common::at(&error).2, kind);
    }
    assert_eq!(fs::read(folder.join("file")).unwrap(), b"not a device");
}

#[test]
fn other_failures_of_opening() {
    let folder = Folder::new("other");
    symlink("loop", folder.join("loop")).unwrap();
    for path in [folder.join("loop"), folder.join(&"n".repeat(300))] {
        let error = refused(&path);
        assert_eq!(error.code(), Code::NsmDeviceOpen, "{error}");
        assert!(common::at(&error).2.contains("os error"), "{error}");
    }
}

/// Runs on a thread of its own, without these capabilities: they are a thread's, not the program's.
fn without<T: Send>(dropped: CapabilitySet, run: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let dropped = scope.spawn(|| {
            let mut sets = capabilities(None).unwrap();
            sets.effective -= dropped;
            set_capabilities(None, sets).unwrap();
            run()
        });
        dropped.join().unwrap()
    })
}

#[test]
fn no_permission() {
    let folder = Folder::new("permission");
    let path = folder.join("nsm");
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o000)).unwrap();
    // Root may open anything by these two.
    let error = without(CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH, || refused(&path));
    assert_eq!(error.code(), Code::NsmDevicePermission, "{error}");
    assert!(common::at(&error).2.contains("os error 13"), "{error}");
}

#[test]
fn a_node_without_a_driver_is_a_missing_device_if_it_is_of_the_right_kind() {
    let folder = Folder::new("driverless");
    // Major number 42 is kept free for samples (Linux, Documentation/admin-guide/devices.txt).
    for (kind, code) in
        [(FileType::CharacterDevice, Code::NsmDeviceMissing), (FileType::BlockDevice, Code::NsmDeviceKind)]
    {
        let path = folder.join(if kind == FileType::BlockDevice { "block" } else { "character" });
        if let Err(errno) = mknodat(CWD, &path, kind, Mode::RUSR | Mode::WUSR, makedev(42, 0)) {
            println!("skipped: device nodes cannot be made here ({errno})");
            return;
        }
        // Some file systems forbid devices as such.
        let error = refused(&path);
        if error.code() == Code::NsmDevicePermission {
            println!("skipped: {} is mounted without devices", folder.0.display());
            return;
        }
        assert_eq!(error.code(), code, "{error}");
    }
}

#[test]
fn a_device_that_does_not_know_the_request() {
    for path in ["/dev/null", "/dev/zero"] {
        let nsm = Nsm::open_at(path).unwrap();
        let error = nsm.describe().unwrap_err();
        assert_eq!(error.code(), Code::NsmIoctl);
        assert!(error.to_string().contains("Inappropriate ioctl for device (os error 25)"), "{error}");
    }
    let folder = Folder::new("link");
    symlink("/dev/null", folder.join("nsm")).unwrap();
    Device::open(folder.join("nsm")).expect("what a link leads to is what counts");
}

#[test]
fn an_empty_request_never_reaches_a_device() {
    let device = Device::open("/dev/null").unwrap();
    assert_eq!(device.exchange(&[], &mut [0; 8]).unwrap_err().code(), Code::NsmInvalidArgument);
    assert_eq!(device.exchange(&[0], &mut [0; 8]).unwrap_err().code(), Code::NsmIoctl);
}

/// The next test runs this one again, under strace.
#[test]
fn one_request_to_dev_null() {
    let error = Nsm::open_at("/dev/null").unwrap().describe().unwrap_err();
    assert!(error.to_string().contains("os error 25"), "{error}");
}

// strace answers in the kernel's place.
#[test]
fn an_interrupted_request_is_sent_again() {
    let strace = |arguments: &[&str]| Command::new("strace").args(arguments).output();
    if !strace(&["-o", "/dev/null", "true"]).is_ok_and(|output| output.status.success()) {
        println!("skipped: strace is missing, or may not trace here");
        return;
    }
    let test = std::env::current_exe().unwrap();
    let inject = "inject=ioctl:error=EINTR:when=1..3";
    let run = ["-f", "-X", "raw", "-e", "trace=ioctl", "-e", inject, test.to_str().unwrap()];
    let output = strace(&[&run[..], &["--exact", "one_request_to_dev_null"]].concat()).unwrap();
    let trace = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trace}");
    let attempts: Vec<_> = trace.lines().filter(|line| line.contains("0xc0200a00")).collect();
    assert_eq!(attempts.len(), 4, "{trace}");
    assert!(attempts[..3].iter().all(|line| line.contains("EINTR")), "{trace}");
    assert!(attempts[3].contains("ENOTTY"), "{trace}");
}
