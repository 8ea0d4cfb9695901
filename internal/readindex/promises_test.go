package readindex_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/readindex"
)

// couple is two Cores, "a" and "b", each of which has the other one for
// its peer 1 and asks it by the link 1.
type couple struct {
	*WithT
	marks map[string]*readindex.Marks
	cores map[string]*readindex.Core
}

func newCouple(t *testing.T) *couple {
	c := &couple{WithT: NewWithT(t), marks: map[string]*readindex.Marks{}, cores: map[string]*readindex.Core{}}
	for name, peer := range map[string]string{"a": "b", "b": "a"} {
		c.marks[name] = readindex.NewMarks()
		core := readindex.New(readindex.Config{Name: name, Lease: time.Hour, Promise: time.Second}, c.marks[name])
		lease := peerLease()
		lease.Name = peer
		for _, event := range []readindex.Event{
			readindex.Started{}, readindex.LeaseWritten{}, readindex.Followed{Epoch: 1}, readindex.Listed{Epoch: 1, Leases: []readindex.Lease{lease}},
			readindex.Synced{}, readindex.Connected{Peer: 1, Link: 1},
		} {
			core.Step(0, event)
		}
		c.cores[name] = core
	}
	return c
}

func (c *couple) of(name string) *readindex.Promises { return c.cores[name].Promises() }

// answer is what one answers to the other's question.
func (c *couple) answer(name string, question readindex.Message) readindex.Message {
	answer, is := c.of(name).Answer(1, question, 0)
	c.Expect(is).To(BeTrue())
	return answer
}

// promise has "b" promise "a" something.
func (c *couple) promise() {
	c.Expect(c.of("a").Learn(1, 0, c.answer("b", c.of("a").Ask(1, true)))).To(Succeed())
}

// promised is up to where "a" may read without asking.
func (c *couple) promised(tenant readindex.Tenant) (uint64, bool) {
	revisions, until := c.of("a").Promised(c.cores["a"].View(), tenant, 0)
	return revisions[readindex.Users], until > 0
}

// hidden reports whether "b" may not tell yet what it has in its marks.
func (c *couple) hidden(tenant readindex.Tenant) bool { return c.of("b").Hides(tenant, 0).Until > 0 }

func TestPromiseIsKeptTwiceAsLongAsItCounts(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.marks["b"].Raise(acme, readindex.Users, 7)
	c.Expect(c.of("b").Hides(acme, 0).Until).To(Equal(2 * time.Second))
	c.Expect(c.of("b").Hides(acme, 2*time.Second).Until).To(Equal(2*time.Second), "nothing is hidden then")
	_, until := c.of("a").Promised(c.cores["a"].View(), acme, 0)
	c.Expect(until).To(Equal(time.Second))
	_, until = c.of("a").Promised(c.cores["a"].View(), acme, time.Second)
	c.Expect(until).To(BeNumerically("<=", time.Second))
}

func TestWhatIsPromisedIsOfOneTenant(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.promise() // b knows what a knows.
	c.marks["b"].Raise(acme, readindex.Users, 7)
	c.Expect(c.hidden(acme)).To(BeTrue())
	c.Expect(c.hidden(globex)).To(BeFalse())
	c.Expect(c.of("b").Learn(1, 0, c.answer("a", c.of("b").Ask(1, false)))).To(Succeed())
	c.Expect(c.hidden(acme)).To(BeFalse(), "it knows")
	revision, is := c.promised(acme)
	c.Expect(is).To(BeTrue())
	c.Expect(revision).To(BeEquivalentTo(7))
	revision, _ = c.promised(globex)
	c.Expect(revision).To(BeZero())
}

