package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"math"
	"unsafe"
)

// ShamirSplit splits a secret of 1..65536 bytes with Shamir's scheme into so many shares, any threshold of which recover
// it; fewer tell nothing but its length. Each share is one byte longer than the secret: the bytes, then the coordinate, as
// OpenBao and Vault lay them out.
//
// The shares are secret, and in Go's memory: they are the caller's to Zeroize.
func ShamirSplit(secret []byte, threshold, shares int) ([][]byte, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	buffer, err := twice(func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status {
		data, dataLen := bytesIn(secret)
		return C.pcrseal_shamir_split(data, dataLen, shareNumber(threshold), shareNumber(shares), out, capacity, n, given)
	})
	if err != nil {
		return nil, err
	}
	split := make([][]byte, shares)
	each := len(secret) + 1
	for i := range split {
		split[i] = buffer[i*each : (i+1)*each : (i+1)*each]
	}
	return split, nil
}

// ShamirCombine recovers a secret from shares of one ShamirSplit: as many as its threshold, or more. The secret is in Go's
// memory: it is the caller's to Zeroize.
//
// Nothing here detects a wrong share: altered ones, and fewer than the threshold, give other bytes and no error.
func ShamirCombine(shares [][]byte) ([]byte, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	if len(shares) == 0 {
		return nil, fail(CodeShamirNoShares, "no shares")
	}
	each := len(shares[0])
	joined := make([]byte, 0, each*len(shares))
	defer func() { Zeroize(joined[:cap(joined)]) }()
	for _, share := range shares {
		if len(share) != each {
			return nil, fail(CodeShamirShareLengths, "shares of different lengths")
		}
		joined = append(joined, share...)
	}
	secret := make([]byte, each)
	data, n := bytesIn(joined)
	out, capacity := bytesIn(secret)
	var secretLen C.size_t
	var given *C.pcrseal_error
	status := C.pcrseal_shamir_combine(data, n, C.uint32_t(len(shares)), out, capacity, &secretLen, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return secret[:secretLen:secretLen], nil
}

// shareNumber is a number of shares for the library to judge; what does not fit is too large.
func shareNumber(number int) C.uint32_t {
	if number < 0 || number > math.MaxInt32 {
		return math.MaxUint32
	}
	return C.uint32_t(number)
}

// Recipient is an ephemeral RSA-2048 key. Its public half goes into an attestation document; AWS KMS encrypts its answers
// to it. Any number of goroutines may use it at once.
//
// It is to be closed, which destroys the private half; one that is forgotten is closed some time after the garbage
// collector finds it.
type Recipient struct {
	handle *handle
}

// NewRecipient makes a fresh key, which takes tens of milliseconds.
func NewRecipient() (*Recipient, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var recipient *C.pcrseal_recipient
	var given *C.pcrseal_error
	status := C.pcrseal_recipient_new(&recipient, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return &Recipient{newHandle(unsafe.Pointer(recipient), func(c unsafe.Pointer) {
		C.pcrseal_recipient_free((*C.pcrseal_recipient)(c))
	})}, nil
}

// Close frees the key when the last call that runs has ended. It may be called repeatedly, and always returns nil.
func (r *Recipient) Close() error {
	r.owner().close()
	return nil
}

// PublicKey is the public half, a SubjectPublicKeyInfo in DER: what AttestationRequest.PublicKey takes. It fails with
// CodeFinished after Close.
func (r *Recipient) PublicKey() ([]byte, error) {
	c, err := r.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer r.owner().release()
	var n C.size_t
	data := C.pcrseal_recipient_public_key((*C.pcrseal_recipient)(c), &n)
	return bytesOut(data, n), nil
}

// Open opens the CiphertextForRecipient of an answer: CMS EnvelopedData for this key. It fails with CodeRejected for
// whatever does not open, and with the codes of CMS for what has another form.
func (r *Recipient) Open(ciphertextForRecipient []byte) (*Secret, error) {
	c, err := r.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer r.owner().release()
	data, n := bytesIn(ciphertextForRecipient)
	var secret *C.pcrseal_secret
	var given *C.pcrseal_error
	status := C.pcrseal_recipient_open((*C.pcrseal_recipient)(c), data, n, &secret, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return newSecret(secret), nil
}

// owner is nil for a nil Recipient.
func (r *Recipient) owner() *handle {
	if r == nil {
		return nil
	}
	return r.handle
}
