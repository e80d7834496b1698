package pcrseal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// everything has a value in every field that goes into the document.
func everything() *Config {
	return &Config{
		Cluster:            "every-member",
		SealQuorum:         &Quorum{Threshold: 1, Keys: []string{arn(1), arn(2)}, Wrapping: WrappingEncrypt, AllowMultiRegion: true, AllowSingleShare: true},
		UnsealQuorums:      []Quorum{{Threshold: 2, Keys: []string{arn(3), arn(4)}}},
		MinimumGeneration:  18446744073709551615,
		RequiredPCRs:       []int{0, 31},
		AllowDebugMode:     true,
		SealID:             []byte("0123456789abcdef"),
		ExternalAAD:        []byte{0xff, 0xfe},
		AllowVouchedReseal: true,
		Attester: NitroTPM{
			Tool: "/tool", Device: "/device", PCRs: "/pcrs", MeasuredPCRs: []int{4, 7}, Scratch: "/scratch",
			TimeLimit: 1500 * time.Microsecond,
		},
		Clock:     ClockSystem,
		Transport: TransportOwn,
		KMS: KMSConfig{
			Endpoint:            "http://127.0.0.1:1",
			RegionEndpoints:     map[string]string{"eu-west-1": "https://example.org"},
			Vsock:               map[string]VsockAddress{"eu-central-1": {CID: 3, Port: 8001}},
			FIPS:                true,
			DualStack:           true,
			RootCertificatesPEM: []string{"<pem>"},
			ConnectTimeout:      1 * time.Millisecond,
			TLSTimeout:          2 * time.Millisecond,
			AnswerTimeout:       3 * time.Millisecond,
			BodyTimeout:         4 * time.Millisecond,
			OperationTimeout:    time.Hour,
			Attempts:            10,
		},
		Credentials: ContainerCredentials{URL: "http://169.254.170.2/x", AuthorizationTokenFile: "/token", Through: UnixAddress("/unix")},
		Deadline:    time.Second,
		HedgeDelay:  250 * time.Millisecond,
	}
}

const everythingDocument = `{
	"cluster": "every-member",
	"seal_quorum": {"threshold": 1, "keys": ["ARN1", "ARN2"], "wrapping": "encrypt", "allow_multi_region": true, "allow_single_share": true},
	"unseal_quorums": [{"threshold": 2, "keys": ["ARN3", "ARN4"]}],
	"minimum_generation": 18446744073709551615,
	"required_pcrs": [0, 31],
	"allow_debug_mode": true,
	"seal_id": "30313233343536373839616263646566",
	"external_aad": "//4=",
	"allow_vouched_reseal": true,
	"attester": {"kind": "nitro_tpm", "tool": "/tool", "device": "/device", "pcrs": "/pcrs", "measured_pcrs": [4, 7],
		"scratch": "/scratch", "time_limit_ms": 2},
	"clock": "system",
	"transport": "own",
	"kms": {
		"endpoint": "http://127.0.0.1:1",
		"region_endpoints": {"eu-west-1": "https://example.org"},
		"vsock": {"eu-central-1": {"cid": 3, "port": 8001}},
		"fips": true,
		"dual_stack": true,
		"root_certificates_pem": ["<pem>"],
		"connect_timeout_ms": 1,
		"tls_timeout_ms": 2,
		"answer_timeout_ms": 3,
		"body_timeout_ms": 4,
		"operation_timeout_ms": 3600000,
		"attempts": 10
	},
	"credentials": {"source": "container", "url": "http://169.254.170.2/x", "authorization_token_file": "/token",
		"through": {"unix": "/unix"}},
	"deadline_ms": 1000,
	"hedge_delay_ms": 250
}`

func arn(number byte) string {
	return "arn:aws:kms:eu-west-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-0504030201" + string([]byte{'0', '0' + number})
}

// accepted fails the test unless the library takes the configuration's form.
func accepted(t *testing.T, config *Config) string {
	t.Helper()
	document, _, err := config.document()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ConfigFromJSON(document); err != nil {
		t.Errorf("%s: %v", document, err)
	}
	return string(document)
}

func TestEveryFieldIsInTheDocument(t *testing.T) {
	config := everything()
	expected := everythingDocument
	for number := byte(1); number <= 4; number++ {
		expected = strings.ReplaceAll(expected, "ARN"+string([]byte{'0' + number}), arn(number))
	}
	if found := accepted(t, config); !sameJSON(t, found, expected) {
		t.Errorf("the document is %s", found)
	}
	// A new field has to find its way into this test, and so into the document.
	for _, part := range []any{*config, *config.SealQuorum, config.Attester, config.KMS, config.Credentials} {
		value := reflect.ValueOf(part)
		for i := 0; i < value.NumField(); i++ {
			name := value.Type().Field(i).Name
			if value.Field(i).IsZero() && name != "Log" && name != "LogLevel" && name != "parsed" {
				t.Errorf("%T.%s is not tried", part, name)
			}
		}
	}
}

