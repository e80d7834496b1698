package pcrseal

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
	"unicode/utf8"
)

// The JSON document of docs/CONFIGURATION.md. What is absent has its default.
type configDocument struct {
	Cluster            string               `json:"cluster"`
	SealQuorum         *quorumDocument      `json:"seal_quorum,omitempty"`
	UnsealQuorums      []quorumDocument     `json:"unseal_quorums,omitempty"`
	MinimumGeneration  uint64               `json:"minimum_generation,omitempty"`
	RequiredPCRs       *[]int               `json:"required_pcrs,omitempty"`
	AllowDebugMode     bool                 `json:"allow_debug_mode,omitempty"`
	SealID             *string              `json:"seal_id,omitempty"`
	ExternalAAD        []byte               `json:"external_aad,omitempty"`
	AllowVouchedReseal bool                 `json:"allow_vouched_reseal,omitempty"`
	Attester           *attesterDocument    `json:"attester,omitempty"`
	Clock              Clock                `json:"clock,omitempty"`
	Transport          Transport            `json:"transport,omitempty"`
	KMS                *kmsDocument         `json:"kms,omitempty"`
	Credentials        *credentialsDocument `json:"credentials,omitempty"`
	Deadline           milliseconds         `json:"deadline_ms,omitempty"`
	HedgeDelay         milliseconds         `json:"hedge_delay_ms,omitempty"`
}

type quorumDocument struct {
	Threshold        int      `json:"threshold"`
	Keys             []string `json:"keys"`
	Wrapping         Wrapping `json:"wrapping,omitempty"`
	AllowMultiRegion bool     `json:"allow_multi_region,omitempty"`
	AllowSingleShare bool     `json:"allow_single_share,omitempty"`
}

type attesterDocument struct {
	Kind         string       `json:"kind"`
	Path         string       `json:"path,omitempty"`
	Tool         string       `json:"tool,omitempty"`
	Device       string       `json:"device,omitempty"`
	PCRs         string       `json:"pcrs,omitempty"`
	MeasuredPCRs *[]int       `json:"measured_pcrs,omitempty"`
	Scratch      string       `json:"scratch,omitempty"`
	TimeLimit    milliseconds `json:"time_limit_ms,omitempty"`
}

type kmsDocument struct {
	Endpoint            string                  `json:"endpoint,omitempty"`
	RegionEndpoints     map[string]string       `json:"region_endpoints,omitempty"`
	Vsock               map[string]VsockAddress `json:"vsock,omitempty"`
	FIPS                bool                    `json:"fips,omitempty"`
	DualStack           bool                    `json:"dual_stack,omitempty"`
	RootCertificatesPEM []string                `json:"root_certificates_pem,omitempty"`
	ConnectTimeout      milliseconds            `json:"connect_timeout_ms,omitempty"`
	TLSTimeout          milliseconds            `json:"tls_timeout_ms,omitempty"`
	AnswerTimeout       milliseconds            `json:"answer_timeout_ms,omitempty"`
	BodyTimeout         milliseconds            `json:"body_timeout_ms,omitempty"`
	OperationTimeout    milliseconds            `json:"operation_timeout_ms,omitempty"`
	Attempts            int                     `json:"attempts,omitempty"`
}

type credentialsDocument struct {
	Source                 string           `json:"source"`
	Address                *addressDocument `json:"address,omitempty"`
	Path                   string           `json:"path,omitempty"`
	Through                *addressDocument `json:"through,omitempty"`
	Role                   string           `json:"role,omitempty"`
	URL                    string           `json:"url,omitempty"`
	AuthorizationTokenFile string           `json:"authorization_token_file,omitempty"`
}

type addressDocument struct {
	Vsock *VsockAddress `json:"vsock,omitempty"`
	TCP   *TCPAddress   `json:"tcp,omitempty"`
	Unix  *UnixAddress  `json:"unix,omitempty"`
}

// milliseconds is a time as the document has it. It is never cut to 0, which would be absent.
type milliseconds int64

func inMilliseconds(d time.Duration) milliseconds {
	whole := milliseconds(d / time.Millisecond)
	switch rest := d % time.Millisecond; {
	case rest > 0:
		whole++
	case rest < 0:
		whole--
	}
	return whole
}

// document is the configuration as JSON, but for the static credentials that it returns besides. The library judges it;
// what is checked here would otherwise be lost on the way.
func (c *Config) document() ([]byte, *StaticCredentials, error) {
	document := configDocument{
		Cluster:            c.Cluster,
		MinimumGeneration:  c.MinimumGeneration,
		RequiredPCRs:       optional(c.RequiredPCRs),
		AllowDebugMode:     c.AllowDebugMode,
		ExternalAAD:        c.ExternalAAD,
		AllowVouchedReseal: c.AllowVouchedReseal,
		Clock:              c.Clock,
		Transport:          c.Transport,
		KMS:                c.KMS.document(),
		Deadline:           inMilliseconds(c.Deadline),
		HedgeDelay:         inMilliseconds(c.HedgeDelay),
	}
	if c.SealID != nil {
		id := hex.EncodeToString(c.SealID)
		document.SealID = &id
	}
	if c.SealQuorum != nil {
		quorum := c.SealQuorum.document()
		document.SealQuorum = &quorum
	}
	for _, quorum := range c.UnsealQuorums {
		document.UnsealQuorums = append(document.UnsealQuorums, quorum.document())
	}
	if isNilPointer(c.Attester) || isNilPointer(c.Credentials) {
		return nil, nil, fail(CodeNullPointer, "Config.Attester and Config.Credentials: a nil pointer")
	}
	if c.Attester != nil {
		attester := c.Attester.attester()
		document.Attester = &attester
	}
	var static *StaticCredentials
	if c.Credentials != nil {
		var credentials credentialsDocument
		credentials, static = c.Credentials.credentials()
		document.Credentials = &credentials
	}
	if err := checkTexts(reflect.ValueOf(document), "Config"); err != nil {
		return nil, nil, err
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, nil, fail(CodeConfigSyntax, err.Error())
	}
	return text, static, nil
}

