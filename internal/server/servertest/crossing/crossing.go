// Package crossing has the requests of a client that sends to its own tenant what another
// tenant has given out: ids, names, entity tags, cursors, references. What comes back must be
// what anything unknown gets. Only tests use it, over every kind of server.
package crossing

import (
	"net/http"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

// Facts are what its own client knows of a tenant, or what a client knows of another one.
type Facts struct {
	// Path is the base path, and URL the base URL that the tenant's own references have.
	Path, URL string
	// User and Group are the ids of a user and of a group that the user is in.
	User, Group string
	// Name is in all that names the two. It is of five letters or more that nothing else has.
	Name string
	// Version is the entity tag of the user.
	Version string
	// Cursor leads on from the first page of two users.
	Cursor string
	// Role is the id of a role of the tenant's application; empty where there are none.
	Role string
	// BulkID was in a bulk request of the tenant's client.
	BulkID string
}

// Unknown returns facts of which no tenant knows anything, in the same form and length.
func (f Facts) Unknown() Facts {
	unknown := Facts{Path: f.Path, User: uuid.NewString(), Group: uuid.NewString()}
	unknown.URL = strings.ReplaceAll(f.URL, f.Name, next(f.Name))
	unknown.Name, unknown.Version, unknown.Cursor, unknown.BulkID = next(f.Name), next(f.Version), next(f.Cursor), next(f.BulkID)
	unknown.Role = next(f.Role)
	return unknown
}

// next replaces each small letter and each digit by the one behind it.
func next(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'z':
			return 'a'
		case r == '9':
			return '1'
		case r >= 'a' && r < 'z', r >= '0' && r < '9':
			return r + 1
		}
		return r
	}, text)
}

// Request is one of the requests.
type Request struct {
	Method string
	Path   string // with the base path and the query
	Body   string
	// Header and Value are a header of it; none when empty.
	Header, Value string
}

// String names the request.
func (r Request) String() string {
	return strings.TrimSpace(strings.Join([]string{r.Method, r.Path, r.Header, r.Value, r.Body}, " "))
}

// Answer is what comes back.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

var (
	ids      = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	times    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z`)
	versions = regexp.MustCompile(`W/\\?"[^"\\]*\\?"`)
)

// Without returns the answer as it would be to anybody: without the facts that were sent,
// the id and the time of the request, and what a resource has of its own since it was made
// by it.
func (a Answer) Without(sent Facts) string {
	header := a.Header.Clone()
	for _, name := range []string{"Date", "X-Request-Id", "Content-Length"} { // The body has its length.
		header.Del(name)
	}
	var text strings.Builder
	_ = header.Write(&text) // A strings.Builder takes all.
	text.WriteString(a.Body)
	pairs := []string{
		a.Header.Get("X-Request-Id"), "<request>", sent.User, "<user>", sent.Group, "<group>", sent.Name, "<name>",
		sent.Cursor, "<cursor>", sent.Role, "<role>", sent.BulkID, "<bulk id>",
	}
	kept := pairs[:0]
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] != "" {
			kept = append(kept, pairs[i], pairs[i+1])
		}
	}
	anonymous := strings.NewReplacer(kept...).Replace(text.String())
	for _, own := range []*regexp.Regexp{ids, times, versions} {
		anonymous = own.ReplaceAllString(anonymous, "<own>") // Entity tags that were sent are like those that come back.
	}
	return http.StatusText(a.Status) + "\r\n" + anonymous
}
