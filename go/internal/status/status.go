// Package status is what the C library says about its status codes: for tests, in which cgo cannot be used.
package status

// #cgo !pcrseal_static pkg-config: pcrseal
// #cgo pcrseal_static pkg-config: --static pcrseal
// #include <pcrseal.h>
import "C"

// Name is pcrseal_status_name.
func Name(code uint32) string {
	return C.GoString(C.pcrseal_status_name(C.pcrseal_status(code)))
}

// Message is pcrseal_status_message.
func Message(code uint32) string {
	return C.GoString(C.pcrseal_status_message(C.pcrseal_status(code)))
}
