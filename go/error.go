package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"errors"
	"fmt"
)

// Error is why a call failed. It never holds a secret.
//
// errors.Is finds its Code; and, where a context ended the call, context.Canceled or context.DeadlineExceeded besides
// CodeCancelled. errors.As finds it within an error that wraps it:
//
//	var failure *pcrseal.Error
//	if errors.As(err, &failure) {
//		log.Print(failure.Code, failure.Report)
//	}
type Error struct {
	// Code says how the call failed.
	Code Code
	// Message says what was expected and what was found, in English.
	Message string
	// Report is what every KMS key answered before the call failed; nil where none was asked.
	Report *Report

	cause error
}

// ErrABIVersion is the error where the loaded library has another interface than the header that this package was
// compiled with. Nothing of the library is used then.
var ErrABIVersion = errors.New("pcrseal: the library's interface is not the header's")

// Error is the message, without the report.
func (e *Error) Error() string {
	return "pcrseal: " + e.Message
}

// Is tells errors.Is that an error is its code.
func (e *Error) Is(target error) bool {
	code, isCode := target.(Code)
	return isCode && code == e.Code
}

// Unwrap is the context's error where a context ended the call, and nil otherwise.
func (e *Error) Unwrap() error {
	return e.cause
}

// failure makes an error of what a C function returned, and frees the error handle that the function gave.
func failure(status C.pcrseal_status, given **C.pcrseal_error) error {
	if status == C.PCRSEAL_OK {
		return nil
	}
	defer C.pcrseal_error_free(*given)
	code := Code(status)
	message := C.pcrseal_error_message(*given)
	if message == nil {
		// The library had no memory for more.
		return fail(code, code.Error()[len("pcrseal: "):])
	}
	return &Error{Code: code, Message: C.GoString(message), Report: reportOf(C.pcrseal_error_report(*given))}
}

// fail is a failure that is found without the library.
func fail(code Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

func checkABI(header, library uint32) error {
	if header == library {
		return nil
	}
	return fmt.Errorf("%w: version %d was expected and %d is loaded", ErrABIVersion, header, library)
}
