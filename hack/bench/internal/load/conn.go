// Package load sends requests to what is measured, and measures how long the answers take.
package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// requestTimeout bounds one request, its answer included.
const requestTimeout = 60 * time.Second

// mediaType is that of SCIM (RFC 7644 section 8.1).
const mediaType = "application/scim+json"

// Target is a SCIM server.
type Target struct {
	// Base is the base URL, on this machine's loopback.
	Base string
	// Token is the bearer token.
	Token string
}

// Request is one request.
type Request struct {
	Method string
	// Path follows the base URL, with the query.
	Path string
	// Body is JSON; nil sends none.
	Body []byte
	// Status is the one that the answer must have.
	Status int
	// Contains must be in the body of the answer, unless it is empty: a server that answers the wrong thing is
	// not fast.
	Contains string
}

// StatusError is an answer with another status than the expected one.
type StatusError struct {
	Method, Path string
	Status       int
	// Detail is what the server says, from a SCIM error (RFC 7644 section 3.12) where it is one.
	Detail string
}

// Error says what was answered.
func (e *StatusError) Error() string {
	return fmt.Sprintf("%s %s was answered %d: %s", e.Method, e.Path, e.Status, e.Detail)
}

// Conn sends requests over one connection, one after the other. net/http's client hands every request to two
// other goroutines; on the few cores that the client shares with the server, that would be most of what is measured.
type Conn struct {
	aim
	dialer  net.Dialer
	conn    net.Conn
	reader  *bufio.Reader
	request bytes.Buffer
	answer  bytes.Buffer
}

// aim is a target as requests to it are written.
type aim struct{ address, path, headers string }

// newAim looks whether a target is on loopback with plain HTTP, and refuses any other.
func newAim(target Target) (aim, error) {
	base, err := url.Parse(target.Base)
	if err != nil {
		return aim{}, fmt.Errorf("reading the base URL: %w", err)
	}
	if base.Scheme != "http" || !IsLoopback(base.Hostname()) {
		return aim{}, fmt.Errorf("%s is not on loopback with plain HTTP, and load is sent nowhere else", target.Base)
	}
	return aim{
		address: base.Host,
		path:    base.EscapedPath(),
		headers: "Host: " + base.Host + "\r\nAccept: " + mediaType + "\r\nAuthorization: Bearer " + target.Token + "\r\n",
	}, nil
}

// NewConn prepares a connection to a server; the first request opens it. Only loopback is accepted.
func NewConn(target Target) (*Conn, error) {
	at, err := newAim(target)
	if err != nil {
		return nil, err
	}
	return newConn(at), nil
}

func newConn(at aim) *Conn {
	return &Conn{aim: at, dialer: net.Dialer{Timeout: 5 * time.Second}, reader: bufio.NewReaderSize(nil, 64<<10)}
}

// IsLoopback tells whether a host is this machine's loopback.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Do sends a request and returns the body of the answer, which is overwritten by the next call. An answer with
// another status than the expected one is a *StatusError.
func (c *Conn) Do(ctx context.Context, r Request) ([]byte, error) {
	body, status, err := c.exchange(ctx, r)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s %s: %w", r.Method, shortened(r.Path), err)
	}
	if status != r.Status {
		return nil, &StatusError{Method: r.Method, Path: shortened(r.Path), Status: status, Detail: detail(body)}
	}
	if r.Contains != "" && !bytes.Contains(body, []byte(r.Contains)) {
		return nil, fmt.Errorf("the answer to %s %s lacks %s: %s", r.Method, shortened(r.Path), r.Contains, shortened(string(body)))
	}
	return body, nil
}

// exchange sends a request and reads the whole answer.
func (c *Conn) exchange(ctx context.Context, r Request) (body []byte, status int, err error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	if c.conn == nil {
		if c.conn, err = c.dialer.DialContext(ctx, "tcp", c.address); err != nil {
			return nil, 0, fmt.Errorf("connecting: %w", err)
		}
		c.reader.Reset(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(requestTimeout)); err != nil {
		return nil, 0, fmt.Errorf("setting a deadline: %w", err)
	}
	if _, err := c.conn.Write(c.render(r)); err != nil {
		return nil, 0, fmt.Errorf("sending: %w", err)
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("reading the answer: %w", err)
	}
	c.answer.Reset()
	_, err = c.answer.ReadFrom(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		return nil, 0, fmt.Errorf("reading the answer: %w", err)
	}
	if response.Close {
		c.Close()
	}
	return c.answer.Bytes(), response.StatusCode, nil
}

// render writes a request as it is sent.
func (c *Conn) render(r Request) []byte {
	b := &c.request
	b.Reset()
	b.WriteString(r.Method + " " + c.path + r.Path + " HTTP/1.1\r\n")
	b.WriteString(c.headers)
	if r.Body != nil {
		b.WriteString("Content-Type: " + mediaType + "\r\nContent-Length: " + strconv.Itoa(len(r.Body)) + "\r\n")
	}
	b.WriteString("\r\n")
	b.Write(r.Body)
	return b.Bytes()
}

// Close closes the connection; the next request opens another one.
func (c *Conn) Close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// detail is what an error answer says to a human.
func detail(body []byte) string {
	var scimError struct {
		Detail string `json:"detail"`
	}
	if json.Unmarshal(body, &scimError) == nil && scimError.Detail != "" {
		return shortened(scimError.Detail)
	}
	return shortened(string(body))
}

// shortened keeps the beginning of a long text.
func shortened(text string) string {
	if len(text) > 300 {
		return text[:300] + "…"
	}
	return text
}
