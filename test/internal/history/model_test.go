package history

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
	. "github.com/onsi/gomega"
)

// The requests of the histories below, by what they are about. Names begin with
// the prefix "n-".
func create(name, display string) Request {
	return Request{Kind: Create, Prefix: "n-", UserName: name, DisplayName: display, Revives: true}
}
func readID(id string) Request     { return Request{Kind: ReadByID, Prefix: "n-", ID: id} }
func readName(name string) Request { return Request{Kind: ReadByName, Prefix: "n-", UserName: name} }
func list() Request                { return Request{Kind: List, Prefix: "n-"} }
func show(id, display string) Request {
	return Request{Kind: SetDisplayName, Prefix: "n-", ID: id, DisplayName: display}
}
func activate(id string, active bool) Request {
	return Request{Kind: SetActive, Prefix: "n-", ID: id, Active: active}
}
func rename(id, name string) Request {
	return Request{Kind: Rename, Prefix: "n-", ID: id, UserName: name}
}
func remove(id string) Request { return Request{Kind: Delete, Prefix: "n-", ID: id} }

func putBack(u User) Request {
	return Request{Kind: PutBack, Prefix: "n-", ID: u.ID, UserName: u.UserName, DisplayName: u.DisplayName, Active: u.Active}
}

// user is one as a read shows it.
func user(id, name, display string) User {
	return User{ID: id, UserName: name, DisplayName: display, Active: true}
}

func done(users ...User) Answer { return Answer{Outcome: Done, Users: users} }

var (
	unknown = Answer{}
	missing = Answer{Outcome: Missing}
	taken   = Answer{Outcome: Taken}
)

// op is an operation from one time to another. One without an answer lasts to
// the end of the history.
func op(call, end int64, request Request, answer Answer) porcupine.Operation {
	if answer.Outcome == Unknown {
		end = 1000
	}
	return porcupine.Operation{Input: request, Output: answer, Call: call, Return: end}
}

func TestHistoriesOfASingleServer(t *testing.T) {
	ann, anna := user("1", "n-a", "Ann"), user("1", "n-a", "Anna")
	born := op(0, 1, create("n-a", "Ann"), done(ann))
	for name, operations := range map[string][]porcupine.Operation{
		"a life": {
			born,
			op(2, 3, readName("N-A"), done(ann)),
			op(4, 5, show("1", "Anna"), done(user("1", "n-a", "Anna"))),
			op(6, 7, activate("1", false), done()),
			op(8, 9, list(), done(User{ID: "1", UserName: "n-a", DisplayName: "Anna"})),
			op(10, 11, rename("1", "n-b"), done()),
			op(12, 13, readName("n-a"), done()),
			op(14, 15, create("n-b", "Bob"), taken),
			op(16, 17, remove("1"), done()),
			op(18, 19, readID("1"), missing),
			op(20, 21, list(), done()),
			op(22, 23, show("1", "nobody"), missing),
			op(24, 25, create("N-B", "Back"), done(user("1", "N-B", "Back"))),
			op(26, 27, readID("1"), done(user("1", "N-B", "Back"))),
		},
		"a name in another case is the user's own": {born, op(2, 3, rename("1", "N-A"), done(user("1", "N-A", "Ann")))},
		"one of two concurrent creates wins": {
			op(0, 9, create("n-a", "Ann"), done(ann)),
			op(0, 9, create("N-a", "Other"), taken),
		},
		"concurrent reads see before and after": {
			born,
			op(2, 9, show("1", "Anna"), done()),
			op(3, 4, readID("1"), done(ann)),
			op(5, 6, readID("1"), done(user("1", "n-a", "Anna"))),
		},
		"a new user may take the place of a deleted one": {
			born,
			op(2, 3, remove("1"), done()),
			op(4, 5, create("n-a", "New"), done(user("2", "n-a", "New"))),
		},
		"a request without an answer was carried out late": {
			born,
			op(2, 0, show("1", "Anna"), unknown),
			op(3, 4, readID("1"), done(ann)),
			op(5, 6, readID("1"), done(user("1", "n-a", "Anna"))),
		},
		"a request without an answer was never carried out": {
			born,
			op(2, 0, remove("1"), unknown),
			op(3, 0, rename("1", "n-b"), unknown),
			op(4, 5, readID("1"), done(ann)),
		},
		"a create without an answer is seen": {
			op(0, 0, create("n-a", "Ann"), unknown),
			op(2, 3, list(), done()),
			op(4, 5, create("n-a", "Other"), taken),
			op(6, 7, list(), done(ann)),
			op(8, 9, readID("1"), done(ann)),
		},
		"a create without an answer brings a deleted user back": {
			born,
			op(2, 3, remove("1"), done()),
			op(4, 0, create("n-a", "Back"), unknown),
			op(6, 7, readID("1"), done(user("1", "n-a", "Back"))),
		},
		"a user is taken away past the server and put back": {
			born,
			op(2, 3, show("1", "Anna"), done()),
			op(4, 9, Request{Kind: TakeAway, Prefix: "n-", ID: "1"}, done()),
			op(5, 6, readID("1"), done(user("1", "n-a", "Anna"))),
			op(7, 8, readName("n-a"), done()),
			op(10, 15, putBack(ann), done()),
			op(11, 12, show("1", "nobody"), missing),
			op(13, 14, list(), done(ann)),
			op(16, 17, putBack(anna), done()),
			op(18, 19, readID("1"), done(ann)),
		},
		"users of other names do not matter": {
			born,
			op(2, 3, Request{Kind: List, Prefix: "m-"}, done()),
		},
	} {
		t.Run(name, func(t *testing.T) {
			NewWithT(t).Expect(Check(operations, time.Minute, filepath.Join(t.TempDir(), "history.html"))).To(Succeed())
		})
	}
}

