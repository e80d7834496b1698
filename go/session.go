package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"context"
	"unsafe"
)

// Session seals and unseals under one configuration. It is immutable, and any number of goroutines may use it at once.
//
// The calls that take a context wait for AWS KMS, for at most Config.Deadline. A context that ends makes them return at
// once, with an error that is both CodeCancelled and the context's; what KMS was asked by then may have happened there.
type Session struct {
	handle *handle
}

// Sealed is a new blob.
type Sealed struct {
	// Blob is the sealed blob, for the host to keep. It needs no secrecy.
	Blob []byte
	// Secret is what is sealed in it; nil from Session.ImportVouched, whose caller has it.
	Secret *Secret
	// Report is what every KMS key answered.
	Report *Report
}

// Unsealed is an opened blob.
type Unsealed struct {
	// Secret is what was sealed.
	Secret *Secret
	// Report is what every KMS key answered.
	Report *Report
}

// NewSession makes a session. It opens the attester, and asks it for the time where Config.Clock is ClockAttested; it
// sends nothing to AWS. Later changes of the configuration do not reach the session.
//
// The session is to be closed; one that is forgotten is closed some time after the garbage collector finds it.
func NewSession(config *Config) (*Session, error) {
	var session *Session
	err := config.use(func(c *C.pcrseal_config) error {
		log, err := setLog(c, config.Log, config.LogLevel)
		if err != nil {
			return err
		}
		var made *C.pcrseal_session
		var given *C.pcrseal_error
		status := C.pcrseal_session_new(c, &made, &given)
		if err := failure(status, &given); err != nil {
			log.delete()
			return err
		}
		session = &Session{newHandle(unsafe.Pointer(made), func(c unsafe.Pointer) {
			C.pcrseal_session_free((*C.pcrseal_session)(c))
			log.delete()
		})}
		return nil
	})
	return session, err
}

// Close frees the session. Calls that begin after it fail with CodeFinished; it returns when those that run have ended,
// which their contexts and Config.Deadline see to. It may be called repeatedly, and always returns nil.
func (s *Session) Close() error {
	s.owner().closeAndWait()
	return nil
}

