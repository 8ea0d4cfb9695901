package accesslog

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestWords(t *testing.T) {
	g := NewWithT(t)
	registry, err := schema.NewRegistry()
	g.Expect(err).NotTo(HaveOccurred())
	known := WordsOf(registry)
	for text, want := range map[string]string{
		`"name.givenName" must be a string`:            `"name.givenName" must be a string`,
		`User "bjensen" does not exist`:                `User "…" does not exist`,
		`"name" has no sub-attribute "b"j"ensen" here`: `"name" has no sub-attribute "…" here`,
		`an open "quote`:                               `an open "…"`,
		`no quotes`:                                    `no quotes`,
	} {
		g.Expect(known.Without(text)).To(Equal(want))
	}
}
