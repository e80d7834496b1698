package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// HostUnseal is an unseal in progress whose requests the program sends itself: with connections, a proxy or an HTTP client
// of its own.
//
// Session.HostUnseal judges the blob, makes a key and has it attested. Every request that NextRequest gives goes to AWS KMS,
// in any order and at the same time if the program likes; what comes back is handed in, until Ready. Finish opens the
// secret. KMS takes the requests for five minutes. No key is asked twice: to try again is to begin anew.
//
// Any number of goroutines may use it at once. It lives on when its session is closed. It is to be closed; one that is
// forgotten is closed some time after the garbage collector finds it.
type HostUnseal struct {
	handle *handle
}

// KMSRequest is what to send to one KMS key. It is not secret.
type KMSRequest struct {
	// Position says which of the blob's shares it is about, 1 to their number: what the answer is handed in under.
	Position uint32
	// Operation is "Decrypt".
	Operation string
	// Target is the value of the header field x-amz-target, "TrentService.Decrypt".
	Target string
	// Region is that of the key, which the signature names.
	Region string
	// Host is the host name of KMS in the region: whom TLS has to prove.
	Host string
	// KeyARN is the key's ARN.
	KeyARN string
	// Body is JSON.
	Body []byte

	handle *handle
}

// NoAnswer says how it came that a request got no answer.
type NoAnswer uint32

const (
	// NoAnswerTimeout: none came in time.
	NoAnswerTimeout NoAnswer = C.PCRSEAL_OUTCOME_TIMEOUT
	// NoAnswerUnreachable: there was no connection.
	NoAnswerUnreachable NoAnswer = C.PCRSEAL_OUTCOME_UNREACHABLE
	// NoAnswerBadResponse: what came was no answer of KMS's.
	NoAnswerBadResponse NoAnswer = C.PCRSEAL_OUTCOME_BAD_RESPONSE
)

// NotMeasured is for a time that nobody measured.
const NotMeasured time.Duration = -1

