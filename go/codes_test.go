package pcrseal

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pcrseal/pcrseal/go/internal/status"
)

// headerCodes are the PCRSEAL_E_… constants of include/pcrseal.h: their numbers by what follows PCRSEAL_E_.
func headerCodes(t *testing.T) map[string]uint32 {
	t.Helper()
	header, err := os.ReadFile(filepath.Join("..", "include", "pcrseal.h"))
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]uint32{}
	for _, found := range regexp.MustCompile(`(?m)^\s*PCRSEAL_E_([A-Z0-9_]+) = (\d+)`).FindAllStringSubmatch(string(header), -1) {
		number, err := strconv.ParseUint(found[2], 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		codes[found[1]] = uint32(number)
	}
	if declared := strings.Count(string(header), "PCRSEAL_E_RANDOM ="); declared != 1 || len(codes) < 280 {
		t.Fatalf("%d codes in the header, and %d of a name", len(codes), declared)
	}
	return codes
}

// goCodes are the constants Code… of codes.go, by name.
func goCodes(t *testing.T) map[string]uint32 {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := map[string]uint32{}
	ast.Inspect(file, func(node ast.Node) bool {
		constant, isConstant := node.(*ast.ValueSpec)
		if !isConstant || !strings.HasPrefix(constant.Names[0].Name, "Code") {
			return true
		}
		number, err := strconv.ParseUint(constant.Values[0].(*ast.BasicLit).Value, 10, 32)
		if err != nil {
			t.Fatal(err)
		}
		codes[constant.Names[0].Name] = uint32(number)
		return true
	})
	return codes
}

func TestCodesAreTheHeaders(t *testing.T) {
	header, constants := headerCodes(t), goCodes(t)
	byName := map[string]uint32{}
	for name, number := range constants {
		byName[strings.ToUpper(strings.TrimPrefix(name, "Code"))] = number
	}
	if len(byName) != len(header) || len(codeTable) != len(header) {
		t.Errorf("%d constants and %d rows for the header's %d codes", len(byName), len(codeTable), len(header))
	}
	for name, number := range header {
		if found, here := byName[strings.ReplaceAll(name, "_", "")]; !here || found != number {
			t.Errorf("PCRSEAL_E_%s = %d is %d (%v) here", name, number, found, here)
		}
		if found := Code(number).String(); found != strings.ToLower(name) {
			t.Errorf("PCRSEAL_E_%s is named %q here", name, found)
		}
	}
	for name := range byName {
		found := false
		for headers := range header {
			found = found || strings.ReplaceAll(headers, "_", "") == name
		}
		if !found {
			t.Errorf("Code… %s is not in the header", name)
		}
	}
}

func TestTextsAreTheLibrarys(t *testing.T) {
	for i, entry := range codeTable {
		if i > 0 && codeTable[i-1].code >= entry.code {
			t.Errorf("%d is not in order", entry.code)
		}
		number := uint32(entry.code)
		if name := status.Name(number); entry.code.String() != name {
			t.Errorf("%d: %q, and the library says %q", number, entry.code, name)
		}
		if text := status.Message(number); entry.code.Error() != "pcrseal: "+text {
			t.Errorf("%d: %q, and the library says %q", number, entry.code.Error(), text)
		}
	}
	for _, number := range []uint32{0, 7, 1000, 4294967295} {
		if name := status.Name(number); Code(number).String() != name {
			t.Errorf("%d: %q, and the library says %q", number, Code(number).String(), name)
		}
	}
	if text := Code(7).Error(); text != "pcrseal: status 7" {
		t.Errorf("an unknown code says %q", text)
	}
}

func TestErrorsAreTheirCodes(t *testing.T) {
	_, err := ConfigFromJSON([]byte("{"))
	if !errors.Is(err, CodeConfigSyntax) || errors.Is(err, CodeConfigMember) {
		t.Errorf("%v is not of its code alone", err)
	}
	var failure *Error
	if !errors.As(err, &failure) || failure.Code != CodeConfigSyntax || failure.Report != nil {
		t.Errorf("%v is not an *Error without a report", err)
	}
	if !strings.HasPrefix(err.Error(), "pcrseal: ") || !strings.Contains(err.Error(), "line 1, column 2") {
		t.Errorf("%q does not say where", err)
	}
	wrapped := &Error{Code: CodePCRDrift}
	var code Code
	if errors.As(wrapped, &code) || errors.Is(wrapped, Code(0)) {
		t.Error("an *Error is no Code, and is not of code 0")
	}
}

func TestOtherInterfacesAreRefused(t *testing.T) {
	if err := checkABI(1, 1); err != nil {
		t.Error(err)
	}
	if err := checkABI(1, 2); !errors.Is(err, ErrABIVersion) || !strings.Contains(err.Error(), "version 1 ") {
		t.Errorf("version 2 gave %v", err)
	}
	if err := ready(); err != nil {
		t.Errorf("the library under test has another interface: %v", err)
	}
	if Version() == "" || ABIVersion() == 0 || HasFeature("no-such-feature") || HasFeature("a\x00b") {
		t.Errorf("version %q, interface %d", Version(), ABIVersion())
	}
}

func TestOtherInterfacesAreRefusedEverywhere(t *testing.T) {
	ready()
	abi.err = ErrABIVersion
	defer func() { abi.err = nil }()
	for name, call := range map[string]func() error{
		"NewSession":        func() error { _, err := NewSession(&Config{}); return err },
		"ConfigFromJSON":    func() error { _, err := ConfigFromJSON([]byte("{}")); return err },
		"OpenAttester":      func() error { _, err := OpenAttester(nil); return err },
		"NewVerifier":       func() error { _, err := NewVerifier(); return err },
		"NewRecipient":      func() error { _, err := NewRecipient(); return err },
		"ParseMeasurements": func() error { _, err := ParseMeasurements(nil); return err },
		"ShamirSplit":       func() error { _, err := ShamirSplit(nil, 2, 3); return err },
		"ShamirCombine":     func() error { _, err := ShamirCombine(nil); return err },
		"DropBinding":       func() error { _, err := DropBinding(nil, nil); return err },
		"Inspect":           func() error { _, err := Inspect(nil, nil); return err },
	} {
		if err := call(); !errors.Is(err, ErrABIVersion) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
