package pcrseal

// #include <pcrseal.h>
import "C"

import "encoding/json"

// Inspection is what a blob says of itself. It authenticates nothing: anybody can make a blob that says anything. It is for
// people and for looking things up. Its JSON is that of pcrseal_inspect.
type Inspection struct {
	// Version of the blob's format.
	Version uint64 `json:"version"`
	// Cluster says which cluster's blob it is.
	Cluster string `json:"cluster"`
	// SealID is 32 hex digits.
	SealID string `json:"seal_id"`
	// Generation takes all 64 bits.
	Generation uint64 `json:"generation"`
	// Wrapping says how KMS protects the share keys.
	Wrapping Wrapping `json:"wrapping"`
	// Bindings are the accepted PCR values, of which one set is enough.
	Bindings []Binding `json:"bindings"`
	// Contents are what is below the outer layer; nil where that does not open with the external AAD.
	Contents *Contents `json:"contents"`
	// ContentsError is the name of the code why Contents is nil, such as "content_rejected"; empty where it is not.
	ContentsError string `json:"contents_error"`
}

// Binding is a set of PCR values that a blob accepts.
type Binding struct {
	PCRs PCRSet `json:"pcrs"`
}

// Contents are what is below the outer layer of a blob.
type Contents struct {
	// Threshold says how many shares are needed.
	Threshold int `json:"threshold"`
	// Keys are the ARNs of the KMS keys, in order.
	Keys []string `json:"keys"`
	// SecretLen is the secret's length in bytes.
	SecretLen int `json:"secret_len"`
}

// Inspect reads what a blob says of itself, without a session, without keys and without I/O. The external AAD is that of
// the sealing session's configuration; nil where it had none.
func Inspect(blob, externalAAD []byte) (*Inspection, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	text, err := twice(func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status {
		data, dataLen := bytesIn(blob)
		aad, aadLen := bytesIn(externalAAD)
		return C.pcrseal_inspect(data, dataLen, aad, aadLen, out, capacity, n, given)
	})
	if err != nil {
		return nil, err
	}
	inspection := new(Inspection)
	if err := json.Unmarshal(text, inspection); err != nil {
		return nil, fail(CodePanic, "the inspection of a blob: "+err.Error())
	}
	return inspection, nil
}

// AddBinding gives the blob with one binding more: the PCR values of another image that shall open it, as of
// ParseMeasurements. So one blob serves two releases while they take turns. It needs the session's trust policy, and
// neither AWS KMS nor the attester. A binding enforces nothing: key policies do.
func (s *Session) AddBinding(blob []byte, pcrs PCRSet) ([]byte, error) {
	c, err := s.owner().acquire()
	if err != nil {
		return nil, err
	}
	defer s.owner().release()
	var bound []byte
	err = pcrs.use(func(pcrs *C.pcrseal_pcr_set) error {
		var err error
		bound, err = twice(func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status {
			data, dataLen := bytesIn(blob)
			return C.pcrseal_add_binding((*C.pcrseal_session)(c), data, dataLen, pcrs, out, capacity, n, given)
		})
		return err
	})
	return bound, err
}

// DropBinding gives the blob without the binding that accepts exactly these values: for an image that has had its time.
// Whoever kept the old blob can still open it with that image; key policies are what keeps an image out.
func DropBinding(blob []byte, pcrs PCRSet) ([]byte, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var bound []byte
	err := pcrs.use(func(pcrs *C.pcrseal_pcr_set) error {
		var err error
		bound, err = twice(func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status {
			data, dataLen := bytesIn(blob)
			return C.pcrseal_drop_binding(data, dataLen, pcrs, out, capacity, n, given)
		})
		return err
	})
	return bound, err
}

// twice makes a call that does no I/O with a buffer: once for the length, and once for the bytes.
func twice(
	call func(out *C.uint8_t, capacity C.size_t, n *C.size_t, given **C.pcrseal_error) C.pcrseal_status,
) ([]byte, error) {
	var n C.size_t
	var given *C.pcrseal_error
	status := call(nil, 0, &n, &given)
	if status != C.PCRSEAL_E_BUFFER_TOO_SMALL {
		return nil, failure(status, &given)
	}
	C.pcrseal_error_free(given)
	buffer := make([]byte, n)
	out, capacity := bytesIn(buffer)
	status = call(out, capacity, &n, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return buffer[:n:n], nil
}
