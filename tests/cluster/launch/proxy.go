package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// faults is what a proxy does to requests:
//
//	delay SECONDS                   every answer comes that much later
//	slow BYTES                      every answer comes at so many bytes a second
//	status CODE [SHARE] [writes]    a share (0.5) of all requests, or of all writes, gets this code
//	cut [SHARE] [writes]            a share of the connections is closed without an answer
//	mix SHARE                       a share of all requests gets, by turns: 429; 500; no answer; it is done, and its answer is cut off
//	cut-after N                     after N more writes every connection is closed
//	cut-answers N                   the Nth write from now on is done, its answer is cut off
//	hold                            requests wait for `clear`
//	clear                           nothing of all this any more
//	writes                          answers with the number of writes that came
type faults struct {
	delay      time.Duration
	rate       int
	status     int
	cut        bool
	share      float64
	onlyWrites bool
	// Whether the share is of all faults, and how many there were.
	mixed bool
	turn  int
	// How much of a request the share has come to. So a share is exact, and no test unlucky.
	due float64
	// Writes left; none where negative.
	cutAfter, cutAnswers int
	held                 chan struct{}
}

type proxy struct {
	lock   sync.Mutex
	faults faults
	writes int
	// How many requests were cut off.
	cuts int
}

var none = faults{cutAfter: -1, cutAnswers: -1}

// cutAnswer marks a request whose answer nobody gets.
type cutAnswer struct{}

func runProxy(kubeconfigFile, out string) error {
	text, err := os.ReadFile(kubeconfigFile)
	if err != nil {
		return err
	}
	value := func(key string) string {
		found := regexp.MustCompile(`(?m)^\s+` + key + `: (\S+)$`).FindSubmatch(text)
		if found == nil {
			return ""
		}
		return string(found[1])
	}
	authority, err := base64.StdEncoding.DecodeString(value("certificate-authority-data"))
	if err != nil {
		return err
	}
	target, err := url.Parse(value("server"))
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	p := &proxy{faults: none}
	reverse := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) { request.SetURL(target) },
		// HTTP/1.1, so that one connection is one request at a time.
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{},
			MaxIdleConnsPerHost: 100,
		},
		// What a watch says arrives as it is said.
		FlushInterval:  -1,
		ModifyResponse: p.answer,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	// With TLS, since kubectl sends its token over nothing else.
	id, err := newIdentity()
	if err != nil {
		return err
	}
	certificate, err := tls.X509KeyPair(id.certificate, id.key)
	if err != nil {
		return err
	}
	config := kubeconfig("https://"+listener.Addr().String(), id.authority, value("token"))
	if err := os.WriteFile(out, config, 0o600); err != nil {
		return err
	}
	server := &http.Server{
		Handler:      http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(reverse, w, r) }),
		TLSConfig:    &tls.Config{Certificates: []tls.Certificate{certificate}},
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     log.New(io.Discard, "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.ServeTLS(listener, "", "") }()
	return serve(failed, p.do)
}

func (p *proxy) do(line string) (string, error) {
	p.lock.Lock()
	defer p.lock.Unlock()
	words := strings.Fields(line)
	if len(words) == 0 {
		return "", errors.New("an empty line")
	}
	var numbers []float64
	onlyWrites := false
	for _, word := range words[1:] {
		if word == "writes" {
			onlyWrites = true
			continue
		}
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return "", err
		}
		numbers = append(numbers, number)
	}
	number := func(at int, otherwise float64) float64 {
		if at < len(numbers) {
			return numbers[at]
		}
		return otherwise
	}
	f := &p.faults
	switch words[0] {
	case "delay":
		f.delay = time.Duration(number(0, 1) * float64(time.Second))
	case "slow":
		f.rate = int(number(0, 0))
	case "status":
		f.status, f.cut, f.share, f.due, f.onlyWrites = int(number(0, 503)), false, number(1, 1), 0, onlyWrites
	case "cut":
		f.status, f.cut, f.share, f.due, f.onlyWrites = 0, true, number(0, 1), 0, onlyWrites
	case "mix":
		p.faults = none
		f.mixed, f.share = true, number(0, 0.05)
	case "cut-after":
		f.cutAfter = int(number(0, 0))
	case "cut-answers":
		f.cutAnswers = int(number(0, 1))
	case "hold":
		if f.held == nil {
			f.held = make(chan struct{})
		}
	case "clear":
		if f.held != nil {
			close(f.held)
		}
		p.faults = none
	case "writes":
		return strconv.Itoa(p.writes), nil
	case "cuts":
		return strconv.Itoa(p.cuts), nil
	default:
		return "", fmt.Errorf("no such command: %s", line)
	}
	return "ok", nil
}