func TestAttestersAndCredentials(t *testing.T) {
	for expected, attester := range map[string]AttesterConfig{
		`{"kind": "nsm"}`:                       NSMDevice{},
		`{"kind": "nsm", "device": "/x"}`:       &NSMDevice{Path: "/x"},
		`{"kind": "nsm_socket", "path": "/y"}`:  NSMSocket{Path: "/y"},
		`{"kind": "nitro_tpm"}`:                 NitroTPM{},
		`{"kind": "nitro_tpm", "tool": "/nta"}`: NitroTPM{Tool: "/nta"},
	} {
		found := accepted(t, &Config{Attester: attester, Transport: TransportHost})
		if !sameJSON(t, found, `{"cluster": "", "transport": "host", "attester": `+expected+`}`) {
			t.Errorf("%T: %s", attester, found)
		}
	}
	for expected, credentials := range map[string]Credentials{
		`{"source": "environment"}`:                                                    EnvironmentCredentials{},
		`{"source": "feed", "address": {"vsock": {"cid": 3, "port": 9}}}`:              FeedCredentials{VsockAddress{3, 9}},
		`{"source": "feed", "address": {"tcp": {"host": "h", "port": 1}}}`:             FeedCredentials{TCPAddress{"h", 1}},
		`{"source": "feed_file", "path": "/f"}`:                                        FeedFileCredentials{"/f"},
		`{"source": "imds"}`:                                                           IMDSCredentials{},
		`{"source": "imds", "role": "r", "through": {"vsock": {"cid": 0, "port": 0}}}`: IMDSCredentials{VsockAddress{}, "r"},
		`{"source": "container"}`:                                                      ContainerCredentials{},
		`{"source": "container", "url": "http://u"}`:                                   &ContainerCredentials{URL: "http://u"},
	} {
		found := accepted(t, &Config{Credentials: credentials})
		if !sameJSON(t, found, `{"cluster": "", "credentials": `+expected+`}`) {
			t.Errorf("%T: %s", credentials, found)
		}
	}
}

func TestStaticCredentialsAreInNoDocument(t *testing.T) {
	static := StaticCredentials{AccessKeyID: "AKIAX", SecretAccessKey: []byte("a-secret-access-key"), SessionToken: []byte("a-token")}
	for _, credentials := range []Credentials{static, &static} {
		document, found, err := (&Config{Credentials: credentials}).document()
		if err != nil || found == nil || !reflect.DeepEqual(*found, static) {
			t.Errorf("%v, %v", found, err)
		}
		if bytes.Contains(document, static.SecretAccessKey) || bytes.Contains(document, static.SessionToken) {
			t.Errorf("%s", document)
		}
	}
	enclave := emulated(t)
	config := enclave.config()
	config.Credentials = &StaticCredentials{enclave.Credentials.AccessKeyID, []byte("another-secret-access-key"), nil}
	if _, err := session(t, config).Generate(background, 32); !errors.Is(err, CodeKeyNotChecked) && !errors.Is(err, CodeKMSCredentialsRejected) {
		t.Errorf("wrong credentials gave %v", err)
	}
	for _, refused := range []StaticCredentials{{}, {AccessKeyID: "AKIAX"}, {SecretAccessKey: []byte("x")}, {AccessKeyID: "A\x00", SecretAccessKey: []byte("x")}} {
		config.Credentials = refused
		if s, err := NewSession(config); err == nil {
			_ = s.Close()
			t.Errorf("%v made a session", refused)
		}
	}
}

