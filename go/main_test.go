package pcrseal

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// The tests run against the emulator's binary, whose path is in the variable PCRSEAL_EMULATOR. scripts/test-go.sh builds it
// and sets the variable. Without it, tests that need it are skipped; where CI is set, they fail.

// enclave is what --session-out of the emulator says.
type enclave struct {
	document []byte

	SealQuorum struct {
		Threshold int
		Keys      []string
	} `json:"seal_quorum"`
	Attester    struct{ Path string }
	KMS         struct{ Endpoint string }
	Credentials struct {
		AccessKeyID     string `json:"access_key_id"`
		SecretAccessKey string `json:"secret_access_key"`
	}
}

var (
	// theEnclave is of PCR0, PCR1 and PCR2 a0…, a1… and a2…, with five keys.
	theEnclave *enclave
	// driftedSocket is the module of an enclave whose PCR2 is ee….
	driftedSocket string
)

func TestMain(m *testing.M) {
	// The emulators end with the thread that starts them, so with this process however it ends.
	runtime.LockOSThread()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	folder, err := os.MkdirTemp("", "pcrseal-go")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	if os.Getenv("PCRSEAL_EMULATOR") != "" {
		stop, err := startEmulators(folder)
		defer stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, "the emulator:", err)
			return 1
		}
	}
	return m.Run()
}

func startEmulators(folder string) (stop func(), err error) {
	theEnclave, stop, err = startEnclave(folder)
	if err != nil {
		return stop, err
	}
	stopFirst := stop
	driftedSocket = filepath.Join(folder, "drifted.sock")
	stopSecond, err := startEmulator("--nsm-socket", driftedSocket, "--pcr", "2,"+strings.Repeat("ee", 48))
	return func() {
		stopSecond()
		stopFirst()
	}, err
}

// startEnclave starts an emulator with an enclave's module and five keys.
func startEnclave(folder string) (*enclave, func(), error) {
	session := filepath.Join(folder, "session.json")
	stop, err := startEmulator("--nsm-socket", filepath.Join(folder, "nsm.sock"), "--keys", "5", "--session-out", session)
	if err != nil {
		return nil, stop, err
	}
	document, err := os.ReadFile(session)
	if err != nil {
		return nil, stop, err
	}
	started := &enclave{document: document}
	return started, stop, json.Unmarshal(document, started)
}

func startEmulator(options ...string) (stop func(), err error) {
	command := exec.Command(os.Getenv("PCRSEAL_EMULATOR"), append([]string{"--listen", "127.0.0.1:0"}, options...)...)
	command.Stderr = os.Stderr
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	output, err := command.StdoutPipe()
	if err != nil {
		return func() {}, err
	}
	if err := command.Start(); err != nil {
		return func() {}, err
	}
	stop = func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	}
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if lines.Text() == "ready" {
			go func() { _, _ = io.Copy(io.Discard, output) }()
			return stop, nil
		}
	}
	return stop, fmt.Errorf("it ended before it was ready: %v", lines.Err())
}

// emulated is the emulated enclave; the test is skipped without one.
func emulated(t testing.TB) *enclave {
	t.Helper()
	if theEnclave == nil {
		missing(t, "PCRSEAL_EMULATOR is not set: see scripts/test-go.sh")
	}
	return theEnclave
}

// vectors is the folder of genuine documents beside the checkout; the test is skipped without it.
func vectors(t testing.TB) string {
	t.Helper()
	folder := filepath.Join("..", "..", "shared", "vectors")
	if _, err := os.Stat(folder); err != nil {
		missing(t, "no genuine documents: "+err.Error())
	}
	return folder
}

func missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// config is the enclave's configuration in Go's own types.
func (e *enclave) config() *Config {
	return &Config{
		Cluster:     "emulator",
		SealQuorum:  &Quorum{Threshold: e.SealQuorum.Threshold, Keys: append([]string{}, e.SealQuorum.Keys...)},
		Attester:    NSMSocket{Path: e.Attester.Path},
		KMS:         KMSConfig{Endpoint: e.KMS.Endpoint},
		Credentials: e.credentials(nil),
	}
}

// credentials are the emulator's, with a session token of the test's.
func (e *enclave) credentials(sessionToken []byte) StaticCredentials {
	return NewStaticCredentials(e.Credentials.AccessKeyID, []byte(e.Credentials.SecretAccessKey), sessionToken)
}

// session makes a session that is closed when the test ends.
func session(t testing.TB, config *Config) *Session {
	t.Helper()
	session, err := NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

// silence is a KMS that takes connections and never answers. Each connection is told to the channel.
func silence(t testing.TB) (endpoint string, connected <-chan struct{}) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan struct{}, 1024)
	go func() {
		var connections []net.Conn
		for {
			connection, err := listener.Accept()
			if err != nil {
				break
			}
			connections = append(connections, connection)
			told <- struct{}{}
		}
		for _, connection := range connections {
			_ = connection.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close() })
	return "http://" + listener.Addr().String(), told
}

// settled runs the garbage collector, and finalizers with it, until the condition holds. It gives up with the test.
func settled(condition func() bool) {
	for !condition() {
		runtime.GC()
		runtime.Gosched()
	}
}
