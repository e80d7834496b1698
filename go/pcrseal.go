package pcrseal

// #cgo !pcrseal_static pkg-config: pcrseal
// #cgo pcrseal_static pkg-config: --static pcrseal
// #include <stdlib.h>
// #include <pcrseal.h>
import "C"

import (
	"strings"
	"sync"
	"unsafe"
)

// ABIVersion is the interface's version of the loaded library. Where it is not that of the header which this package was
// compiled with, everything fails with ErrABIVersion.
func ABIVersion() uint32 {
	return uint32(C.pcrseal_abi_version())
}

// Version is the loaded library's version, "MAJOR.MINOR.PATCH".
func Version() string {
	return C.GoString(C.pcrseal_version())
}

// HasFeature says whether the loaded library can do something: "host-transport", "log", "nitro-tpm", "nsm-socket", "vsock".
// False for what it does not know.
func HasFeature(name string) bool {
	text, err := newText("name", name)
	if err != nil {
		return false
	}
	defer text.free()
	return bool(C.pcrseal_has_feature(text.c))
}

// Zeroize overwrites a slice with zeros, in a way that no compiler leaves out. It cannot reach the copies that append,
// conversions and encoders have made.
func Zeroize(data []byte) {
	c, n := bytesIn(data)
	C.pcrseal_zeroize((*C.uint8_t)(c), n)
}

var abi struct {
	once sync.Once
	err  error
}

// ready fails where the library is not the header's: before the first call of anything that was given no handle.
func ready() error {
	abi.once.Do(func() { abi.err = checkABI(C.PCRSEAL_ABI_VERSION, ABIVersion()) })
	return abi.err
}

// bytesIn lends C a slice for the length of a call; (NULL, 0) where it is empty.
func bytesIn(data []byte) (*C.uint8_t, C.size_t) {
	if len(data) == 0 {
		return nil, 0
	}
	return (*C.uint8_t)(unsafe.Pointer(&data[0])), C.size_t(len(data))
}

// present is where a slice points that is there and empty.
var present [1]byte

// optionalIn is bytesIn, and tells nil from a slice that is there and empty.
func optionalIn(data []byte) (*C.uint8_t, C.size_t) {
	if data != nil && len(data) == 0 {
		return (*C.uint8_t)(unsafe.Pointer(&present[0])), 0
	}
	return bytesIn(data)
}

// bytesOut copies what a C handle lends; nil where it is NULL.
func bytesOut(data *C.uint8_t, n C.size_t) []byte {
	if data == nil {
		return nil
	}
	return append([]byte{}, unsafe.Slice((*byte)(data), int(n))...)
}

// text is a C copy of a string.
type text struct {
	c *C.char
}

// newText copies a string for C, whose texts end at the first NUL.
func newText(name, s string) (text, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return text{}, fail(CodeTextEncoding, name+": a NUL within a text")
	}
	return text{C.CString(s)}, nil
}

// newOptionalText is NULL where the string is empty.
func newOptionalText(name, s string) (text, error) {
	if s == "" {
		return text{}, nil
	}
	return newText(name, s)
}

func (t text) free() {
	C.free(unsafe.Pointer(t.c))
}
