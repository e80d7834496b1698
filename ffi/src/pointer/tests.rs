#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::cell::Cell;
use std::ffi::CString;
use std::panic::panic_any;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

/// What an output holds before a call.
const STALE: usize = 0x5a5a;

/// A pointer that is not aligned, into memory that is large enough.
fn misaligned<T>(room: &mut [T; 2]) -> *mut T {
    room.as_mut_ptr().cast::<u8>().wrapping_add(1).cast()
}

/// What the call's error says; it is freed.
fn told(error: *mut Error) -> String {
    assert!(!error.is_null());
    let message = get(error, String::new(), |error| error.message.to_str().unwrap().to_owned());
    free(error);
    message
}

/// A call without an error handle.
fn status(work: impl FnOnce(&Caller) -> Result<(), Failure>) -> Status {
    call(ptr::null_mut(), work)
}

#[test]
fn success_clears_the_error_and_writes_the_outputs() {
    let mut error = ptr::dangling_mut::<Error>();
    let (mut number, mut handle) = (STALE, ptr::null_mut::<u8>());
    let done = call(&raw mut error, |caller| {
        let (one, other) = (caller.out(&raw mut number, "number"), caller.out(&raw mut handle, "handle"));
        one.set(7);
        other.give(8);
        Ok(())
    });
    assert_eq!((done, error, number), (0, ptr::null_mut(), 7));
    assert_eq!(get(handle, 0, |byte| *byte), 8);
    free(handle);
}

#[test]
fn a_panic_is_a_status_and_leaves_no_output() {
    struct PanicsAgain;
    impl Drop for PanicsAgain {
        fn drop(&mut self) {
            panic!("and again");
        }
    }
    let works: [fn(); 2] = [|| panic!("a defect"), || panic_any(PanicsAgain)];
    for work in works {
        let (mut error, mut number, mut bytes, mut len) = (ptr::null_mut(), STALE, [0x5a_u8; 4], STALE);
        let done = call(&raw mut error, |caller| {
            let number = caller.out(&raw mut number, "number");
            let _buffer = caller.buffer(bytes.as_mut_ptr(), 4, &raw mut len, "bytes");
            number.set(7);
            work();
            Ok(())
        });
        assert_eq!(done, Code::Panic.number());
        assert_eq!((number, bytes, len), (0, [0x5a; 4], 0));
        let told = told(error);
        assert!(told.contains(Code::Panic.text()) && told.contains("pointer/tests.rs:"), "{told}");
    }
    let handle = Box::into_raw(Box::new(1_u8));
    assert_eq!(get(handle, 9, |_| panic!("a defect")), 9);
    free(handle);
    free(Box::into_raw(Box::new(PanicsAgain)));
}

#[test]
fn a_failure_clears_every_output_whichever_is_at_fault() {
    let mut bytes = [0x5a_u8; 4];
    let mut room = [0_usize; 2];
    let askew = misaligned(&mut room);
    let faults: [(*mut usize, Code); 2] =
        [(ptr::null_mut(), Code::NullPointer), (askew, Code::MisalignedPointer)];
    for (fault, code) in faults {
        let (mut first, mut last, mut len) = (STALE, STALE, STALE);
        let mut error = ptr::null_mut();
        let worked = Cell::new(false);
        let done = call(&raw mut error, |caller| {
            let outs = [
                caller.out(&raw mut first, "first"),
                caller.out(fault, "fault"),
                caller.out(&raw mut last, "last"),
            ];
            let buffer = caller.buffer(bytes.as_mut_ptr(), 4, &raw mut len, "bytes");
            caller.bytes(ptr::null(), 0, "input")?;
            worked.set(true);
            let _ = outs.map(|out| out.set(7));
            buffer.write(b"1234")
        });
        assert_eq!((done, worked.get()), (code.number(), false));
        assert_eq!((first, last, bytes, len), (0, 0, [0x5a; 4], 0));
        assert!(told(error).contains("fault"), "it names the parameter");
    }
    assert_eq!(room, [0; 2], "nothing is written to what is misaligned");
    // The length's place, and a buffer's own.
    assert_eq!(status(|caller| buffer_of(caller, bytes.as_mut_ptr(), 4, ptr::null_mut())), 8001);
    assert_eq!(status(|caller| buffer_of(caller, bytes.as_mut_ptr(), 4, askew)), 8002);
    let mut len = STALE;
    assert_eq!(status(|caller| buffer_of(caller, ptr::null_mut(), 1, &raw mut len)), 8001);
    assert_eq!((bytes, len, room), ([0x5a; 4], 0, [0; 2]));
}

