package pcrseal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var background = context.Background()

// seal generates a secret of 32 bytes, whose copy it returns.
func seal(t testing.TB, s *Session) (blob, secret []byte) {
	t.Helper()
	sealed, err := s.Generate(background, 32)
	if err != nil {
		t.Fatal(err)
	}
	defer sealed.Secret.Destroy()
	if sealed.Secret.Len() != 32 || sealed.Report.Count(OutcomeGranted) < 3 {
		t.Fatalf("%d bytes, and the keys answered:\n%s", sealed.Secret.Len(), sealed.Report)
	}
	return sealed.Blob, append([]byte{}, sealed.Secret.Bytes()...)
}

// opens fails the test unless the blob opens with the secret.
func opens(t testing.TB, s *Session, blob, secret []byte) {
	t.Helper()
	unsealed, err := s.Unseal(background, blob)
	if err != nil {
		t.Fatal(err)
	}
	defer unsealed.Secret.Destroy()
	if !bytes.Equal(unsealed.Secret.Bytes(), secret) {
		t.Error("another secret came back")
	}
	if len(unsealed.Report.Keys) != 5 || unsealed.Report.Count(OutcomeGranted) != 3 {
		t.Errorf("the keys answered:\n%s", unsealed.Report)
	}
}

func TestSealAndUnseal(t *testing.T) {
	enclave := emulated(t)
	s := session(t, enclave.config())
	blob, secret := seal(t, s)
	if bytes.Equal(secret, make([]byte, 32)) {
		t.Error("the generated secret is zeros")
	}
	opens(t, s, blob, secret)

	longest, err := s.MaxBlobLen(32)
	if err != nil || longest < len(blob) {
		t.Errorf("%d bytes at most, %v, and one of %d", longest, err, len(blob))
	}
	// What the document of the emulator makes is the same session.
	parsed, err := ConfigFromJSON(enclave.document)
	if err != nil {
		t.Fatal(err)
	}
	opens(t, session(t, parsed), blob, secret)
	opens(t, session(t, parsed), blob, secret)
}

func TestImport(t *testing.T) {
	s := session(t, emulated(t).config())
	secret := []byte("a secret of the host's, not 32 bytes long")
	sealed, err := s.ImportVouched(background, secret)
	if err != nil {
		t.Fatal(err)
	}
	if sealed.Secret != nil {
		t.Error("an import gave a secret")
	}
	opens(t, s, sealed.Blob, secret)
}

func TestReseal(t *testing.T) {
	enclave := emulated(t)
	s := session(t, enclave.config())
	old, secret := seal(t, s)
	resealed, err := s.Reseal(background, old)
	if err != nil {
		t.Fatal(err)
	}
	defer resealed.Secret.Destroy()
	if !bytes.Equal(resealed.Secret.Bytes(), secret) {
		t.Error("another secret was resealed")
	}
	opens(t, s, resealed.Blob, secret)
	opens(t, s, old, secret)

	config := enclave.config()
	config.MinimumGeneration = 2
	next := session(t, config)
	opens(t, next, resealed.Blob, secret)
	if _, err := next.Unseal(background, old); !errors.Is(err, CodeGenerationTooOld) {
		t.Errorf("the old blob gave %v", err)
	}
}

func TestRetireKey(t *testing.T) {
	emulated(t)
	// One of its own, since a key will be disabled.
	enclave, stop, err := startEnclave(t.TempDir())
	t.Cleanup(stop)
	if err != nil {
		t.Fatal(err)
	}
	oldQuorum := Quorum{Threshold: 2, Keys: enclave.SealQuorum.Keys[3:]}
	config := enclave.config()
	config.SealQuorum = &oldQuorum
	oldSession := session(t, config)
	sealed, err := oldSession.Generate(background, 32)
	if err != nil {
		t.Fatal(err)
	}
	sealed.Secret.Destroy()
	config.SealQuorum = &Quorum{Threshold: 2, Keys: enclave.SealQuorum.Keys[:2]}
	config.UnsealQuorums = []Quorum{oldQuorum}
	s := session(t, config)
	retired := enclave.SealQuorum.Keys[4]

	if _, err := oldSession.RetireKey(background, sealed.Blob, retired); !errors.Is(err, CodeKeyInUse) {
		t.Errorf("a key in use gave %v", err)
	}
	if _, err := s.RetireKey(background, sealed.Blob, "arn\x00"); !errors.Is(err, CodeTextEncoding) {
		t.Errorf("a NUL gave %v", err)
	}
	retirement, err := s.RetireKey(background, sealed.Blob, retired)
	if err != nil || retirement.State != Retired {
		t.Fatalf("%v, %v", retirement, err)
	}
	if row := retirement.Report.Keys[0]; row.KeyARN != retired || row.Outcome != OutcomeKeyDisabled || row.AWSCode != "DisabledException" || row.RequestID == "" {
		t.Errorf("the row is %+v", row)
	}
	if retirement, err := s.ConfirmRetiredKey(background, sealed.Blob, retired); err != nil || retirement.State != Retired {
		t.Errorf("%v, %v", retirement, err)
	}
	_, err = s.Unseal(background, sealed.Blob)
	var failure *Error
	if !errors.Is(err, CodeQuorumNotReached) || !errors.As(fmt.Errorf("wrapped: %w", err), &failure) {
		t.Fatalf("a blob of a retired key gave %v", err)
	}
	if failure.Report.Count(OutcomeKeyDisabled) != 1 || failure.Report.Count(OutcomeGranted) != 1 {
		t.Errorf("the keys answered:\n%s", failure.Report)
	}
	row := failure.Report.Keys[1]
	if row.KeyARN != retired || row.Code != CodeKMSKeyDisabled || row.AWSCode != "DisabledException" || row.AWSMessage == "" || row.Elapsed < 0 || row.Hint == "" {
		t.Errorf("the row is %+v", row)
	}
	if !strings.Contains(failure.Report.String(), retired+" key_disabled ") {
		t.Errorf("the report says:\n%s", failure.Report)
	}
}

