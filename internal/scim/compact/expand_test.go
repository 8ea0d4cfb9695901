package compact_test

import (
	"sync"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim/compact"
	"github.com/kubescim/kubescim/internal/scim/internal/scimtest"
	"github.com/kubescim/kubescim/internal/scim/render"
)

// Many may read a resource that was expanded, and what is sent of it stays the same until
// somebody changes it.
func TestReadingAnExpandedResourceChangesNothing(t *testing.T) {
	g := NewWithT(t)
	rendered := func(of *compact.Resource, read bool) string {
		r := of.Expand(nil)
		if read {
			var readers sync.WaitGroup
			for range 4 {
				readers.Go(func() { _ = r.UserName() })
			}
			readers.Wait()
		}
		text, err := render.Resource(r.Type(), r, nil, scimtest.Base)
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(r.Source()).NotTo(BeNil())
		return string(text)
	}
	of := compact.Of(scimtest.Stored(t, scimtest.UserType, scimtest.User(`"id":"u-1","active":true`)))
	g.Expect(rendered(of, true)).To(Equal(rendered(of, false)))

	r := of.Expand(nil)
	r.SetActive(false)
	text, err := render.Resource(r.Type(), r, nil, scimtest.Base)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(string(text)).To(ContainSubstring(`"active":false`))
	g.Expect(rendered(of, false)).To(ContainSubstring(`"active":true`), "others are made of the same")
}
