package pcrseal

// #include <stdint.h>
import "C"

import "runtime/cgo"

// pcrsealGoLog is what the library's log callback calls.
//
//export pcrsealGoLog
func pcrsealGoLog(log C.uintptr_t, level C.uint32_t, target, message *C.char) {
	returned := false
	defer func() {
		if !returned {
			// runtime.Goexit leaves no way back into the library, whose locks would stay held and whose calls would never
			// end, and nobody could say why.
			go panic("pcrseal: Config.Log has called runtime.Goexit")
			select {}
		}
	}()
	callLog(cgo.Handle(log), LogLevel(level), C.GoString(target), C.GoString(message))
	returned = true
}

// callLog drops a panic, which must not unwind through the library.
func callLog(log cgo.Handle, level LogLevel, target, message string) {
	defer func() { _ = recover() }()
	if call, isLog := log.Value().(logFunc); isLog {
		call(level, target, message)
	}
}
