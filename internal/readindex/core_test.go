package readindex_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/readindex"
)

// single is one Core to which a test says what has happened.
type single struct {
	*WithT
	core *readindex.Core
	now  time.Duration
}

// newMember returns a Core whose replica is a member and asks one peer, by the link 1. Its
// Lease was asked for at 0, and lasts 15 s.
func newMember(t *testing.T) *single {
	s := &single{WithT: NewWithT(t), core: readindex.New(readindex.Config{
		Name: "b", Lease: 15 * time.Second, Round: time.Second, Probe: time.Second, Look: time.Second,
	}, readindex.NewMarks())}
	s.step(readindex.Started{})
	s.step(readindex.LeaseWritten{})
	s.step(readindex.Followed{Epoch: 1})
	s.step(readindex.Listed{Epoch: 1, Leases: []readindex.Lease{peerLease()}})
	s.step(readindex.Synced{Latest: readindex.Revisions{10}})
	s.step(readindex.Connected{Peer: 1, Link: 1})
	s.Expect(s.view().MayRead(s.now)).To(Succeed())
	return s
}

// peerLease is the Lease of the peer.
func peerLease() readindex.Lease {
	return readindex.Lease{
		Name: "a", Revision: 5, Renewal: "1", Duration: 15 * time.Second,
		Contact: readindex.Contact{Address: "192.0.2.1:8082", Fingerprint: readindex.Fingerprint{1}},
	}
}

func (s *single) step(event readindex.Event) []readindex.Effect { return s.core.Step(s.now, event) }

func (s *single) view() *readindex.View { return s.core.View() }

// lose makes the peer one that cannot be reached any more, whose Lease is looked at.
func (s *single) lose() {
	s.step(readindex.Disconnected{Link: 1, Err: errCut})
	s.now += 2 * time.Second
	s.Expect(s.step(readindex.Tick{})).To(ContainElement(readindex.Connect{Peer: 1}))
	s.Expect(s.step(readindex.ConnectFailed{Peer: 1, Err: errCut})).To(ContainElement(readindex.LookAtLease{Peer: 1}))
}

func TestLeaseLastsFromBeforeItWasAskedFor(t *testing.T) {
	s := newMember(t)
	s.now = 9 * time.Second // The API server was slow.
	s.step(readindex.LeaseWritten{Began: 5 * time.Second, Unbroken: true})
	s.Expect(s.view().Member(15*time.Second - 1)).To(BeTrue())
	s.Expect(s.view().Member(15 * time.Second)).To(BeFalse())
}

// What other servers have acknowledged to clients of its tenants, a member has got from the API
// server after it was known that they do not any more.
func TestNobodyJoinsBeforeItGoesByWhatWasReadAfterItsLease(t *testing.T) {
	s := newMember(t)
	s.now = 11 * time.Second
	s.step(readindex.LeaseWritten{Began: s.now})
	s.step(readindex.Followed{Epoch: 1}) // It was read before.
	s.Expect(s.step(readindex.Listed{Epoch: 2})).NotTo(ContainElement(readindex.Sync{}))
	s.step(readindex.Connected{Peer: 1, Link: 2})
	s.Expect(s.view().Member(s.now)).To(BeFalse())
	s.Expect(s.step(readindex.Followed{Epoch: 2})).To(ContainElement(readindex.Sync{}))
	s.Expect(s.view().Member(s.now)).To(BeFalse())
	s.step(readindex.Synced{Latest: readindex.Revisions{20}})
	s.Expect(s.view().MayRead(s.now)).To(Succeed())
}

func TestLeaseThatIsLostCountsNoMore(t *testing.T) {
	s := newMember(t)
	s.step(readindex.LeaseLost{})
	s.Expect(s.view().Member(s.now)).To(BeFalse())
}

