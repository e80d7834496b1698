package pcrseal

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
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
