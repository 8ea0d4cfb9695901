package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

var _ = Describe("Requests at the same time", Ordered, ContinueOnFailure, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "race", scimv1alpha1.IdentityProviderEntra)
	})

	// together sends requests at once, spread over the replicas.
	together := func(count int, send func(i int, c *Client) *Response) []*Response {
		GinkgoHelper()
		answers := make([]*Response, count)
		var (
			running sync.WaitGroup
			start   = make(chan struct{})
		)
		for i := range answers {
			running.Go(func() {
				defer GinkgoRecover()
				<-start
				answers[i] = send(i, t.Replicas[i%len(t.Replicas)])
			})
		}
		close(start)
		running.Wait()
		return answers
	}

	It("never make two users of one name, in whatever case", func() {
		for range 5 {
			name := Unique("grace")
			spellings := []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]}
			var ids []string
			for _, r := range together(12, func(i int, c *Client) *Response {
				return c.Do(http.MethodPost, Users, PlainUser(spellings[i%len(spellings)]))
			}) {
				if r.Status == http.StatusCreated {
					ids = append(ids, r.ID())
					continue
				}
				r.IsError(http.StatusConflict, "uniqueness")
			}
			Expect(ids).To(HaveLen(1), "how many of the requests were answered 201")
			t.EveryReplica(func(c *Client) {
				for _, spelling := range spellings {
					Expect(c.Get(Filter(Users, "userName eq %q", spelling)).IsList(1)[0]).To(HaveKeyWithValue("id", ids[0]))
				}
			})
		}
		Expect(KubectlList(t.Namespace, "scimusers")).To(HaveLen(5))
	})

	It("add their members to one group, all of them", func() {
		const count = 12
		ids := make([]string, count)
		for i := range ids {
			ids[i] = t.Send(http.MethodPost, Users, PlainUser(Unique("member")+"@example.com")).Has(http.StatusCreated).ID()
		}
		group := t.Send(http.MethodPost, Groups, PlainGroup("Everyone")).Has(http.StatusCreated).ID()
		members := func(op, id string) string {
			return Patch(fmt.Sprintf(`{"op":%q,"path":"members","value":[{"value":%q}]}`, op, id))
		}
		for _, r := range together(count, func(i int, c *Client) *Response {
			return c.Do(http.MethodPatch, Groups+"/"+group, members("Add", ids[i]))
		}) {
			r.Has(http.StatusNoContent)
		}
		t.EveryReplica(func(c *Client) {
			Expect(Values(c.Get(Groups + "/" + group).Has(http.StatusOK).At("members"))).To(ConsistOf(ids))
		})
		Want{"spec/memberCount": count}.In(t.Group(group), "the group")

		By("removing some while others are renamed and deactivated")
		for _, r := range together(count, func(i int, c *Client) *Response {
			if i%3 == 0 {
				return c.Do(http.MethodPatch, Groups+"/"+group, members("Remove", ids[i]))
			}
			return c.Do(http.MethodPatch, Users+"/"+ids[i], Patch(`{"op":"Replace","path":"active","value":"False"}`))
		}) {
			r.Has(http.StatusNoContent)
		}
		var rest []string
		for i, id := range ids {
			if i%3 != 0 {
				rest = append(rest, id)
			}
		}
		t.EveryReplica(func(c *Client) {
			Expect(Values(c.Get(Groups + "/" + group).At("members"))).To(ConsistOf(rest))
			c.Get(Filter(Users, "active eq false")).IsList(len(rest))
		})
	})

	It("free a name everywhere before they answer", func() {
		for range 5 {
			old, fresh := Unique("old")+"@example.com", Unique("fresh")+"@example.com"
			id := t.Send(http.MethodPost, Users, PlainUser(old)).Has(http.StatusCreated).ID()
			t.Send(http.MethodPatch, Users+"/"+id, Patch(fmt.Sprintf(`{"op":"Replace","path":"userName","value":%q}`, fresh))).Has(http.StatusNoContent)
			t.Found(id, Filter(Users, "userName eq %q", fresh))
			t.Get(Filter(Users, "userName eq %q", old)).IsList(0)
			other := t.Send(http.MethodPost, Users, PlainUser(old)).Has(http.StatusCreated).ID()
			Expect(other).NotTo(Equal(id))
			t.Send(http.MethodPatch, Users+"/"+other, Patch(fmt.Sprintf(`{"op":"Replace","path":"userName","value":%q}`, fresh))).
				IsError(http.StatusConflict, "uniqueness")
			t.Found(other, Filter(Users, "userName eq %q", old))

			group := t.Send(http.MethodPost, Groups, PlainGroup(old)).Has(http.StatusCreated).ID()
			t.Send(http.MethodDelete, Groups+"/"+group, "").Has(http.StatusNoContent)
			Expect(t.Send(http.MethodPost, Groups, PlainGroup(old)).Has(http.StatusCreated).ID()).NotTo(Equal(group))
		}
	})
})
