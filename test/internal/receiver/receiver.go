// Package receiver is a receiver of security event tokens for tests (RFC 8935): it keeps the last state of each user
// and group as it was told, and goes away and comes back with that.
package receiver

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/kubescim/kubescim/test/internal/issuer"
)

const (
	mediaType = "secevent+jwt"
	full      = "urn:ietf:params:scim:event:prov:put:full"
	deleted   = "urn:ietf:params:scim:event:prov:delete"
	revoked   = "https://schemas.openid.net/secevent/caep/event-type/session-revoked"
)

// Receiver is a receiver.
type Receiver struct {
	// URL is where it is, and Audience and CABundle what a sink says of it.
	URL, CABundle string

	certificate tls.Certificate
	server      *http.Server

	mu      sync.Mutex
	keys    jose.JSONWebKeySet
	issuer  string
	known   map[string]Known
	revoked map[string]bool
	older   int
	bad     []string
}

// Known is what is known of a user or group.
type Known struct {
	Revision uint64
	// Data is all of it; nil of what was deleted.
	Data map[string]any
}

// claims are those of a token.
type claims struct {
	jwt.Claims

	Subject struct {
		URI string `json:"uri"`
	} `json:"sub_id"`
	Events   map[string]payload `json:"events"`
	Revision uint64             `json:"revision"`
}

// payload is what an event says.
type payload struct {
	Data map[string]any `json:"data"`
}

// New makes a receiver at an address and port of this machine, which is not there yet.
func New(address, port string) (*Receiver, error) {
	r := &Receiver{URL: "https://" + net.JoinHostPort(address, port), known: map[string]Known{}, revoked: map[string]bool{}}
	var err error
	if r.certificate, r.CABundle, err = issuer.SelfSigned(address); err != nil {
		return nil, fmt.Errorf("making a certificate for a receiver: %w", err)
	}
	return r, nil
}

// Trust makes the keys in a JWK Set those that tokens of an issuer are checked with.
func (r *Receiver) Trust(issuer string, keys []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.issuer = issuer
	return json.Unmarshal(keys, &r.keys)
}

// Start makes it be there.
func (r *Receiver) Start() error {
	listener, err := net.Listen("tcp", strings.TrimPrefix(r.URL, "https://"))
	if err != nil {
		return fmt.Errorf("listening for events: %w", err)
	}
	r.server = &http.Server{Handler: r, ReadHeaderTimeout: 10 * time.Second}
	secured := tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{r.certificate}, MinVersion: tls.VersionTLS12})
	go func(server *http.Server) { _ = server.Serve(secured) }(r.server)
	return nil
}

// Stop makes it be away. What it knows, it keeps.
func (r *Receiver) Stop() error { return r.server.Close() }

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(io.LimitReader(request.Body, 4<<20))
	if err == nil {
		err = r.accept(request.Header.Get("Content-Type"), string(body))
	}
	if err == nil {
		w.WriteHeader(http.StatusAccepted)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.bad = append(r.bad, err.Error())
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = fmt.Fprint(w, `{"err":"invalid_request"}`)
}

func (r *Receiver) accept(contentType, body string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	token, err := jwt.ParseSigned(body, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || contentType != "application/"+mediaType || token.Headers[0].ExtraHeaders[jose.HeaderType] != mediaType {
		return fmt.Errorf("it is no security event token: %s: %w", contentType, err)
	}
	var said claims
	if err := token.Claims(r.keys, &said); err != nil {
		return fmt.Errorf("its signature is not good: %w", err)
	}
	if said.Issuer != r.issuer || !said.Audience.Contains(r.URL) || said.Claims.Subject != "" || said.ID == "" {
		return fmt.Errorf("it is of %s, for %v", said.Issuer, said.Audience)
	}
	if _, is := said.Events[revoked]; is {
		r.revoked[said.Subject.URI] = true
		return nil
	}
	if said.Revision < r.known[said.Subject.URI].Revision {
		r.older++
		return nil
	}
	_, gone := said.Events[deleted]
	event, there := said.Events[full]
	if gone == there {
		return fmt.Errorf("it says %v", said.Events)
	}
	r.known[said.Subject.URI] = Known{Revision: said.Revision, Data: event.Data}
	return nil
}

// Known is what is known of each user and group, by its path.
func (r *Receiver) Known() map[string]Known {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.known)
}

// Revoked reports whether the sessions of somebody, by the path, are over.
func (r *Receiver) Revoked(path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.revoked[path]
}

// Bad is what was wrong with what came.
func (r *Receiver) Bad() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bad
}
