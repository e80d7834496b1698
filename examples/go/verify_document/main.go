// A relying party: it sends an enclave a challenge, and verifies the attestation document that comes back.
//
//	verify_document MEASUREMENTS CONFIG [ROOT]
//
// MEASUREMENTS is what `nitro-cli build-enclave` printed for the image that is wanted. CONFIG names the enclave's attester,
// which stands in for the network between the two. ROOT is a root certificate, PEM; AWS's own without one.
package main

import (
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"time"

	pcrseal "github.com/pcrseal/pcrseal/go"
)

func main() {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: verify_document MEASUREMENTS CONFIG [ROOT]")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(measurements, config string, roots []string) error {
	text, err := os.ReadFile(measurements)
	if err != nil {
		return err
	}
	image, err := pcrseal.ParseMeasurements(text)
	if err != nil {
		return err
	}
	verifier, err := newVerifier(roots)
	if err != nil {
		return err
	}
	defer verifier.Close()

	nonce := make([]byte, 32)
	if _, err := rand.Read(nonce); err != nil {
		return err
	}
	document, err := attest(config, nonce)
	if err != nil {
		return err
	}

	policy := &pcrseal.AttestationPolicy{
		PCRs:      image,
		Nonce:     nonce,
		MaxAge:    5 * time.Minute,
		ClockSkew: time.Minute,
	}
	attestation, err := verifier.Verify(document, time.Now(), policy)
	if err != nil {
		return err
	}
	fmt.Printf("%s of %s runs this image, by its document of %s\n", attestation.ModuleID(), attestation.InstanceID(),
		attestation.Timestamp().Format(time.RFC3339))
	fmt.Printf("it says: %s\n", attestation.UserData())

	// A document that was made for another challenge is genuine, and not wanted.
	policy.Nonce = []byte("another challenge")
	_, err = verifier.Verify(document, time.Now(), policy)
	if !errors.Is(err, pcrseal.CodeAttestationRefused) {
		return fmt.Errorf("a document for another challenge: %w", err)
	}
	fmt.Println("refused for another challenge")
	return nil
}

func newVerifier(roots []string) (*pcrseal.Verifier, error) {
	var certificates [][]byte
	for _, path := range roots {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%s is not PEM", path)
		}
		certificates = append(certificates, block.Bytes)
	}
	return pcrseal.NewVerifier(certificates...)
}

// attest is the enclave's side.
func attest(path string, nonce []byte) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	defer pcrseal.Zeroize(text)
	config, err := pcrseal.ConfigFromJSON(text)
	if err != nil {
		return nil, err
	}
	attester, err := pcrseal.OpenAttester(config)
	if err != nil {
		return nil, err
	}
	defer attester.Close()
	return attester.Attest(pcrseal.AttestationRequest{Nonce: nonce, UserData: []byte("whatever the enclave wants to say")})
}
