package pcrseal_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	pcrseal "github.com/pcrseal/pcrseal/go"
)

func ExampleShamirSplit() {
	shares, err := pcrseal.ShamirSplit([]byte("a master key"), 2, 3)
	if err != nil {
		log.Fatal(err)
	}
	secret, err := pcrseal.ShamirCombine(shares[1:])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s\n", secret)
	// Output: a master key
}

func ExampleConfigFromJSON() {
	_, err := pcrseal.ConfigFromJSON([]byte(`{"cluster": "prod", "kees": []}`))
	fmt.Println(errors.Is(err, pcrseal.CodeConfigMember))
	// Output: true
}

func ExampleCode() {
	fmt.Println(pcrseal.CodePCRDrift.String(), uint32(pcrseal.CodePCRDrift))
	// Output: pcr_drift 1611
}

func ExampleParseMeasurements() {
	_, err := pcrseal.ParseMeasurements([]byte(`{"Measurements": {"PCR0": "00"}}`))
	var failure *pcrseal.Error
	if errors.As(err, &failure) {
		fmt.Println(failure.Code.String())
	}
	// Output: measurements_missing
}

func ExampleNewSession() {
	session, err := pcrseal.NewSession(&pcrseal.Config{
		Cluster: "prod-eu-central-1-vault",
		UnsealQuorums: []pcrseal.Quorum{{
			Threshold: 2,
			Keys: []string{
				"arn:aws:kms:eu-central-1:111122223333:key/0f0e0d0c-0b0a-0908-0706-050403020100",
				"arn:aws:kms:eu-west-1:222233334444:key/1f1e1d1c-1b1a-1918-1716-151413121110",
				"arn:aws:kms:us-east-1:333344445555:key/2f2e2d2c-2b2a-2928-2726-252423222120",
			},
		}},
		KMS: pcrseal.KMSConfig{Vsock: map[string]pcrseal.VsockAddress{
			"eu-central-1": {CID: 3, Port: 8001},
			"eu-west-1":    {CID: 3, Port: 8002},
			"us-east-1":    {CID: 3, Port: 8003},
		}},
		Credentials: pcrseal.FeedCredentials{Address: pcrseal.VsockAddress{CID: 3, Port: 8100}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
}

func ExampleSession_Unseal() {
	var session *pcrseal.Session
	var blob []byte

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	unsealed, err := session.Unseal(ctx, blob)
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		log.Fatal("KMS was too slow")
	case errors.Is(err, pcrseal.CodePCRDrift):
		log.Fatal("another image than the blob was sealed for: ", err)
	case err != nil:
		log.Fatal(err)
	}
	defer unsealed.Secret.Destroy()
	err = unsealed.Secret.Use(func(masterKey []byte) error {
		return nil // what the service does with it
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleVerifier_Verify() {
	var document, nonce []byte
	var image pcrseal.PCRSet

	verifier, err := pcrseal.NewVerifier()
	if err != nil {
		log.Fatal(err)
	}
	defer verifier.Close()
	attestation, err := verifier.Verify(document, time.Now(), &pcrseal.AttestationPolicy{PCRs: image, Nonce: nonce})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(attestation.ModuleID(), attestation.Timestamp())
}
