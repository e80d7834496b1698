//! Everything that is done with the pointers of a C caller.
//!
//! What is checked: NULL, alignment, lengths, and that no output overlaps anything else that the call was given. What
//! cannot be checked is what the rules at the top of the header demand of the caller: that a pointer which is neither
//! NULL nor misaligned leads to what its type says, as many of them as its length says, for as long as the call lasts;
//! that a handle came from this library and was not freed; that nobody writes to an input, and nobody else uses an
//! output, during the call. Every SAFETY comment below rests on these rules: "the rules" for short.
//!
//! An exported function is [`call`] (or [`get`], [`get_bytes`], [`free`]) around its work. Its outputs are taken from the
//! [`Caller`] before its inputs, so that they are zero after a failure whichever argument was at fault: an output's own
//! fault is only noted when it is taken, and the first input reports it, or the end of the call.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_char, c_void};
use std::mem::MaybeUninit;
use std::{ptr, slice};

use pcrseal::Code;
use pcrseal::core::error::Error as Fault;

use crate::error::{Error, Failure, Status};
use crate::log::LogCallback;
use crate::panics::caught;

/// Longest text that a C caller hands over, in bytes without its NUL. Ours: the longest that AWS has is a role's ARN
/// of 2048; a path has 4095 at most (Linux, `PATH_MAX`).
pub(crate) const MAX_TEXT_LEN: usize = 4096;

/// Runs the work of an exported function: gives it the caller's arguments, turns its failure or its panic into a status
/// and an error handle (unless `error` is NULL), and leaves no output half written.
pub(crate) fn call(error: *mut *mut Error, work: impl FnOnce(&Caller) -> Result<(), Failure>) -> Status {
    let caller = Caller::default();
    let error = if error.is_aligned() {
        error
    } else {
        caller.note(Fault::field(Code::MisalignedPointer, "error").into());
        ptr::null_mut()
    };
    if !error.is_null() {
        caller.spans.borrow_mut().push(Span::new(error.cast(), size_of::<*mut Error>(), Way::Out));
        // SAFETY: not NULL, aligned, and by the rules writable.
        unsafe { error.write(ptr::null_mut()) };
    }
    let panicked = |place| Err(Fault::text(Code::Panic, "panic", "none", place).into());
    let outcome = caught(|| work(&caller)).unwrap_or_else(panicked);
    let outcome = caller.fault.take().map_or(outcome, Err);
    let Err(failure) = outcome else { return 0 };
    caller.clear_outputs(&failure);
    let status = failure.code().number();
    if !error.is_null() {
        let handle = caught(|| Box::into_raw(Box::new(Error::from(failure))));
        // SAFETY: as above.
        unsafe { error.write(handle.unwrap_or(ptr::null_mut())) };
    }
    status
}

/// Reads something of a handle; `otherwise` when the handle is NULL or misaligned, or reading it panics.
pub(crate) fn get<T: Sync, R>(handle: *const T, otherwise: R, read: impl FnOnce(&T) -> R) -> R {
    if handle.is_null() || !handle.is_aligned() {
        return otherwise;
    }
    // SAFETY: not NULL, aligned, and by the rules a live handle of this type; T is Sync, so that it may be shared.
    let handle = unsafe { &*handle };
    caught(|| read(handle)).unwrap_or(otherwise)
}

/// Lends bytes that a handle owns: their pointer, and their number in `len`. NULL and 0 where there are none; bytes that
/// are there and empty have a pointer that is not NULL.
pub(crate) fn get_bytes<T: Sync>(
    handle: *const T,
    len: *mut usize,
    read: impl FnOnce(&T) -> Option<&[u8]>,
) -> *const u8 {
    let place = Span::new(len.cast(), size_of::<usize>(), Way::Out);
    let lent = Span::new(handle.cast_mut().cast(), size_of::<T>(), Way::In);
    if len.is_null() || !len.is_aligned() || place.overlaps(lent) {
        return ptr::null();
    }
    let (data, found) = get(handle, (ptr::null(), 0), |handle| {
        read(handle).map_or((ptr::null(), 0), |bytes| (bytes.as_ptr(), bytes.len()))
    });
    // SAFETY: not NULL, aligned, and by the rules writable.
    unsafe { len.write(found) };
    data
}

