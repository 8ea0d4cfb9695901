package safety

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

func TestHostileRequestsAreTheSameForTheSameSeed(t *testing.T) {
	g := NewWithT(t)
	r := &suite.Resource{T: &suite.T{Suite: &suite.Suite{Mark: "m"}}, Path: "/Users/1"}
	for i, form := range hostileForms {
		if i == 0 || i == 1 {
			continue // They have random names.
		}
		make10 := func() (texts []string) {
			f := newFuzz(7, i)
			for range 10 {
				sent := form.make(f, r, r)
				texts = append(texts, sent.Method+sent.Path+sent.Body)
			}
			return texts
		}
		g.Expect(make10()).To(Equal(make10()), form.name)
	}
}