fn buffer_of(caller: &Caller, data: *mut u8, capacity: usize, len: *mut usize) -> Result<(), Failure> {
    caller.buffer(data, capacity, len, "bytes").write(b"1234")
}

#[test]
fn work_without_inputs_gives_nothing_beside_a_faulty_output() {
    struct Counted<'a>(&'a AtomicU32);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let alive = AtomicU32::new(0);
    let counted = || {
        alive.fetch_add(1, Ordering::Relaxed);
        Counted(&alive)
    };
    let mut good = ptr::dangling_mut();
    let done = status(|caller| {
        let (good, bad) = (caller.out(&raw mut good, "good"), caller.out(ptr::null_mut(), "bad"));
        good.give(counted());
        bad.give(counted());
        Ok(())
    });
    assert_eq!((done, good.is_null()), (Code::NullPointer.number(), true));
    assert_eq!(alive.load(Ordering::Relaxed), 0, "nothing is left behind");
}

#[test]
fn a_misaligned_error_is_a_fault_and_is_not_written() {
    let mut room = [ptr::null_mut(); 2];
    let mut number = STALE;
    let done = call(misaligned(&mut room), |caller| {
        let number = caller.out(&raw mut number, "number");
        caller.bytes(ptr::null(), 0, "input")?;
        number.set(7);
        Ok(())
    });
    assert_eq!((done, number), (Code::MisalignedPointer.number(), 0));
    assert_eq!(room, [ptr::null_mut(); 2]);
}

#[test]
fn no_output_may_overlap_anything() {
    let code = Code::Overlap.number();
    let mut words = [STALE; 4];
    let start = words.as_mut_ptr();
    let (second, third) = (start.wrapping_add(1), start.wrapping_add(2));
    // Two outputs; an output and an input, whichever comes first.
    assert_eq!(
        status(|caller| {
            let _ = [caller.out(start, "a"), caller.out(start, "b")].map(|out| out.set(7));
            Ok(())
        }),
        code
    );
    let input = |caller: &Caller, at: *mut usize| caller.bytes(at.cast(), 8, "input").map(drop);
    for at in [start.wrapping_byte_sub(7), start, start.wrapping_byte_add(7)] {
        assert_eq!(
            status(|caller| {
                let out = caller.out(second, "out");
                input(caller, at.wrapping_add(1))?;
                out.set(7);
                Ok(())
            }),
            code
        );
    }
    assert_eq!(
        status(|caller| {
            let out = caller.out(second, "out");
            input(caller, start)?;
            input(caller, third)?;
            out.set(STALE);
            Ok(())
        }),
        0,
        "neighbours do not overlap"
    );
    // A buffer with its length inside, with an input, with a text.
    let data = start.cast::<u8>();
    let buffer = |caller: &Caller| caller.buffer(data, 32, third, "buffer").write(b"1");
    assert_eq!(status(buffer), code);
    let mut len = STALE;
    assert_eq!(
        status(|caller| {
            let buffer = caller.buffer(data, 9, &raw mut len, "buffer");
            input(caller, second)?;
            buffer.write(b"1")
        }),
        code
    );
    let mut text = *b"text\0tail";
    let text_at = text.as_mut_ptr();
    let mut with_text = |at: usize| {
        status(|caller| {
            let buffer = caller.buffer(text_at.wrapping_add(at), 1, &raw mut len, "buffer");
            assert_eq!(caller.text(text_at.cast(), "text")?, "text");
            buffer.write(b"T")
        })
    };
    assert_eq!((with_text(4), with_text(5)), (code, 0), "a text goes up to its NUL");
    assert_eq!(&text, b"text\0Tail");
    // A handle, which holds whatever the caller does not see.
    let mut handle = [STALE; 2];
    let at = handle.as_mut_ptr();
    assert_eq!(
        status(|caller| {
            let out = caller.out(at.wrapping_add(1), "out");
            caller.handle(at.cast::<[usize; 2]>(), "handle")?;
            out.set(7);
            Ok(())
        }),
        code
    );
    let mut data = ptr::dangling::<u8>();
    data = get_bytes(at.cast::<[usize; 2]>(), at.wrapping_add(1), |_| Some(b"lent")).max(data);
    assert_eq!(data, ptr::dangling(), "nothing is lent where its length would go into the handle");
    // The error handle's own place.
    let mut error: *mut Error = ptr::null_mut();
    let place = &raw mut error;
    assert_eq!(
        call(place, |caller| {
            caller.out(place, "out").give(Error::from(Failure::from(Code::Panic)));
            Ok(())
        }),
        code
    );
    assert!(told(error).contains("out"));
    assert_eq!((words, handle), ([STALE; 4], [STALE; 2]), "nothing was written");
}