/// Frees a handle. NULL is nothing to free.
pub(crate) fn free<T>(handle: *mut T) {
    if handle.is_null() || !handle.is_aligned() {
        return;
    }
    // SAFETY: handles of the caller come from `Out::give`, so from a Box; by the rules this one is freed once and in no
    // other thread's use.
    let handle = unsafe { Box::from_raw(handle) };
    let _ = caught(|| drop(handle));
}

/// Overwrites memory with zeros in a way that the compiler does not leave out.
pub(crate) fn zeroize(data: *mut u8, len: usize) {
    if data.is_null() || isize::try_from(len).is_err() {
        return;
    }
    // SAFETY: not NULL, a byte is always aligned, and by the rules there are `len` of them, for this call alone; nobody
    // need have initialized them.
    zeroize::Zeroize::zeroize(unsafe { slice::from_raw_parts_mut(data.cast::<MaybeUninit<u8>>(), len) });
}

/// A function of the caller's, with what it wants to be called with.
#[derive(Clone, Copy)]
pub(crate) struct Callback {
    function: unsafe extern "C" fn(*mut c_void, u32, *const c_char, *const c_char),
    user_data: *mut c_void,
}

// SAFETY: by the rules the function may be called from any thread, and from several at once, with this pointer, which
// is never read here.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// `None` for NULL.
    pub(crate) fn new(function: LogCallback, user_data: *mut c_void) -> Option<Self> {
        function.map(|function| Self { function, user_data })
    }

    /// Calls it.
    pub(crate) fn tell(self, level: u32, target: &CStr, message: &CStr) {
        // SAFETY: by the rules a function of this type, which does not unwind; the texts live until it returns.
        unsafe { (self.function)(self.user_data, level, target.as_ptr(), message.as_ptr()) };
    }
}

/// The arguments of one call. Made by [`call`] alone, so whatever comes out of it lives no longer than the call.
#[derive(Default)]
pub(crate) struct Caller {
    spans: RefCell<Vec<Span>>,
    /// Where the length of the call's buffer goes.
    buffer_len: Cell<Option<*mut usize>>,
    /// The first fault of an output.
    fault: RefCell<Option<Failure>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
    /// A buffer's bytes: never cleared, since they are written after everything else has succeeded.
    Buffer,
}

#[derive(Clone, Copy)]
struct Span {
    start: *mut u8,
    len: usize,
    way: Way,
}

impl Span {
    const fn new(start: *mut u8, len: usize, way: Way) -> Self {
        Self { start, len, way }
    }

    /// Whether they have a byte in common.
    fn overlaps(self, other: Self) -> bool {
        let end = |span: Self| span.start.addr().saturating_add(span.len);
        self.len > 0 && other.len > 0 && self.start.addr() < end(other) && other.start.addr() < end(self)
    }
}

impl Caller {
    /// A handle that is only read.
    pub(crate) fn handle<T: Sync>(&self, handle: *const T, name: &'static str) -> Result<&T, Failure> {
        self.handle_or_none(handle, name)?.ok_or_else(|| null(name))
    }

    /// A handle that may be NULL.
    pub(crate) fn handle_or_none<T: Sync>(
        &self,
        handle: *const T,
        name: &'static str,
    ) -> Result<Option<&T>, Failure> {
        self.outputs_are_good()?;
        aligned(handle, name)?;
        if handle.is_null() {
            return Ok(None);
        }
        // Its content is the library's: what the caller could overlap with it is the library's memory.
        self.register(Span::new(handle.cast_mut().cast(), size_of::<T>(), Way::In), name)?;
        // SAFETY: not NULL, aligned, and by the rules a live handle of this type; T is Sync, so that it may be shared.
        Ok(Some(unsafe { &*handle }))
    }

    /// Bytes. `(NULL, 0)` is an empty slice.
    pub(crate) fn bytes(&self, data: *const u8, len: usize, name: &'static str) -> Result<&[u8], Failure> {
        Ok(self.bytes_or_none(data, len, name)?.unwrap_or_default())
    }

