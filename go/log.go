package pcrseal

// #include <pcrseal.h>
// extern void pcrsealGoLog(uintptr_t log, uint32_t level, char *target, char *message);
//
// static void pcrseal_go_log(void *log, uint32_t level, const char *target, const char *message) {
//     pcrsealGoLog((uintptr_t)log, level, (char *)target, (char *)message);
// }
//
// // The number of a Go handle goes through the library as a pointer that nobody follows.
// static pcrseal_status pcrseal_go_set_log(pcrseal_config *config, uintptr_t log, uint32_t level, pcrseal_error **error) {
//     return pcrseal_config_set_log(config, log == 0 ? NULL : pcrseal_go_log, (void *)log, level, error);
// }
import "C"

import "runtime/cgo"

// LogLevel says how verbose a log is.
type LogLevel uint32

const (
	// LogError: a session does not do what it is for.
	LogError LogLevel = C.PCRSEAL_LOG_ERROR
	// LogWarn: somebody refused or failed; the call may succeed all the same.
	LogWarn LogLevel = C.PCRSEAL_LOG_WARN
	// LogInfo: a call has ended, and how.
	LogInfo LogLevel = C.PCRSEAL_LOG_INFO
	// LogDebug: every step.
	LogDebug LogLevel = C.PCRSEAL_LOG_DEBUG
	// LogTrace: everything.
	LogTrace LogLevel = C.PCRSEAL_LOG_TRACE
)

// String is the level's name.
func (l LogLevel) String() string {
	switch l {
	case LogError:
		return "error"
	case LogWarn:
		return "warn"
	case LogInfo:
		return "info"
	case LogDebug:
		return "debug"
	case LogTrace:
		return "trace"
	default:
		return "unknown"
	}
}

// logFunc is Config.Log.
type logFunc func(level LogLevel, target, message string)

// sessionLog is what a session's log callback finds its function by; 0 where there is none. It is deleted after the
// session was freed, when the library calls back no more.
type sessionLog cgo.Handle

// setLog gives a configuration the log of the next session that is made of it.
func setLog(config *C.pcrseal_config, log logFunc, level LogLevel) (sessionLog, error) {
	var handle sessionLog
	if log != nil {
		handle = sessionLog(cgo.NewHandle(log))
		if level == 0 {
			level = LogInfo
		}
	}
	var given *C.pcrseal_error
	status := C.pcrseal_go_set_log(config, C.uintptr_t(handle), C.uint32_t(level), &given)
	if err := failure(status, &given); err != nil {
		handle.delete()
		return 0, err
	}
	return handle, nil
}

func (l sessionLog) delete() {
	if l != 0 {
		cgo.Handle(l).Delete()
	}
}
