package pcrseal

import (
	"fmt"
	"io"
)

// Credentials say where AWS credentials come from: StaticCredentials, EnvironmentCredentials, FeedCredentials,
// FeedFileCredentials, IMDSCredentials or ContainerCredentials. There is no chain that tries one after the other.
type Credentials interface {
	credentials() (credentialsDocument, *StaticCredentials)
}

// StaticCredentials are credentials that never change, of NewStaticCredentials. For hosts and tests: in an enclave, whoever
// holds the image reads them. However they are printed or encoded, the secrets do not show.
type StaticCredentials struct {
	accessKeyID string
	// A function, into which nothing looks that walks through values: fmt calls no method of a field that is not exported.
	secrets func() (secretAccessKey, sessionToken []byte)
}

// NewStaticCredentials makes static credentials of an access key's id, which is public, its secret, and the session token
// that temporary credentials have; nil where there is none.
//
// It keeps the slices, and the library copies them into memory that it wipes. They are the caller's to Zeroize, once the
// session has been made.
func NewStaticCredentials(accessKeyID string, secretAccessKey, sessionToken []byte) StaticCredentials {
	return StaticCredentials{accessKeyID, func() ([]byte, []byte) { return secretAccessKey, sessionToken }}
}

// EnvironmentCredentials are those of the process's environment, AWS_ACCESS_KEY_ID and so on. For hosts and tests.
type EnvironmentCredentials struct{}

// FeedCredentials are those that the parent instance hands over through a socket (docs/CREDENTIAL-FEED.md): what an
// enclave has as a rule.
type FeedCredentials struct {
	// Address is where the parent hands them over.
	Address Address
}

// FeedFileCredentials are those that the parent instance hands over as a file.
type FeedFileCredentials struct {
	// Path is the file.
	Path string
}

// IMDSCredentials are those of the EC2 instance metadata service.
type IMDSCredentials struct {
	// Through is from where somebody forwards to the service; nil for its own address.
	Through Address
	// Role is the name of the role; empty to ask for it.
	Role string
}

// ContainerCredentials are those of the endpoint that ECS and EKS Pod Identity give a container.
type ContainerCredentials struct {
	// URL is the endpoint; empty for what the environment says.
	URL string
	// AuthorizationTokenFile has the authorization token; empty for what the environment says, if that says the
	// endpoint too.
	AuthorizationTokenFile string
	// Through is from where somebody forwards to the endpoint; nil for its own address.
	Through Address
}

// Address is a VsockAddress, a TCPAddress or a UnixAddress.
type Address interface {
	address() addressDocument
}

// VsockAddress is a port of a vsock peer.
type VsockAddress struct {
	// CID is the peer; the parent instance is 3.
	CID uint32 `json:"cid"`
	// Port is the peer's port.
	Port uint32 `json:"port"`
}

// TCPAddress is a TCP port.
type TCPAddress struct {
	// Host is a name or an IP address.
	Host string `json:"host"`
	// Port is 1..65535.
	Port int `json:"port"`
}

// UnixAddress is the path of a Unix stream socket.
type UnixAddress string

// String does not show the secrets.
func (s StaticCredentials) String() string {
	return fmt.Sprintf("StaticCredentials{%q, %s}", s.accessKeyID, redacted)
}

// GoString does not show the secrets.
func (s StaticCredentials) GoString() string {
	return s.String()
}

// Format does not show the secrets, whatever the verb.
func (s StaticCredentials) Format(state fmt.State, _ rune) {
	// What fmt gives cannot fail.
	_, _ = io.WriteString(state, s.String())
}

// MarshalText does not show the secrets; so neither do JSON, XML and log packages.
func (s StaticCredentials) MarshalText() ([]byte, error) {
	return []byte(s.String()), nil
}

// reveal gives the secrets; none for the zero value.
func (s StaticCredentials) reveal() (secretAccessKey, sessionToken []byte) {
	if s.secrets == nil {
		return nil, nil
	}
	return s.secrets()
}
