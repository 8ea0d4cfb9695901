// Package cursor makes the cursors of a walk through a search (RFC 9865), and reads them
// again. A cursor says where the walk is; nothing of it is kept, so that any replica can go
// on from it. How a page is found is for the store.
package cursor

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/store"
)

// Lifetime is how long a cursor can be used (cursorTimeout of RFC 9865
// section 4).
const Lifetime = time.Hour

// Position is a place in a search over several resource types.
type Position struct {
	// Type is the index of the resource type in the search.
	Type int
	store.Position
}

// sealed is the content of a cursor. It holds no state but this, so that any replica
// can go on from it, and no personal data.
type sealed struct {
	Type    int    `json:"t"`
	Created int64  `json:"c"` // nanoseconds since 1970
	ID      string `json:"i"`
	Expires int64  `json:"e"` // seconds since 1970
	Search  []byte `json:"s"` // hash of the search that it belongs to
	// Count is the number of resources in a page of the walk; 0 while none is fixed.
	Count int `json:"n,omitempty"`
}

// Sealer makes and reads the cursors of one search by the owner of one key.
type Sealer struct {
	verifier apikey.Verifier
	search   []byte // hash of the search and what it is sent to
}

// For returns the Sealer of a search that is sent to an endpoint, by the owner of the key
// that verifier verifies.
func For(verifier apikey.Verifier, endpoint string, search *message.SearchRequest) Sealer {
	return Sealer{verifier: verifier, search: hashSearch(endpoint, search)}
}

// Seal returns the cursor for the page behind the position: what it says,
// authenticated with a key that the request's API key and tenant determine, in
// the characters that RFC 9865 section 2 allows.
func (s Sealer) Seal(last Position, count int) string {
	content := sealed{
		Type:    last.Type,
		ID:      last.ID,
		Expires: time.Now().Add(Lifetime).Unix(),
		Search:  s.search,
		Count:   count,
	}
	if last.ID != "" {
		content.Created = last.Created.UnixNano() // Year 1, at the start, is none in nanoseconds since 1970.
	}
	text := marshal(content)
	return base64.RawURLEncoding.EncodeToString(append(text, s.mac(text)...))
}

// Open returns the position that a cursor stands for, nil for the start, and the
// number of resources in a page of its walk, 0 while none is fixed. The owner of the key can
// make cursors that say anything of both. The empty cursor starts. A cursor that was forged,
// or made for another key, tenant or search, is the same invalidCursor as one that is
// nonsense.
func (s Sealer) Open(cursor string) (after *Position, count int, err error) {
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
	if !hmac.Equal(mac, s.mac(content)) {
		return nil, 0, invalid
	}
	var found sealed
	if err := json.Unmarshal(content, &found); err != nil || !hmac.Equal(found.Search, s.search) {
		return nil, 0, invalid
	}
	if time.Now().Unix() > found.Expires {
		return nil, 0, scim.Errorf(http.StatusBadRequest, scim.ExpiredCursor,
			"the cursor is older than the %.0f minutes that it is good for; start with an empty cursor", Lifetime.Minutes())
	}
	if found.ID == "" {
		return nil, found.Count, nil
	}
	return &Position{Type: found.Type, Position: store.Position{Created: time.Unix(0, found.Created).UTC(), ID: found.ID}}, found.Count, nil
}

// mac authenticates a cursor's content. The key derives from the hash of the API key, which
// every replica has, and of all clients the one that has the API key. A federated key has
// none, so that whoever knows its id can make cursors for it.
func (s Sealer) mac(content []byte) []byte {
	key, err := hkdf.Key(sha256.New, s.verifier.SHA256[:], nil, "kubescim cursor "+s.verifier.KeyID, sha256.Size)
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
func hashSearch(endpoint string, search *message.SearchRequest) []byte {
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

// marshal cannot fail: there are numbers, a string and bytes.
func marshal(s sealed) []byte {
	content, _ := json.Marshal(s)
	return content
}
