package pcrseal

// #include <stdint.h>
import "C"

import "runtime/cgo"

// pcrsealGoLog is what the library's log callback calls.
//
//export pcrsealGoLog
func pcrsealGoLog(log C.uintptr_t, level C.uint32_t, target, message *C.char) {
	// A panic must not unwind through the library.
	defer func() { _ = recover() }()
	if log, isLog := cgo.Handle(log).Value().(logFunc); isLog {
		log(LogLevel(level), C.GoString(target), C.GoString(message))
	}
}