func TestHistoriesOfNoSingleServer(t *testing.T) {
	ann, anna := user("1", "n-a", "Ann"), user("1", "n-a", "Anna")
	born := op(0, 1, create("n-a", "Ann"), done(ann))
	for name, operations := range map[string][]porcupine.Operation{
		"two creates of one name":              {born, op(0, 1, create("n-a", "Ann"), done(user("2", "n-a", "Ann")))},
		"two creates of one name in two cases": {born, op(0, 1, create("N-A", "Ann"), done(user("2", "N-A", "Ann")))},
		"one id for two users":                 {born, op(2, 3, create("n-b", "Bob"), done(user("1", "n-b", "Bob")))},
		"uniqueness without a holder":          {op(0, 1, create("n-a", "Ann"), taken), op(2, 3, list(), done())},
		"a rename to a name that is taken": {
			born, op(2, 3, create("n-b", "Bob"), done(user("2", "n-b", "Bob"))), op(4, 5, rename("2", "N-A"), done()),
		},
		"a rename that is refused for its own name": {born, op(2, 3, rename("1", "N-A"), taken)},
		"a stale read by id":                        {born, op(2, 3, show("1", "Anna"), done()), op(4, 5, readID("1"), done(ann))},
		"a stale read by name":                      {born, op(2, 3, show("1", "Anna"), done()), op(4, 5, readName("n-a"), done(ann))},
		"a stale list":                              {born, op(2, 3, show("1", "Anna"), done()), op(4, 5, list(), done(ann))},
		"a created user who is not found by id":     {born, op(2, 3, readID("1"), missing)},
		"a created user who is not found by name":   {born, op(2, 3, readName("n-a"), done())},
		"a created user who is not listed":          {born, op(2, 3, list(), done())},
		"a change that finds nobody":                {born, op(2, 3, show("1", "Anna"), missing)},
		"reads that go back in time": {
			born,
			op(2, 9, show("1", "Anna"), done()),
			op(3, 4, readID("1"), done(anna)),
			op(5, 6, readID("1"), done(ann)),
		},
		"a lost update": {
			born,
			op(2, 5, show("1", "Anna"), done(anna)),
			op(3, 6, activate("1", false), done(User{ID: "1", UserName: "n-a", DisplayName: "Ann"})),
			op(7, 8, readID("1"), done(User{ID: "1", UserName: "n-a", DisplayName: "Ann"})),
		},
		"an answer that shows the state of somebody else": {
			born, op(2, 3, show("1", "Anna"), done(user("1", "n-a", "Annabel"))),
		},
		"an old name that is still found": {born, op(2, 3, rename("1", "n-b"), done()), op(4, 5, readName("n-a"), done(ann))},
		"an old name that is not free":    {born, op(2, 3, rename("1", "n-b"), done()), op(4, 5, create("n-a", "New"), taken)},
		"a user who was put back and is gone again": {
			born,
			op(2, 3, Request{Kind: TakeAway, Prefix: "n-", ID: "1"}, done()),
			op(4, 9, putBack(ann), done()),
			op(5, 6, readID("1"), done(ann)),
			op(7, 8, readName("n-a"), done()),
		},
		"a deleted user who is read":   {born, op(2, 3, remove("1"), done()), op(4, 5, readID("1"), done(ann))},
		"a deleted user who is listed": {born, op(2, 3, remove("1"), done()), op(4, 5, list(), done(ann))},
		"a user who is deleted twice":  {born, op(2, 3, remove("1"), done()), op(4, 5, remove("1"), done())},
		"a deleted user who comes back where none does": {
			born,
			op(2, 3, remove("1"), done()),
			op(4, 5, Request{Kind: Create, Prefix: "n-", UserName: "n-a", DisplayName: "Ann"}, done(ann)),
		},
		"a list that shows the second of two writes and not the first": {
			op(0, 1, create("n-a", "Ann"), done(ann)),
			op(2, 3, create("n-b", "Bob"), done(user("2", "n-b", "Bob"))),
			op(0, 9, list(), done(user("2", "n-b", "Bob"))),
		},
		"a write without an answer that is seen and then not": {
			born,
			op(2, 0, show("1", "Anna"), unknown),
			op(3, 4, readID("1"), done(anna)),
			op(5, 6, readName("n-a"), done(ann)),
		},
		"a create without an answer that has two ids": {
			op(0, 0, create("n-a", "Ann"), unknown),
			op(2, 3, readName("n-a"), done(ann)),
			op(4, 5, readName("n-a"), done(user("2", "n-a", "Ann"))),
		},
		"a create without an answer that is not found once it was": {
			op(0, 0, create("n-a", "Ann"), unknown),
			op(2, 3, list(), done(ann)),
			op(4, 5, readID("1"), missing),
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, path := NewWithT(t), filepath.Join(t.TempDir(), "history.html")
			g.Expect(Check(operations, time.Minute, path)).To(MatchError(And(ContainSubstring(path), ContainSubstring("cannot go on with"))))
			drawn, err := os.ReadFile(path)
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(string(drawn)).To(ContainSubstring(string(operations[0].Input.(Request).Kind)))
		})
	}
}