#[test]
fn inputs_may_overlap_and_nothing_overlaps_no_bytes() {
    let mut words = [STALE; 2];
    let start = words.as_mut_ptr();
    let inside = start.cast::<u8>().wrapping_add(3);
    let mut len = STALE;
    assert_eq!(
        status(|caller| {
            let out = caller.out(start, "out");
            let buffer = caller.buffer(inside, 0, &raw mut len, "buffer");
            assert_eq!(caller.bytes_or_none(inside, 0, "input")?, Some(&[][..]));
            let second = start.wrapping_add(1).cast();
            assert_eq!(caller.bytes(second, 8, "one")?, caller.bytes(second, 8, "two")?);
            out.set(7);
            buffer.write(b"")
        }),
        0
    );
    assert_eq!((words, len), ([7, STALE], 0));
}

#[test]
fn lengths_that_no_object_has_are_refused() {
    let code = Code::InputLength.number();
    let mut bytes = [0x5a_u8; 4];
    let data = bytes.as_mut_ptr();
    let longest = isize::MAX.unsigned_abs();
    let mut len = STALE;
    for too_long in [longest + 1, usize::MAX] {
        assert_eq!(status(|caller| caller.bytes(data, too_long, "input").map(drop)), code);
        assert_eq!(status(|caller| caller.bytes(ptr::null(), too_long, "input").map(drop)), code);
        assert_eq!(status(|caller| buffer_of(caller, data, too_long, &raw mut len)), code);
        assert_eq!(status(|caller| buffer_of(caller, ptr::null_mut(), too_long, &raw mut len)), code);
        zeroize(data, too_long);
    }
    let last = ptr::without_provenance_mut(usize::MAX);
    assert_eq!(status(|caller| caller.bytes(last, 1, "input").map(drop)), code);
    assert_eq!(status(|caller| buffer_of(caller, last, 4, &raw mut len)), code);
    assert_eq!((bytes, len), ([0x5a; 4], 0));
    zeroize(data, 3);
    zeroize(ptr::null_mut(), 4);
    assert_eq!(bytes, [0, 0, 0, 0x5a]);
}

#[test]
fn absent_and_empty_inputs_are_told_apart() {
    let byte = 7_u8;
    let read = |data, len| {
        let found = Cell::new(None);
        let done = status(|caller| {
            found.set(caller.bytes_or_none(data, len, "input")?.map(<[u8]>::to_vec));
            Ok(())
        });
        (done, found.take())
    };
    assert_eq!(read(ptr::null(), 0), (0, None));
    assert_eq!(read(&raw const byte, 0), (0, Some(Vec::new())));
    assert_eq!(read(&raw const byte, 1), (0, Some(vec![7])));
    assert_eq!(read(ptr::null(), 1), (Code::NullPointer.number(), None));
    assert_eq!(
        status(|caller| {
            assert_eq!(caller.bytes(ptr::null(), 0, "input")?, b"");
            Ok(())
        }),
        0
    );
}

