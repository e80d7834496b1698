//go:build !race

package pcrseal

import (
	"context"
	"errors"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Not under the race detector, which keeps more of every goroutine and every call.

// A call's cancel handle has tens of bytes: there are enough of them here to be seen.
func TestContextsLeakNothing(t *testing.T) {
	s := session(t, emulated(t).config())
	ctx, cancel := context.WithCancel(background)
	defer cancel()
	call := func(times int) {
		for i := 0; i < times; i++ {
			if _, err := s.Unseal(ctx, nil); !errors.Is(err, CodeBlobSize) {
				t.Fatal(err)
			}
		}
	}
	call(1000)
	before := resident(t)
	const times = 200_000
	call(times)
	if grown := resident(t) - before; grown > times*15 {
		t.Errorf("%d bytes after %d calls", grown, times)
	}
}

// Every error, and whatever a failed call was given, is freed: there are enough of them here to be seen.
func TestFailuresLeakNothing(t *testing.T) {
	verifier := verifier(t)
	policy := &AttestationPolicy{PCRs: PCRSet{}, ModuleID: "i-0", Nonce: make([]byte, 1024)}
	for index := 0; index < 32; index++ {
		policy.PCRs[index] = PCR{1}
	}
	fail := func(times int) {
		for i := 0; i < times; i++ {
			if _, err := verifier.Verify(nil, time.Now(), policy); !errors.Is(err, CodeCBORTruncated) {
				t.Fatal(err)
			}
			if _, err := ConfigFromJSON([]byte(`{"cluster": ""}`)); !errors.Is(err, CodeConfigMember) {
				t.Fatal(err)
			}
		}
	}
	fail(1000)
	before := resident(t)
	const times = 60_000
	fail(times)
	// A policy has 2.5 KB, an error some 200 bytes.
	if grown := resident(t) - before; grown > times*60 {
		t.Errorf("%d bytes after %d failures", grown, times)
	}
}

// resident is the process's memory, of Go's and the library's, but for what the garbage collector could give back.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}
