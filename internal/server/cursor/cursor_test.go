package cursor

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/message"
	"github.com/kubescim/kubescim/internal/store"
)

func TestCursorLeadsBackToItsPosition(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	filter := `title pr`
	s := For(verifier, "Users", &message.SearchRequest{Filter: &filter})
	last := Position{Type: 1, Position: store.Position{Created: time.Unix(1_700_000_000, 123).UTC(), ID: "6b18e2d4"}}
	after, count, err := s.Open(s.Seal(last, 7))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(*after).To(Equal(last))
	g.Expect(count).To(Equal(7))

	after, count, err = s.Open(s.Seal(Position{}, 0))
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(after).To(BeNil(), "the start")
	g.Expect(count).To(BeZero())
	after, _, err = s.Open("")
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(after).To(BeNil())
}

// Whoever has another key or search, or a cursor that was changed or is old, learns no more
// than that it cannot be used.
func TestCursorsThatDoNotBelong(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	_, another, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	count := 3
	search := &message.SearchRequest{SortBy: "title"}
	s := For(verifier, "Users", search)
	sealed := s.Seal(Position{Position: store.Position{Created: time.Now(), ID: "x"}}, 3)
	for name, c := range map[string]struct {
		reader Sealer
		cursor string
		want   scim.ErrorType
	}{
		"its own":               {s, sealed, ""},
		"another count":         {For(verifier, "Users", &message.SearchRequest{SortBy: "title", Count: &count}), sealed, ""},
		"another key":           {For(another, "Users", search), sealed, scim.InvalidCursor},
		"another endpoint":      {For(verifier, "Groups", search), sealed, scim.InvalidCursor},
		"another order":         {For(verifier, "Users", &message.SearchRequest{SortBy: "userName"}), sealed, scim.InvalidCursor},
		"cut short":             {s, sealed[:len(sealed)-2], scim.InvalidCursor},
		"nonsense":              {s, "nonsense", scim.InvalidCursor},
		"characters it has not": {s, "+/" + sealed[2:], scim.InvalidCursor},
		"old":                   {s, expired(s), scim.ExpiredCursor},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			_, _, err := c.reader.Open(c.cursor)
			if c.want == "" {
				g.Expect(err).NotTo(HaveOccurred())
				return
			}
			var protocol *scim.Error
			g.Expect(errors.As(err, &protocol)).To(BeTrue())
			g.Expect(protocol.Type).To(Equal(c.want))
		})
	}
}

// expired is a cursor that was good until a second ago.
func expired(s Sealer) string {
	text := marshal(sealed{ID: "x", Expires: time.Now().Add(-time.Second).Unix(), Search: s.search})
	return base64.RawURLEncoding.EncodeToString(append(text, s.mac(text)...))
}
