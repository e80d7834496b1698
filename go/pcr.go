package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"encoding/hex"
	"math"
	"math/bits"
	"sort"
)

// PCR is the value of a Platform Configuration Register: a SHA-384 digest.
type PCR [C.PCRSEAL_PCR_LEN]byte

// PCRSet is PCR values by index, 0..31.
type PCRSet map[int]PCR

// ParsePCR reads a value of 96 hex digits.
func ParsePCR(digits string) (PCR, error) {
	var pcr PCR
	if len(digits) != hex.EncodedLen(len(pcr)) {
		return PCR{}, fail(CodePCRLength, "a PCR value has 96 hex digits")
	}
	if _, err := hex.Decode(pcr[:], []byte(digits)); err != nil {
		return PCR{}, fail(CodePCRHex, "a PCR value: "+err.Error())
	}
	return pcr, nil
}

// ParseMeasurements reads what `nitro-cli build-enclave` and `nitro-cli describe-eif` print as JSON: PCR0, PCR1, PCR2 and,
// for a signed image, PCR8.
func ParseMeasurements(json []byte) (PCRSet, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	data, n := bytesIn(json)
	var pcrs *C.pcrseal_pcr_set
	var given *C.pcrseal_error
	status := C.pcrseal_pcr_set_from_measurements_json(data, n, &pcrs, &given)
	if err := failure(status, &given); err != nil {
		return nil, err
	}
	return takePCRs(pcrs)
}

// String is 96 hex digits.
func (p PCR) String() string {
	return hex.EncodeToString(p[:])
}

// MarshalText is String.
func (p PCR) MarshalText() ([]byte, error) {
	return []byte(p.String()), nil
}

// UnmarshalText is ParsePCR.
func (p *PCR) UnmarshalText(digits []byte) error {
	pcr, err := ParsePCR(string(digits))
	if err == nil {
		*p = pcr
	}
	return err
}

// use calls f with the set as a C handle.
func (s PCRSet) use(f func(pcrs *C.pcrseal_pcr_set) error) error {
	var pcrs *C.pcrseal_pcr_set
	var given *C.pcrseal_error
	status := C.pcrseal_pcr_set_new(&pcrs, &given)
	if err := failure(status, &given); err != nil {
		return err
	}
	defer C.pcrseal_pcr_set_free(pcrs)
	for _, index := range s.indices() {
		pcr := s[index]
		data, n := bytesIn(pcr[:])
		status := C.pcrseal_pcr_set_insert(pcrs, pcrIndex(index), data, n, &given)
		if err := failure(status, &given); err != nil {
			return err
		}
	}
	return f(pcrs)
}

// indices are in ascending order.
func (s PCRSet) indices() []int {
	indices := make([]int, 0, len(s))
	for index := range s {
		indices = append(indices, index)
	}
	sort.Ints(indices)
	return indices
}

// takePCRs copies a set that a call gave, and frees it.
func takePCRs(pcrs *C.pcrseal_pcr_set) (PCRSet, error) {
	defer C.pcrseal_pcr_set_free(pcrs)
	set := PCRSet{}
	for _, index := range selected(C.pcrseal_pcr_set_selection(pcrs)) {
		var pcr PCR
		var n C.size_t
		var given *C.pcrseal_error
		data, capacity := bytesIn(pcr[:])
		status := C.pcrseal_pcr_set_value(pcrs, C.uint32_t(index), data, capacity, &n, &given)
		if err := failure(status, &given); err != nil {
			return nil, err
		}
		set[index] = pcr
	}
	return set, nil
}

// pcrIndex is the index for the library to judge; what does not fit is as far out of range as can be.
func pcrIndex(index int) C.uint32_t {
	if index < 0 || index > math.MaxInt32 {
		return math.MaxUint32
	}
	return C.uint32_t(index)
}

// selected are the indices of the bits that are set.
func selected(selection C.uint32_t) []int {
	var indices []int
	for rest := uint32(selection); rest != 0; rest &= rest - 1 {
		indices = append(indices, bits.TrailingZeros32(rest))
	}
	return indices
}