// HostUnseal begins an unseal whose requests the program sends itself; the session's Config.Transport is TransportHost. The
// attester is asked, which takes tens of milliseconds, and at most Config.Deadline.
func (s *Session) HostUnseal(blob []byte) (*HostUnseal, error) {
	c, err := s.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer s.owner().release()
	data, n := bytesIn(blob)
	var unseal *C.pcrseal_host_unseal
	var given *C.pcrseal_error
	status := C.pcrseal_host_unseal_begin((*C.pcrseal_session)(c), data, n, &unseal, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return &HostUnseal{newHandle(unsafe.Pointer(unseal), func(c unsafe.Pointer) {
		C.pcrseal_host_unseal_free((*C.pcrseal_host_unseal)(c))
	})}, nil
}

// Close frees the unseal, finished or not, and wipes its key and its shares when the last call that runs has ended. It may
// be called repeatedly, and always returns nil.
func (u *HostUnseal) Close() error {
	u.owner().close()
	return nil
}

// Needed says how many shares are needed: as many keys have to be asked at least. 0 once it is finished or closed.
func (u *HostUnseal) Needed() int {
	c, err := u.owner().acquire()
	if err != nil {
		return 0
	}
	defer u.owner().release()
	return int(C.pcrseal_host_unseal_needed((*C.pcrseal_host_unseal)(c)))
}

// Ready says whether enough shares are in: what comes later is not needed. False once it is finished or closed.
func (u *HostUnseal) Ready() bool {
	c, err := u.owner().acquire()
	if err != nil {
		return false
	}
	defer u.owner().release()
	return bool(C.pcrseal_host_unseal_is_ready((*C.pcrseal_host_unseal)(c)))
}

// NextRequest is the next request, one per key in the quorum's order; nil, and no error, once all have been handed out.
func (u *HostUnseal) NextRequest() (*KMSRequest, error) {
	c, err := u.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer u.owner().release()
	var r *C.pcrseal_kms_request
	var given *C.pcrseal_error
	status := C.pcrseal_host_unseal_next_request((*C.pcrseal_host_unseal)(c), &r, &given)
	if err := failure(status, &given); err != nil || r == nil {
		return nil, err
	}
	var n C.size_t
	body := C.pcrseal_kms_request_body(r, &n)
	return &KMSRequest{
		Position:  uint32(C.pcrseal_kms_request_position(r)),
		Operation: C.GoString(C.pcrseal_kms_request_operation(r)),
		Target:    C.GoString(C.pcrseal_kms_request_target(r)),
		Region:    C.GoString(C.pcrseal_kms_request_region(r)),
		Host:      C.GoString(C.pcrseal_kms_request_host(r)),
		KeyARN:    C.GoString(C.pcrseal_kms_request_key_arn(r)),
		Body:      bytesOut(body, n),
		handle: newHandle(unsafe.Pointer(r), func(c unsafe.Pointer) {
			C.pcrseal_kms_request_free((*C.pcrseal_kms_request)(c))
		}),
	}, nil
}

// AnswerFromAuthenticatedKMS hands in what KMS answered to the request of a position, whatever its HTTP status. requestID is
// the header field x-amzn-RequestId, for the report; elapsed is the time that the answer took, or NotMeasured.
//
// The name is the program's promise: the answer came over TLS that ends in this process, for the host name KMSRequest.Host,
// under pinned roots. Nothing in it is authenticated otherwise: whoever can make it chooses what is unsealed.
//
// An error ends nothing, and is in the report besides: other keys may still give enough shares. Nothing was recorded for
// CodeUnknownShare and CodeAlreadyAnswered.
func (u *HostUnseal) AnswerFromAuthenticatedKMS(
	position uint32, httpStatus int, requestID string, body []byte, elapsed time.Duration,
) error {
	c, err := u.owner().acquire()
	if err != nil {
		return err
	}
	defer u.owner().release()
	id, err := newOptionalText("requestID", requestID)
	if err != nil {
		return err
	}
	defer id.free()
	data, n := bytesIn(body)
	var given *C.pcrseal_error
	status := C.pcrseal_host_unseal_answer_from_authenticated_kms((*C.pcrseal_host_unseal)(c), C.uint32_t(position),
		statusNumber(httpStatus), id.c, data, n, measured(elapsed), &given)
	return failure(status, &given)
}

// Failed hands in that the request of a position got no answer, and how. elapsed is the time until that was clear, or
// NotMeasured. It is for the report: a key that nothing is handed in about counts as too slow.
func (u *HostUnseal) Failed(position uint32, how NoAnswer, elapsed time.Duration) error {
	c, err := u.owner().acquire()
	if err != nil {
		return err
	}
	defer u.owner().release()
	var given *C.pcrseal_error
	status := C.pcrseal_host_unseal_failed((*C.pcrseal_host_unseal)(c), C.uint32_t(position), C.uint32_t(how),
		measured(elapsed), &given)
	return failure(status, &given)
}

// Finish opens the secret. Whatever comes of it, key and shares are wiped, and everything else fails with CodeFinished
// afterwards.
func (u *HostUnseal) Finish() (*Unsealed, error) {
	c, err := u.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer u.owner().release()
	var secret *C.pcrseal_secret
	var report *C.pcrseal_report
	var given *C.pcrseal_error
	status := C.pcrseal_host_unseal_finish((*C.pcrseal_host_unseal)(c), &secret, &report, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return &Unsealed{newSecret(secret), takeReport(report)}, nil
}

// HTTP1 is the whole request, signed, as it goes into a connection of its own: HTTP/1.1 with `connection: close`, so that
// the answer ends where the connection does. It holds the session token, so that it is the caller's to Zeroize.
//
// host is the value of the header field host, with the port unless it is the scheme's own; empty stands for Host. at is the
// time now: AWS tolerates five minutes of difference.
func (r *KMSRequest) HTTP1(credentials StaticCredentials, host string, at time.Time) ([]byte, error) {
	c, err := r.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer r.owner().release()
	id, err := newText("accessKeyID", credentials.accessKeyID)
	if err != nil {
		return nil, err
	}
	defer id.free()
	name, err := newOptionalText("host", host)
	if err != nil {
		return nil, err
	}
	defer name.free()
	seconds := sinceEpoch(at) / 1000
	secretAccessKey, sessionToken := credentials.reveal()
	return twice(func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status {
		secret, secretLen := bytesIn(secretAccessKey)
		token, tokenLen := bytesIn(sessionToken)
		return C.pcrseal_kms_request_http1((*C.pcrseal_kms_request)(c), id.c, secret, secretLen, token, tokenLen, name.c,
			seconds, out, capacity, n, given)
	})
}

// owner is nil for a nil HostUnseal.
func (u *HostUnseal) owner() *handle {
	if u == nil {
		return nil
	}
	return u.handle
}

// owner is nil for a nil KMSRequest.
func (r *KMSRequest) owner() *handle {
	if r == nil {
		return nil
	}
	return r.handle
}

// statusNumber is an HTTP status for the library to judge; what does not fit is none.
func statusNumber(status int) C.uint32_t {
	if status < 0 || status > math.MaxInt32 {
		return math.MaxUint32
	}
	return C.uint32_t(status)
}

// measured is in milliseconds, and -1 for a time that nobody measured.
func measured(elapsed time.Duration) C.int64_t {
	if elapsed < 0 {
		return -1
	}
	return C.int64_t(elapsed.Milliseconds())
}
