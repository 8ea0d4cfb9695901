package request

import (
	"net"
	"net/http"
	"strings"
)

// BaseURL returns the URL under which the client sees a tenant that is served at the path.
// Where it has no public URL it believes the request, forwarding headers included: whoever
// sends them sees their effect in the answer and nowhere else.
func BaseURL(r *http.Request, public, path string) string {
	if public != "" {
		return public
	}
	scheme, host := "http", r.Host
	if r.TLS != nil && r.Header.Get("X-Forwarded-Proto") == "" {
		scheme = "https"
	}
	if strings.EqualFold(forwarded(r, "X-Forwarded-Proto"), "https") {
		scheme = "https"
	}
	if first := forwarded(r, "X-Forwarded-Host"); first != "" {
		host = first
	}
	return scheme + "://" + host + path
}

// forwarded returns what the first of several proxies saw, which is the one that the
// client talks to: each puts what it sees behind a comma.
func forwarded(r *http.Request, header string) string {
	first, _, _ := strings.Cut(r.Header.Get(header), ",")
	return strings.TrimSpace(first)
}

// Source is the address that the request comes from. Forwarding headers are not looked
// at: anybody could send them.
func Source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// IsStandard reports whether the method is one of those that SCIM has (RFC 7644
// section 3.2) or HEAD.
func IsStandard(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return true
	}
	return false
}

// Collapse makes one slash of several: identity providers build URLs by hand.
func Collapse(path string) string {
	for strings.Contains(path, "//") {
		path = strings.ReplaceAll(path, "//", "/")
	}
	return path
}
