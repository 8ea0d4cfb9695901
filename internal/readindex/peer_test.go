package readindex

import (
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/gomega"
)

func TestMax(t *testing.T) {
	g := NewWithT(t)
	one := Revisions{1, 20, 3}
	other := Revisions{10, 2, 3}
	want := Revisions{10, 20, 3}
	g.Expect(one.Max(other)).To(Equal(want))
	g.Expect(other.Max(one)).To(Equal(want))
	g.Expect(one.Max(Revisions{})).To(Equal(one))
}

// replicaLease is the Lease of a replica at a resourceVersion, which reaches it by
// the address.
func replicaLease(name string, revision uint64, address string) *Lease {
	return &Lease{Name: name, Revision: revision, Contact: Contact{Address: address}}
}

func TestAdmit(t *testing.T) {
	g := NewWithT(t)
	c := New(Config{Name: "acme-scim-0"}, NewMarks())

	first, err := c.admit(replicaLease("acme-scim-1", 10, "127.0.0.1:1"), true)
	g.Expect(err).NotTo(HaveOccurred())
	renewed, err := c.admit(replicaLease("acme-scim-1", 11, "127.0.0.1:1"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(renewed).To(BeIdenticalTo(first), "it is the same process")
	g.Expect(c.syncs.pending).To(BeZero())

	next, err := c.admit(replicaLease("acme-scim-1", 20, "127.0.0.1:2"), true)
	g.Expect(err).NotTo(HaveOccurred())
	g.Expect(c.peers.byID(first.id)).To(BeNil())
	g.Expect(c.syncs.pending).To(BeEquivalentTo(1), "nobody knows what the first process acknowledged")

	_, err = c.admit(replicaLease("acme-scim-1", 11, "127.0.0.1:1"), false)
	g.Expect(err).To(HaveOccurred(), "somebody was slow to say what has changed since")
	g.Expect(c.peers.named("acme-scim-1")).To(BeIdenticalTo(next))

	for i := len(c.peers); i < MaxPeers; i++ {
		_, err := c.admit(replicaLease("acme-scim-x"+strconv.Itoa(i), 30, "127.0.0.1:3"), true)
		g.Expect(err).NotTo(HaveOccurred())
	}
	_, err = c.admit(replicaLease("acme-scim-y", 30, "127.0.0.1:3"), true)
	g.Expect(err).To(MatchError(ErrTooMany))
}

func TestRanOut(t *testing.T) {
	g := NewWithT(t)
	lease := &Lease{Duration: 10 * time.Second}
	renew := func(renewal string) { lease.Renewal = renewal }
	renew("1")
	var seen Observation
	now := time.Duration(0)
	at := func(later time.Duration, heard int64) bool {
		now++
		return seen.RanOut(lease, Look{Heard: heard, Began: now + later, Ended: now})
	}
	g.Expect(at(time.Hour, 0)).To(BeFalse(), "seen for the first time")
	g.Expect(at(9*time.Second, 0)).To(BeFalse())
	g.Expect(at(11*time.Second, 0)).To(BeTrue())
	lease.Revision = 2
	g.Expect(at(11*time.Second, 0)).To(BeTrue(), "somebody else wrote to it")
	renew("0") // By a clock that was set back.
	g.Expect(at(11*time.Second, 0)).To(BeFalse(), "it was renewed")
	g.Expect(at(11*time.Second, 1)).To(BeFalse(), "it was heard")
	g.Expect(at(11*time.Second, 1)).To(BeTrue())
}
