package request_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/server/request"
)

// RFC 9110 section 13.1 and RFC 7644 section 3.14, and what clients make of them.
func TestPreconditions(t *testing.T) {
	const version = `W/"7-1"`
	for name, c := range map[string]struct {
		values  []string
		matches bool
	}{
		"the tag":                       {[]string{`W/"7-1"`}, true},
		"strong, compared weakly":       {[]string{`"7-1"`}, true},
		"without quotes":                {[]string{`7-1`}, true},
		"weak and without quotes":       {[]string{`W/7-1`}, true},
		"any":                           {[]string{`*`}, true},
		"the second of a list":          {[]string{`W/"1", W/"7-1"`}, true},
		"a list without blanks":         {[]string{`"1","7-1"`}, true},
		"the second of two headers":     {[]string{`"1"`, `"7-1"`}, true},
		"another":                       {[]string{`W/"7-2"`}, false},
		"the beginning of it":           {[]string{`W/"7"`}, false},
		"more than it":                  {[]string{`W/"7-11"`}, false},
		"another case, which counts":    {[]string{`w/"7-1"`}, false},
		"nothing":                       {[]string{``}, false},
		"a list of others":              {[]string{`"1", "2"`}, false},
		"a star in quotes is some tag":  {[]string{`"*"`}, false},
		"a list of nothing and nothing": {[]string{`,`}, false},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			r := httptest.NewRequest(http.MethodPut, "/", nil)
			g.Expect(request.Precondition(r)).To(BeNil(), "without the header there is none")
			g.Expect(request.MatchesNone(r, version)).To(BeFalse(), "without the header the client has nothing")
			for _, value := range c.values {
				r.Header.Add("If-Match", value)
				r.Header.Add("If-None-Match", value)
			}
			g.Expect(request.Precondition(r)(version)).To(Equal(c.matches))
			g.Expect(request.MatchesNone(r, version)).To(Equal(c.matches))
		})
	}
}

func TestBaseURL(t *testing.T) {
	for name, c := range map[string]struct {
		public  string
		headers map[string]string
		want    string
	}{
		"as it was sent":           {"", nil, "http://scim.example.com/scim/v2"},
		"the public one counts":    {"https://acme.example.com/x", map[string]string{"X-Forwarded-Host": "other.example.com"}, "https://acme.example.com/x"},
		"behind a proxy":           {"", map[string]string{"X-Forwarded-Proto": "https", "X-Forwarded-Host": "acme.example.com"}, "https://acme.example.com/scim/v2"},
		"behind two proxies":       {"", map[string]string{"X-Forwarded-Proto": "HTTPS, http", "X-Forwarded-Host": "acme.example.com, inner.example.com"}, "https://acme.example.com/scim/v2"},
		"a scheme that is none":    {"", map[string]string{"X-Forwarded-Proto": "javascript"}, "http://scim.example.com/scim/v2"},
		"an empty host says none":  {"", map[string]string{"X-Forwarded-Host": " , inner.example.com"}, "http://scim.example.com/scim/v2"},
		"another header is no use": {"", map[string]string{"Forwarded": "proto=https;host=x"}, "http://scim.example.com/scim/v2"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://scim.example.com/scim/v2/Users", nil)
			for header, value := range c.headers {
				r.Header.Set(header, value)
			}
			NewWithT(t).Expect(request.BaseURL(r, c.public, "/scim/v2")).To(Equal(c.want))
		})
	}
}

// Whoever is counted by an address cannot choose it.
func TestSource(t *testing.T) {
	for remote, want := range map[string]string{
		"192.0.2.7:5123": "192.0.2.7", "[2001:db8::1]:5123": "2001:db8::1", "192.0.2.7": "192.0.2.7", "@": "@",
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "198.51.100.1")
		r.Header.Set("X-Real-Ip", "198.51.100.1")
		NewWithT(t).Expect(request.Source(r)).To(Equal(want))
	}
}
