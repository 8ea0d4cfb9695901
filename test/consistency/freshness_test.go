package consistency

import (
	"fmt"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describeFreshness has the specs of when a write is seen.
func describeFreshness(f *fleet) {
	It("show a write at one replica in every answer of another one, at once", f.repeated, func() {
		rounds := size("CONSISTENCY_ROUNDS", 300)
		var lives []*life
		for _, t := range f.tenants {
			lives = append(lives, newLife(t.Tenant))
		}
		for round := range rounds {
			lives[round/4%len(lives)].round(round)
		}
	})

	if !isLocal() {
		return
	}

	It("show it in the lists of one that cannot ask the others, with more users than it would read at the API server", f.repeated, func(ctx SpecContext) {
		crowd := f.add(ctx, "crowd")
		const users, creators = 1020, 20
		together(slices.Repeat(crowd.Replicas, creators)[:creators], func(i int, c *Client) bool {
			for n := range users / creators {
				insist(c, http.MethodPost, Users, PlainUser(fmt.Sprintf("crowd-%d-%d@example.com", i, n))).Has(http.StatusCreated)
			}
			return true
		})
		writer, reader := crowd.Replicas[0], crowd.Replicas[1]
		id := insist(writer, http.MethodPost, Users, PlainUser("guide@example.com")).Has(http.StatusCreated).ID()
		cutOff(podOf(ctx, crowd, 0), podOf(ctx, crowd, 1))
		cutOff(podOf(ctx, crowd, 1), podOf(ctx, crowd, 0))
		for round := range 4 {
			title := fmt.Sprint("Guide ", round)
			insist(writer, http.MethodPatch, Users+"/"+id, Replace("title", title)).Has(http.StatusOK)
			found := insist(reader, http.MethodGet, Filter(Users, "title eq %q", title), "")
			Expect(found.IsList(1)).To(ConsistOf(HaveKeyWithValue("id", id)), found.String())
			insist(reader, http.MethodGet, Users+"?count=1", "").IsList(users + 1)
		}
	})
}

// life is a user of a tenant who is created, changed, renamed, deleted and so on.
type life struct {
	prefix  string
	clients [replicas][]*Client // of each replica one for each reader
	// others is the number of users of the prefix beside this one, total that of
	// all users of the tenant.
	others, total int

	id, userName, displayName string
	formerName                string
	exists                    bool
}

// readers is the number of requests with which a state is read at the same time.
const readers = 5

func newLife(t *Tenant) *life {
	GinkgoHelper()
	l := &life{prefix: Unique("life"), others: 20}
	l.userName = l.prefix + "-nobody@example.com"
	for i, c := range t.Replicas {
		for range readers {
			lasting, closeIdle := c.Lasting()
			DeferCleanup(closeIdle)
			l.clients[i] = append(l.clients[i], lasting)
		}
	}
	for i := range l.others {
		t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("%s-other-%d@example.com", l.prefix, i))).Has(http.StatusCreated)
	}
	total, _ := t.Replicas[0].Get(Users + "?count=0").Has(http.StatusOK).At("totalResults").(float64)
	l.total = int(total)
	return l
}

// round makes the next change at one replica and reads it at another, each time
// another pair of them.
func (l *life) round(n int) {
	GinkgoHelper()
	writer := n % replicas
	reader := (writer + 1 + n/replicas%(replicas-1)) % replicas
	c := l.clients[writer][0]
	switch {
	case !l.exists:
		l.userName, l.displayName, l.formerName = fmt.Sprintf("%s-%d@example.com", l.prefix, n), fmt.Sprint("Created ", n), l.userName
		l.id = c.Do(http.MethodPost, Users, NamedUser(l.userName, l.displayName)).Has(http.StatusCreated).ID()
		l.exists = true
		l.total++
	case n%4 == 1:
		l.displayName = fmt.Sprint("Changed ", n)
		c.Do(http.MethodPatch, Users+"/"+l.id, Replace("displayName", l.displayName)).Has(http.StatusOK)
	case n%4 == 2:
		l.userName, l.formerName = fmt.Sprintf("%s-%d@example.com", l.prefix, n), l.userName
		c.Do(http.MethodPatch, Users+"/"+l.id, Replace("userName", l.userName)).Has(http.StatusOK)
	default:
		c.Do(http.MethodDelete, Users+"/"+l.id, "").Has(http.StatusNoContent)
		l.exists = false
		l.total--
	}
	l.read(l.clients[reader])
}

// read checks what a replica says about the user: by id, by userName, by the
// userName that it had before, and in lists.
func (l *life) read(clients []*Client) {
	GinkgoHelper()
	answers := together(clients, func(i int, c *Client) *Response {
		switch i {
		case 0:
			return c.Get(Users + "/" + l.id)
		case 1:
			return c.Get(Filter(Users, "userName eq %q", l.userName))
		case 2:
			return c.Get(Filter(Users, "userName eq %q", l.formerName))
		case 3:
			return c.Get(Filter(Users, "userName sw %q", l.prefix) + "&startIndex=1&count=1000")
		default:
			return c.Get(Users + "?count=0")
		}
	})
	byID, byName, byFormerName, listed, counted := answers[0], answers[1], answers[2], answers[3], answers[4]
	byFormerName.IsList(0)
	counted.IsList(l.total)
	if !l.exists {
		byID.IsError(http.StatusNotFound, "")
		byName.IsList(0)
		Expect(listed.IsList(l.others)).To(And(HaveLen(l.others), Not(ContainElement(HaveKeyWithValue("id", l.id)))))
		return
	}
	state := And(HaveKeyWithValue("id", l.id), HaveKeyWithValue("userName", l.userName), HaveKeyWithValue("displayName", l.displayName))
	Expect(byID.Has(http.StatusOK).Document).To(state, byID.String())
	Expect(byName.IsList(1)).To(ConsistOf(state), byName.String())
	Expect(listed.IsList(l.others+1)).To(And(HaveLen(l.others+1), ContainElement(state)), listed.String())
}