func TestNobodyReadsBeforeASyncAfterAPeerIsGone(t *testing.T) {
	s := newMember(t)
	s.lose()
	s.Expect(s.step(readindex.PeerLease{Peer: 1})).To(ContainElement(readindex.Sync{}))
	s.Expect(s.view().Links).To(BeEmpty())
	s.Expect(s.view().MayRead(s.now)).NotTo(Succeed())
	s.step(readindex.Synced{Latest: readindex.Revisions{20}})
	s.Expect(s.view().MayRead(s.now)).To(Succeed())
}

func TestDiallingIsASignOfLife(t *testing.T) {
	s := newMember(t)
	s.lose()
	s.step(readindex.Dialled{Conn: 1, Name: "a", Fingerprint: peerLease().Contact.Fingerprint})
	s.step(readindex.PeerLease{Peer: 1}) // It was not there yet when this look began.
	s.Expect(s.view().Members).To(Equal(2))
}

func TestWhoDialsMustHaveTheCertificateInTheLease(t *testing.T) {
	s := newMember(t)
	other := peerLease()
	other.Name = "c"
	effects := s.step(readindex.LookedUp{Conn: 1, Fingerprint: readindex.Fingerprint{2}, Lease: other})
	s.Expect(effects).To(ContainElement(BeAssignableToTypeOf(readindex.Refuse{})))
	s.Expect(s.view().Members).To(Equal(2))
}

func TestConnectionOfAnEarlierEpochDoesNotCount(t *testing.T) {
	s := newMember(t)
	s.step(readindex.Disconnected{Link: 1, Err: errCut})
	s.now += 2 * time.Second
	s.Expect(s.step(readindex.Tick{})).To(ContainElement(readindex.Connect{Peer: 1}))
	s.step(readindex.LeaseWritten{Began: s.now}) // It was not held without a break.
	s.Expect(s.step(readindex.Connected{Peer: 1, Link: 2})).To(ContainElement(readindex.Close{Link: 2}))
	s.step(readindex.Listed{Epoch: 2, Leases: []readindex.Lease{peerLease()}})
	s.step(readindex.Synced{Latest: readindex.Revisions{10}})
	s.Expect(s.view().Member(s.now)).To(BeFalse(), "the peer may have given it up before")
}

func TestWhatIsHandedOverDuringASyncIsNotCoveredByIt(t *testing.T) {
	s := newMember(t)
	s.step(readindex.Listed{Epoch: 1, Leases: []readindex.Lease{peerLease()}}) // A sync begins.
	s.step(readindex.PeerLeft{Peer: 1, Own: readindex.Revisions{10}, Last: readindex.Revisions{12}})
	s.step(readindex.Synced{Latest: readindex.Revisions{11}})
	s.Expect(s.view().HandedOver).To(Equal(readindex.Revisions{12}))
	s.now += 2 * time.Second
	s.step(readindex.Tick{})
	s.step(readindex.Synced{Latest: readindex.Revisions{12}})
	s.Expect(s.view().HandedOver).To(BeZero())
}

func TestSyncOfTheHistoryBeforeDoesNotCount(t *testing.T) {
	s := newMember(t)
	s.step(readindex.Listed{Epoch: 1, Leases: []readindex.Lease{peerLease()}}) // A sync begins.
	s.Expect(s.step(readindex.HistoryHeard{Count: 1})).To(ContainElement(readindex.Restart{}))
	effects := s.step(readindex.Synced{Latest: readindex.Revisions{11}})
	s.Expect(effects).NotTo(ContainElement(BeAssignableToTypeOf(readindex.Raise{})))
	s.Expect(s.view().MayRead(s.now)).NotTo(Succeed())
}

func TestLatestRevisionsThatAreLowerThanTheOwnAreOfANewHistory(t *testing.T) {
	s := newMember(t)
	s.step(readindex.Listed{Epoch: 1, Leases: []readindex.Lease{peerLease()}}) // A sync begins.
	effects := s.step(readindex.Synced{Before: readindex.Revisions{10}, Latest: readindex.Revisions{9}})
	s.Expect(effects).To(ContainElement(readindex.Restart{}))
	s.Expect(s.view().History).To(BeEquivalentTo(1))
	s.Expect(s.view().MayRead(s.now)).NotTo(Succeed())
}
