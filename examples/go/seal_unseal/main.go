// The main job: a master key is sealed under a quorum of KMS keys, unsealed after a restart, and resealed.
//
//	seal_unseal CONFIG
//
// CONFIG is the JSON document of docs/CONFIGURATION.md. In an enclave it is part of the image.
package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"os"
	"time"

	pcrseal "github.com/pcrseal/pcrseal/go"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: seal_unseal CONFIG")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		explain(err)
		os.Exit(1)
	}
}

func run(path string) error {
	document, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// It may hold credentials.
	defer pcrseal.Zeroize(document)

	// The cluster's first start, once in its life.
	blob, masterKey, err := firstStart(document)
	if err != nil {
		return err
	}
	defer masterKey.Destroy()
	fmt.Printf("sealed a master key of %d bytes into a blob of %d\n", masterKey.Len(), len(blob))

	// Every later start. The blob comes from the parent instance, which need not be trusted.
	again, err := restart(document, blob)
	if err != nil {
		return err
	}
	defer again.Destroy()
	if err := same(masterKey, again); err != nil {
		return err
	}
	fmt.Println("a restart gave the same master key")

	if err := refuse(document, blob); err != nil {
		return err
	}
	return rotate(document, blob, masterKey)
}

func firstStart(document []byte) (blob []byte, masterKey *pcrseal.Secret, err error) {
	config, err := pcrseal.ConfigFromJSON(document)
	if err != nil {
		return nil, nil, err
	}
	session, err := pcrseal.NewSession(config)
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	sealed, err := session.Generate(ctx, 32)
	if err != nil {
		return nil, nil, err
	}
	return sealed.Blob, sealed.Secret, nil
}

func restart(document, blob []byte) (*pcrseal.Secret, error) {
	config, err := pcrseal.ConfigFromJSON(document)
	if err != nil {
		return nil, err
	}
	// Off by default. No secret is ever logged.
	config.Log = func(level pcrseal.LogLevel, target, message string) {
		fmt.Printf("  %s %s: %s\n", level, target, message)
	}
	session, err := pcrseal.NewSession(config)
	if err != nil {
		return nil, err
	}
	defer session.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	unsealed, err := session.Unseal(ctx, blob)
	if err != nil {
		return nil, err
	}
	fmt.Println(unsealed.Report)
	return unsealed.Secret, nil
}

// refuse shows that an altered blob is refused, and with what.
func refuse(document, blob []byte) error {
	config, err := pcrseal.ConfigFromJSON(document)
	if err != nil {
		return err
	}
	session, err := pcrseal.NewSession(config)
	if err != nil {
		return err
	}
	defer session.Close()
	altered := append([]byte{}, blob...)
	altered[len(altered)/2] ^= 1
	unsealed, err := session.Unseal(context.Background(), altered)
	if err == nil {
		unsealed.Secret.Destroy()
		return errors.New("an altered blob was unsealed")
	}
	if !errors.Is(err, pcrseal.CodeContentRejected) {
		return err
	}
	fmt.Println("an altered blob was refused:", err)
	return nil
}

// rotate reseals the master key and reads what the new blob says of itself.
func rotate(document, blob []byte, masterKey *pcrseal.Secret) error {
	config, err := pcrseal.ConfigFromJSON(document)
	if err != nil {
		return err
	}
	session, err := pcrseal.NewSession(config)
	if err != nil {
		return err
	}
	defer session.Close()
	resealed, err := session.Reseal(context.Background(), blob)
	if err != nil {
		return err
	}
	defer resealed.Secret.Destroy()
	if err := same(masterKey, resealed.Secret); err != nil {
		return err
	}
	inspection, err := pcrseal.Inspect(resealed.Blob, nil)
	if err != nil {
		return err
	}
	fmt.Printf("resealed for the cluster %s: generation %d, %d of %d keys\n", inspection.Cluster, inspection.Generation,
		inspection.Contents.Threshold, len(inspection.Contents.Keys))
	return nil
}

// same compares two secrets where they are: in the library's memory, without a copy.
func same(a, b *pcrseal.Secret) error {
	return a.Use(func(first []byte) error {
		return b.Use(func(second []byte) error {
			if subtle.ConstantTimeCompare(first, second) != 1 {
				return errors.New("another master key came back")
			}
			return nil
		})
	})
}

// explain says what failed, and what each KMS key answered where one was asked.
func explain(err error) {
	fmt.Fprintln(os.Stderr, err)
	var failure *pcrseal.Error
	if errors.As(err, &failure) && failure.Report != nil {
		fmt.Fprintln(os.Stderr, failure.Report)
		for _, key := range failure.Report.Keys {
			if key.Hint != "" {
				fmt.Fprintf(os.Stderr, "%s: %s\n", key.KeyARN, key.Hint)
			}
		}
	}
}
