package pcrseal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// hostSession is a session that leaves the bytes to the test, and a blob for it.
func hostSession(t *testing.T) (s *Session, blob, secret []byte) {
	t.Helper()
	config := emulated(t).config()
	blob, secret = seal(t, session(t, config))
	config.Transport, config.Credentials, config.KMS = TransportHost, nil, KMSConfig{}
	return session(t, config), blob, secret
}

// exchange sends a request over a connection of the test's own.
func (e *enclave) exchange(request *KMSRequest) (status int, id string, body []byte, err error) {
	address := strings.TrimPrefix(e.KMS.Endpoint, "http://")
	text, err := request.HTTP1(e.credentials(nil), address, time.Now())
	if err != nil {
		return 0, "", nil, err
	}
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, "", nil, err
	}
	defer connection.Close()
	if _, err := connection.Write(text); err != nil {
		return 0, "", nil, err
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return 0, "", nil, err
	}
	defer answer.Body.Close()
	body, err = io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header.Get("x-amzn-RequestId"), body, err
}

func TestHostUnseal(t *testing.T) {
	enclave := emulated(t)
	s, blob, secret := hostSession(t)
	unseal, err := s.HostUnseal(blob)
	if err != nil {
		t.Fatal(err)
	}
	defer unseal.Close()
	// It does without its session.
	_ = s.Close()
	if unseal.Needed() != 3 || unseal.Ready() {
		t.Errorf("%d are needed, ready %v", unseal.Needed(), unseal.Ready())
	}
	position := uint32(0)
	for !unseal.Ready() {
		request, err := unseal.NextRequest()
		if err != nil || request == nil {
			t.Fatalf("%v, %v", request, err)
		}
		position++
		region := strings.Split(request.KeyARN, ":")[3]
		if request.Position != position || request.KeyARN != enclave.SealQuorum.Keys[position-1] || request.Region != region ||
			request.Operation != "Decrypt" || request.Target != "TrentService.Decrypt" || request.Host != "kms."+region+".amazonaws.com" ||
			!bytes.Contains(request.Body, []byte(request.KeyARN)) {
			t.Errorf("request %d is %+v", position, request)
		}
		if position == 2 {
			if err := unseal.Failed(position, NoAnswerUnreachable, NotMeasured); err != nil {
				t.Error(err)
			}
			continue
		}
		status, id, body, err := enclave.exchange(request)
		if err != nil {
			t.Fatal(err)
		}
		if err := unseal.AnswerFromAuthenticatedKMS(position, status, id, body, 7*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if err := unseal.AnswerFromAuthenticatedKMS(position, status, id, body, 0); !errors.Is(err, CodeAlreadyAnswered) {
			t.Errorf("a second answer gave %v", err)
		}
	}
	unsealed, err := unseal.Finish()
	if err != nil {
		t.Fatal(err)
	}
	defer unsealed.Secret.Destroy()
	if !bytes.Equal(unsealed.Secret.Bytes(), secret) {
		t.Error("another secret came back")
	}
	keys := unsealed.Report.Keys
	if keys[0].Outcome != OutcomeGranted || keys[0].Elapsed != 7*time.Millisecond || keys[1].Outcome != OutcomeUnreachable || keys[1].Elapsed >= 0 {
		t.Errorf("the keys answered:\n%s", unsealed.Report)
	}
	if _, err := unseal.Finish(); !errors.Is(err, CodeFinished) {
		t.Errorf("the second time gave %v", err)
	}
	if _, err := unseal.NextRequest(); !errors.Is(err, CodeFinished) {
		t.Errorf("a finished unseal gave %v", err)
	}
	if unseal.Needed() != 0 || unseal.Ready() {
		t.Error("a finished unseal needs something, or is ready")
	}
}

func TestHostUnsealFails(t *testing.T) {
	enclave := emulated(t)
	s, blob, _ := hostSession(t)
	unseal, err := s.HostUnseal(blob)
	if err != nil {
		t.Fatal(err)
	}
	requests := 0
	for {
		request, err := unseal.NextRequest()
		if err != nil {
			t.Fatal(err)
		}
		if request == nil {
			break
		}
		requests++
		refusal := []byte(`{"__type":"AccessDeniedException","Message":"no"}`)
		err = unseal.AnswerFromAuthenticatedKMS(request.Position, 400, "an-id", refusal, NotMeasured)
		if !errors.Is(err, CodeKMSAccessDenied) {
			t.Errorf("a refusal gave %v", err)
		}
	}
	if requests != 5 {
		t.Errorf("%d requests", requests)
	}
	for code, err := range map[Code]error{
		CodeUnknownShare:    unseal.AnswerFromAuthenticatedKMS(99, 200, "", nil, NotMeasured),
		CodeAlreadyAnswered: unseal.Failed(1, NoAnswerTimeout, time.Second),
		CodeUnknownConstant: unseal.Failed(1, 9, NotMeasured),
		CodeTextEncoding:    unseal.AnswerFromAuthenticatedKMS(1, 200, "\x00", nil, NotMeasured),
	} {
		if !errors.Is(err, code) {
			t.Errorf("%s: %v", code, err)
		}
	}
	_, err = unseal.Finish()
	var failure *Error
	if !errors.Is(err, CodeQuorumNotReached) || !errors.As(err, &failure) || failure.Report.Count(OutcomeAccessDenied) != 5 {
		t.Fatalf("no share gave %v", err)
	}
	if row := failure.Report.Keys[4]; row.RequestID != "an-id" || row.AWSCode != "AccessDeniedException" || row.AWSMessage != "no" || row.Elapsed >= 0 {
		t.Errorf("%+v", row)
	}
	_ = unseal.Close()
	_ = unseal.Close()
	for name, err := range map[string]error{
		"NextRequest": func() error { _, err := unseal.NextRequest(); return err }(),
		"Answer…":     unseal.AnswerFromAuthenticatedKMS(1, 200, "", nil, NotMeasured),
		"Failed":      unseal.Failed(1, NoAnswerTimeout, NotMeasured),
		"Finish":      func() error { _, err := unseal.Finish(); return err }(),
	} {
		if !errors.Is(err, CodeFinished) {
			t.Errorf("%s of a closed unseal gave %v", name, err)
		}
	}

	if _, err := session(t, enclave.config()).HostUnseal(blob); !errors.Is(err, CodeConfigTransport) {
		t.Errorf("a session with a transport of its own gave %v", err)
	}
	if _, err := s.Unseal(background, blob); !errors.Is(err, CodeConfigTransport) {
		t.Errorf("a session without one gave %v", err)
	}
	if _, err := s.HostUnseal(nil); err == nil {
		t.Error("no blob is unsealed")
	}
	_ = s.Close()
	if _, err := s.HostUnseal(blob); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed session gave %v", err)
	}
}