// Every member of docs/CONFIGURATION.md has a field, and every field is a member there.
func TestTheDocumentIsTheReferences(t *testing.T) {
	reference, err := os.ReadFile(filepath.Join("..", "docs", "CONFIGURATION.md"))
	if err != nil {
		t.Fatal(err)
	}
	tables, _, _ := strings.Cut(string(reference), "\n## Examples")
	members := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_0-9]+)` \\|").FindAllStringSubmatch(tables, -1) {
		members[row[1]] = true
	}
	// Static credentials go through the builder.
	fields := map[string]bool{"access_key_id": true, "secret_access_key": true, "session_token": true}
	for _, document := range []any{
		configDocument{}, quorumDocument{}, attesterDocument{}, kmsDocument{}, credentialsDocument{}, addressDocument{},
	} {
		shape := reflect.TypeOf(document)
		for i := 0; i < shape.NumField(); i++ {
			name, _, _ := strings.Cut(shape.Field(i).Tag.Get("json"), ",")
			fields[name] = true
		}
	}
	if len(members) < 40 {
		t.Errorf("%d members in the reference", len(members))
	}
	if !reflect.DeepEqual(members, fields) {
		t.Errorf("the reference has %v\nand Go has %v", members, fields)
	}
}

func TestTheLibraryJudgesTheConfiguration(t *testing.T) {
	for name, try := range map[string]struct {
		change   func(*Config)
		expected Code
	}{
		"negative deadline":    {func(c *Config) { c.Deadline = -1 }, CodeConfigValue},
		"negative timeout":     {func(c *Config) { c.KMS.TLSTimeout = -time.Hour }, CodeConfigValue},
		"too long":             {func(c *Config) { c.HedgeDelay = time.Hour + 1 }, CodeConfigValue},
		"no PCRs":              {func(c *Config) { c.RequiredPCRs = []int{} }, 0},
		"PCR out of range":     {func(c *Config) { c.RequiredPCRs = []int{32} }, CodeConfigValue},
		"short seal id":        {func(c *Config) { c.SealID = []byte{1} }, CodeConfigValue},
		"empty seal id":        {func(c *Config) { c.SealID = []byte{} }, CodeConfigValue},
		"threshold":            {func(c *Config) { c.SealQuorum.Threshold = -2 }, CodeConfigValue},
		"no keys":              {func(c *Config) { c.SealQuorum.Keys = nil }, CodeQuorumSize},
		"a key":                {func(c *Config) { c.SealQuorum.Keys[0] = "arn" }, CodeKeyARN},
		"wrapping":             {func(c *Config) { c.SealQuorum.Wrapping = "none" }, CodeConfigValue},
		"clock":                {func(c *Config) { c.Clock = "sundial" }, CodeConfigValue},
		"transport":            {func(c *Config) { c.Transport = "pigeon" }, CodeConfigValue},
		"credentials of host":  {func(c *Config) { c.Transport = TransportHost }, CodeConfigMember},
		"no credentials":       {func(c *Config) { c.Credentials = nil }, CodeConfigMember},
		"no address":           {func(c *Config) { c.Credentials = FeedCredentials{} }, CodeConfigMember},
		"a region":             {func(c *Config) { c.KMS.RegionEndpoints = map[string]string{"x y": "http://127.0.0.1"} }, CodeKMSRegion},
		"no UTF-8":             {func(c *Config) { c.Cluster = "a\xff" }, CodeTextEncoding},
		"no UTF-8 in a key":    {func(c *Config) { c.SealQuorum.Keys[1] = "\xff" }, CodeTextEncoding},
		"no UTF-8 in a map":    {func(c *Config) { c.KMS.RegionEndpoints = map[string]string{"a": "\xff"} }, CodeTextEncoding},
		"no UTF-8 as a region": {func(c *Config) { c.KMS.Vsock = map[string]VsockAddress{"\xff": {}} }, CodeTextEncoding},
		"no UTF-8 in a path":   {func(c *Config) { c.Attester = NSMSocket{"\xff"} }, CodeTextEncoding},
		"no socket":            {func(c *Config) { c.Attester = NSMSocket{"/nonexistent/socket"} }, CodeNSMSocket},
		"no cluster":           {func(c *Config) { c.Cluster = "" }, CodeClusterID},
		"log level":            {func(c *Config) { c.Log, c.LogLevel = func(LogLevel, string, string) {}, 6 }, CodeUnknownConstant},
	} {
		config := emulated(t).config()
		try.change(config)
		made, err := NewSession(config)
		if err == nil {
			_ = made.Close()
		}
		if err == nil || try.expected != 0 && !errors.Is(err, try.expected) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewSession(nil); !errors.Is(err, CodeNullPointer) {
		t.Errorf("nil gave %v", err)
	}
	if _, err := ConfigFromJSON(nil); !errors.Is(err, CodeConfigSyntax) {
		t.Errorf("nothing gave %v", err)
	}
}

func TestNothingButTheLogStandsBesideADocument(t *testing.T) {
	config, err := ConfigFromJSON(emulated(t).document)
	if err != nil {
		t.Fatal(err)
	}
	config.Log, config.LogLevel = func(LogLevel, string, string) {}, LogTrace
	session(t, config)
	config.AllowDebugMode = true
	if _, err := NewSession(config); !errors.Is(err, CodeConfigMember) {
		t.Errorf("another field gave %v", err)
	}
}

func TestConfigurationsAreFreed(t *testing.T) {
	config, err := ConfigFromJSON(emulated(t).document)
	if err != nil {
		t.Fatal(err)
	}
	freed := config.parsed.handle.freed
	s := session(t, config)
	runtime.KeepAlive(config)
	settled(func() bool { return isClosed(freed) })
	// The session needs it no more.
	seal(t, s)
}

// Sessions that are made of one document at the same time each have their own log.
func TestManySessionsOfOneDocument(t *testing.T) {
	parsed, err := ConfigFromJSON(emulated(t).document)
	if err != nil {
		t.Fatal(err)
	}
	blob, _ := seal(t, session(t, parsed))
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			log, config := new(told), *parsed
			config.Log = log.tell
			s, err := NewSession(&config)
			if err != nil {
				t.Error(err)
				return
			}
			unsealed, err := s.Unseal(background, blob)
			if err != nil {
				t.Error(err)
				return
			}
			unsealed.Secret.Destroy()
			_ = s.Close()
			if found := strings.Count(log.text(), "unsealed"); found != 1 {
				t.Errorf("a session's log tells of %d unseals", found)
			}
		}()
	}
	group.Wait()
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var values [2]any
	for i, text := range []string{a, b} {
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.UseNumber()
		if err := decoder.Decode(&values[i]); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return reflect.DeepEqual(values[0], values[1])
}
