package pcrseal

// #include <pcrseal.h>
import "C"

import (
	"reflect"
	"sync"
	"time"
	"unsafe"
)

// Config is everything that a session is made of: what it trusts, who vouches for the enclave, and the way to AWS KMS.
// The reference is docs/CONFIGURATION.md; every field has the same meaning, bounds and default as the member of its name
// there. A field's zero value is the default.
//
// It holds the trust policy, so it is part of the measured image. It never comes from the parent instance.
type Config struct {
	// Cluster says which cluster's blobs these are: 1..64 characters of A-Z a-z 0-9 . _ -.
	Cluster string
	// SealQuorum is the quorum to seal under, which opens blobs too. Without it the session never seals.
	SealQuorum *Quorum
	// UnsealQuorums are further quorums whose blobs are opened: the old one during a rotation, or the only one of an
	// image that never seals.
	UnsealQuorums []Quorum
	// MinimumGeneration is the lowest generation accepted: blobs below it are refused as rollbacks. 0 stands for the
	// default, 1.
	MinimumGeneration uint64
	// RequiredPCRs are the PCRs, 0..31, that every binding must cover; nil stands for 0, 1 and 2.
	RequiredPCRs []int
	// AllowDebugMode allows enclaves in debug mode, whose PCR0, PCR1 and PCR2 are zero and prove nothing. For tests.
	AllowDebugMode bool
	// SealID accepts the one blob with this seal id of 16 bytes; nil accepts any.
	SealID []byte
	// ExternalAAD is what blobs are bound to besides, the same at sealing and at unsealing. Not secret.
	ExternalAAD []byte
	// AllowVouchedReseal vouches for a secret that is resealed from a blob of WrappingEncrypt into one of
	// WrappingAttested.
	AllowVouchedReseal bool
	// Attester is what vouches for the enclave: an NSMDevice, an NSMSocket or a NitroTPM; nil is the device /dev/nsm.
	Attester AttesterConfig
	// Clock is the clock of signatures, of credentials' expiry and of certificate checks.
	Clock Clock
	// Transport says who moves the bytes to AWS KMS.
	Transport Transport
	// KMS is the way to AWS KMS.
	KMS KMSConfig
	// Credentials say where AWS credentials come from; needed with TransportOwn, and nil with TransportHost.
	Credentials Credentials
	// Deadline says how long a whole seal or unseal may take: 1 ms to an hour.
	Deadline time.Duration
	// HedgeDelay has as few keys asked as are needed, and one more each time that it passes: 1 ms to an hour. With 0, all
	// keys are asked at once.
	HedgeDelay time.Duration

	// Log is called with what happens in a session, for as long as the session lives; nil, the default, for nothing. No
	// secret is ever logged. It is called from threads of the library and of callers, from several at once. It must
	// return soon and must not use this package: calls that wait fail with CodeReentrant, and Close would wait for itself.
	// A panic in it is dropped.
	Log func(level LogLevel, target, message string)
	// LogLevel is the most verbose level that Log wants; 0 is LogInfo.
	LogLevel LogLevel

	// parsed is the configuration, where it came as JSON.
	parsed *parsedConfig
}

// parsedConfig is a configuration of the library's.
type parsedConfig struct {
	// mu lets one session at a time be made of it, so that each gets its own log.
	mu     sync.Mutex
	handle *handle
}

// Quorum is Threshold of these KMS keys, in this order.
type Quorum struct {
	// Threshold says how many shares are needed: 2 to the number of keys (1 with AllowSingleShare).
	Threshold int
	// Keys are full ARNs of 1..16 KMS keys with distinct ids. Their order is part of the quorum.
	Keys []string
	// Wrapping says how KMS protects the share keys.
	Wrapping Wrapping
	// AllowMultiRegion lets multi-Region keys be named, though each replica has a key policy of its own.
	AllowMultiRegion bool
	// AllowSingleShare lets the threshold be 1: any single key then opens the blob.
	AllowSingleShare bool
}

// Wrapping says how KMS protects the share keys.
type Wrapping string

const (
	// WrappingAttested, the default: share keys come from kms:GenerateDataKey, for the attested enclave alone.
	WrappingAttested Wrapping = "attested"
	// WrappingEncrypt sends share keys to kms:Encrypt. Its blobs are confidential and not authenticated.
	WrappingEncrypt Wrapping = "encrypt"
)

// Clock is a clock of a session.
type Clock string

const (
	// ClockAttested, the default, is the attester's clock: in an enclave nobody keeps the system's right.
	ClockAttested Clock = "attested"
	// ClockSystem is the system's, for hosts and tests.
	ClockSystem Clock = "system"
)

// Transport says who moves the bytes to AWS KMS.
type Transport string

const (
	// TransportOwn, the default, is the library itself.
	TransportOwn Transport = "own"
	// TransportHost is the program around it: Session.HostUnseal tells it what to send.
	TransportHost Transport = "host"
)

// AttesterConfig is an NSMDevice, an NSMSocket or a NitroTPM.
type AttesterConfig interface {
	attester() attesterDocument
}

// NSMDevice is the Nitro Secure Module of an enclave, behind its driver.
type NSMDevice struct {
	// Path is the character device; empty for /dev/nsm.
	Path string
}

// NSMSocket is a Nitro Secure Module behind a Unix socket, such as the emulator's. Who serves it is believed as the device
// would be: never the parent instance.
type NSMSocket struct {
	// Path is the socket.
	Path string
}