func TestRecorder(t *testing.T) {
	g, recorder := NewWithT(t), NewRecorder()
	first, second := recorder.NewClient(), recorder.NewClient()
	answering := func(answer Answer) func() (Answer, string) {
		return func() (Answer, string) { return answer, "replica 1" }
	}
	first.Do(create("n-a", "Ann"), answering(unknown))
	second.Do(readName("n-a"), answering(unknown))
	second.Do(remove("1"), answering(Answer{Outcome: Unsent}))
	g.Expect(second.Do(readName("n-a"), answering(done(user("1", "n-a", "Ann"))))).To(Equal(done(user("1", "n-a", "Ann"))))
	first.Do(show("1", "Anna"), answering(missing))

	operations := recorder.Operations()
	g.Expect(operations).To(HaveLen(3), "a read without an answer says nothing, nor what was not sent")
	lasting, read, change := operations[0], operations[1], operations[2]
	g.Expect(read.Call).To(BeNumerically(">=", lasting.Call))
	g.Expect(read.Return).To(And(BeNumerically(">=", read.Call), BeNumerically("<=", change.Call)))
	g.Expect(lasting.Return).To(BeNumerically(">=", change.Return), "nothing is known of it up to the end")
	g.Expect(change.ClientId).NotTo(BeElementOf(lasting.ClientId, read.ClientId), "that client is still waiting")
	g.Expect(read.Metadata).To(Equal("replica 1"))
	g.Expect(Check(operations, time.Minute, filepath.Join(t.TempDir(), "history.html"))).NotTo(Succeed(), "id 1 was read")
}
