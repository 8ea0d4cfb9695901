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
}

// sealCursor returns the cursor for the page behind the position: what it says,
// authenticated with a key that the request's API key and tenant determine, in
// the characters that RFC 9865 section 2 allows.
func (x *exchange) sealCursor(last position, search *scim.SearchRequest) string {
	content := marshalCursor(sealed{
		Type:    last.Type,
		Created: last.Created.UnixNano(),
		ID:      last.ID,
		Expires: time.Now().Add(cursorLifetime).Unix(),
		Search:  hashSearch(x.resource, search),
	})
	return base64.RawURLEncoding.EncodeToString(append(content, x.cursorMAC(content)...))
}

// openCursor returns the position that a cursor stands for; nil for the empty
// cursor, which starts. A cursor that was forged, or made for another key,
// tenant or search, is the same invalidCursor as one that is nonsense.
func (x *exchange) openCursor(cursor string, search *scim.SearchRequest) (*position, error) {
	if cursor == "" {
		return nil, nil
	}
	invalid := scim.Errorf(http.StatusBadRequest, scim.InvalidCursor,
		"the cursor does not belong to this search; send it with the parameters of the page that it came with, or start with an empty cursor")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) <= sha256.Size {
		return nil, invalid
	}
	content, mac := raw[:len(raw)-sha256.Size], raw[len(raw)-sha256.Size:]
	if !hmac.Equal(mac, x.cursorMAC(content)) {
		return nil, invalid
	}
	var s sealed
	if err := json.Unmarshal(content, &s); err != nil || !hmac.Equal(s.Search, hashSearch(x.resource, search)) {
		return nil, invalid
	}
	if time.Now().Unix() > s.Expires {
		return nil, scim.Errorf(http.StatusBadRequest, scim.ExpiredCursor, "the cursor is too old; start with an empty cursor")
	}
	return &position{Type: s.Type, Position: store.Position{Created: time.Unix(0, s.Created).UTC(), ID: s.ID}}, nil
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
// (RFC 9865 section 2). The number of results may change.
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
