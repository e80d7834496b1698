package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"math"
	"time"
	"unsafe"
)

// AttestationKind says what a document attests.
type AttestationKind uint32

const (
	// AttestationEnclave is a Nitro Enclave.
	AttestationEnclave AttestationKind = C.PCRSEAL_ATTESTATION_ENCLAVE
	// AttestationNitroTPM is an EC2 instance with NitroTPM, whose PCRs are TPM registers with other meanings.
	AttestationNitroTPM AttestationKind = C.PCRSEAL_ATTESTATION_NITRO_TPM
)

// String is "enclave" or "nitrotpm".
func (k AttestationKind) String() string {
	switch k {
	case AttestationEnclave:
		return "enclave"
	case AttestationNitroTPM:
		return "nitrotpm"
	default:
		return "unknown"
	}
}

// Verifier verifies attestation documents. It remembers certificates that verified before, so that the next document
// under the same ones takes less than half of the time. Any number of goroutines may use it at once.
//
// It is to be closed; one that is forgotten is closed some time after the garbage collector finds it.
type Verifier struct {
	handle *handle
}

// AttestationPolicy says which genuine documents are wanted. At least one PCR, module id or instance id has to be demanded:
// whoever rents an enclave chooses the rest.
type AttestationPolicy struct {
	// Kind is what has to be attested; 0 is AttestationEnclave.
	Kind AttestationKind
	// PCRs are the values that the document must have.
	PCRs PCRSet
	// ModuleID is the module; empty for any.
	ModuleID string
	// InstanceID is the EC2 instance, i-…; empty for any.
	InstanceID string
	// Nonce is the challenge that the relying party sent, 0..1024 bytes; nil for any. An empty slice demands that the
	// document has a nonce of no bytes.
	Nonce []byte
	// UserData is the attested user data; nil for any.
	UserData []byte
	// PublicKey is the attested public key; nil for any.
	PublicKey []byte
	// MaxAge refuses documents that are older, and ClockSkew is how far a document may be from the future; both 0 for
	// documents of any age.
	MaxAge, ClockSkew time.Duration
	// AllowDebugMode allows enclaves in debug mode, whose PCR0, PCR1 and PCR2 are zero and prove nothing.
	AllowDebugMode bool
	// RevokedSerials refuses chains with a certificate of one of these serial numbers, big-endian as a CRL lists them.
	RevokedSerials [][]byte
}

// Attestation is what a verified document says. Only a Verifier makes one; the zero value says nothing.
//
// Verified means that the module of an instance of AWS signed this, and not that it is wanted: anyone can rent an enclave
// and have any user data, nonce and public key attested. That is what an AttestationPolicy is for.
type Attestation struct {
	kind                       AttestationKind
	moduleID, instanceID       string
	timestamp                  time.Time
	pcrs                       PCRSet
	publicKey, userData, nonce []byte
}