func TestAnotherImageIsRefusedBeforeAnyRequest(t *testing.T) {
	enclave := emulated(t)
	blob, _ := seal(t, session(t, enclave.config()))
	config := enclave.config()
	config.Attester = NSMSocket{Path: driftedSocket}
	endpoint, connected := silence(t)
	config.KMS.Endpoint = endpoint
	_, err := session(t, config).Unseal(background, blob)
	if !errors.Is(err, CodePCRDrift) || !strings.Contains(err.Error(), "PCR2") {
		t.Errorf("another image gave %v", err)
	}
	if len(connected) != 0 {
		t.Error("a request was made")
	}
}

func TestManyGoroutinesOnOneSession(t *testing.T) {
	s := session(t, emulated(t).config())
	blob, secret := seal(t, s)
	var group sync.WaitGroup
	for i := 0; i < 12; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			ctx, cancel := context.WithCancel(background)
			defer cancel()
			for round := 0; round < 3; round++ {
				if i%4 == 0 {
					sealed, err := s.Generate(ctx, 16)
					if err != nil {
						t.Error(err)
						return
					}
					sealed.Secret.Destroy()
					continue
				}
				unsealed, err := s.Unseal(ctx, blob)
				if err != nil {
					t.Error(err)
					return
				}
				if err := unsealed.Secret.Use(func(found []byte) error {
					if !bytes.Equal(found, secret) {
						return errors.New("another secret came back")
					}
					return nil
				}); err != nil {
					t.Error(err)
				}
			}
		}(i)
	}
	group.Wait()
}

// silent is a session whose KMS never answers, a blob that it asks for, and a channel of its connections.
func silent(t *testing.T) (s *Session, blob []byte, connected <-chan struct{}) {
	t.Helper()
	enclave := emulated(t)
	blob, _ = seal(t, session(t, enclave.config()))
	config := enclave.config()
	config.KMS.Endpoint, connected = silence(t)
	config.Deadline = time.Hour
	config.KMS.AnswerTimeout, config.KMS.OperationTimeout = time.Hour, time.Hour
	return session(t, config), blob, connected
}

func TestContextsEndCalls(t *testing.T) {
	s, blob, connected := silent(t)
	ctx, cancel := context.WithCancel(background)
	go func() {
		<-connected
		cancel()
	}()
	_, err := s.Unseal(ctx, blob)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, CodeCancelled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a cancelled call gave %v", err)
	}
	if !strings.HasSuffix(err.Error(), "context canceled") {
		t.Errorf("it says %q", err)
	}

	ctx, cancel = context.WithTimeout(background, 50*time.Millisecond)
	defer cancel()
	_, err = s.Unseal(ctx, blob)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, CodeCancelled) || errors.Is(err, context.Canceled) {
		t.Errorf("a call beyond its time gave %v", err)
	}
}

