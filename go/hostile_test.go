package pcrseal

import (
	"context"
	"errors"
	"math"
	"runtime"
	"testing"
	"time"
)

func TestNilIsClosed(t *testing.T) {
	for name, call := range map[string]func() error{
		"Session.Generate":       func() error { _, err := (*Session)(nil).Generate(background, 32); return err },
		"Session.MaxBlobLen":     func() error { _, err := (*Session)(nil).MaxBlobLen(32); return err },
		"Session.AddBinding":     func() error { _, err := (*Session)(nil).AddBinding(nil, nil); return err },
		"Session.HostUnseal":     func() error { _, err := (*Session)(nil).HostUnseal(nil); return err },
		"Session.RetireKey":      func() error { _, err := (*Session)(nil).RetireKey(background, nil, ""); return err },
		"Attester.MeasuredPCRs":  func() error { _, err := (*Attester)(nil).MeasuredPCRs(); return err },
		"Attester.Attest":        func() error { _, err := (*Attester)(nil).Attest(AttestationRequest{}); return err },
		"Verifier.Verify":        func() error { _, err := (*Verifier)(nil).Verify(nil, time.Now(), &AttestationPolicy{}); return err },
		"Recipient.PublicKey":    func() error { _, err := (*Recipient)(nil).PublicKey(); return err },
		"Recipient.Open":         func() error { _, err := (*Recipient)(nil).Open(nil); return err },
		"HostUnseal.NextRequest": func() error { _, err := (*HostUnseal)(nil).NextRequest(); return err },
		"HostUnseal.Failed":      func() error { return (*HostUnseal)(nil).Failed(1, NoAnswerTimeout, NotMeasured) },
		"HostUnseal.Finish":      func() error { _, err := (*HostUnseal)(nil).Finish(); return err },
		"KMSRequest.HTTP1": func() error {
			_, err := (*KMSRequest)(nil).HTTP1(StaticCredentials{}, "", time.Now())
			return err
		},
	} {
		if err := call(); !errors.Is(err, CodeFinished) {
			t.Errorf("%s of nil gave %v", name, err)
		}
	}
	// What is deferred before an error was looked at.
	for _, closer := range []interface{ Close() error }{
		(*Session)(nil), (*Attester)(nil), (*Verifier)(nil), (*Recipient)(nil), (*HostUnseal)(nil),
		new(Session), new(Attester), new(Verifier), new(Recipient), new(HostUnseal),
	} {
		if err := closer.Close(); err != nil {
			t.Errorf("Close of %T gave %v", closer, err)
		}
	}
	if (*HostUnseal)(nil).Needed() != 0 || (*HostUnseal)(nil).Ready() {
		t.Error("nil needs something, or is ready")
	}
}

// A status is never cut to another.
func TestStatusesAreNotCut(t *testing.T) {
	s, blob, _ := hostSession(t)
	unseal, err := s.HostUnseal(blob)
	if err != nil {
		t.Fatal(err)
	}
	defer unseal.Close()
	for position, status := range []int{200 + 1<<32, 200 - 1<<32} {
		request, err := unseal.NextRequest()
		if err != nil {
			t.Fatal(err)
		}
		_, id, body, err := emulated(t).exchange(request)
		if err != nil {
			t.Fatal(err)
		}
		err = unseal.AnswerFromAuthenticatedKMS(uint32(position+1), status, id, body, NotMeasured)
		if err == nil {
			t.Errorf("a grant with status %d was taken", status)
		}
	}
}

// A time is never cut to another: the document below verifies at that which these would wrap to.
func TestTimesAreNotCut(t *testing.T) {
	g := genuineDocuments(t)[0]
	for at, expected := range map[time.Time]Code{
		time.Unix(g.VerifyAt+math.MaxInt64/1000*2, 0): CodeCertificateExpired,
		time.Unix(1<<62, 0):                           CodeCertificateExpired,
		time.Unix(-1<<62, 0):                          CodeCertificateNotYetValid,
		{}:                                            CodeCertificateNotYetValid,
	} {
		if _, err := verifier(t).VerifyWithoutAppraisal(g.document, at); !errors.Is(err, expected) {
			t.Errorf("at %d s: %v", at.Unix(), err)
		}
	}
}

func TestAPolicyOfWhatAnybodyCanAttestIsEmpty(t *testing.T) {
	some := []byte{1}
	for _, policy := range []AttestationPolicy{{}, {PublicKey: some}, {Nonce: some, UserData: some, PublicKey: some, MaxAge: time.Hour}} {
		if _, err := verifier(t).Verify(nil, time.Now(), &policy); !errors.Is(err, CodeAttestationPolicyEmpty) {
			t.Errorf("%+v gave %v", policy, err)
		}
	}
}

func TestFeatures(t *testing.T) {
	for _, name := range []string{"host-transport", "log", "nitro-tpm", "nsm-socket", "vsock"} {
		if !HasFeature(name) {
			t.Errorf("the library lacks %s", name)
		}
	}
}

// What trigger uses is freed after stop.
func TestNothingIsTriggeredAfterACall(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	started, gate, triggered := make(chan struct{}), make(chan struct{}), false
	stop := watch(ctx, func() {
		close(started)
		<-gate
		triggered = true
	})
	cancel()
	<-started
	go func() {
		for i := 0; i < 1000; i++ {
			runtime.Gosched()
		}
		close(gate)
	}()
	stop()
	if !triggered {
		t.Error("stop did not wait")
	}

	ctx, cancel = context.WithCancel(background)
	defer cancel()
	watch(ctx, func() { t.Error("triggered by the end of a call") })()
	cancel()
}
