package pcrseal

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestPCRsAreHex(t *testing.T) {
	digits := strings.Repeat("0a", 48)
	pcr, err := ParsePCR(digits)
	if err != nil || pcr.String() != digits || pcr[47] != 0x0a {
		t.Errorf("%s, %v", pcr, err)
	}
	if upper, err := ParsePCR(strings.ToUpper(digits)); err != nil || upper != pcr {
		t.Errorf("%s, %v", upper, err)
	}
	for digits, code := range map[string]Code{
		"": CodePCRLength, digits[1:]: CodePCRLength, digits + "0": CodePCRLength, "x" + digits[1:]: CodePCRHex,
	} {
		if _, err := ParsePCR(digits); !errors.Is(err, code) {
			t.Errorf("%q: %v", digits, err)
		}
	}
	set := PCRSet{3: pcr, 0: {}}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	var read PCRSet
	if err := json.Unmarshal(text, &read); err != nil || !reflect.DeepEqual(read, set) {
		t.Errorf("%s: %v, %v", text, read, err)
	}
	if err := json.Unmarshal([]byte(`{"0": "00"}`), &read); !errors.Is(err, CodePCRLength) {
		t.Errorf("a short value: %v", err)
	}
}

func TestMeasurements(t *testing.T) {
	measurements := `{"Measurements": {"HashAlgorithm": "Sha384 { ... }", "PCR0": "` + strings.Repeat("01", 48) + `", "PCR1": "` +
		strings.Repeat("02", 48) + `", "PCR2": "` + strings.Repeat("03", 48) + `", "PCR8": "` + strings.Repeat("08", 48) + `"}}`
	set, err := ParseMeasurements([]byte(measurements))
	if err != nil {
		t.Fatal(err)
	}
	expected := PCRSet{}
	for index, value := range map[int]string{0: "01", 1: "02", 2: "03", 8: "08"} {
		expected[index], _ = ParsePCR(strings.Repeat(value, 48))
	}
	if !reflect.DeepEqual(set, expected) {
		t.Errorf("%v", set)
	}
	if _, err := ParseMeasurements([]byte("{}")); !errors.Is(err, CodeMeasurementsMissing) {
		t.Errorf("nothing measured: %v", err)
	}
	if _, err := ParseMeasurements(nil); !errors.Is(err, CodeMeasurementsJSON) {
		t.Errorf("nothing: %v", err)
	}
}