#[test]
fn a_buffer_takes_what_fits_and_says_what_it_needs() {
    let mut bytes = [0x5a_u8; 4];
    let data = bytes.as_mut_ptr();
    for (at, capacity) in [(ptr::null_mut(), 0), (data, 0), (data, 3)] {
        let (mut error, mut len, mut other) = (ptr::null_mut(), STALE, STALE);
        let done = call(&raw mut error, |caller| {
            let _other = caller.out(&raw mut other, "other");
            buffer_of(caller, at, capacity, &raw mut len)
        });
        assert_eq!((done, len, other), (Code::BufferTooSmall.number(), 4, 0));
        let message = told(error);
        assert!(
            message.contains("bytes")
                && message.contains("4 bytes")
                && message.contains(&capacity.to_string())
        );
    }
    assert_eq!(bytes, [0x5a; 4]);
    let mut len = STALE;
    assert_eq!(status(|caller| buffer_of(caller, data, 4, &raw mut len)), 0);
    assert_eq!((&bytes, len), (b"1234", 4));
}

#[test]
fn texts_end_with_a_nul_are_utf8_and_not_too_long() {
    let read = |text: &[u8]| {
        let found = Cell::new(String::new());
        let done = status(|caller| {
            found.set(caller.text(text.as_ptr().cast(), "text")?.to_owned());
            Ok(())
        });
        (done, found.take())
    };
    assert_eq!(read(b"\0"), (0, String::new()));
    assert_eq!(read("schlüssel\0".as_bytes()), (0, "schlüssel".to_owned()));
    assert_eq!(read(b"\xff\0"), (Code::TextEncoding.number(), String::new()));
    let longest = CString::new(vec![b'a'; MAX_TEXT_LEN]).unwrap();
    assert_eq!(read(longest.as_bytes_with_nul()).0, 0);
    // Nothing behind the bound is read: a byte more would be behind the slice.
    assert_eq!(read(&vec![b'a'; MAX_TEXT_LEN + 1]).0, Code::InputLength.number());
    assert_eq!(status(|caller| caller.text(ptr::null(), "text").map(drop)), Code::NullPointer.number());
    assert_eq!(
        status(|caller| {
            assert_eq!(caller.text_or_none(ptr::null(), "text")?, None);
            Ok(())
        }),
        0
    );
}

#[test]
fn handles_that_are_absent_or_misaligned_are_refused() {
    let mut room = [0_u64; 2];
    let askew = misaligned(&mut room);
    let handle = |handle| status(|caller| caller.handle::<u64>(handle, "handle").map(drop));
    assert_eq!(handle(ptr::null()), Code::NullPointer.number());
    assert_eq!(handle(askew), Code::MisalignedPointer.number());
    let none = |handle| {
        status(|caller| {
            assert!(caller.handle_or_none::<u64>(handle, "handle")?.is_none());
            Ok(())
        })
    };
    assert_eq!((none(ptr::null()), none(askew)), (0, Code::MisalignedPointer.number()));
    // Accessors answer nothing; what is freed is nothing.
    for handle in [ptr::null_mut(), askew] {
        assert_eq!(get(handle, 9, |_| 1), 9);
        let mut len = STALE;
        assert!(get_bytes(handle, &raw mut len, |_| Some(b"lent")).is_null());
        assert_eq!(len, 0);
        free(handle);
    }
    let number = 7_u64;
    let mut len = STALE;
    assert!(get_bytes(&raw const number, ptr::null_mut(), |_| Some(b"lent")).is_null());
    assert!(get_bytes(&raw const number, misaligned(&mut [0; 2]), |_| Some(b"lent")).is_null());
    assert!(get_bytes(&raw const number, &raw mut len, |_| None).is_null());
    assert_eq!(len, 0);
    assert!(!get_bytes(&raw const number, &raw mut len, |_| Some(b"")).is_null());
    assert_eq!(get_bytes(&raw const number, &raw mut len, |_| Some(b"lent")), b"lent".as_ptr());
    assert_eq!(len, 4);
}
