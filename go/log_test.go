package pcrseal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// told collects what a log is told.
type told struct {
	mu    sync.Mutex
	lines []string
	most  LogLevel
}

func (l *told) tell(level LogLevel, target, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf("%s %s %s", level, target, message))
	if level > l.most {
		l.most = level
	}
}

func (l *told) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func TestTheLogSaysWhatHappensAndNoSecret(t *testing.T) {
	enclave := emulated(t)
	log := new(told)
	config := enclave.config()
	config.Log, config.LogLevel = log.tell, LogTrace
	s := session(t, config)
	blob, secret := seal(t, s)
	opens(t, s, blob, secret)
	if text := log.text(); !strings.Contains(text, " pcrseal") || !strings.Contains(text, enclave.SealQuorum.Keys[0]) {
		t.Errorf("the log is:\n%s", text)
	}
	if log.most < LogDebug {
		t.Errorf("the most verbose of trace is %s", log.most)
	}
	for _, shown := range []string{string(secret), fmt.Sprintf("%x", secret), enclave.Credentials.SecretAccessKey} {
		if strings.Contains(log.text(), shown) {
			t.Error("the log shows a secret")
		}
	}
	_ = s.Close()
	before := len(log.lines)
	opens(t, session(t, enclave.config()), blob, secret)
	if len(log.lines) != before {
		t.Error("a closed session's log was told something, or that of a session without one")
	}
}

func TestTheLogIsAsVerboseAsWanted(t *testing.T) {
	config := emulated(t).config()
	log := new(told)
	config.Log = log.tell
	blob, _ := seal(t, session(t, config))
	if log.most != LogInfo {
		t.Errorf("the default gave %s:\n%s", log.most, log.text())
	}
	quiet := new(told)
	config.Log, config.LogLevel = quiet.tell, LogError
	unsealed, err := session(t, config).Unseal(background, blob)
	if err != nil {
		t.Fatal(err)
	}
	unsealed.Secret.Destroy()
	if len(quiet.lines) != 0 {
		t.Errorf("an unseal without errors told:\n%s", quiet.text())
	}
}

func TestALogThatPanicsOrCallsBack(t *testing.T) {
	config := emulated(t).config()
	var s *Session
	var mu sync.Mutex
	var nested error
	config.Log = func(LogLevel, string, string) {
		_, err := s.Generate(background, 32)
		mu.Lock()
		nested = err
		mu.Unlock()
		panic("of the host's")
	}
	s = session(t, config)
	blob, secret := seal(t, s)
	opens(t, s, blob, secret)
	mu.Lock()
	defer mu.Unlock()
	if !errors.Is(nested, CodeReentrant) {
		t.Errorf("a call from within gave %v", nested)
	}
}

// There is no way back into the library: the program says so and ends.
func TestALogThatExits(t *testing.T) {
	config := emulated(t).config()
	if os.Getenv("PCRSEAL_TEST_EXIT") != "" {
		config.Log = func(LogLevel, string, string) { runtime.Goexit() }
		_, err := session(t, config).Generate(background, 32)
		t.Fatalf("it went on: %v", err)
	}
	program := exec.Command(os.Args[0], "-test.run", "^TestALogThatExits$")
	program.Env = append(os.Environ(), "PCRSEAL_TEST_EXIT=1", "TMPDIR="+t.TempDir())
	output, err := program.CombinedOutput()
	if err == nil || !bytes.Contains(output, []byte("panic: pcrseal: Config.Log has called runtime.Goexit")) {
		t.Errorf("%v:\n%s", err, output)
	}
}

func TestALogIsForgottenWithItsSession(t *testing.T) {
	config := emulated(t).config()
	forgotten := make(chan struct{})
	log := new(told)
	runtime.SetFinalizer(log, func(*told) { close(forgotten) })
	config.Log = log.tell
	s, err := NewSession(config)
	if err != nil {
		t.Fatal(err)
	}
	config.Log = nil
	log = nil
	runtime.GC()
	if isClosed(forgotten) {
		t.Error("the log of a session is gone")
	}
	_ = s.Close()
	settled(func() bool { return isClosed(forgotten) })

	// So is that of a session that was never made.
	for name, change := range map[string]func(*Config){
		"no such level":   func(c *Config) { c.LogLevel = 6 },
		"no such cluster": func(c *Config) { c.Cluster = "?" },
	} {
		refused := make(chan struct{})
		log := new(told)
		runtime.SetFinalizer(log, func(*told) { close(refused) })
		config := emulated(t).config()
		config.Log = log.tell
		change(config)
		if _, err := NewSession(config); err == nil {
			t.Fatalf("a session of %s", name)
		}
		config.Log = nil
		log = nil
		settled(func() bool { return isClosed(refused) })
	}
}

func TestLevelsHaveNames(t *testing.T) {
	var names bytes.Buffer
	for level := LogLevel(0); level < 7; level++ {
		fmt.Fprint(&names, level, " ")
	}
	if names.String() != "unknown error warn info debug trace unknown " {
		t.Error(names.String())
	}
}
