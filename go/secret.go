package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"fmt"
	"io"
	"unsafe"
)

// redacted is how a secret is printed.
const redacted = "[secret]"

// Secret is a secret in memory of the C library: locked, so that it is never swapped out, left out of core dumps, and
// wiped when it is freed. Go's memory never holds it unless the program copies it there; append, string conversions and
// most encoders do.
//
// Destroy frees it; a Secret that is forgotten is freed some time after the garbage collector finds it, unless Bytes was
// called. However it is printed or encoded, its content does not show.
type Secret struct {
	handle *handle
}

func newSecret(c *C.pcrseal_secret) *Secret {
	return &Secret{newHandle(unsafe.Pointer(c), func(c unsafe.Pointer) { C.pcrseal_secret_free((*C.pcrseal_secret)(c)) })}
}

// Use calls f with the secret and returns what f returns. The secret stays where it is until f has returned, whatever
// else happens: a Destroy beside it takes effect then. f must neither keep the slice nor write to it. Use fails with
// CodeFinished after Destroy, without a call of f.
func (s *Secret) Use(f func(secret []byte) error) error {
	h := s.owner()
	c, err := h.acquire()
	if err != nil {
		return err
	}
	defer h.release()
	return f(view(c))
}

// Bytes is a view of the secret, nil after Destroy. Nobody may write to it.
//
// The view is of memory that is unmapped by Destroy: reading it then ends the program. Whoever holds the view sees to it
// that nobody destroys the Secret meanwhile. Since a view does not keep its Secret from the garbage collector, a Secret
// that Bytes was called for is freed by Destroy alone: forgotten, it stays in locked memory. Use needs no such care.
func (s *Secret) Bytes() []byte {
	h := s.owner()
	c, err := h.acquire()
	if err != nil {
		return nil
	}
	defer h.release()
	h.keep()
	return view(c)
}

// Len is the secret's length in bytes, 0 after Destroy.
func (s *Secret) Len() int {
	h := s.owner()
	c, err := h.acquire()
	if err != nil {
		return 0
	}
	defer h.release()
	return len(view(c))
}

// Destroy wipes and frees the secret: at once, or when the last Use that runs has ended. Every view that Bytes gave is
// invalid from then on. It may be called repeatedly, and for nil.
func (s *Secret) Destroy() {
	s.owner().close()
}

// String does not show the secret.
func (s Secret) String() string {
	return redacted
}

// GoString does not show the secret.
func (s Secret) GoString() string {
	return redacted
}

// Format does not show the secret, whatever the verb.
func (s Secret) Format(state fmt.State, _ rune) {
	// What fmt gives cannot fail.
	_, _ = io.WriteString(state, redacted)
}

// MarshalText does not show the secret; so neither do JSON, XML and log packages.
func (s Secret) MarshalText() ([]byte, error) {
	return []byte(redacted), nil
}

// owner is nil where there is no secret.
func (s *Secret) owner() *handle {
	if s == nil {
		return nil
	}
	return s.handle
}

func view(c unsafe.Pointer) []byte {
	var n C.size_t
	data := C.pcrseal_secret_data((*C.pcrseal_secret)(c), &n)
	return unsafe.Slice((*byte)(data), int(n))
}
