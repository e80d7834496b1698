package pcrseal

// #include <pcrseal.h>
import "C"

import "unsafe"

// Attester is what vouches for the code that runs: a Nitro Secure Module, or the NitroTPM of an EC2 instance. For programs
// that only want documents; a Session has its own. Any number of goroutines may use it at once.
//
// It is to be closed; one that is forgotten is closed some time after the garbage collector finds it.
type Attester struct {
	handle *handle
}

// AttestationRequest is what a document is to carry. Each field is 0..1024 bytes; nil is absent, and an empty slice is
// there and empty.
type AttestationRequest struct {
	PublicKey, UserData, Nonce []byte
}

// OpenAttester opens the attester that Config.Attester names. Nothing else of the configuration is judged. nil is the
// attester of an enclave, /dev/nsm.
func OpenAttester(config *Config) (*Attester, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	if config == nil {
		return openAttester(nil)
	}
	var attester *Attester
	err := config.attesterOnly().use(func(c *C.pcrseal_config) error {
		var err error
		attester, err = openAttester(c)
		return err
	})
	return attester, err
}

func openAttester(config *C.pcrseal_config) (*Attester, error) {
	var attester *C.pcrseal_attester
	var given *C.pcrseal_error
	status := C.pcrseal_attester_open(config, &attester, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return &Attester{newHandle(unsafe.Pointer(attester), func(c unsafe.Pointer) {
		C.pcrseal_attester_free((*C.pcrseal_attester)(c))
	})}, nil
}

// Close frees the attester when the last call that runs has ended. It may be called repeatedly, and always returns nil.
func (a *Attester) Close() error {
	a.owner().close()
	return nil
}

// MeasuredPCRs are the PCR values measured now. It blocks while the attester is asked.
func (a *Attester) MeasuredPCRs() (PCRSet, error) {
	c, err := a.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer a.owner().release()
	var pcrs *C.pcrseal_pcr_set
	var given *C.pcrseal_error
	status := C.pcrseal_attester_measured_pcrs((*C.pcrseal_attester)(c), &pcrs, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return takePCRs(pcrs)
}

// Attest asks for an attestation document. It blocks while the attester is asked.
func (a *Attester) Attest(request AttestationRequest) ([]byte, error) {
	c, err := a.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer a.owner().release()
	document := make([]byte, C.PCRSEAL_ATTESTATION_DOCUMENT_MAX)
	key, keyLen := optionalIn(request.PublicKey)
	userData, userDataLen := optionalIn(request.UserData)
	nonce, nonceLen := optionalIn(request.Nonce)
	out, capacity := bytesIn(document)
	var n C.size_t
	var given *C.pcrseal_error
	status := C.pcrseal_attester_attest((*C.pcrseal_attester)(c), key, keyLen, userData, userDataLen, nonce, nonceLen,
		out, capacity, &n, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return append([]byte{}, document[:n]...), nil
}

// owner is nil for a nil Attester.
func (a *Attester) owner() *handle {
	if a == nil {
		return nil
	}
	return a.handle
}
