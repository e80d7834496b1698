package pcrseal

// #include <pcrseal.h>
import "C"

import "context"

// RetirementState says whether a key refuses.
type RetirementState uint32

const (
	// Retired: AWS KMS refuses the share for the key's state.
	Retired RetirementState = C.PCRSEAL_RETIREMENT_RETIRED
	// NotYetEffective: AWS KMS still released the share when the deadline came. Session.ConfirmRetiredKey tells later.
	NotYetEffective RetirementState = C.PCRSEAL_RETIREMENT_NOT_YET_EFFECTIVE
	// RetirementFailed: the key could not be disabled, or what AWS KMS answers says nothing about its state. The report
	// says why.
	RetirementFailed RetirementState = C.PCRSEAL_RETIREMENT_FAILED
)

// String is "retired", "not_yet_effective" or "failed".
func (s RetirementState) String() string {
	switch s {
	case Retired:
		return "retired"
	case NotYetEffective:
		return "not_yet_effective"
	case RetirementFailed:
		return "failed"
	default:
		return "unknown"
	}
}

// Retirement is how the retirement of a key stands.
type Retirement struct {
	// State is what is known of the key.
	State RetirementState
	// Report has one row, AWS KMS's last word. OutcomeGranted is a share that was still released, and that nobody opened.
	Report *Report
}

// RetireKey disables a KMS key of an old blob (kms:DisableKey), and asks AWS KMS for its share until that is refused or
// the deadline passes: once as many keys refuse as leave fewer than the threshold, the old blob opens no more. For after
// Reseal, when the new blob is stored. The session must trust the old blob still, and seal under a quorum without the key.
//
// That the key could not be retired is no error: Retirement.State says so. A call that its context ended may have disabled
// the key.
func (s *Session) RetireKey(ctx context.Context, oldBlob []byte, keyARN string) (*Retirement, error) {
	return s.retirement(ctx, oldBlob, keyARN, true)
}

// ConfirmRetiredKey is the second half of RetireKey, for a key that somebody else has disabled, where the session's role may
// not: it disables nothing.
func (s *Session) ConfirmRetiredKey(ctx context.Context, oldBlob []byte, keyARN string) (*Retirement, error) {
	return s.retirement(ctx, oldBlob, keyARN, false)
}

func (s *Session) retirement(ctx context.Context, oldBlob []byte, keyARN string, disable bool) (*Retirement, error) {
	retirement := new(Retirement)
	err := s.call(ctx, func(session *C.pcrseal_session, cancel *C.pcrseal_cancel) error {
		arn, err := newText("keyARN", keyARN)
		if err != nil {
			return err
		}
		defer arn.free()
		blob, n := bytesIn(oldBlob)
		var state C.uint32_t
		var report *C.pcrseal_report
		var given *C.pcrseal_error
		var status C.pcrseal_status
		if disable {
			status = C.pcrseal_retire_key(session, blob, n, arn.c, cancel, &state, &report, &given)
		} else {
			status = C.pcrseal_confirm_retired_key(session, blob, n, arn.c, cancel, &state, &report, &given)
		}
		if err := failure(status, &given); err != nil {
			return err
		}
		*retirement = Retirement{RetirementState(state), takeReport(report)}
		return nil
	})
	return orNil(retirement, err)
}