func TestWhatIsSentMayGetLost(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.marks["b"].Raise(acme, readindex.Users, 7)
	_ = c.answer("b", c.of("a").Ask(1, true)) // It gets lost, and another promise with it.
	c.Expect(c.hidden(acme)).To(BeTrue(), "the first one lasts")
	_ = c.answer("a", c.of("b").Ask(1, false)) // Likewise.
	c.Expect(c.hidden(acme)).To(BeTrue())
	question := c.of("a").Ask(1, true) // It knows, and says so.
	_ = c.answer("b", question)
	c.Expect(c.hidden(acme)).To(BeFalse())
}

func TestPromiseThatComesAfterIsNotWaitedFor(t *testing.T) {
	c := newCouple(t)
	c.marks["b"].Raise(acme, readindex.Users, 7)
	hidden := c.of("b").Hides(acme, 0)
	c.promise()
	c.Expect(c.of("b").Disclosed(hidden, 0)).To(BeTrue())
	revision, is := c.promised(acme)
	c.Expect(is).To(BeTrue())
	c.Expect(revision).To(BeEquivalentTo(7), "it comes with what there was before")
}

func TestNothingOfAnotherHistoryIsToldBeforeItsCount(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.Expect(c.hidden(acme)).To(BeFalse())
	c.cores["b"].Step(0, readindex.Rewound{}) // The marks are not forgotten yet.
	c.Expect(c.hidden(acme)).To(BeTrue())
	c.cores["a"].Step(0, readindex.HistoryHeard{Count: 1})
	_, is := c.promised(acme)
	c.Expect(is).To(BeFalse())
	_ = c.answer("b", c.of("a").Ask(1, false))
	c.Expect(c.hidden(acme)).To(BeFalse())
}

func TestAnswerThatIsOlderThanWhatWasKnownCountsNotAfterAnotherHistory(t *testing.T) {
	c := newCouple(t)
	late := c.answer("b", c.of("a").Ask(1, true))
	c.marks["b"].Raise(acme, readindex.Users, 7)
	c.Expect(c.of("b").Learn(1, 0, c.answer("a", c.of("b").Ask(1, false)))).To(Succeed())
	c.Expect(c.hidden(acme)).To(BeFalse(), "a knows")
	c.cores["a"].Step(0, readindex.HistoryHeard{Count: 1})
	late.History = 1
	c.Expect(c.of("a").Learn(1, 0, late)).NotTo(Succeed(), "b relies on that a knows more")
	c.cores["a"].Step(0, readindex.Synced{})
	_, is := c.promised(acme)
	c.Expect(is).To(BeFalse())
}

func TestChangesThatAreMissingAreNoticed(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.marks["b"].Raise(acme, readindex.Users, 7)
	answer := c.answer("b", c.of("a").Ask(1, true))
	answer.Changes.Base++
	c.Expect(c.of("a").Learn(1, 0, answer)).NotTo(Succeed())
	answer.Changes = readindex.Changes{Version: 1 << 62, Floor: readindex.Revisions{9}} // All that there is.
	c.Expect(c.of("a").Learn(1, 0, answer)).To(Succeed())
	revision, _ := c.promised(globex)
	c.Expect(revision).To(BeEquivalentTo(9))
}

func TestNobodyCountsOnWhoCannotTell(t *testing.T) {
	c := newCouple(t)
	c.cores["b"].Step(0, readindex.Disconnected{Link: 1, Err: errCut})
	answer := c.answer("b", c.of("a").Ask(1, true))
	c.Expect(answer.Promise).To(BeFalse())
	c.Expect(c.of("a").Learn(1, 0, answer)).To(Succeed())
	_, is := c.promised(acme)
	c.Expect(is).To(BeFalse())
}

func TestPromiseEndsWithItsConnection(t *testing.T) {
	c := newCouple(t)
	c.promise()
	c.cores["a"].Step(0, readindex.Disconnected{Link: 1, Err: errCut})
	c.cores["a"].Step(time.Millisecond, readindex.Connected{Peer: 1, Link: 2})
	_, is := c.promised(acme)
	c.Expect(is).To(BeFalse())
}