// Generate seals a new random secret of so many bytes, 1..65536, which the enclave's own generator makes. Every key of
// Config.SealQuorum has to answer, and the new blob is opened once before it is handed out.
func (s *Session) Generate(ctx context.Context, secretLen int) (*Sealed, error) {
	sealed := new(Sealed)
	err := s.call(ctx, func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error {
		blob, err := newBlob(session, secretLen)
		if err != nil {
			return err
		}
		var n C.size_t
		var secret *C.pcrseal_secret
		var report *C.pcrseal_report
		var given *C.pcrseal_error
		data, capacity := bytesIn(blob)
		status := C.pcrseal_generate(session, C.size_t(secretLen), cancel, data, capacity, &n, &secret, &report, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
		*sealed = Sealed{blob[:n:n], newSecret(secret), takeReport(report)}
		return nil
	})
	return orNil(sealed, err)
}

// ImportVouched seals a secret that the host brings, 1..65536 bytes, and vouches for: nothing says where it has been. The
// library keeps no copy of it; the slice is the caller's to Zeroize.
func (s *Session) ImportVouched(ctx context.Context, secret []byte) (*Sealed, error) {
	sealed := new(Sealed)
	err := s.call(ctx, func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error {
		blob, err := newBlob(session, len(secret))
		if err != nil {
			return err
		}
		var n C.size_t
		var report *C.pcrseal_report
		var given *C.pcrseal_error
		input, inputLen := bytesIn(secret)
		data, capacity := bytesIn(blob)
		status := C.pcrseal_import_vouched(session, input, inputLen, cancel, data, capacity, &n, &report, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
		*sealed = Sealed{blob[:n:n], nil, takeReport(report)}
		return nil
	})
	return orNil(sealed, err)
}

// Reseal unseals a blob and seals its secret anew, under Config.SealQuorum and at the next generation. The old blob stays
// good until its keys refuse (RetireKey) or the minimum generation is raised.
func (s *Session) Reseal(ctx context.Context, oldBlob []byte) (*Sealed, error) {
	sealed := new(Sealed)
	err := s.call(ctx, func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error {
		old, oldLen := bytesIn(oldBlob)
		var secretLen C.size_t
		var given *C.pcrseal_error
		status := C.pcrseal_unsealed_len(session, old, oldLen, &secretLen, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
		blob, err := newBlob(session, int(secretLen))
		if err != nil {
			return err
		}
		var n C.size_t
		var secret *C.pcrseal_secret
		var report *C.pcrseal_report
		data, capacity := bytesIn(blob)
		status = C.pcrseal_reseal(session, old, oldLen, cancel, data, capacity, &n, &secret, &report, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
		*sealed = Sealed{blob[:n:n], newSecret(secret), takeReport(report)}
		return nil
	})
	return orNil(sealed, err)
}

// Unseal opens a blob. It asks every key, and returns with the share that completes the threshold.
func (s *Session) Unseal(ctx context.Context, blob []byte) (*Unsealed, error) {
	unsealed := new(Unsealed)
	err := s.call(ctx, func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error {
		data, n := bytesIn(blob)
		var secret *C.pcrseal_secret
		var report *C.pcrseal_report
		var given *C.pcrseal_error
		status := C.pcrseal_unseal(session, data, n, cancel, &secret, &report, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
		*unsealed = Unsealed{newSecret(secret), takeReport(report)}
		return nil
	})
	return orNil(unsealed, err)
}

// MaxBlobLen is the length of the longest blob that a secret of so many bytes can become. It does no I/O.
func (s *Session) MaxBlobLen(secretLen int) (int, error) {
	c, err := s.owner().acquire()
	if err != nil {
		return 0, err
	}
	defer s.owner().release()
	return maxBlobLen((*C.pcrseal_session)(c), secretLen)
}

// owner is nil for a nil Session.
func (s *Session) owner() *handle {
	if s == nil {
		return nil
	}
	return s.handle
}

// call runs a call that ctx can end.
func (s *Session) call(
	ctx context.Context,
	work func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error,
) error {
	if err := ctx.Err(); err != nil {
		return cancelled(fail(CodeCancelled, "the call was cancelled"), err)
	}
	c, err := s.owner().acquire()
	if err != nil {
		return err
	}
	defer s.owner().release()
	if ctx.Done() == nil {
		return work((*C.pcrseal_session)(c), nil)
	}
	var cancel *C.pcrseal_cancel
	var given *C.pcrseal_error
	status := C.pcrseal_cancel_new(&cancel, &given)
	if err := failure(status, &given); err != nil {
		return err
	}
	defer C.pcrseal_cancel_free(cancel)
	defer watch(ctx, func() { C.pcrseal_cancel_trigger(cancel) })()
	err = work((*C.pcrseal_session)(c), cancel)
	return cancelled(err, ctx.Err())
}

// watch calls trigger when ctx ends, until stop. Once stop has returned, trigger is neither running nor will it be called.
func watch(ctx context.Context, trigger func()) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-ctx.Done():
			trigger()
		case <-done:
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// cancelled is a failure with the context's error in it where the context is what ended the call.
func cancelled(err, cause error) error {
	if failure, isOurs := err.(*Error); isOurs && failure.Code == CodeCancelled {
		failure.cause = cause
		if cause != nil {
			failure.Message += ": " + cause.Error()
		}
	}
	return err
}

// newBlob is room for a blob.
func newBlob(session *C.pcrseal_session, secretLen int) ([]byte, error) {
	n, err := maxBlobLen(session, secretLen)
	return make([]byte, n), err
}

func maxBlobLen(session *C.pcrseal_session, secretLen int) (int, error) {
	var n C.size_t
	var given *C.pcrseal_error
	// A negative length is beyond every bound as a size_t.
	status := C.pcrseal_max_blob_len(session, C.size_t(secretLen), &n, &given)
	return int(n), failure(status, &given)
}

func orNil[T any](value *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return value, nil
}