// NewVerifier makes a verifier that trusts these root certificates, in DER. Without any it trusts AWS's root of all genuine
// documents, AWS Nitro Enclaves Root-G1; others are for tests and for roots to come.
func NewVerifier(rootsDER ...[]byte) (*Verifier, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	var roots []byte
	for _, root := range rootsDER {
		if len(root) == 0 {
			return nil, fail(CodeCertificateMalformed, "an empty root certificate")
		}
		roots = append(roots, root...)
	}
	data, n := bytesIn(roots)
	var verifier *C.pcrseal_verifier
	var given *C.pcrseal_error
	status := C.pcrseal_verifier_new(data, n, &verifier, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return &Verifier{newHandle(unsafe.Pointer(verifier), func(c unsafe.Pointer) {
		C.pcrseal_verifier_free((*C.pcrseal_verifier)(c))
	})}, nil
}

// Close frees the verifier when the last call that runs has ended. It may be called repeatedly, and always returns nil.
func (v *Verifier) Close() error {
	v.owner().close()
	return nil
}

// Verify verifies a document and judges it: its certificates and its signature at a time, under the verifier's roots, and
// what it says under the policy. A document must not choose the time at which it is verified: it is the relying party's own
// clock, as a rule time.Now().
//
// It fails with CodeAttestationRefused when the document is genuine and not wanted; the message then lists every demand
// that it does not meet.
func (v *Verifier) Verify(document []byte, at time.Time, policy *AttestationPolicy) (*Attestation, error) {
	if policy == nil {
		return nil, fail(CodeNullPointer, "no attestation policy")
	}
	var attestation *Attestation
	err := policy.use(func(demands *C.pcrseal_attestation_policy) error {
		return v.call(&attestation, func(v *C.pcrseal_verifier, out **C.pcrseal_attestation) error {
			data, n := bytesIn(document)
			var given *C.pcrseal_error
			status := C.pcrseal_verify(v, data, n, sinceEpoch(at), demands, out, &given)
			return failure(status, &given)
		})
	})
	return attestation, err
}

// VerifyWithoutAppraisal verifies a document as Verify does, and does not judge it: what comes back is what some module of
// AWS signed, of whichever enclave of whichever customer, in debug mode or not. For programs that judge by themselves.
func (v *Verifier) VerifyWithoutAppraisal(document []byte, at time.Time) (*Attestation, error) {
	var attestation *Attestation
	err := v.call(&attestation, func(v *C.pcrseal_verifier, out **C.pcrseal_attestation) error {
		data, n := bytesIn(document)
		var given *C.pcrseal_error
		status := C.pcrseal_verify_without_appraisal(v, data, n, sinceEpoch(at), out, &given)
		return failure(status, &given)
	})
	return attestation, err
}

// owner is nil for a nil Verifier.
func (v *Verifier) owner() *handle {
	if v == nil {
		return nil
	}
	return v.handle
}

func (v *Verifier) call(
	attestation **Attestation,
	verify func(v *C.pcrseal_verifier, out **C.pcrseal_attestation) error,
) error {
	c, err := v.owner().acquire()
	if err != nil {
		return err
	}
	defer v.owner().release()
	var made *C.pcrseal_attestation
	if err := verify((*C.pcrseal_verifier)(c), &made); err != nil {
		return err
	}
	*attestation = takeAttestation(made)
	return nil
}

// Kind says what the document attests.
func (a *Attestation) Kind() AttestationKind { return a.kind }

// ModuleID is the module's identity, i-…-enc… or i-…-tpm….
func (a *Attestation) ModuleID() string { return a.moduleID }

// InstanceID is the EC2 instance's id within the module's; empty where that has not the usual form.
func (a *Attestation) InstanceID() string { return a.instanceID }

// Timestamp says when the document was made, by the module's clock.
func (a *Attestation) Timestamp() time.Time { return a.timestamp }

// PCRs are the values in the document, as a copy.
func (a *Attestation) PCRs() PCRSet {
	pcrs := make(PCRSet, len(a.pcrs))
	for index, pcr := range a.pcrs {
		pcrs[index] = pcr
	}
	return pcrs
}

// PublicKey is a copy of the attested public key; nil where the document has none.
func (a *Attestation) PublicKey() []byte { return clone(a.publicKey) }

// UserData is a copy of the attested user data; nil where the document has none.
func (a *Attestation) UserData() []byte { return clone(a.userData) }

// Nonce is a copy of the attested nonce; nil where the document has none.
func (a *Attestation) Nonce() []byte { return clone(a.nonce) }

// use calls f with the policy as a C handle.
func (p *AttestationPolicy) use(f func(policy *C.pcrseal_attestation_policy) error) error {
	if err := ready(); err != nil {
		return err
	}
	kind := p.Kind
	if kind == 0 {
		kind = AttestationEnclave
	}
	var policy *C.pcrseal_attestation_policy
	var given *C.pcrseal_error
	status := C.pcrseal_attestation_policy_new(C.uint32_t(kind), &policy, &given)
	if err := failure(status, &given); err != nil {
		return err
	}
	defer C.pcrseal_attestation_policy_free(policy)
	if err := p.fill(policy); err != nil {
		return err
	}
	return f(policy)
}

func (p *AttestationPolicy) fill(policy *C.pcrseal_attestation_policy) error {
	var given *C.pcrseal_error
	for _, index := range p.PCRs.indices() {
		pcr := p.PCRs[index]
		data, n := bytesIn(pcr[:])
		status := C.pcrseal_attestation_policy_require_pcr(policy, pcrIndex(index), data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.ModuleID != "" {
		id, err := newText("ModuleID", p.ModuleID)
		if err != nil {
			return err
		}
		defer id.free()
		status := C.pcrseal_attestation_policy_require_module_id(policy, id.c, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.InstanceID != "" {
		id, err := newText("InstanceID", p.InstanceID)
		if err != nil {
			return err
		}
		defer id.free()
		status := C.pcrseal_attestation_policy_require_instance_id(policy, id.c, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.Nonce != nil {
		data, n := optionalIn(p.Nonce)
		status := C.pcrseal_attestation_policy_require_nonce(policy, data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.UserData != nil {
		data, n := optionalIn(p.UserData)
		status := C.pcrseal_attestation_policy_require_user_data(policy, data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.PublicKey != nil {
		data, n := optionalIn(p.PublicKey)
		status := C.pcrseal_attestation_policy_require_public_key(policy, data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.MaxAge < 0 || p.ClockSkew < 0 {
		return fail(CodeAttestationPolicyField, "MaxAge and ClockSkew: not negative")
	}
	if p.MaxAge != 0 || p.ClockSkew != 0 {
		age, skew := C.uint64_t(inMilliseconds(p.MaxAge)), C.uint64_t(inMilliseconds(p.ClockSkew))
		status := C.pcrseal_attestation_policy_require_fresh(policy, age, skew, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	if p.AllowDebugMode {
		status := C.pcrseal_attestation_policy_allow_debug_mode(policy, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	for _, serial := range p.RevokedSerials {
		data, n := bytesIn(serial)
		status := C.pcrseal_attestation_policy_revoke_serial(policy, data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	return nil
}

// takeAttestation copies an attestation that a call gave, and frees it.
func takeAttestation(a *C.pcrseal_attestation) *Attestation {
	defer C.pcrseal_attestation_free(a)
	pcrs := PCRSet{}
	var n C.size_t
	for _, index := range selected(C.pcrseal_attestation_pcr_selection(a)) {
		data := C.pcrseal_attestation_pcr(a, C.uint32_t(index), &n)
		var pcr PCR
		copy(pcr[:], bytesOut(data, n))
		pcrs[index] = pcr
	}
	attestation := &Attestation{
		kind:       AttestationKind(C.pcrseal_attestation_kind(a)),
		moduleID:   C.GoString(C.pcrseal_attestation_module_id(a)),
		instanceID: C.GoString(C.pcrseal_attestation_instance_id(a)),
		timestamp:  time.UnixMilli(int64(C.pcrseal_attestation_timestamp_ms(a))).UTC(),
		pcrs:       pcrs,
	}
	data := C.pcrseal_attestation_public_key(a, &n)
	attestation.publicKey = bytesOut(data, n)
	data = C.pcrseal_attestation_user_data(a, &n)
	attestation.userData = bytesOut(data, n)
	data = C.pcrseal_attestation_nonce(a, &n)
	attestation.nonce = bytesOut(data, n)
	return attestation
}

// sinceEpoch is in milliseconds. No certificate is older than 1970: the times before it are refused as 1970 is. A time
// beyond the milliseconds that an int64 holds is the last of them, and never wraps to one that a document may have.
func sinceEpoch(at time.Time) C.uint64_t {
	if at.Unix() < 0 {
		return 0
	}
	if at.Unix() >= math.MaxInt64/1000 {
		return math.MaxInt64
	}
	return C.uint64_t(at.UnixMilli())
}

// clone is nil for nil alone.
func clone(data []byte) []byte {
	if data == nil {
		return nil
	}
	return append([]byte{}, data...)
}
