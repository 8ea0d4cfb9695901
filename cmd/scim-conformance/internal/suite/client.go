package suite

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
	URNUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	URNGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	URNEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	URNConfig     = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	URNType       = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	URNSchema     = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	URNError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	URNPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnSearch     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
	URNBulk       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	urnBulkAnswer = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
)

// Media types of SCIM (RFC 7644 section 3.1) and JSON.
const (
	MediaSCIM = "application/scim+json"
	MediaJSON = "application/json"
)

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 64 << 20

// Document is a JSON object.
type Document = map[string]any

// Request is what to send to a tenant.
type Request struct {
	Method, Path, Body string
	// Headers are names and values, in place of the usual ones; "" sends none.
	Headers []string
}

// Answer is what came back, together with what was sent. Where no answer came, err
// says why.
type Answer struct {
	Request
	URL    string
	Status int
	Header http.Header
	Body   []byte
	Doc    Document // nil when the body is no JSON object
	Took   time.Duration
	err    error
	t      *T
}

// Anonymous is the body without the id of the request, which an error may have in it and
// which is another one each time.
func (a *Answer) Anonymous() string {
	if id := a.Header.Get("X-Request-Id"); id != "" {
		return strings.ReplaceAll(string(a.Body), id, "")
	}
	return string(a.Body)
}

// String tells the exchange without the tokens.
func (a *Answer) String() string {
	text := describe(a)
	if a.t != nil {
		access, _ := a.Doc["access_token"].(string)
		for _, token := range append(a.t.Suite.Federated.Secrets(), a.t.Suite.Tenant.Token, a.t.Suite.Other.Token, a.t.Suite.Client.Secret, access) {
			if token != "" {
				text = strings.ReplaceAll(text, token, "(token not shown)")
			}
		}
	}
	return text
}

func describe(a *Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", a.Method, a.URL)
	for i := 0; i+1 < len(a.Headers); i += 2 {
		value := a.Headers[i+1]
		if strings.EqualFold(a.Headers[i], "Authorization") {
			value = "(not shown)"
		}
		fmt.Fprintf(&b, "%s: %s\n", a.Headers[i], value)
	}
	if a.Request.Body != "" {
		fmt.Fprintf(&b, "%s\n", shortened(a.Request.Body))
	}
	if a.err != nil {
		fmt.Fprintf(&b, "no answer: %v\n", a.err)
		return b.String()
	}
	fmt.Fprintf(&b, "answer: %d after %s", a.Status, a.Took.Round(time.Millisecond))
	for _, name := range []string{"Content-Type", "Location", "Content-Location", "Etag", "Www-Authenticate", "Retry-After", "Allow"} {
		if value := a.Header.Get(name); value != "" {
			fmt.Fprintf(&b, "\n%s: %s", name, value)
		}
	}
	if len(a.Body) > 0 {
		fmt.Fprintf(&b, "\n%s", shortened(string(a.Body)))
	}
	return b.String()
}

func newHTTPClient(o Options) *http.Client {
	return &http.Client{
		// A redirect is an answer, not something to follow.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			MaxIdleConnsPerHost: 4 * o.Parallel,
			IdleConnTimeout:     20 * time.Second,
		},
	}
}

// send sends a request and reads the whole answer. A server may limit the rate: it
// is asked again then, when it wants, a few times.
func (s *Suite) send(to Target, r Request, deadline time.Time) *Answer {
	const tries = 5
	for try := 1; ; try++ {
		a := s.sendOnce(to, r, deadline)
		if a.Status != http.StatusTooManyRequests || try == tries {
			return a
		}
		wait, err := strconv.Atoi(a.Header.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 10 {
			wait = 1
		}
		time.Sleep(time.Duration(wait) * time.Second)
	}
}

func (s *Suite) sendOnce(to Target, r Request, deadline time.Time) *Answer {
	a := &Answer{Request: r, URL: to.URL + r.Path}
	began := time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), s.RequestTimeout)
	defer cancel()
	ctx, cancelAll := context.WithDeadline(ctx, deadline)
	defer cancelAll()
	out, err := http.NewRequestWithContext(ctx, r.Method, a.URL, bytes.NewBufferString(r.Body))
	if err != nil {
		a.err = err
		return a
	}
	out.Header.Set("Accept", MediaSCIM)
	if r.Body != "" {
		out.Header.Set("Content-Type", MediaSCIM)
	}
	if to.Token != "" {
		out.Header.Set("Authorization", "Bearer "+to.Token)
	}
	for i := 0; i+1 < len(r.Headers); i += 2 {
		out.Header.Set(r.Headers[i], r.Headers[i+1])
		// Go sends a User-Agent of its own unless it is there and empty.
		if r.Headers[i+1] == "" && r.Headers[i] != "User-Agent" {
			out.Header.Del(r.Headers[i])
		}
	}
	in, err := s.client.Do(out)
	if err != nil {
		a.err = err
		return a
	}
	defer func() { _ = in.Body.Close() }()
	a.Status, a.Header = in.StatusCode, in.Header
	a.Body, a.err = io.ReadAll(io.LimitReader(in.Body, maxAnswer))
	a.Took = time.Since(began)
	if json.Unmarshal(a.Body, &a.Doc) != nil {
		a.Doc = nil
	}
	return a
}

// journal is the exchanges of a case and the resources that it has made.
type journal struct {
	mu        sync.Mutex
	exchanges []*Answer
	made      []madeResource
}

type madeResource struct {
	At   Target
	Path string
}

// note keeps an exchange, and what it made, to be deleted.
func (j *journal) note(at Target, a *Answer) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.exchanges = append(j.exchanges, a)
	if a.Method != http.MethodPost {
		return
	}
	path, _, _ := strings.Cut(a.Path, "?")
	if id, ok := a.Doc["id"].(string); ok && (a.Status == http.StatusCreated || a.Status == http.StatusOK) {
		j.made = append(j.made, madeResource{at, path + "/" + url.PathEscape(id)})
	}
	operations, _ := a.Doc["Operations"].([]any)
	for _, o := range operations {
		operation, _ := o.(Document)
		location, _ := operation["location"].(string)
		method, _ := operation["method"].(string)
		if path, ok := strings.CutPrefix(location, at.URL); ok && strings.EqualFold(method, http.MethodPost) {
			j.made = append(j.made, madeResource{at, path})
		}
	}
}

// cleanUp deletes what the case has made, the last first.
func cleanUp(t *T) {
	t.journal.mu.Lock()
	made := slices.Clone(t.journal.made)
	t.journal.mu.Unlock()
	deadline := time.Now().Add(time.Minute)
	for _, m := range slices.Backward(made) {
		t.Suite.send(m.At, Request{Method: http.MethodDelete, Path: m.Path}, deadline)
	}
}

// shortened keeps a report readable.
func shortened(text string) string {
	const limit = 3000
	if len(text) <= limit {
		return text
	}
	return fmt.Sprintf("%s… (%d bytes in all)", strings.ToValidUTF8(text[:limit], ""), len(text))
}
