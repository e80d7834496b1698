package pcrseal

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestShamir(t *testing.T) {
	secret := []byte("what is split")
	shares, err := ShamirSplit(secret, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	for i, share := range shares {
		if len(share) != len(secret)+1 || cap(share) != len(share) || share[len(secret)] != byte(i+1) {
			t.Errorf("share %d is %x", i, share)
		}
	}
	for _, some := range [][]int{{0, 1, 2}, {4, 2, 0}, {0, 1, 2, 3, 4}} {
		var chosen [][]byte
		for _, i := range some {
			chosen = append(chosen, append([]byte{}, shares[i]...))
		}
		if found, err := ShamirCombine(chosen); err != nil || !bytes.Equal(found, secret) {
			t.Errorf("%v gave %q, %v", some, found, err)
		}
		if !bytes.Equal(chosen[0], shares[some[0]]) {
			t.Error("a share was changed")
		}
	}
	if found, err := ShamirCombine(shares[:2]); err != nil || bytes.Equal(found, secret) {
		t.Errorf("two shares gave %q, %v", found, err)
	}
}

func TestShamirRefuses(t *testing.T) {
	for _, try := range []struct {
		len, threshold, shares int
		expected               Code
	}{
		{0, 2, 3, CodeShamirSecretLength}, {65537, 2, 3, CodeShamirSecretLength}, {1, 0, 3, CodeShamirThreshold}, {1, 4, 3, CodeShamirThreshold},
		{1, -1, 3, CodeShamirThreshold}, {1, 2, -3, CodeShamirThreshold}, {1, 2, 256, CodeShamirThreshold}, {1, 1 << 33, 3, CodeShamirThreshold},
		{1, 2, 1<<32 + 3, CodeShamirThreshold},
	} {
		if _, err := ShamirSplit(make([]byte, try.len), try.threshold, try.shares); !errors.Is(err, try.expected) {
			t.Errorf("%+v: %v", try, err)
		}
	}
	for _, try := range []struct {
		shares   [][]byte
		expected Code
	}{
		{nil, CodeShamirNoShares}, {[][]byte{{1, 1}, {2, 1}}, CodeShamirShareRepeated}, {[][]byte{{1, 0}}, CodeShareCoordinate},
		// Together as long as two of four.
		{[][]byte{{1, 2, 1}, {1, 2, 3, 4, 2}}, CodeShamirShareLengths}, {[][]byte{{1}}, CodeShareLength}, {[][]byte{{}, {}}, CodeShareLength},
	} {
		if _, err := ShamirCombine(try.shares); !errors.Is(err, try.expected) {
			t.Errorf("%v: %v", try.shares, err)
		}
	}
}

func TestRecipient(t *testing.T) {
	recipient, err := NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	defer recipient.Close()
	key, err := recipient.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	if size, sized := parsed.(interface{ Size() int }); !sized || size.Size() != 256 {
		t.Errorf("the key is %T", parsed)
	}
	if _, err := recipient.Open(nil); !errors.Is(err, CodeCMSSize) {
		t.Errorf("nothing gave %v", err)
	}
	_ = recipient.Close()
	if _, err := recipient.Open(nil); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed recipient gave %v", err)
	}
	if _, err := recipient.PublicKey(); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed recipient gave %v", err)
	}
}

// A data key of the emulated KMS, for the recipient alone: what an enclave does that brings its own client of KMS.
func TestAnswersForTheRecipient(t *testing.T) {
	enclave := emulated(t)
	recipient, err := NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	defer recipient.Close()
	key, err := recipient.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	attester, err := OpenAttester(enclave.config())
	if err != nil {
		t.Fatal(err)
	}
	defer attester.Close()
	document, err := attester.Attest(AttestationRequest{PublicKey: key})
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Plaintext, CiphertextForRecipient []byte
	}
	enclave.ask(t, "GenerateDataKey", map[string]any{
		"KeyId": enclave.SealQuorum.Keys[0], "KeySpec": "AES_256",
		"Recipient": map[string]any{"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document},
	}, &answer)
	if len(answer.Plaintext) != 0 {
		t.Error("KMS gave the data key away")
	}
	secret, err := recipient.Open(answer.CiphertextForRecipient)
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Destroy()
	if secret.Len() != 32 || bytes.Equal(secret.Bytes(), make([]byte, 32)) {
		t.Errorf("a data key of %d bytes", secret.Len())
	}
	cut := answer.CiphertextForRecipient[:len(answer.CiphertextForRecipient)-1]
	if _, err := recipient.Open(cut); !errors.Is(err, CodeCMSTruncated) {
		t.Errorf("an answer without its end gave %v", err)
	}
	// Whoever is not the recipient cannot open it.
	other, err := NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if _, err := other.Open(answer.CiphertextForRecipient); !errors.Is(err, CodeCMSForeignRecipient) && !errors.Is(err, CodeRejected) {
		t.Errorf("another recipient gave %v", err)
	}
}

// ask sends a request of the first key's region, signed (AWS Signature Version 4).
func (e *enclave) ask(t *testing.T, operation string, body, answer any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequest("POST", e.KMS.Endpoint+"/", bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	region := strings.Split(e.SealQuorum.Keys[0], ":")[3]
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", "TrentService."+operation)
	request.Header.Set("X-Amz-Date", now.Format("20060102T150405Z"))
	const signed = "content-type;host;x-amz-date;x-amz-target"
	canonical := strings.Join([]string{
		"POST", "/", "", "content-type:" + request.Header.Get("Content-Type"), "host:" + request.Host,
		"x-amz-date:" + request.Header.Get("X-Amz-Date"), "x-amz-target:" + request.Header.Get("X-Amz-Target"), "", signed, digest(text),
	}, "\n")
	scope := now.Format("20060102") + "/" + region + "/kms/aws4_request"
	key := []byte("AWS4" + e.Credentials.SecretAccessKey)
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	signature := keyed(key, strings.Join([]string{"AWS4-HMAC-SHA256", request.Header.Get("X-Amz-Date"), scope, digest([]byte(canonical))}, "\n"))
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x",
		e.Credentials.AccessKeyID, scope, signed, signature))
	got, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	found, err := io.ReadAll(got.Body)
	if err != nil || got.StatusCode != 200 {
		t.Fatalf("%s: %d: %s, %v", operation, got.StatusCode, found, err)
	}
	if err := json.Unmarshal(found, answer); err != nil {
		t.Fatal(err)
	}
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// KMS's own answers are for other keys: each is read to its end, and refused there.
func TestAnswersForOthers(t *testing.T) {
	recipient, err := NewRecipient()
	if err != nil {
		t.Fatal(err)
	}
	defer recipient.Close()
	answers, err := filepath.Glob(filepath.Join(vectors(t), "cms", "*.ber"))
	if err != nil || len(answers) == 0 {
		t.Fatalf("%v, %v", answers, err)
	}
	seen := map[string]int{}
	for _, file := range answers {
		answer, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = recipient.Open(answer)
		var failure *Error
		if !errors.As(err, &failure) {
			t.Fatalf("%s: %v", file, err)
		}
		seen[failure.Code.String()]++
	}
	if seen["cms_foreign_recipient"] == 0 {
		t.Error(fmt.Sprint(seen))
	}
}
