package replica

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/readindex"
)

// What is acknowledged holds for all tenants: nothing is done any more that does not follow from it.
func TestWhatIsAcknowledgedHoldsForAllTenants(t *testing.T) {
	g := NewWithT(t)
	var acknowledged []string
	k := &acknowledgement{accept: func(revision string, _ readindex.Era, _ bool) { acknowledged = append(acknowledged, revision) }}
	last := func() string { return acknowledged[len(acknowledged)-1] }
	done := k.begin("acme")
	g.Expect(acknowledged).To(BeEmpty(), "nothing is known yet")
	done()
	k.reach("5", readindex.Era{}, true)
	g.Expect(last()).To(Equal("5"))

	acme := k.begin("acme")
	k.reach("6", readindex.Era{}, true)
	g.Expect(last()).To(Equal("5"), "something is done for acme that does not follow from it")
	globex := k.begin("globex")
	k.reach("7", readindex.Era{}, true)
	again := k.begin("acme")
	k.reach("8", readindex.Era{}, true)
	acme()
	g.Expect(last()).To(Equal("5"), "there is more to wait for")
	again()
	g.Expect(last()).To(Equal("6"), "and globex is where it was")
	globex()
	g.Expect(last()).To(Equal("8"))
	globex()
	k.reach("9", readindex.Era{History: 1}, true)
	g.Expect(last()).To(Equal("9"))
}