func (q Quorum) document() quorumDocument {
	keys := q.Keys
	if keys == nil {
		keys = []string{}
	}
	return quorumDocument{q.Threshold, keys, q.Wrapping, q.AllowMultiRegion, q.AllowSingleShare}
}

// document is nil where everything has its default: beside the transport of the host there is no such member.
func (k KMSConfig) document() *kmsDocument {
	document := kmsDocument{
		Endpoint:            k.Endpoint,
		RegionEndpoints:     k.RegionEndpoints,
		Vsock:               k.Vsock,
		FIPS:                k.FIPS,
		DualStack:           k.DualStack,
		RootCertificatesPEM: k.RootCertificatesPEM,
		ConnectTimeout:      inMilliseconds(k.ConnectTimeout),
		TLSTimeout:          inMilliseconds(k.TLSTimeout),
		AnswerTimeout:       inMilliseconds(k.AnswerTimeout),
		BodyTimeout:         inMilliseconds(k.BodyTimeout),
		OperationTimeout:    inMilliseconds(k.OperationTimeout),
		Attempts:            k.Attempts,
	}
	if reflect.ValueOf(k).IsZero() {
		return nil
	}
	return &document
}

func (d NSMDevice) attester() attesterDocument {
	return attesterDocument{Kind: "nsm", Device: d.Path}
}

func (s NSMSocket) attester() attesterDocument {
	return attesterDocument{Kind: "nsm_socket", Path: s.Path}
}

func (t NitroTPM) attester() attesterDocument {
	return attesterDocument{
		Kind:         "nitro_tpm",
		Tool:         t.Tool,
		Device:       t.Device,
		PCRs:         t.PCRs,
		MeasuredPCRs: optional(t.MeasuredPCRs),
		Scratch:      t.Scratch,
		TimeLimit:    inMilliseconds(t.TimeLimit),
	}
}

// Those of the environment keep the place until the secrets take it.
func (s StaticCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{Source: "environment"}, &s
}

func (EnvironmentCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{Source: "environment"}, nil
}

func (f FeedCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{Source: "feed", Address: documentOf(f.Address)}, nil
}

func (f FeedFileCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{Source: "feed_file", Path: f.Path}, nil
}

func (i IMDSCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{Source: "imds", Through: documentOf(i.Through), Role: i.Role}, nil
}

func (c ContainerCredentials) credentials() (credentialsDocument, *StaticCredentials) {
	return credentialsDocument{
		Source:                 "container",
		Through:                documentOf(c.Through),
		URL:                    c.URL,
		AuthorizationTokenFile: c.AuthorizationTokenFile,
	}, nil
}

func (v VsockAddress) address() addressDocument {
	return addressDocument{Vsock: &v}
}

func (t TCPAddress) address() addressDocument {
	return addressDocument{TCP: &t}
}

func (u UnixAddress) address() addressDocument {
	return addressDocument{Unix: &u}
}

func documentOf(address Address) *addressDocument {
	if address == nil || isNilPointer(address) {
		return nil
	}
	document := address.address()
	return &document
}

// isNilPointer says whether a value that is there is a nil pointer, which has no methods of what it points to.
func isNilPointer(value any) bool {
	v := reflect.ValueOf(value)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// optional is nil for nil alone: an empty list is for the library to refuse.
func optional(list []int) *[]int {
	if list == nil {
		return nil
	}
	return &list
}

// checkTexts refuses what is not UTF-8, which encoding/json would replace silently.
func checkTexts(value reflect.Value, place string) error {
	switch value.Kind() {
	case reflect.String:
		if !utf8.ValidString(value.String()) {
			return fail(CodeTextEncoding, place+": not UTF-8")
		}
	case reflect.Pointer:
		if !value.IsNil() {
			return checkTexts(value.Elem(), place)
		}
	case reflect.Struct:
		for i := 0; i < value.NumField(); i++ {
			if err := checkTexts(value.Field(i), place+"."+value.Type().Field(i).Name); err != nil {
				return err
			}
		}
	case reflect.Slice:
		for i := 0; i < value.Len(); i++ {
			if err := checkTexts(value.Index(i), fmt.Sprintf("%s[%d]", place, i)); err != nil {
				return err
			}
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			inside := fmt.Sprintf("%s[%q]", place, key)
			if err := checkTexts(key, inside); err != nil {
				return err
			}
			if err := checkTexts(value.MapIndex(key), inside); err != nil {
				return err
			}
		}
	}
	return nil
}
