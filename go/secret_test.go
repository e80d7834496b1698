package pcrseal

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"unsafe"
)

// generated is a secret in the library's memory, and a copy of it.
func generated(t testing.TB) (*Secret, []byte) {
	t.Helper()
	sealed, err := session(t, emulated(t).config()).Generate(background, 32)
	if err != nil {
		t.Fatal(err)
	}
	return sealed.Secret, append([]byte{}, sealed.Secret.Bytes()...)
}

func TestADestroyedSecretIsGone(t *testing.T) {
	secret, found := generated(t)
	if secret.Len() != 32 || cap(secret.Bytes()) != 32 {
		t.Errorf("%d bytes, room for %d", secret.Len(), cap(secret.Bytes()))
	}
	if err := secret.Use(func(seen []byte) error {
		if !bytes.Equal(seen, found) {
			return errors.New("another secret")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	secret.Destroy()
	secret.Destroy()
	if secret.Bytes() != nil || secret.Len() != 0 {
		t.Error("bytes of a destroyed secret")
	}
	if err := secret.Use(func([]byte) error { t.Error("called"); return nil }); !errors.Is(err, CodeFinished) {
		t.Errorf("a destroyed secret gave %v", err)
	}
	for name, none := range map[string]*Secret{"nil": nil, "zero": {}} {
		none.Destroy()
		if none.Bytes() != nil || none.Len() != 0 || !errors.Is(none.Use(nil), CodeFinished) {
			t.Errorf("%s is a secret", name)
		}
	}
}

func TestDestroyWaitsForUse(t *testing.T) {
	secret, found := generated(t)
	var group sync.WaitGroup
	group.Add(8)
	for i := 0; i < 8; i++ {
		go func() {
			defer group.Done()
			err := secret.Use(func(seen []byte) error {
				secret.Destroy()
				if !bytes.Equal(seen, found) {
					t.Error("another secret")
				}
				return nil
			})
			if err != nil && !errors.Is(err, CodeFinished) {
				t.Error(err)
			}
		}()
	}
	group.Wait()
	<-secret.handle.freed
}

func TestUseEndsWithAPanic(t *testing.T) {
	secret, _ := generated(t)
	func() {
		defer func() { _ = recover() }()
		_ = secret.Use(func([]byte) error { panic("of the caller's") })
	}()
	secret.Destroy()
	<-secret.handle.freed
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	secret, found := generated(t)
	defer secret.Destroy()
	static := StaticCredentials{AccessKeyID: "AKIAPUBLIC", SecretAccessKey: found, SessionToken: found}
	config := Config{Credentials: static}
	var forms []string
	for _, value := range []any{
		secret, *secret, &Sealed{Secret: secret}, Unsealed{Secret: secret}, []Secret{*secret}, map[string]*Secret{"a": secret},
		static, &static, config, &config, []Credentials{static},
	} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d", "%o", "%b", "%c", "%U"} {
			forms = append(forms, fmt.Sprintf(verb, value))
		}
	}
	for _, value := range []any{secret, *secret, static, map[string]any{"a": secret, "b": static}} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		forms = append(forms, string(text))
	}
	for _, value := range []any{secret, static} {
		text, err := xml.Marshal(value)
		if err != nil {
			t.Error(err)
		}
		forms = append(forms, string(text))
	}
	forms = append(forms, secret.String(), secret.GoString(), static.String(), static.GoString())
	for _, form := range forms {
		for _, shown := range []string{
			string(found), fmt.Sprintf("%x", found), fmt.Sprintf("%X", found), fmt.Sprintf("%q", found)[1:20],
			fmt.Sprintf("%d", found[:8]), strings.Trim(fmt.Sprint(found[:8]), "[]"), fmt.Sprintf("%#v", found)[7:40],
			fmt.Sprintf("%o", found[:8]), fmt.Sprintf("%b", found[:8]),
			base64.StdEncoding.EncodeToString(found),
		} {
			if strings.Contains(form, shown) {
				t.Errorf("%q shows the secret", form)
			}
		}
	}
}

func TestWhatIsForgottenIsFreedOnce(t *testing.T) {
	freed := make(chan struct{}, 100)
	free := func(unsafe.Pointer) { freed <- struct{}{} }
	for i := 0; i < 10; i++ {
		h := newHandle(nil, free)
		if i%2 == 0 {
			h.close()
			h.close()
		}
	}
	settled(func() bool { return len(freed) == 10 })
	// Whatever is left to run has run when a later one has.
	newHandle(nil, free)
	settled(func() bool { return len(freed) == 11 })

	secret, _ := generated(t)
	secretFreed := secret.handle.freed
	verifier, err := NewVerifier()
	if err != nil {
		t.Fatal(err)
	}
	verifierFreed := verifier.handle.freed
	secret, verifier = nil, nil
	settled(func() bool { return isClosed(secretFreed) && isClosed(verifierFreed) })
}

func TestWhatIsInUseIsNotFreed(t *testing.T) {
	freed := make(chan struct{}, 1)
	h := newHandle(nil, func(unsafe.Pointer) { freed <- struct{}{} })
	if _, err := h.acquire(); err != nil {
		t.Fatal(err)
	}
	h.close()
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	if len(freed) != 0 {
		t.Fatal("freed in use")
	}
	if _, err := h.acquire(); !errors.Is(err, CodeFinished) {
		t.Errorf("a closed handle gave %v", err)
	}
	h.release()
	h.closeAndWait()
	if len(freed) != 1 {
		t.Error("not freed")
	}
}

func TestZeroize(t *testing.T) {
	data := []byte{1, 2, 3, 4}
	Zeroize(data[1:3])
	Zeroize(nil)
	if !bytes.Equal(data, []byte{1, 0, 0, 4}) {
		t.Errorf("%v", data)
	}
}

func isClosed(channel <-chan struct{}) bool {
	select {
	case <-channel:
		return true
	default:
		return false
	}
}