func TestSignedRequests(t *testing.T) {
	s, blob, _ := hostSession(t)
	unseal, err := s.HostUnseal(blob)
	if err != nil {
		t.Fatal(err)
	}
	defer unseal.Close()
	request, err := unseal.NextRequest()
	if err != nil {
		t.Fatal(err)
	}
	// It does without its unseal.
	_ = unseal.Close()
	credentials := emulated(t).credentials([]byte("a-session-token"))
	at := time.Date(2026, 1, 2, 3, 4, 5, 999_000_000, time.UTC)
	text, err := request.HTTP1(credentials, "", at)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(parsed.Body)
	if err != nil || !bytes.Equal(body, request.Body) {
		t.Errorf("the body is %q, %v", body, err)
	}
	scope := fmt.Sprintf("Credential=%s/20260102/%s/kms/aws4_request", emulated(t).Credentials.AccessKeyID, request.Region)
	if parsed.Host != request.Host || parsed.Header.Get("X-Amz-Target") != request.Target || parsed.Header.Get("X-Amz-Date") != "20260102T030405Z" ||
		parsed.Header.Get("X-Amz-Security-Token") != "a-session-token" || !strings.Contains(parsed.Header.Get("Authorization"), scope) {
		t.Errorf("%+v", parsed.Header)
	}
	for _, refused := range []struct {
		credentials StaticCredentials
		host        string
		at          time.Time
		expected    Code
	}{
		{StaticCredentials{}, "", at, CodeKMSCredentials},
		{NewStaticCredentials("\x00", nil, nil), "", at, CodeTextEncoding},
		{credentials, "a\x00", at, CodeTextEncoding},
		{credentials, "a b", at, CodeKMSEndpoint},
		{credentials, "", time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), CodeKMSClock},
	} {
		if _, err := request.HTTP1(refused.credentials, refused.host, refused.at); !errors.Is(err, refused.expected) {
			t.Errorf("%v: %v", refused, err)
		}
	}
	if _, err := new(KMSRequest).HTTP1(credentials, "", at); !errors.Is(err, CodeFinished) {
		t.Errorf("a request that pcrseal did not make gave %v", err)
	}
}
