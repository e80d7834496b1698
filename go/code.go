package pcrseal

import (
	"fmt"
	"sort"
)

// Code says how a call failed. Its numbers and names are the same in Rust, C and Go, never change their meaning and
// are never reused, so that they may be stored, alerted on and compared.
//
// A Code is an error by itself, for errors.Is:
//
//	if errors.Is(err, pcrseal.CodePCRDrift) { … }
type Code uint32

// codeEntry is a row of the table in codes.go.
type codeEntry struct {
	code       Code
	name, text string
}

// String is the code's name in snake_case, for logs and metrics labels: "pcr_drift". The name of 0 is "ok", and that of
// a number which this version does not know is "unknown".
func (c Code) String() string {
	if entry, known := c.entry(); known {
		return entry.name
	}
	if c == 0 {
		return "ok"
	}
	return "unknown"
}

// Error is one sentence about the code, for people. An *Error has the details besides.
func (c Code) Error() string {
	if entry, known := c.entry(); known {
		return "pcrseal: " + entry.text
	}
	return fmt.Sprintf("pcrseal: status %d", uint32(c))
}

func (c Code) entry() (codeEntry, bool) {
	at := sort.Search(len(codeTable), func(i int) bool { return codeTable[i].code >= c })
	if at < len(codeTable) && codeTable[at].code == c {
		return codeTable[at], true
	}
	return codeEntry{}, false
}
