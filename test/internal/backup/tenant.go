package backup

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// UserCount is more than one object of a group can list.
const UserCount = 1050

// Directory is what a tenant has, as its clients know it.
type Directory struct {
	users  map[string]string   // userName by id
	groups map[string][]string // members by id
}

// Fill makes users, a group of five of them and a group of all.
func Fill(t *Tenant) *Directory {
	GinkgoHelper()
	d := &Directory{users: map[string]string{}, groups: map[string][]string{}}
	var ids []string
	for i := range UserCount {
		name := fmt.Sprintf("user-%04d@example.com", i)
		id := t.Send(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated).ID()
		d.users[id] = name
		ids = append(ids, id)
	}
	for name, members := range map[string][]string{"Few": ids[:5], "All": ids} {
		id := t.Send(http.MethodPost, Groups, PlainGroup(name, members...)).Has(http.StatusCreated).ID()
		d.groups[id] = slices.Sorted(slices.Values(members))
	}
	return d
}

// Same checks that a tenant has the same users, members and ids, at every replica.
func (d *Directory) Same(t *Tenant) {
	GinkgoHelper()
	t.EveryReplica(func(c *Client) {
		found := map[string]string{}
		for start := 1; start <= len(d.users); start += 500 {
			for _, user := range c.Get(fmt.Sprintf("%s?startIndex=%d&count=500&attributes=userName", Users, start)).IsList(len(d.users)) {
				id, _ := user["id"].(string)
				found[id], _ = user["userName"].(string)
			}
		}
		Expect(found).To(HaveLen(len(d.users)))
		for id, name := range d.users {
			Expect(found).To(HaveKeyWithValue(id, name))
		}
		c.Get(Groups + "?excludedAttributes=members").IsList(len(d.groups))
		for id, members := range d.groups {
			read := Values(c.Get(Groups + "/" + id).Has(http.StatusOK).At("members"))
			Expect(slices.Equal(slices.Sorted(slices.Values(read)), members)).To(BeTrue(),
				"the group %s has %d members, and had %d", id, len(read), len(members))
		}
	})
}

// Reconnect waits until a tenant is served that was put back, and returns it with its new pods. Each of them knows the
// token from before.
func Reconnect(ctx SpecContext, t *Tenant) *Tenant {
	GinkgoHelper()
	WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)
	back := &Tenant{Namespace: t.Namespace, Name: t.Name, Path: t.Path, Token: t.Token, KeyID: t.KeyID}
	back.Expose(ctx)
	back.EveryReplica(func(c *Client) { c.Get(Users + "?count=0").Has(http.StatusOK) })
	return back
}

// Keeps checks, while time passes, that nothing is taken away from what was put back: the server repairs what it
// holds for broken every minute.
func (a *Archive) Keeps(putBack []string, during time.Duration) {
	GinkgoHelper()
	Consistently(func() []string {
		var lost []string
		for _, kind := range []string{"ScimUser", "ScimGroup", "ScimGroupMembers"} {
			if slices.Contains(putBack, kind) {
				lost = append(lost, a.Lost(kind)...)
			}
		}
		return lost
	}).WithTimeout(during).WithPolling(20*time.Second).Should(BeEmpty(), "something was taken away after %v were put back", putBack)
}

// Manners are all ways to put a namespace back.
func Manners() []Manner {
	var all []Manner
	for _, reverse := range []bool{false, true} {
		for _, owners := range []bool{false, true} {
			for _, status := range []bool{false, true} {
				all = append(all, Manner{Reverse: reverse, Owners: owners, Status: status})
			}
		}
	}
	return all
}
