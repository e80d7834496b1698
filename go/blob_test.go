package pcrseal

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"testing"
)

// image is the PCRs of the emulated enclave, whose PCR2 is filled with the last byte.
func image(pcr2 byte) PCRSet {
	set := PCRSet{}
	for index, value := range []byte{0xa0, 0xa1, pcr2} {
		var pcr PCR
		copy(pcr[:], bytes.Repeat([]byte{value}, len(pcr)))
		set[index] = pcr
	}
	return set
}

func TestInspect(t *testing.T) {
	enclave := emulated(t)
	config := enclave.config()
	config.ExternalAAD = []byte("bound besides")
	config.MinimumGeneration = math.MaxUint64 - 1
	blob, _ := seal(t, session(t, config))
	inspection, err := Inspect(blob, config.ExternalAAD)
	if err != nil {
		t.Fatal(err)
	}
	if len(inspection.SealID) != 32 {
		t.Errorf("the seal id is %q", inspection.SealID)
	}
	inspection.SealID = ""
	expected := &Inspection{
		Version: 1, Cluster: "emulator", Generation: math.MaxUint64 - 1, Wrapping: WrappingAttested,
		Bindings: []Binding{{image(0xa2)}},
		Contents: &Contents{Threshold: 3, Keys: enclave.SealQuorum.Keys, SecretLen: 32},
	}
	if !reflect.DeepEqual(inspection, expected) {
		t.Errorf("%+v", inspection)
	}
	other, err := Inspect(blob, nil)
	if err != nil || other.Contents != nil || other.ContentsError != CodeContentRejected.String() || other.Cluster != "emulator" {
		t.Errorf("with another external AAD: %+v, %v", other, err)
	}
	if _, err := json.Marshal(inspection); err != nil {
		t.Error(err)
	}
	for _, blob := range [][]byte{nil, {}, []byte("no blob")} {
		if _, err := Inspect(blob, nil); !errors.Is(err, CodeBlobMalformed) && !errors.Is(err, CodeBlobSize) {
			t.Errorf("%q: %v", blob, err)
		}
	}
	if _, err := session(t, enclave.config()).Unseal(background, blob); !errors.Is(err, CodeContentRejected) {
		t.Errorf("a session without the external AAD gave %v", err)
	}
	config.SealID = bytes.Repeat([]byte{1}, 16)
	if _, err := session(t, config).Unseal(background, blob); !errors.Is(err, CodeSealIDMismatch) {
		t.Errorf("a session that pins another seal id gave %v", err)
	}
}

func TestRebind(t *testing.T) {
	enclave := emulated(t)
	s := session(t, enclave.config())
	blob, secret := seal(t, s)
	config := enclave.config()
	config.Attester = NSMSocket{driftedSocket}
	next := session(t, config)

	both, err := s.AddBinding(blob, image(0xee))
	if err != nil {
		t.Fatal(err)
	}
	opens(t, s, both, secret)
	// The key policies know the first image alone: the second gets as far as they let it.
	if _, err := next.Unseal(background, both); !errors.Is(err, CodeQuorumNotReached) {
		t.Errorf("the second image gave %v", err)
	}
	if _, err := s.AddBinding(both, image(0xee)); !errors.Is(err, CodeBindingDuplicate) {
		t.Errorf("the same binding gave %v", err)
	}
	if _, err := s.AddBinding(blob, PCRSet{0: {1}}); !errors.Is(err, CodePCRMissing) {
		t.Errorf("a binding of PCR0 gave %v", err)
	}
	if _, err := s.AddBinding(blob, PCRSet{99: {}}); !errors.Is(err, CodePCRIndex) {
		t.Errorf("PCR99 gave %v", err)
	}

	second, err := DropBinding(both, image(0xa2))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Unseal(background, second); !errors.Is(err, CodePCRDrift) {
		t.Errorf("the first image gave %v", err)
	}
	inspection, err := Inspect(second, nil)
	if err != nil || !reflect.DeepEqual(inspection.Bindings, []Binding{{image(0xee)}}) {
		t.Errorf("%+v, %v", inspection, err)
	}
	if _, err := DropBinding(second, image(0xa2)); !errors.Is(err, CodeBindingUnknown) {
		t.Errorf("no such binding gave %v", err)
	}
	if _, err := DropBinding(second, image(0xee)); !errors.Is(err, CodeBindingCount) {
		t.Errorf("the last binding gave %v", err)
	}
	_ = s.Close()
	if _, err := s.AddBinding(blob, image(0xee)); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed session gave %v", err)
	}
}
