package request

import (
	"net/http"
	"strings"

	"github.com/kubescim/kubescim/internal/store"
)

// Precondition returns the request's If-Match as a store.Precondition; nil when
// there is none (RFC 7644 section 3.14).
func Precondition(r *http.Request) store.Precondition {
	values := r.Header.Values("If-Match")
	if len(values) == 0 {
		return nil
	}
	return func(version string) bool { return matches(values, version) }
}

// MatchesNone reports whether the request's If-None-Match names the version, so
// that the client has it already.
func MatchesNone(r *http.Request, version string) bool {
	return matches(r.Header.Values("If-None-Match"), version)
}

// matches reports whether a list of entity tags names the version, compared
// weakly (RFC 9110 section 8.8.3.2). A tag without quotes, as some clients send
// it, is taken as if it had them.
func matches(values []string, version string) bool {
	for _, value := range values {
		for tag := range strings.SplitSeq(value, ",") {
			tag = strings.TrimSpace(tag)
			if tag == "*" || opaque(tag) == opaque(version) {
				return true
			}
		}
	}
	return false
}

func opaque(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}