func TestEveryCallThatWaitsCanBeEnded(t *testing.T) {
	s, blob, connected := silent(t)
	key := emulated(t).SealQuorum.Keys[0]
	for name, call := range map[string]func(ctx context.Context) error{
		"Generate":      func(ctx context.Context) error { _, err := s.Generate(ctx, 32); return err },
		"ImportVouched": func(ctx context.Context) error { _, err := s.ImportVouched(ctx, []byte{1}); return err },
		"Reseal":        func(ctx context.Context) error { _, err := s.Reseal(ctx, blob); return err },
		"Unseal":        func(ctx context.Context) error { _, err := s.Unseal(ctx, blob); return err },
	} {
		for len(connected) > 0 {
			<-connected
		}
		ctx, cancel := context.WithCancel(background)
		go func() {
			<-connected
			cancel()
		}()
		if err := call(ctx); !errors.Is(err, context.Canceled) || !errors.Is(err, CodeCancelled) {
			t.Errorf("%s gave %v", name, err)
		}
	}
	// The keys are in use, which is found before anything is asked; with a context that is done not even that.
	ctx, cancel := context.WithCancel(background)
	cancel()
	for name, call := range map[string]func() error{
		"RetireKey":         func() error { _, err := s.RetireKey(ctx, blob, key); return err },
		"ConfirmRetiredKey": func() error { _, err := s.ConfirmRetiredKey(ctx, blob, key); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) || !errors.Is(err, CodeCancelled) {
			t.Errorf("%s gave %v", name, err)
		}
	}
}

func TestAContextThatIsDoneMakesNoCall(t *testing.T) {
	ctx, cancel := context.WithCancel(background)
	cancel()
	// A session without a handle cannot make one.
	_, err := new(Session).Unseal(ctx, nil)
	if !errors.Is(err, context.Canceled) || !errors.Is(err, CodeCancelled) {
		t.Errorf("it gave %v", err)
	}
	if _, err := new(Session).Unseal(background, nil); !errors.Is(err, CodeFinished) {
		t.Errorf("a session that nobody made gave %v", err)
	}
}

func TestACallThatFailsBesidesIsNotCancelled(t *testing.T) {
	s := session(t, emulated(t).config())
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	_, err := s.Unseal(ctx, []byte("no blob"))
	if !errors.Is(err, CodeBlobMalformed) || errors.Is(err, CodeCancelled) || errors.Is(err, context.Canceled) {
		t.Errorf("it gave %v", err)
	}
}

func TestInputsAreJudgedByTheLibrary(t *testing.T) {
	s := session(t, emulated(t).config())
	for _, n := range []int{0, -1, 65537} {
		if _, err := s.Generate(background, n); !errors.Is(err, CodeSecretLength) {
			t.Errorf("%d bytes gave %v", n, err)
		}
		if _, err := s.MaxBlobLen(n); !errors.Is(err, CodeSecretLength) {
			t.Errorf("%d bytes gave %v", n, err)
		}
	}
	if _, err := s.ImportVouched(background, nil); !errors.Is(err, CodeSecretLength) {
		t.Errorf("no secret gave %v", err)
	}
	for _, blob := range [][]byte{nil, {}, {0}, bytes.Repeat([]byte{0xd8}, 1000)} {
		if _, err := s.Unseal(background, blob); err == nil {
			t.Errorf("%d bytes opened", len(blob))
		}
		if _, err := s.Reseal(background, blob); err == nil {
			t.Errorf("%d bytes were resealed", len(blob))
		}
	}
}

func TestCloseWaitsForCallsAndEndsTheSession(t *testing.T) {
	s, blob, connected := silent(t)
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	results := make(chan error)
	for i := 0; i < 8; i++ {
		go func() {
			_, err := s.Unseal(ctx, blob)
			results <- err
		}()
	}
	<-connected
	closed := make(chan error)
	for i := 0; i < 2; i++ {
		go func() { closed <- s.Close() }()
	}
	// Nothing new begins from the moment that Close has.
	for {
		_, err := s.MaxBlobLen(32)
		if errors.Is(err, CodeFinished) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-closed:
		t.Fatal("Close returned while calls were running")
	default:
	}
	cancel()
	for i := 0; i < 8; i++ {
		// A call that had not begun when Close did never does.
		if err := <-results; !errors.Is(err, context.Canceled) && !errors.Is(err, CodeFinished) {
			t.Errorf("a call that was running gave %v", err)
		}
	}
	for i := 0; i < 2; i++ {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Unseal(background, blob); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed session gave %v", err)
	}
}

func TestNoGoroutineIsLeft(t *testing.T) {
	s, blob, connected := silent(t)
	before := runtime.NumGoroutine()
	for i := 0; i < 10; i++ {
		ctx, cancel := context.WithCancel(background)
		if i%2 == 0 {
			go func() {
				<-connected
				cancel()
			}()
			if _, err := s.Unseal(ctx, blob); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		} else if _, err := s.Unseal(ctx, nil); !errors.Is(err, CodeBlobSize) {
			t.Error(err)
		}
		// What a call has begun has ended with it, whether its context has or not.
		settled(func() bool { return runtime.NumGoroutine() <= before })
		cancel()
	}
}
