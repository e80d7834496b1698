//go:build !race

package pcrseal

import (
	"context"
	"errors"
	"testing"
)

// A call's cancel handle has tens of bytes: there are enough of them here to be seen. Not under the
// race detector, which keeps more of every goroutine.
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
	const times = 100_000
	call(times)
	if grown := resident(t) - before; grown > times*20 {
		t.Errorf("%d bytes after %d calls", grown, times)
	}
}