    /// Bytes that may be absent: `(NULL, 0)`. With a pointer they are there, if of length 0.
    pub(crate) fn bytes_or_none(
        &self,
        data: *const u8,
        len: usize,
        name: &'static str,
    ) -> Result<Option<&[u8]>, Failure> {
        self.outputs_are_good()?;
        slice_len(data, len, name)?;
        if data.is_null() {
            return if len == 0 { Ok(None) } else { Err(null(name)) };
        }
        self.register(Span::new(data.cast_mut(), len, Way::In), name)?;
        // SAFETY: not NULL, a byte is always aligned, at most isize::MAX of them, and by the rules readable and not
        // written to during the call.
        Ok(Some(unsafe { slice::from_raw_parts(data, len) }))
    }

    /// A text that ends with a NUL: UTF-8, at most [`MAX_TEXT_LEN`] bytes.
    pub(crate) fn text(&self, text: *const c_char, name: &'static str) -> Result<&str, Failure> {
        self.text_or_none(text, name)?.ok_or_else(|| null(name))
    }

    /// A text that may be NULL.
    pub(crate) fn text_or_none(
        &self,
        text: *const c_char,
        name: &'static str,
    ) -> Result<Option<&str>, Failure> {
        self.outputs_are_good()?;
        if text.is_null() {
            return Ok(None);
        }
        let text: *const u8 = text.cast();
        // SAFETY: not NULL, and by the rules readable up to its NUL; nothing behind the NUL is read.
        let len = (0..=MAX_TEXT_LEN).find(|&at| unsafe { text.add(at).read() } == 0);
        let len = len.ok_or_else(|| {
            Fault::number(Code::InputLength, name, "a NUL within 4096 bytes", MAX_TEXT_LEN as u64 + 1)
        })?;
        self.register(Span::new(text.cast_mut(), len.saturating_add(1), Way::In), name)?;
        // SAFETY: `len` bytes have just been read; by the rules nobody writes to them during the call.
        let bytes = unsafe { slice::from_raw_parts(text, len) };
        let text = str::from_utf8(bytes).map_err(|_| Fault::field(Code::TextEncoding, name))?;
        Ok(Some(text))
    }

    /// Where a result goes.
    pub(crate) fn out<T: Copy>(&self, to: *mut T, name: &'static str) -> Out<'_, T> {
        if to.is_null() {
            self.note(null(name));
        }
        self.out_or_none(to, name).unwrap_or(Out { to: ptr::null_mut(), caller: self })
    }

    /// Where a result goes that the caller may not want: NULL.
    pub(crate) fn out_or_none<T: Copy>(&self, to: *mut T, name: &'static str) -> Option<Out<'_, T>> {
        if to.is_null() {
            return None;
        }
        let registered = aligned(to, name)
            .and_then(|()| self.register(Span::new(to.cast(), size_of::<T>(), Way::Out), name));
        match registered {
            Ok(()) => Some(Out { to, caller: self }),
            Err(fault) => {
                self.note(fault);
                None
            }
        }
    }

    /// Where bytes go: at most `capacity` at `data`, and their number in `len`. With `(NULL, 0)` the call fails with
    /// [`Code::BufferTooSmall`] and says the length.
    pub(crate) fn buffer(
        &self,
        data: *mut u8,
        capacity: usize,
        len: *mut usize,
        name: &'static str,
    ) -> Buffer<'_> {
        // Taken first: the other faults leave 0 there.
        let len = self.out(len, name);
        let registered = slice_len(data, capacity, name).and_then(|()| match (data.is_null(), capacity) {
            (true, 0) => Ok(()),
            (true, _) => Err(null(name)),
            (false, _) => self.register(Span::new(data, capacity, Way::Buffer), name),
        });
        match registered {
            Ok(()) => self.buffer_len.set((!len.to.is_null()).then_some(len.to)),
            Err(fault) => self.note(fault),
        }
        Buffer { data, capacity, len, name }
    }

    /// Notes the fault of an output. The first one counts.
    fn note(&self, fault: Failure) {
        self.fault.borrow_mut().get_or_insert(fault);
    }

    /// Ends the call where an output is at fault.
    fn outputs_are_good(&self) -> Result<(), Failure> {
        self.fault.take().map_or(Ok(()), Err)
    }

    fn register(&self, span: Span, name: &'static str) -> Result<(), Failure> {
        let mut spans = self.spans.borrow_mut();
        let writes = |span: &Span| span.way != Way::In;
        if spans.iter().any(|other| (writes(other) || writes(&span)) && other.overlaps(span)) {
            return Err(Fault::field(Code::Overlap, name).into());
        }
        spans.push(span);
        Ok(())
    }

    /// After a failure every output is NULL or 0, but for the length that a too small buffer should have. Nothing is
    /// written after [`Code::Overlap`]: it could destroy an input.
    fn clear_outputs(&self, failure: &Failure) {
        if failure.code() == Code::Overlap {
            return;
        }
        for span in self.spans.take() {
            if span.way == Way::Out {
                // SAFETY: `out_or_none` or `call` registered it: not NULL, aligned, and by the rules writable. Outputs
                // are numbers and pointers, for which zero bytes are 0 and NULL.
                unsafe { span.start.write_bytes(0, span.len) };
            }
        }
        if let (Some(to), Some(needed)) = (self.buffer_len.get(), failure.needed()) {
            // SAFETY: it is an output of type usize, as above.
            unsafe { to.write(needed) };
        }
    }
}

/// A place for a result. It is written once everything has succeeded: nothing that follows may fail.
pub(crate) struct Out<'c, T> {
    to: *mut T,
    caller: &'c Caller,
}

