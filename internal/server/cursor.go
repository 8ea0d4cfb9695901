package server

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
)

// cursorLifetime is how long a cursor can be used (cursorTimeout of RFC 9865
// section 4).
const cursorLifetime = time.Hour

// position is a place in a search over several resource types.
type position struct {
	// Type is the index of the resource type in the search.
	Type int
	store.Position
}

// sealed is what a cursor says. It holds no state but this, so that any replica
// can go on from it, and no personal data.
type sealed struct {
	Type    int    `json:"t"`
	Created int64  `json:"c"` // nanoseconds since 1970
	ID      string `json:"i"`
	Expires int64  `json:"e"` // seconds since 1970
	Search  []byte `json:"s"` // hash of the search that it belongs to
	// Count is the number of resources in a page of the walk; 0 while none is settled.
	Count int `json:"n,omitempty"`
}

// step is one page of a walk by cursors.
type step struct {
	after *position // nil at the start
	count int       // of resources in the page
}

// nextStep reads where a walk is, and how many resources it takes in a page. That must
// stay as it began (RFC 9865 section 2.2, invalidCount); a client that names no count
// goes on with that of the start.
func (x *exchange) nextStep(search *scim.SearchRequest) (step, error) {
	next := step{count: x.pageSize(search)}
	after, count, err := x.openCursor(*search.Cursor, search)
	if err != nil {
		return next, err
	}
	next.after = after
	switch {
	case count == 0 || count == next.count:
	case search.Count == nil:
		next.count = count
	default:
		return next, scim.Errorf(http.StatusBadRequest, scim.InvalidCount,
			"count must be %d for each page, as it was for the first one; to have pages of another size, start again with an empty cursor", count)
	}
	return next, nil
}

// nextCursor returns the cursor that leads on from a page; empty where there is nothing
// more. A page of no resources leads to where it is itself, so that it does not look like
// the last.
func (x *exchange) nextCursor(search *scim.SearchRequest, at step, page collected) string {
	switch {
	case at.count == 0 && page.total > 0:
		var here position
		if at.after != nil {
			here = *at.after
		}
		return x.sealCursor(here, 0, search)
	case at.count > 0 && page.more && len(page.rendered) > 0:
		return x.sealCursor(page.last, at.count, search)
	}
	return ""
}

// sealCursor returns the cursor for the page behind the position: what it says,
// authenticated with a key that the request's API key and tenant determine, in
// the characters that RFC 9865 section 2 allows.
func (x *exchange) sealCursor(last position, count int, search *scim.SearchRequest) string {
	says := sealed{
		Type:    last.Type,
		ID:      last.ID,
		Expires: time.Now().Add(cursorLifetime).Unix(),
		Search:  hashSearch(x.resource, search),
		Count:   count,
	}
	if last.ID != "" {
		says.Created = last.Created.UnixNano() // Year 1, at the start, is none in nanoseconds since 1970.
	}
	content := marshalCursor(says)
	return base64.RawURLEncoding.EncodeToString(append(content, x.cursorMAC(content)...))
}

// openCursor returns the position that a cursor stands for, nil for the start, and the
// number of resources in a page of its walk, 0 while none is settled. The empty cursor
// starts. A cursor that was forged, or made for another key, tenant or search, is the same
// invalidCursor as one that is nonsense.
func (x *exchange) openCursor(cursor string, search *scim.SearchRequest) (after *position, count int, err error) {
	if cursor == "" {
		return nil, 0, nil
	}
	invalid := scim.Errorf(http.StatusBadRequest, scim.InvalidCursor,
		"the cursor does not belong to this search; send it with the parameters of the page that it came with, or start with an empty cursor")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= sha256.Size {
		return nil, 0, invalid
	}
	content, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(mac, x.cursorMAC(content)) {
		return nil, 0, invalid
	}
	var s sealed
	if err := json.Unmarshal(content, &s); err != nil || !hmac.Equal(s.Search, hashSearch(x.resource, search)) {
		return nil, 0, invalid
	}
	if time.Now().Unix() > s.Expires {
		return nil, 0, scim.Errorf(http.StatusBadRequest, scim.ExpiredCursor,
			"the cursor is older than the %.0f minutes that it is good for; start with an empty cursor", cursorLifetime.Minutes())
	}
	if s.ID == "" {
		return nil, s.Count, nil
	}
	return &position{Type: s.Type, Position: store.Position{Created: time.Unix(0, s.Created).UTC(), ID: s.ID}}, s.Count, nil
}

// cursorMAC authenticates a cursor's content. The key derives from the hash of
// the API key, which every replica has and no client knows.
func (x *exchange) cursorMAC(content []byte) []byte {
	key, err := hkdf.Key(sha256.New, x.verifier.SHA256[:], nil, "kubescim cursor "+x.verifier.KeyID, sha256.Size)
	if err != nil {
		// Only a length that HKDF does not have is an error.
		panic("deriving the key of cursors: " + err.Error())
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil)
}

// hashSearch hashes the parameters that must stay the same from page to page
// (RFC 9865 section 2), but for the count.
func hashSearch(endpoint string, search *scim.SearchRequest) []byte {
	var filter string
	if search.Filter != nil {
		filter = *search.Filter
	}
	sum := sha256.Sum256([]byte(strings.Join([]string{
		endpoint, filter, search.SortBy, search.SortOrder,
		strings.Join(search.Attributes, ","), strings.Join(search.ExcludedAttributes, ","),
	}, "\x00")))
	return sum[:8]
}

// marshalCursor cannot fail: there are numbers, a string and bytes.
func marshalCursor(s sealed) []byte {
	content, _ := json.Marshal(s)
	return content
}
