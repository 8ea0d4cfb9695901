package scimtest

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// URNs of the messages and schemas of SCIM.
const (
	URNList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	URNUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	URNGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	URNEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
)

// MediaType is the media type of SCIM (RFC 7644 section 8.1).
const MediaType = "application/scim+json"

// PublicHost is the host that requests are sent to, as if they came through an
// Ingress, so that a location does not depend on the way to the server.
const PublicHost = "scim.example.com"

// Client sends SCIM requests to one URL with one token.
type Client struct {
	Base    string
	token   string
	query   string            // added to every URL
	headers map[string]string // added to, or in place of, the usual ones; "" sends none
	http    *http.Client
	way     way
}

// NewClient returns a client that opens a connection for each request, so that
// each is balanced anew.
func NewClient(base, token string) *Client {
	c := &Client{Base: base, token: token}
	return c.by(way{})
}

// by returns the client with another way to the server.
func (c *Client) by(way way) *Client {
	other := *c
	transport := way.transport()
	transport.DisableKeepAlives = true
	other.way, other.http = way, &http.Client{Timeout: 15 * time.Second, Transport: transport}
	return &other
}

// Trusting returns the client with whom it trusts, and what it looks for in a certificate.
func (c *Client) Trusting(trust *tls.Config) *Client {
	changed := c.way
	changed.tls = trust
	return c.by(changed)
}

// Lasting returns a client of its own that keeps its connection open between
// requests, as identity providers do. A request that Go sends a second time,
// because the connection was closed under it, counts as one without an answer.
// The function closes the connection while no request uses it.
func (c *Client) Lasting() (lasting *Client, closeIdle func()) {
	other := *c
	transport := c.way.transport()
	transport.MaxIdleConnsPerHost = 1
	other.http = &http.Client{Timeout: c.http.Timeout, Transport: &countingTransport{next: transport}}
	return &other, transport.CloseIdleConnections
}

// With returns the client with another header; "" leaves the header out.
func (c *Client) With(header, value string) *Client {
	other := *c
	other.headers = map[string]string{}
	maps.Copy(other.headers, c.headers)
	other.headers[header] = value
	return &other
}

// WithToken returns the client with another token; "" sends none.
func (c *Client) WithToken(token string) *Client {
	other := *c
	other.token = token
	return &other
}

// WithQuery returns the client with something at the end of every URL.
func (c *Client) WithQuery(query string) *Client {
	other := *c
	other.query = query
	return &other
}

// WithTimeout returns the client with another limit for each request.
func (c *Client) WithTimeout(timeout time.Duration) *Client {
	other, client := *c, *c.http
	client.Timeout = timeout
	other.http = &client
	return &other
}

// Do sends a request. The body is a JSON text; "" sends none. The spec fails
// when no answer comes.
func (c *Client) Do(method, path, body string) *Response {
	GinkgoHelper()
	r, err := c.Try(method, path, body)
	Expect(err).NotTo(HaveOccurred(), "%s %s", method, path)
	return r
}

// Get is Do for GET.
func (c *Client) Get(path string) *Response {
	GinkgoHelper()
	return c.Do(http.MethodGet, path, "")
}

// Try sends a request and reads the whole answer.
func (c *Client) Try(method, path, body string) (*Response, error) {
	request, err := c.request(method, path, body)
	if err != nil {
		return nil, err
	}
	return c.send(request, path, body)
}

// send sends a request and reads the whole answer.
func (c *Client) send(request *http.Request, path, body string) (*Response, error) {
	method := request.Method
	noteRequest(request, body)
	began := time.Now()
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("no answer to %s %s: %w", method, path, err)
	}
	defer func() { _ = answer.Body.Close() }()
	r := &Response{method: method, url: request.URL.String(), sent: body, Status: answer.StatusCode, Header: answer.Header}
	if r.Body, err = io.ReadAll(answer.Body); err != nil {
		return nil, fmt.Errorf("half an answer to %s %s: %w", method, path, err)
	}
	r.Took = time.Since(began)
	if len(r.Body) > 0 {
		r.malformed = json.Unmarshal(r.Body, &r.Document)
	}
	noteAnswer(r)
	return r, nil
}

func (c *Client) request(method, path, body string) (*http.Request, error) {
	target := c.Base + path
	if c.query != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + c.query
	}
	var content io.Reader
	if body != "" {
		content = bytes.NewBufferString(body)
	}
	request, err := http.NewRequest(method, target, content)
	if err != nil {
		return nil, err
	}
	request.Host = cmp.Or(c.headers["Host"], PublicHost)
	request.Header.Set("User-Agent", "") // The Go client leaves it out then, as Entra ID does.
	request.Header.Set("Accept", MediaType)
	if body != "" {
		request.Header.Set("Content-Type", MediaType)
	}
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.headers {
		request.Header.Set(name, value)
		if value == "" && name != "User-Agent" {
			request.Header.Del(name)
		}
	}
	return request, nil
}

// Filter is the path of a query with a filter.
func Filter(endpoint, format string, args ...any) string {
	return endpoint + "?filter=" + url.QueryEscape(fmt.Sprintf(format, args...))
}
