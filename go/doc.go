// Package pcrseal seals a master key under a quorum of AWS KMS keys so that only the right AWS Nitro Enclave image gets it
// back, unattended. It is pcrseal's C library (include/pcrseal.h) in Go's idiom: contexts end calls, errors work with
// errors.Is and errors.As, and secrets are a type that is destroyed.
//
// The library is found by pkg-config, as `make install` in the repository leaves it. With the build tag pcrseal_static a
// library without shared objects is linked.
//
// A complete program, which an enclave starts with: its configuration is part of its image, and the sealed blob comes from
// the parent instance, which need not be trusted.
//
//	package main
//
//	import (
//		"context"
//		_ "embed"
//		"errors"
//		"log"
//		"os"
//		"time"
//
//		pcrseal "github.com/pcrseal/pcrseal/go"
//	)
//
//	//go:embed pcrseal.json
//	var configuration []byte
//
//	func main() {
//		masterKey, err := unseal("/run/blob")
//		if err != nil {
//			var failure *pcrseal.Error
//			if errors.As(err, &failure) && failure.Report != nil {
//				log.Print(failure.Report) // what each KMS key answered
//			}
//			log.Fatal(err)
//		}
//		defer masterKey.Destroy()
//		if err := masterKey.Use(serve); err != nil {
//			log.Fatal(err)
//		}
//	}
//
//	func unseal(path string) (*pcrseal.Secret, error) {
//		blob, err := os.ReadFile(path)
//		if err != nil {
//			return nil, err
//		}
//		config, err := pcrseal.ConfigFromJSON(configuration)
//		if err != nil {
//			return nil, err
//		}
//		session, err := pcrseal.NewSession(config)
//		if err != nil {
//			return nil, err
//		}
//		defer session.Close()
//		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
//		defer cancel()
//		unsealed, err := session.Unseal(ctx, blob)
//		if err != nil {
//			return nil, err
//		}
//		return unsealed.Secret, nil
//	}
//
//	func serve(masterKey []byte) error {
//		// …
//		return nil
//	}
//
// # Handles
//
// Session, Verifier, Attester, Recipient, HostUnseal and Secret hold memory of the library. The program closes them (or
// destroys them: a Secret), at any time; what is in use is freed when its last call has ended, and what is closed fails
// with CodeFinished. Whatever is forgotten is freed some time after the garbage collector finds it. All of them may be used
// by any number of goroutines at once. Their zero values are closed ones.
//
// # Secrets
//
// A Secret is in locked memory of the library. What goes through Go's memory is said where it does: the inputs of
// Session.ImportVouched and StaticCredentials, the shares of ShamirSplit, the result of ShamirCombine, the request of
// KMSRequest.HTTP1. Zeroize wipes those, but not the copies that Go's runtime, append and encoders have made.
package pcrseal
