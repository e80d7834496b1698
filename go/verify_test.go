package pcrseal

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// genuine is a row of ../shared/vectors/attestation/index.json.
type genuine struct {
	File         string
	Kind         string
	ModuleID     string            `json:"module_id"`
	TimestampMS  int64             `json:"timestamp_ms"`
	VerifyAt     int64             `json:"verify_at_unix"`
	PCRCount     int               `json:"pcr_count"`
	PCRs         map[string]string `json:"pcrs_nonzero_values"`
	Debug        bool              `json:"debug_mode_pcr012_zero"`
	PublicKeyLen *int              `json:"public_key_len"`
	UserDataLen  *int              `json:"user_data_len"`
	NonceLen     *int              `json:"nonce_len"`

	document []byte
}

func genuineDocuments(t testing.TB) []genuine {
	t.Helper()
	folder := filepath.Join(vectors(t), "attestation")
	text, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct{ Documents []genuine }
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	if len(index.Documents) < 20 {
		t.Fatalf("%d documents", len(index.Documents))
	}
	for i := range index.Documents {
		index.Documents[i].document, err = os.ReadFile(filepath.Join(folder, index.Documents[i].File))
		if err != nil {
			t.Fatal(err)
		}
	}
	return index.Documents
}

func verifier(t testing.TB, roots ...[]byte) *Verifier {
	t.Helper()
	made, err := NewVerifier(roots...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

// policy demands what the document says.
func (g genuine) policy(t testing.TB, a *Attestation) *AttestationPolicy {
	t.Helper()
	return &AttestationPolicy{
		Kind: a.Kind(), PCRs: a.PCRs(), ModuleID: a.ModuleID(), InstanceID: a.InstanceID(),
		Nonce: a.Nonce(), UserData: a.UserData(), PublicKey: a.PublicKey(),
		MaxAge: time.Hour, ClockSkew: time.Minute, AllowDebugMode: g.Debug,
	}
}

// sentence is what messages have of a code.
func sentence(code Code) string {
	return strings.TrimPrefix(code.Error(), "pcrseal: ")
}

func TestGenuineDocuments(t *testing.T) {
	verifier := verifier(t)
	for _, g := range genuineDocuments(t) {
		at := time.Unix(g.VerifyAt, 0)
		a, err := verifier.VerifyWithoutAppraisal(g.document, at)
		if err != nil {
			t.Errorf("%s: %v", g.File, err)
			continue
		}
		if a.ModuleID() != g.ModuleID || !strings.HasPrefix(a.ModuleID(), a.InstanceID()+"-") {
			t.Errorf("%s: %s of %s", g.File, a.ModuleID(), a.InstanceID())
		}
		if a.Timestamp().UnixMilli() != g.TimestampMS || a.Timestamp().Location() != time.UTC {
			t.Errorf("%s: %v", g.File, a.Timestamp())
		}
		if (a.Kind() == AttestationNitroTPM) != (g.Kind == "nitrotpm") {
			t.Errorf("%s: %v", g.File, a.Kind())
		}
		pcrs := a.PCRs()
		if len(pcrs) != g.PCRCount {
			t.Errorf("%s: %d PCRs", g.File, len(pcrs))
		}
		for index, pcr := range pcrs {
			expected, nonzero := g.PCRs[strconv.Itoa(index)]
			if nonzero && pcr.String() != expected || !nonzero && pcr != (PCR{}) {
				t.Errorf("%s: PCR%d is %s", g.File, index, pcr)
			}
		}
		for name, field := range map[string]struct {
			found    []byte
			expected *int
		}{
			"public key": {a.PublicKey(), g.PublicKeyLen}, "user data": {a.UserData(), g.UserDataLen}, "nonce": {a.Nonce(), g.NonceLen},
		} {
			if (field.found == nil) != (field.expected == nil) || field.expected != nil && len(field.found) != *field.expected {
				t.Errorf("%s: %s of %v bytes", g.File, name, field.found)
			}
		}

		if _, err := verifier.Verify(g.document, at, g.policy(t, a)); err != nil {
			t.Errorf("%s: %v", g.File, err)
		}
		for code, change := range map[Code]func(*AttestationPolicy){
			CodeAttestationPCRMismatch:        func(p *AttestationPolicy) { p.PCRs[4] = PCR{1} },
			CodeAttestationModuleIDMismatch:   func(p *AttestationPolicy) { p.ModuleID += "x" },
			CodeAttestationInstanceIDMismatch: func(p *AttestationPolicy) { p.InstanceID = "i-00000000000000000" },
			CodeAttestationNonceMismatch:      func(p *AttestationPolicy) { p.Nonce = []byte("another") },
			CodeAttestationUserDataMismatch:   func(p *AttestationPolicy) { p.UserData = []byte("another") },
			CodeAttestationPublicKeyMismatch:  func(p *AttestationPolicy) { p.PublicKey = []byte("another") },
			CodeAttestationKindMismatch:       func(p *AttestationPolicy) { p.Kind = 3 - p.Kind },
		} {
			policy := g.policy(t, a)
			change(policy)
			_, err := verifier.Verify(g.document, at, policy)
			if !errors.Is(err, CodeAttestationRefused) || !strings.Contains(err.Error(), sentence(code)) {
				t.Errorf("%s: %s: %v", g.File, code, err)
			}
		}
	}
}

func TestDebugModeAndRevocation(t *testing.T) {
	root, err := os.ReadFile(filepath.Join(vectors(t), "attestation", "aws-nitro-enclaves-root-g1.der"))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	verifier := verifier(t)
	for _, g := range genuineDocuments(t) {
		at := time.Unix(g.VerifyAt, 0)
		a, err := verifier.VerifyWithoutAppraisal(g.document, at)
		if err != nil {
			t.Fatal(err)
		}
		policy := g.policy(t, a)
		policy.AllowDebugMode = false
		if _, err := verifier.Verify(g.document, at, policy); errors.Is(err, CodeAttestationRefused) != g.Debug {
			t.Errorf("%s without debug mode: %v", g.File, err)
		}
		policy = g.policy(t, a)
		policy.RevokedSerials = [][]byte{{1}, certificate.SerialNumber.Bytes()}
		_, err = verifier.Verify(g.document, at, policy)
		if !errors.Is(err, CodeAttestationRefused) || !strings.Contains(err.Error(), sentence(CodeAttestationRevoked)) {
			t.Errorf("%s of a revoked chain: %v", g.File, err)
		}
	}
}

func TestPresentAndEmptyIsNotAbsent(t *testing.T) {
	verifier := verifier(t)
	tried := 0
	for _, g := range genuineDocuments(t) {
		at := time.Unix(g.VerifyAt, 0)
		a, err := verifier.VerifyWithoutAppraisal(g.document, at)
		if err != nil {
			t.Fatal(err)
		}
		if a.Nonce() != nil {
			continue
		}
		tried++
		policy := g.policy(t, a)
		policy.Nonce = []byte{}
		if _, err := verifier.Verify(g.document, at, policy); !errors.Is(err, CodeAttestationRefused) {
			t.Errorf("%s has no nonce, and one of no bytes gave %v", g.File, err)
		}
	}
	if tried == 0 {
		t.Error("every document has a nonce")
	}
}

func TestDocumentsThatAreRefused(t *testing.T) {
	verifier := verifier(t)
	g := genuineDocuments(t)[1]
	at := time.Unix(g.VerifyAt, 0)
	a, err := verifier.VerifyWithoutAppraisal(g.document, at)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{}, g.document...)
	flipped[len(flipped)-1] ^= 1
	for name, try := range map[string]struct {
		document []byte
		at       time.Time
		expected Code
	}{
		"nothing":     {nil, at, CodeCBORTruncated},
		"a signature": {flipped, at, CodeCOSESignatureRejected},
		"too late":    {g.document, at.Add(24 * time.Hour), CodeCertificateExpired},
		"too early":   {g.document, at.Add(-24 * time.Hour), CodeCertificateNotYetValid},
		"no time":     {g.document, time.Time{}, CodeCertificateNotYetValid},
	} {
		if _, err := verifier.VerifyWithoutAppraisal(try.document, try.at); !errors.Is(err, try.expected) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := verifier.Verify(try.document, try.at, g.policy(t, a)); !errors.Is(err, try.expected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, try := range map[string]struct {
		policy   *AttestationPolicy
		expected Code
	}{
		"no policy":       {nil, CodeNullPointer},
		"an empty policy": {&AttestationPolicy{}, CodeAttestationPolicyEmpty},
		"an index":        {&AttestationPolicy{PCRs: PCRSet{32: {}}}, CodePCRIndex},
		"a low index":     {&AttestationPolicy{PCRs: PCRSet{-1: {}}}, CodePCRIndex},
		"a high index":    {&AttestationPolicy{PCRs: PCRSet{1 << 40: {}}}, CodePCRIndex},
		"a kind":          {&AttestationPolicy{Kind: 9}, CodeUnknownConstant},
		"an age":          {&AttestationPolicy{PCRs: a.PCRs(), MaxAge: -1}, CodeAttestationPolicyField},
		"a NUL":           {&AttestationPolicy{ModuleID: "a\x00"}, CodeTextEncoding},
		"another NUL":     {&AttestationPolicy{InstanceID: "a\x00"}, CodeTextEncoding},
	} {
		if _, err := verifier.Verify(g.document, at, try.policy); !errors.Is(err, try.expected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := g.policy(t, a)
	old.MaxAge, old.ClockSkew = time.Millisecond, 0
	if _, err := verifier.Verify(g.document, a.Timestamp().Add(time.Minute), old); !errors.Is(err, CodeAttestationRefused) || !strings.Contains(err.Error(), sentence(CodeAttestationTooOld)) {
		t.Errorf("an old document gave %v", err)
	}
	_ = verifier.Close()
	if _, err := verifier.Verify(g.document, at, old); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed verifier gave %v", err)
	}
}

func TestNegativeVectors(t *testing.T) {
	verifier := verifier(t)
	negative, err := filepath.Glob(filepath.Join(vectors(t), "attestation", "negative_*.cbor"))
	if err != nil || len(negative) == 0 {
		t.Fatalf("%v, %v", negative, err)
	}
	for _, file := range negative {
		document, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for year := 2019; year < 2027; year++ {
			if _, err := verifier.VerifyWithoutAppraisal(document, time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); err == nil {
				t.Errorf("%s verifies in %d", file, year)
			}
		}
	}
}

func TestRoots(t *testing.T) {
	root, err := os.ReadFile(filepath.Join(vectors(t), "attestation", "aws-nitro-enclaves-root-g1.der"))
	if err != nil {
		t.Fatal(err)
	}
	// Of a certificate that has the form and is another.
	other := append([]byte{}, root...)
	other[len(other)-1] ^= 1
	g := genuineDocuments(t)[0]
	at := time.Unix(g.VerifyAt, 0)
	for name, try := range map[string]struct {
		roots    [][]byte
		verifies bool
	}{
		"AWS's": {[][]byte{root}, true}, "both": {[][]byte{other, root}, true}, "another": {[][]byte{other}, false},
	} {
		if _, err := verifier(t, try.roots...).VerifyWithoutAppraisal(g.document, at); (err == nil) != try.verifies {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, roots := range [][][]byte{{{}}, {root, nil}, {root[1:]}, {root[:len(root)-1]}} {
		if _, err := NewVerifier(roots...); !errors.Is(err, CodeCertificateMalformed) {
			t.Errorf("roots of %d: %v", len(roots), err)
		}
	}
}

func TestManyGoroutinesOnOneVerifier(t *testing.T) {
	verifier, documents := verifier(t), genuineDocuments(t)
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func(i int) {
			defer group.Done()
			for j := range documents {
				g := documents[(i+j)%len(documents)]
				if _, err := verifier.VerifyWithoutAppraisal(g.document, time.Unix(g.VerifyAt, 0)); err != nil {
					t.Errorf("%s: %v", g.File, err)
				}
			}
		}(i)
	}
	group.Wait()
}

func TestAttestationsAreNotShared(t *testing.T) {
	g := genuineDocuments(t)[0]
	a, err := verifier(t).VerifyWithoutAppraisal(g.document, time.Unix(g.VerifyAt, 0))
	if err != nil {
		t.Fatal(err)
	}
	a.PCRs()[0] = PCR{1}
	if a.PCRs()[0] != (PCR{}) && g.Debug {
		t.Error("the caller changed the attestation")
	}
}

func TestTheEnclavesOwnDocuments(t *testing.T) {
	config := emulated(t).config()
	attester, err := OpenAttester(config)
	if err != nil {
		t.Fatal(err)
	}
	defer attester.Close()
	measured, err := attester.MeasuredPCRs()
	if err != nil {
		t.Fatal(err)
	}
	for index, first := range []byte{0xa0, 0xa1, 0xa2} {
		if pcr := measured[index]; !bytes.Equal(pcr[:], bytes.Repeat([]byte{first}, 48)) {
			t.Errorf("PCR%d is %s", index, pcr)
		}
	}
	if len(measured) != 32 && len(measured) != 16 {
		t.Errorf("%d PCRs", len(measured))
	}
	parsed, err := ConfigFromJSON(emulated(t).document)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenAttester(parsed)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	key := sha256.Sum256([]byte("no key, which nobody minds"))
	for name, request := range map[string]AttestationRequest{
		"nothing": {}, "everything": {PublicKey: key[:], UserData: []byte("u"), Nonce: []byte("n")},
		"a nonce of no bytes": {Nonce: []byte{}},
	} {
		document, err := again.Attest(request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !bytes.Contains(document, request.UserData) || !bytes.Contains(document, request.PublicKey) {
			t.Errorf("%s is not in the document", name)
		}
		// A nonce of no bytes is h'' (40) in the document, and none is null (f6): RFC 8949.
		nonce := map[bool]string{true: "enonce\xf6", false: "enonce"}[request.Nonce == nil]
		if name == "a nonce of no bytes" {
			nonce = "enonce\x40"
		}
		if !bytes.Contains(document, []byte(nonce)) {
			t.Errorf("%s has another nonce", name)
		}
	}
	if _, err := attester.Attest(AttestationRequest{UserData: make([]byte, 1025)}); !errors.Is(err, CodeNSMInputTooLarge) {
		t.Errorf("too much gave %v", err)
	}
	_ = attester.Close()
	_ = attester.Close()
	if _, err := attester.Attest(AttestationRequest{}); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed attester gave %v", err)
	}
	if _, err := attester.MeasuredPCRs(); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed attester gave %v", err)
	}
	// There is no enclave around this test.
	if _, err := os.Stat("/dev/nsm"); err != nil {
		if _, err := OpenAttester(nil); !errors.Is(err, CodeNSMDeviceMissing) {
			t.Errorf("no device gave %v", err)
		}
		if _, err := OpenAttester(&Config{}); !errors.Is(err, CodeNSMDeviceMissing) {
			t.Errorf("no device gave %v", err)
		}
	}
}
