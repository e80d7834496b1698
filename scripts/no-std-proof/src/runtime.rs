//! What std would bring: the allocator (C's) and the panic handler.

use core::alloc::{GlobalAlloc, Layout};
use core::ffi::c_void;
use core::panic::PanicInfo;

unsafe extern "C" {
    fn aligned_alloc(alignment: usize, size: usize) -> *mut c_void;
    fn free(pointer: *mut c_void);
    safe fn abort() -> !;
}

struct CAllocator;

#[global_allocator]
static ALLOCATOR: CAllocator = CAllocator;

// SAFETY: `alloc` returns null or fresh memory of at least the asked size and alignment, `dealloc` gives back
// what `alloc` returned, and neither unwinds.
unsafe impl GlobalAlloc for CAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let layout = layout.pad_to_align();
        // SAFETY: a Layout's alignment is a power of two, and the padded size is a multiple of it: what C11
        // section 7.22.3.1 asks for.
        unsafe { aligned_alloc(layout.align(), layout.size()).cast() }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, _layout: Layout) {
        // SAFETY: by the contract of GlobalAlloc the pointer came from `alloc` above and is freed once.
        unsafe { free(pointer.cast()) }
    }
}

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    abort()
}
