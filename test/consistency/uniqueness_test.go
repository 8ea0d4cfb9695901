package consistency

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// describeUserNames has the specs of what makes a userName unique.
func describeUserNames(f *fleet) {
	It("give a userName to one of a hundred who want it at once", f.repeated, func() {
		const contenders = 100
		names := size("CONSISTENCY_NAMES", 40)
		for _, t := range f.tenants {
			clients := lastingClients(t.Tenant, contenders)
			for n := range names / len(f.tenants) {
				name := fmt.Sprintf("%s-%d@example.com", Unique("grace"), n)
				ids := make(map[string]bool)
				for _, r := range together(clients, func(i int, c *Client) *Response {
					return insist(c, http.MethodPost, Users, PlainUser(spelled(name, i)))
				}) {
					if r.Status == http.StatusCreated {
						ids[r.Has(http.StatusCreated).ID()] = true
						continue
					}
					r.IsError(http.StatusConflict, "uniqueness")
				}
				Expect(ids).To(HaveLen(1), "of %d requests for one userName, so many were answered 201", contenders)
				for i, c := range t.Replicas {
					found := c.Do(http.MethodGet, Filter(Users, "userName eq %q", spelled(name, n+i)), "").IsList(1)
					Expect(ids).To(HaveKey(found[0]["id"]))
				}
			}
		}
	})

	It("leave a userName with a user to whom several requests give it at once", f.repeated, func() {
		for _, t := range f.tenants[:2] {
			clients := lastingClients(t.Tenant, 4*replicas)
			create := func() (id string) {
				return insist(clients[0], http.MethodPost, Users, PlainUser(Unique("ada")+"@example.com")).Has(http.StatusCreated).ID()
			}
			for range 20 {
				user, other, name := create(), create(), Unique("wanted")+"@example.com"
				for _, r := range together(clients, func(i int, c *Client) *Response {
					if i < replicas {
						return insist(c, http.MethodPatch, Users+"/"+user, Replace("displayName", fmt.Sprint("Revision ", i)))
					}
					return insist(c, http.MethodPatch, Users+"/"+user, Replace("userName", spelled(name, i)))
				}) {
					r.Has(http.StatusOK)
				}
				insist(clients[1], http.MethodPatch, Users+"/"+other, Replace("userName", name)).IsError(http.StatusConflict, "uniqueness")
				for _, c := range t.Replicas {
					Expect(c.Do(http.MethodGet, Filter(Users, "userName eq %q", name), "").IsList(1)).To(ConsistOf(HaveKeyWithValue("id", user)))
				}
			}
		}
	})
}

// lastingClients are clients with a connection each, spread over the replicas of
// a tenant.
func lastingClients(t *Tenant, count int) []*Client {
	clients := make([]*Client, count)
	for i := range clients {
		c, closeIdle := t.Replicas[i%len(t.Replicas)].Lasting()
		clients[i] = c
		DeferCleanup(closeIdle)
	}
	return clients
}

// together lets all clients do something at the same time.
func together[T any](clients []*Client, do func(i int, c *Client) T) []T {
	results := make([]T, len(clients))
	var (
		running sync.WaitGroup
		start   = make(chan struct{})
	)
	for i, c := range clients {
		running.Go(func() {
			defer GinkgoRecover()
			<-start
			results[i] = do(i, c)
		})
	}
	close(start)
	running.Wait()
	return results
}

// spelled is one of the spellings that are the same userName: the bits of the
// number say which of the first letters are capitals.
func spelled(name string, number int) string {
	letters := strings.Split(name, "")
	for bit := range 7 {
		if number&(1<<bit) != 0 && bit < len(letters) {
			letters[bit] = strings.ToUpper(letters[bit])
		}
	}
	return strings.Join(letters, "")
}
