package pcrseal

import (
	"runtime"
	"sync"
	"unsafe"
)

// handle owns a handle of the C library, which is freed once: after it was closed, and when no call uses it any more.
// Whatever is forgotten is closed by its finalizer. Every call holds its handles by acquire and release, so that the
// handle is reachable and alive for as long as C uses it.
type handle struct {
	mu     sync.Mutex
	c      unsafe.Pointer
	free   func(unsafe.Pointer)
	users  int
	closed bool
	freed  chan struct{}
}

func newHandle(c unsafe.Pointer, free func(unsafe.Pointer)) *handle {
	h := &handle{c: c, free: free, freed: make(chan struct{})}
	runtime.SetFinalizer(h, (*handle).close)
	return h
}

// acquire lends the C handle until release. It fails with CodeFinished after close, and for the handle of a value that
// no function of this package made.
func (h *handle) acquire() (unsafe.Pointer, error) {
	if h == nil {
		return nil, fail(CodeFinished, "pcrseal did not make this value")
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, fail(CodeFinished, "closed or destroyed already")
	}
	h.users++
	return h.c, nil
}

// keep takes the handle from the garbage collector: what it lends may be in use where nothing of this package is reachable.
func (h *handle) keep() {
	runtime.SetFinalizer(h, nil)
}

func (h *handle) release() {
	h.mu.Lock()
	h.users--
	last := h.closed && h.users == 0
	h.mu.Unlock()
	if last {
		h.drop()
	}
}

// close lets no further call begin, and frees the handle at once or when the last of those that run ends.
func (h *handle) close() {
	if h == nil {
		return
	}
	h.mu.Lock()
	now := !h.closed && h.users == 0
	h.closed = true
	h.mu.Unlock()
	if now {
		h.drop()
	}
}

// closeAndWait is close, and returns when the handle has been freed.
func (h *handle) closeAndWait() {
	if h != nil {
		h.close()
		<-h.freed
	}
}

func (h *handle) drop() {
	h.keep()
	h.free(h.c)
	h.c = nil
	close(h.freed)
}