func (p *proxy) serve(next http.Handler, w http.ResponseWriter, r *http.Request) {
	write, err := isWrite(r)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.lock.Lock()
	f := &p.faults
	if write {
		p.writes++
	}
	held := f.held
	cut := f.cutAfter == 0
	if write && f.cutAfter > 0 {
		f.cutAfter--
	}
	if write && f.cutAnswers > 0 {
		if f.cutAnswers--; f.cutAnswers == 0 {
			f.cutAnswers = -1
			r = r.WithContext(context.WithValue(r.Context(), cutAnswer{}, true))
		}
	}
	status := 0
	if (f.mixed || f.status != 0 || f.cut) && (write || !f.onlyWrites) {
		// A little more, for tenths that do not add up.
		if f.due += f.share; f.due > 0.999999 {
			f.due--
			cut, status = cut || f.cut, f.status
			if f.mixed {
				f.turn++
				switch f.turn % 4 {
				case 0:
					status = http.StatusTooManyRequests
				case 1:
					status = http.StatusInternalServerError
				case 2:
					cut = true
				default:
					r = r.WithContext(context.WithValue(r.Context(), cutAnswer{}, true))
				}
			}
		}
	}
	if cut {
		p.cuts++
	}
	p.lock.Unlock()
	if held != nil {
		select {
		case <-held:
		case <-r.Context().Done():
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case cut:
		panic(http.ErrAbortHandler)
	case status != 0:
		refuse(w, status)
	default:
		next.ServeHTTP(w, r)
	}
}

// answer sees what the API server has said before the client does.
func (p *proxy) answer(answer *http.Response) error {
	p.lock.Lock()
	delay, rate := p.faults.delay, p.faults.rate
	p.lock.Unlock()
	if rate > 0 {
		answer.Body = &slowly{answer.Body, rate}
	}
	select {
	case <-time.After(delay):
	case <-answer.Request.Context().Done():
	}
	if answer.Request.Context().Value(cutAnswer{}) != nil {
		return errors.New("cut")
	}
	return nil
}

// slowly is a body at so many bytes a second.
type slowly struct {
	io.ReadCloser
	rate int
}

func (s *slowly) Read(into []byte) (int, error) {
	const pieces = 10
	time.Sleep(time.Second / pieces)
	return s.ReadCloser.Read(into[:min(len(into), max(s.rate/pieces, 1))])
}

// isWrite tells whether a request would change something in the cluster.
func isWrite(r *http.Request) (bool, error) {
	switch r.Method {
	case http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return false, nil
	}
	question := strings.HasPrefix(r.URL.Path, "/apis/authorization.k8s.io/") ||
		strings.HasPrefix(r.URL.Path, "/apis/authentication.k8s.io/")
	if question || r.URL.Query().Has("dryRun") {
		return false, nil
	}
	if r.Method != http.MethodDelete {
		return true, nil
	}
	// A deletion says it in its body.
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	return !bytes.Contains(body, []byte(`"dryRun":["All"]`)), err
}

// refuse answers as an API server does.
func refuse(w http.ResponseWriter, code int) {
	reasons := map[int]string{
		401: "Unauthorized", 403: "Forbidden", 409: "Conflict", 429: "TooManyRequests", 500: "InternalError",
		503: "ServiceUnavailable", 504: "Timeout",
	}
	if code == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure",`+
		`"message":"the proxy of a test says %d","reason":%q,"code":%d}`, code, reasons[code], code)
}