impl<T: Copy> Out<'_, T> {
    /// Writes it, unless the call has failed by the fault of an output.
    pub(crate) fn set(self, value: T) {
        if self.is_good() {
            // SAFETY: `Caller::out_or_none` made this: not NULL, aligned, and by the rules writable.
            unsafe { self.to.write(value) };
        }
    }

    fn is_good(&self) -> bool {
        !self.to.is_null() && self.caller.fault.borrow().is_none()
    }
}

impl<T> Out<'_, *mut T> {
    /// Hands a value over to the caller, who frees it.
    pub(crate) fn give(self, value: T) {
        if self.is_good() {
            self.set(Box::into_raw(Box::new(value)));
        }
    }
}

/// A place for bytes.
pub(crate) struct Buffer<'c> {
    data: *mut u8,
    capacity: usize,
    len: Out<'c, usize>,
    name: &'static str,
}

impl Buffer<'_> {
    /// Whether `len` bytes fit: asked before work whose result must not be lost.
    pub(crate) fn demand(&self, len: usize) -> Result<(), Failure> {
        if len <= self.capacity { Ok(()) } else { Err(Failure::too_small(self.name, self.capacity, len)) }
    }

    /// Writes them.
    pub(crate) fn write(self, bytes: &[u8]) -> Result<(), Failure> {
        self.len.caller.outputs_are_good()?;
        self.demand(bytes.len())?;
        if !bytes.is_empty() {
            // SAFETY: there are `capacity` writable bytes by the rules, as many as needed as was just checked, and not
            // NULL, since the capacity is not 0. `bytes` are the library's own or overlap nothing, as `register` checked.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.data, bytes.len()) };
        }
        self.len.set(bytes.len());
        Ok(())
    }
}

fn aligned<T>(pointer: *const T, name: &'static str) -> Result<(), Failure> {
    if pointer.is_aligned() { Ok(()) } else { Err(Fault::field(Code::MisalignedPointer, name).into()) }
}

fn null(name: &'static str) -> Failure {
    Fault::field(Code::NullPointer, name).into()
}

/// No object of C is longer than `isize::MAX`, or goes on behind the end of the address space: such a length is a
/// mistake, as of a subtraction.
fn slice_len(data: *const u8, len: usize, name: &'static str) -> Result<(), Failure> {
    if isize::try_from(len).is_ok() && data.addr().checked_add(len).is_some() {
        return Ok(());
    }
    Err(Fault::number(Code::InputLength, name, "at most PTRDIFF_MAX", len as u64).into())
}

#[cfg(test)]
mod tests;
