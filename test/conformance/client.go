package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// URNs of the schemas and messages of SCIM.
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnConfig     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	urnType       = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	urnSchema     = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnSearch     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	urnBulk       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	urnBulkAnswer = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

const (
	mediaSCIM = "application/scim+json"
	mediaJSON = "application/json"
)

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 64 << 20

// document is a JSON object.
type document = map[string]any

// request is what to send to a tenant.
type request struct {
	method, path, body string
	// headers are names and values, in place of the usual ones; "" sends none.
	headers []string
}

// answer is what came back, together with what was sent. Where no answer came, err
// says why.
type answer struct {
	request
	url    string
	status int
	header http.Header
	body   []byte
	doc    document // nil when the body is no JSON object
	took   time.Duration
	err    error
	t      *T
}

// anonymous is the body without the id of the request, which an error may have in it and
// which is another one each time.
func (a *answer) anonymous() string {
	if id := a.header.Get("X-Request-Id"); id != "" {
		return strings.ReplaceAll(string(a.body), id, "")
	}
	return string(a.body)
}

// String tells the exchange without the tokens.
func (a *answer) String() string {
	text := a.describe()
	if a.t != nil {
		for _, token := range []string{a.t.suite.main.token, a.t.suite.other.token} {
			if token != "" {
				text = strings.ReplaceAll(text, token, "(token not shown)")
			}
		}
	}
	return text
}

func (a *answer) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", a.method, a.url)
	for i := 0; i+1 < len(a.headers); i += 2 {
		value := a.headers[i+1]
		if strings.EqualFold(a.headers[i], "Authorization") {
			value = "(not shown)"
		}
		fmt.Fprintf(&b, "%s: %s\n", a.headers[i], value)
	}
	if a.request.body != "" {
		fmt.Fprintf(&b, "%s\n", shortened(a.request.body))
	}
	if a.err != nil {
		fmt.Fprintf(&b, "no answer: %v\n", a.err)
		return b.String()
	}
	fmt.Fprintf(&b, "answer: %d after %s", a.status, a.took.Round(time.Millisecond))
	for _, name := range []string{"Content-Type", "Location", "Content-Location", "Etag", "Www-Authenticate", "Retry-After", "Allow"} {
		if value := a.header.Get(name); value != "" {
			fmt.Fprintf(&b, "\n%s: %s", name, value)
		}
	}
	if len(a.body) > 0 {
		fmt.Fprintf(&b, "\n%s", shortened(string(a.body)))
	}
	return b.String()
}

func newHTTPClient(o options) *http.Client {
	return &http.Client{
		// A redirect is an answer, not something to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 4 * o.parallel,
			IdleConnTimeout:     20 * time.Second,
		},
	}
}

// send sends a request and reads the whole answer. A server may limit the rate: it
// is asked again then, when it wants, a few times.
func (s *suite) send(to target, r request, deadline time.Time) *answer {
	const tries = 5
	for try := 1; ; try++ {
		a := s.sendOnce(to, r, deadline)
		if a.status != http.StatusTooManyRequests || try == tries {
			return a
		}
		wait, err := strconv.Atoi(a.header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 10 {
			wait = 1
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func (s *suite) sendOnce(to target, r request, deadline time.Time) *answer {
	a := &answer{request: r, url: to.url + r.path}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.requestTimeout)
	defer cancel()
	ctx, cancelAll := context.WithDeadline(ctx, deadline)
	defer cancelAll()
	out, err := http.NewRequestWithContext(ctx, r.method, a.url, bytes.NewBufferString(r.body))
	if err != nil {
		a.err = err
		return a
	}
	out.Header.Set("Accept", mediaSCIM)
	if r.body != "" {
		out.Header.Set("Content-Type", mediaSCIM)
	}
	if to.token != "" {
		out.Header.Set("Authorization", "Bearer "+to.token)
	}
	for i := 0; i+1 < len(r.headers); i += 2 {
		out.Header.Set(r.headers[i], r.headers[i+1])
		// Go sends a User-Agent of its own unless it is there and empty.
		if r.headers[i+1] == "" && r.headers[i] != "User-Agent" {
			out.Header.Del(r.headers[i])
		}
	}
	in, err := s.client.Do(out)
	if err != nil {
		a.err = err
		return a
	}
	defer func() { _ = in.Body.Close() }()
	a.status, a.header = in.StatusCode, in.Header
	a.body, a.err = io.ReadAll(io.LimitReader(in.Body, maxAnswer))
	a.took = time.Since(began)
	if json.Unmarshal(a.body, &a.doc) != nil {
		a.doc = nil
	}
	return a
}

// journal is the exchanges of a case and the resources that it has made.
type journal struct {
	mu        sync.Mutex
	exchanges []*answer
	made      []madeResource
}

type madeResource struct {
	at   target
	path string
}

// note keeps an exchange, and what it made, to be deleted.
func (j *journal) note(at target, a *answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges = append(j.exchanges, a)
	if a.method != http.MethodPost {
		return
	}
	path, _, _ := strings.Cut(a.path, "?")
	if id, ok := a.doc["id"].(string); ok && (a.status == http.StatusCreated || a.status == http.StatusOK) {
		j.made = append(j.made, madeResource{at, path + "/" + url.PathEscape(id)})
	}
	operations, _ := a.doc["Operations"].([]any)
	for _, o := range operations {
		operation, _ := o.(document)
		location, _ := operation["location"].(string)
		method, _ := operation["method"].(string)
		if path, ok := strings.CutPrefix(location, at.url); ok && strings.EqualFold(method, http.MethodPost) {
			j.made = append(j.made, madeResource{at, path})
		}
	}
}

// query is a path with parameters: names and values.
func query(path string, parameters ...string) string {
	values := make([]string, 0, len(parameters)/2)
	for i := 0; i+1 < len(parameters); i += 2 {
		values = append(values, parameters[i]+"="+url.QueryEscape(parameters[i+1]))
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + strings.Join(values, "&")
}

// cleanUp deletes what the case has made, the last first.
func (t *T) cleanUp() {
	t.journal.mu.Lock()
	made := slices.Clone(t.journal.made)
	t.journal.mu.Unlock()
	deadline := time.Now().Add(time.Minute)
	for _, m := range slices.Backward(made) {
		t.suite.send(m.at, request{method: http.MethodDelete, path: m.path}, deadline)
	}
}
