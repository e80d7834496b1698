package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"fmt"
	"strings"
	"time"
)

// Report is what every KMS key answered. It holds no secret.
type Report struct {
	// Keys has one row per key, in the quorum's order.
	Keys []KeyReport
}

// KeyReport is what one KMS key answered.
type KeyReport struct {
	// KeyARN is the key's ARN.
	KeyARN string
	// Outcome says how its request ended.
	Outcome Outcome
	// Code is pcrseal's own code behind a refusal; 0 where there is none.
	Code Code
	// AWSCode, AWSMessage and RequestID are KMS's own words about a refusal: "AccessDeniedException", …; empty where
	// KMS itself did not refuse.
	AWSCode, AWSMessage, RequestID string
	// Elapsed is the time from the request to its answer, in whole milliseconds; negative where nobody measured it.
	Elapsed time.Duration
	// Hint says what to check next, for people; empty where the answer does not tell.
	Hint string
}

// Outcome says how the request to one KMS key ended: a stable word, for metrics labels.
type Outcome string

// The outcomes.
const (
	OutcomeGranted             Outcome = "granted"
	OutcomeAttestationRejected Outcome = "attestation_rejected"
	OutcomeAccessDenied        Outcome = "access_denied"
	OutcomeKeyDisabled         Outcome = "key_disabled"
	OutcomeKeyPendingDeletion  Outcome = "key_pending_deletion"
	OutcomeThrottled           Outcome = "throttled"
	OutcomeTimeout             Outcome = "timeout"
	OutcomeUnreachable         Outcome = "unreachable"
	OutcomeBadResponse         Outcome = "bad_response"
	OutcomeNotNeeded           Outcome = "not_needed"
)

// Count says how many keys answered so. 0 for nil.
func (r *Report) Count(outcome Outcome) int {
	count := 0
	if r != nil {
		for _, key := range r.Keys {
			if key.Outcome == outcome {
				count++
			}
		}
	}
	return count
}

// String has a line per key: its ARN, outcome and time, and AWS's name of a refusal.
func (r *Report) String() string {
	if r == nil {
		return ""
	}
	lines := make([]string, 0, len(r.Keys))
	for _, key := range r.Keys {
		lines = append(lines, key.String())
	}
	return strings.Join(lines, "\n")
}

// String is one line: the ARN, the outcome and the time, and AWS's name of a refusal.
func (k KeyReport) String() string {
	line := fmt.Sprintf("%s %s", k.KeyARN, k.Outcome)
	if k.Elapsed >= 0 {
		line += fmt.Sprintf(" %d ms", k.Elapsed.Milliseconds())
	}
	if k.AWSCode != "" {
		line += fmt.Sprintf(" (%s, request %s)", k.AWSCode, k.RequestID)
	}
	return line
}

// reportOf copies a report; nil where it has no row.
func reportOf(report *C.pcrseal_report) *Report {
	count := int(C.pcrseal_report_len(report))
	if count == 0 {
		return nil
	}
	keys := make([]KeyReport, count)
	for i := range keys {
		row := C.size_t(i)
		keys[i] = KeyReport{
			KeyARN:     C.GoString(C.pcrseal_report_key_arn(report, row)),
			Outcome:    Outcome(C.GoString(C.pcrseal_report_outcome(report, row))),
			Code:       Code(C.pcrseal_report_status(report, row)),
			AWSCode:    C.GoString(C.pcrseal_report_aws_code(report, row)),
			AWSMessage: C.GoString(C.pcrseal_report_aws_message(report, row)),
			RequestID:  C.GoString(C.pcrseal_report_request_id(report, row)),
			Elapsed:    time.Duration(C.pcrseal_report_milliseconds(report, row)) * time.Millisecond,
			Hint:       C.GoString(C.pcrseal_report_hint(report, row)),
		}
	}
	return &Report{Keys: keys}
}

// takeReport copies a report that a call gave, and frees it.
func takeReport(report *C.pcrseal_report) *Report {
	defer C.pcrseal_report_free(report)
	return reportOf(report)
}