// NitroTPM is the NitroTPM of an EC2 instance, through AWS's program nitro-tpm-attest.
type NitroTPM struct {
	// Tool is the program, by its absolute path; empty for /usr/bin/nitro-tpm-attest.
	Tool string
	// Device is the TPM's device; empty for /dev/tpm0.
	Device string
	// PCRs is the folder in which the kernel shows the PCRs; empty for /sys/class/tpm/tpm0/pcr-sha384.
	PCRs string
	// MeasuredPCRs says which PCRs are measured, 0..31; nil for 0 to 23.
	MeasuredPCRs []int
	// Scratch is the folder below which requests are handed to the program; empty for the system's one for temporary
	// files.
	Scratch string
	// TimeLimit says how long the program may take: 1 ms to an hour; 0 for a minute.
	TimeLimit time.Duration
}

// KMSConfig is the way to AWS KMS, and its limits.
type KMSConfig struct {
	// Endpoint is the URL for every region that has none of its own: https://HOST[:PORT], or http://HOST[:PORT] on
	// loopback alone; empty for AWS's.
	Endpoint string
	// RegionEndpoints are URLs by region.
	RegionEndpoints map[string]string
	// Vsock has ports by region, behind which the parent instance forwards to the region's endpoint.
	Vsock map[string]VsockAddress
	// FIPS chooses AWS's endpoints with validated cryptography (FIPS 140), where no URL is given.
	FIPS bool
	// DualStack chooses AWS's endpoints that have IPv6 addresses besides, where no URL is given.
	DualStack bool
	// RootCertificatesPEM are PEM texts of the root certificates that are trusted in place of Amazon's.
	RootCertificatesPEM []string
	// ConnectTimeout is the time for establishing a connection. It and the others: 1 ms to an hour; 0 for the default.
	ConnectTimeout time.Duration
	// TLSTimeout is the time for the TLS handshake.
	TLSTimeout time.Duration
	// AnswerTimeout is the time for sending a request and receiving the head of its answer.
	AnswerTimeout time.Duration
	// BodyTimeout is the time for reading the body of an answer.
	BodyTimeout time.Duration
	// OperationTimeout is the time for a whole operation with all its attempts.
	OperationTimeout time.Duration
	// Attempts of one operation, the first included: 1..10; 0 for the default.
	Attempts int
}

// ConfigFromJSON reads the document of docs/CONFIGURATION.md. The library reads it, in memory that it wipes, and checks
// its form; the document itself is the caller's to wipe.
//
// Of the result, the fields Log and LogLevel may be set. NewSession refuses it with CodeConfigMember where another field is
// set too.
func ConfigFromJSON(document []byte) (*Config, error) {
	if err := ready(); err != nil {
		return nil, err
	}
	c, err := readConfig(document)
	if err != nil {
		return nil, err
	}
	return &Config{parsed: ownConfig(c)}, nil
}

// use calls f with the configuration as a C handle that nobody else uses meanwhile.
func (c *Config) use(f func(config *C.pcrseal_config) error) error {
	if err := ready(); err != nil {
		return err
	}
	if c == nil {
		return fail(CodeNullPointer, "no configuration")
	}
	parsed := c.parsed
	if parsed == nil {
		made, err := c.make()
		if err != nil {
			return err
		}
		parsed = ownConfig(made)
		defer parsed.handle.close()
	} else if !c.isPlain() {
		return fail(CodeConfigMember, "fields of a Config beside a JSON document")
	}
	parsed.mu.Lock()
	defer parsed.mu.Unlock()
	p, err := parsed.handle.acquire()
	if err != nil {
		return err
	}
	defer parsed.handle.release()
	return f((*C.pcrseal_config)(p))
}

// make fills in a C handle.
//
// Everything but static credentials goes as JSON, so that there is one model of a configuration with one set of checks,
// and no field that a setter was forgotten for. The secrets go through the builder: encoding/json would leave copies of
// them in buffers that nobody can wipe.
func (c *Config) make() (*C.pcrseal_config, error) {
	document, static, err := c.document()
	if err != nil {
		return nil, err
	}
	config, err := readConfig(document)
	if err != nil {
		return nil, err
	}
	if static != nil {
		if err := static.give(config); err != nil {
			C.pcrseal_config_free(config)
			return nil, err
		}
	}
	return config, nil
}

func (s StaticCredentials) give(config *C.pcrseal_config) error {
	id, err := newText("AccessKeyID", s.AccessKeyID)
	if err != nil {
		return err
	}
	defer id.free()
	secret, secretLen := bytesIn(s.SecretAccessKey)
	token, tokenLen := bytesIn(s.SessionToken)
	var given *C.pcrseal_error
	status := C.pcrseal_config_set_static_credentials(config, id.c, secret, secretLen, token, tokenLen, &given)
	return failure(status, &given)
}

func readConfig(document []byte) (*C.pcrseal_config, error) {
	data, n := bytesIn(document)
	var config *C.pcrseal_config
	var given *C.pcrseal_error
	status := C.pcrseal_config_from_json(data, n, &config, &given)
	return config, failure(status, &given)
}

// attesterOnly is a configuration of which nothing but the attester means anything.
func (c *Config) attesterOnly() *Config {
	if c.parsed != nil {
		return c
	}
	return &Config{Attester: c.Attester, Transport: TransportHost}
}

// isPlain says whether no field is set of those that a JSON document excludes.
func (c *Config) isPlain() bool {
	rest := *c
	rest.Log, rest.LogLevel, rest.parsed = nil, 0, nil
	return reflect.ValueOf(rest).IsZero()
}

func ownConfig(c *C.pcrseal_config) *parsedConfig {
	return &parsedConfig{handle: newHandle(unsafe.Pointer(c), func(c unsafe.Pointer) {
		C.pcrseal_config_free((*C.pcrseal_config)(c))
	})}
}
