#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::env;
use std::fs::read_to_string;
use std::hint::black_box;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::*;

/// Names the byte that a child process touches, counted from the content's first.
const TOUCH: &str = "PCRSEAL_TEST_TOUCH";
const SIGSEGV: i32 = 11;

fn filled(content: &[u8]) -> Locked {
    let mut locked = Locked::new(content.len()).unwrap();
    locked.fill(content).unwrap();
    locked
}

/// What the kernel says of the mapping that an address is in.
struct Mapping {
    permissions: String,
    locked_kib: usize,
    flags: Vec<String>,
}

fn mapping(address: usize) -> Option<Mapping> {
    let smaps = read_to_string("/proc/self/smaps").unwrap();
    let mut lines = smaps.lines();
    let head = lines.by_ref().find(|line| {
        let range = line.split_whitespace().next().and_then(|range| range.split_once('-'));
        let bound = |hex: &str| usize::from_str_radix(hex, 16).ok();
        range
            .and_then(|(start, end)| Some(bound(start)?..bound(end)?))
            .is_some_and(|range| range.contains(&address))
    })?;
    let field = |name: &str| lines.clone().find_map(|line| line.strip_prefix(name)).unwrap().trim();
    Some(Mapping {
        permissions: head.split_whitespace().nth(1).unwrap().to_owned(),
        locked_kib: field("Locked:").trim_end_matches(" kB").parse().unwrap(),
        flags: field("VmFlags:").split_whitespace().map(str::to_owned).collect(),
    })
}

#[test]
fn the_content_is_locked_undumped_and_between_guards() {
    let page = page_size();
    for len in [1, 32, page - 1, page, page + 1, 65_536] {
        let content: Vec<u8> = (0..len).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let locked = filled(&content);
        assert_eq!(locked.bytes(), content);
        let start = locked.bytes().as_ptr().addr();
        let pages = len.div_ceil(page);
        assert_eq!((start + len) % page, 0, "the guard begins where the content ends");
        let data = mapping(start).unwrap();
        assert_eq!(data.permissions, "r--p");
        assert_eq!(data.locked_kib * 1024, pages * page, "{len}");
        for flag in ["lo", "dd", "wf"] {
            assert!(data.flags.iter().any(|found| found == flag), "{flag} of {:?}", data.flags);
        }
        for guard in [start + len, start + len + page - 1, start + len - pages * page - 1] {
            assert_eq!(mapping(guard).unwrap().permissions, "---p", "{len}");
        }
    }
}

#[test]
fn there_is_nothing_left_behind() {
    let mut locked = filled(&[0x5a; 5000]);
    locked.wipe();
    assert!(locked.bytes().iter().all(|byte| *byte == 0));
    let (start, end) = (locked.mapping.addr(), locked.mapping.addr() + locked.mapping_len);
    let guarded = [start, end - 1].map(|at| mapping(at).is_some_and(|found| found.permissions == "---p"));
    assert_eq!(guarded, [true, true]);
    drop(locked);
    // Another thread may have mapped something there since, but hardly memory that a fork finds empty.
    let data = mapping(start + page_size());
    assert!(data.is_none_or(|found| !found.flags.contains(&"wf".to_owned())));
}

#[test]
fn another_length_than_was_said_is_refused() {
    for content in [&b""[..], b"123", b"12345"] {
        let mut locked = Locked::new(4).unwrap();
        assert_eq!(locked.fill(content).unwrap_err().code(), Code::SecretLength);
        assert_eq!(locked.bytes(), [0; 4]);
    }
    assert_eq!(Locked::new(usize::MAX).unwrap_err().code(), Code::MemoryNotLocked);
    assert_eq!(format!("{:?}", filled(b"hunter2")), "Locked(7 bytes)");
}

/// The child: touches a byte, and is ended where it must not. Without the variable it does nothing.
#[test]
fn child_touches() {
    let Ok(offset) = env::var(TOUCH) else { return };
    let (write, offset) = offset.strip_prefix('w').map_or((false, &*offset), |offset| (true, offset));
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).unwrap();
    let locked = filled(&[7; 32]);
    let at = locked.bytes().as_ptr().wrapping_offset(offset.parse().unwrap());
    // SAFETY: what this does is what the kernel is asked to end.
    unsafe {
        if write {
            at.cast_mut().write_volatile(1);
        } else {
            black_box(at.read_volatile());
        }
    }
    drop(locked);
}

#[test]
fn whoever_touches_a_guard_is_ended() {
    let ended_by = |touch: &str| {
        let mut child = Command::new(env::current_exe().unwrap());
        child.args(["--exact", "locked::tests::child_touches", "--quiet"]).env(TOUCH, touch);
        let output = child.output().unwrap();
        (output.status.success(), output.status.signal())
    };
    let page = i64::try_from(page_size()).unwrap();
    // Inside, and in front of it on its first page.
    for touch in [0, 31, -1, 32 - page] {
        assert_eq!(ended_by(&touch.to_string()), (true, None), "{touch}");
    }
    // Behind it, far behind it, in front of its first page; and what would change it.
    for touch in [32, 32 + page - 1, 31 - page, 32 - 2 * page] {
        assert_eq!(ended_by(&touch.to_string()), (false, Some(SIGSEGV)), "{touch}");
    }
    for touch in ["w0", "w31", "w32"] {
        assert_eq!(ended_by(touch), (false, Some(SIGSEGV)), "{touch}");
    }
}
