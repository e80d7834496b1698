// An unseal whose requests go through connections of the program's own: through a proxy, say, or another TLS library.
// pcrseal says what to send and judges what comes back.
//
//	host_unseal CONFIG
//
// CONFIG is the JSON document of docs/CONFIGURATION.md, whose endpoint and credentials the program uses by itself.
package main

import (
	"bufio"
	"context"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	pcrseal "github.com/pcrseal/pcrseal/go"
)

// document is what this program reads of the configuration.
type document struct {
	Cluster    string
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

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: host_unseal CONFIG")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		var failure *pcrseal.Error
		if errors.As(err, &failure) && failure.Report != nil {
			fmt.Fprintln(os.Stderr, failure.Report)
		}
		os.Exit(1)
	}
}

func run(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var settings document
	if err := json.Unmarshal(text, &settings); err != nil {
		return err
	}
	blob, masterKey, err := seal(text)
	if err != nil {
		return err
	}
	defer masterKey.Destroy()

	// The same trust, and no transport.
	session, err := pcrseal.NewSession(&pcrseal.Config{
		Cluster:    settings.Cluster,
		SealQuorum: &pcrseal.Quorum{Threshold: settings.SealQuorum.Threshold, Keys: settings.SealQuorum.Keys},
		Attester:   pcrseal.NSMSocket{Path: settings.Attester.Path},
		Transport:  pcrseal.TransportHost,
	})
	if err != nil {
		return err
	}
	defer session.Close()
	unsealed, err := settings.unseal(session, blob)
	if err != nil {
		return err
	}
	defer unsealed.Secret.Destroy()
	fmt.Println(unsealed.Report)

	err = masterKey.Use(func(first []byte) error {
		return unsealed.Secret.Use(func(second []byte) error {
			if subtle.ConstantTimeCompare(first, second) != 1 {
				return errors.New("another master key came back")
			}
			return nil
		})
	})
	if err == nil {
		fmt.Println("the same master key, over connections of the program's own")
	}
	return err
}

// seal makes a blob to unseal, with the library's own transport.
func seal(document []byte) (blob []byte, masterKey *pcrseal.Secret, err error) {
	config, err := pcrseal.ConfigFromJSON(document)
	if err != nil {
		return nil, nil, err
	}
	session, err := pcrseal.NewSession(config)
	if err != nil {
		return nil, nil, err
	}
	defer session.Close()
	sealed, err := session.Generate(context.Background(), 32)
	if err != nil {
		return nil, nil, err
	}
	return sealed.Blob, sealed.Secret, nil
}

// answer is what came of a request.
type answer struct {
	position  uint32
	status    int
	requestID string
	body      []byte
	elapsed   time.Duration
	err       error
}

// unseal asks every key at once, and is done with the answer that completes the threshold.
func (d *document) unseal(session *pcrseal.Session, blob []byte) (*pcrseal.Unsealed, error) {
	unseal, err := session.HostUnseal(blob)
	if err != nil {
		return nil, err
	}
	defer unseal.Close()

	// Room for all of them, so that no goroutine waits for a program that has what it needs.
	answers := make(chan answer, len(d.SealQuorum.Keys))
	asked := 0
	for {
		request, err := unseal.NextRequest()
		if err != nil {
			return nil, err
		}
		if request == nil {
			break
		}
		asked++
		go func() {
			start := time.Now()
			answer := d.ask(request)
			answer.position, answer.elapsed = request.Position, time.Since(start)
			answers <- answer
		}()
	}
	for ; asked > 0 && !unseal.Ready(); asked-- {
		answer := <-answers
		if answer.err != nil {
			fmt.Fprintln(os.Stderr, answer.err)
			err = unseal.Failed(answer.position, pcrseal.NoAnswerUnreachable, answer.elapsed)
		} else {
			err = unseal.AnswerFromAuthenticatedKMS(answer.position, answer.status, answer.requestID, answer.body, answer.elapsed)
		}
		// It ends nothing: other keys may still give enough shares, and Finish tells if they do not.
		if err != nil {
			fmt.Fprintf(os.Stderr, "share %d: %v\n", answer.position, err)
		}
	}
	return unseal.Finish()
}

// ask sends one request and reads its answer.
func (d *document) ask(request *pcrseal.KMSRequest) answer {
	connection, host, err := d.connect(request)
	if err != nil {
		return answer{err: err}
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return answer{err: err}
	}
	credentials := pcrseal.NewStaticCredentials(d.Credentials.AccessKeyID, []byte(d.Credentials.SecretAccessKey), nil)
	text, err := request.HTTP1(credentials, host, time.Now())
	if err != nil {
		return answer{err: err}
	}
	defer pcrseal.Zeroize(text)
	if _, err := connection.Write(text); err != nil {
		return answer{err: err}
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	// No answer of KMS's is longer than this.
	body, err := io.ReadAll(io.LimitReader(response.Body, 64*1024))
	return answer{status: response.StatusCode, requestID: response.Header.Get("x-amzn-RequestId"), body: body, err: err}
}

// connect opens a connection to KMS in the request's region, and says the header field host.
//
// AWS's KMS has to prove its name by TLS that ends here: AnswerFromAuthenticatedKMS promises that. Only the emulator, on
// this machine, is reached without.
func (d *document) connect(request *pcrseal.KMSRequest) (connection net.Conn, host string, err error) {
	if strings.HasPrefix(d.KMS.Endpoint, "http://127.0.0.1:") {
		host = strings.TrimPrefix(d.KMS.Endpoint, "http://")
		connection, err = net.Dial("tcp", host)
		return connection, host, err
	}
	// In an enclave, RootCAs are Amazon's roots alone, which the image holds.
	settings := &tls.Config{ServerName: request.Host, MinVersion: tls.VersionTLS12}
	connection, err = tls.Dial("tcp", net.JoinHostPort(request.Host, "443"), settings)
	return connection, request.Host, err
}
