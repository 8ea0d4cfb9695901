package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("Requests at the same time", Ordered, ContinueOnFailure, func() {
	var t *tenant

	BeforeAll(func(ctx SpecContext) {
		t = serve(ctx, "race", scimv1alpha1.IdentityProviderEntra)
	})

	// together sends requests at once, spread over the replicas.
	together := func(count int, send func(i int, c *scimClient) *response) []*response {
		GinkgoHelper()
		answers := make([]*response, count)
		var (
			running sync.WaitGroup
			start   = make(chan struct{})
		)
		for i := range answers {
			running.Go(func() {
				defer GinkgoRecover()
				<-start
				answers[i] = send(i, t.replicas[i%len(t.replicas)])
			})
		}
		close(start)
		running.Wait()
		return answers
	}

	It("never make two users of one name, in whatever case", func() {
		for range 5 {
			name := unique("grace")
			spellings := []string{name, strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:]}
			var ids []string
			for _, r := range together(12, func(i int, c *scimClient) *response {
				return c.do(http.MethodPost, users, plainUser(spellings[i%len(spellings)]))
			}) {
				if r.status == http.StatusCreated {
					ids = append(ids, r.id())
					continue
				}
				r.isError(http.StatusConflict, "uniqueness")
			}
			Expect(ids).To(HaveLen(1), "how many of the requests were answered 201")
			t.everyReplica(func(c *scimClient) {
				for _, spelling := range spellings {
					Expect(c.get(filter(users, "userName eq %q", spelling)).isList(1)[0]).To(HaveKeyWithValue("id", ids[0]))
				}
			})
		}
		Expect(kubectlList(t.namespace, "scimusers")).To(HaveLen(5))
	})

	It("add their members to one group, all of them", func() {
		const count = 12
		ids := make([]string, count)
		for i := range ids {
			ids[i] = t.send(http.MethodPost, users, plainUser(unique("member")+"@example.com")).has(http.StatusCreated).id()
		}
		group := t.send(http.MethodPost, groups, plainGroup("Everyone")).has(http.StatusCreated).id()
		members := func(op, id string) string {
			return patch(fmt.Sprintf(`{"op":%q,"path":"members","value":[{"value":%q}]}`, op, id))
		}
		for _, r := range together(count, func(i int, c *scimClient) *response {
			return c.do(http.MethodPatch, groups+"/"+group, members("Add", ids[i]))
		}) {
			r.has(http.StatusNoContent)
		}
		t.everyReplica(func(c *scimClient) {
			Expect(values(c.get(groups + "/" + group).has(http.StatusOK).at("members"))).To(ConsistOf(ids))
		})
		want{"spec/memberCount": count}.in(t.group(group), "the group")

		By("removing some while others are renamed and deactivated")
		for _, r := range together(count, func(i int, c *scimClient) *response {
			if i%3 == 0 {
				return c.do(http.MethodPatch, groups+"/"+group, members("Remove", ids[i]))
			}
			return c.do(http.MethodPatch, users+"/"+ids[i], patch(`{"op":"Replace","path":"active","value":"False"}`))
		}) {
			r.has(http.StatusNoContent)
		}
		var rest []string
		for i, id := range ids {
			if i%3 != 0 {
				rest = append(rest, id)
			}
		}
		t.everyReplica(func(c *scimClient) {
			Expect(values(c.get(groups + "/" + group).at("members"))).To(ConsistOf(rest))
			c.get(filter(users, "active eq false")).isList(len(rest))
		})
	})

	It("free a name everywhere before they answer", func() {
		for range 5 {
			old, fresh := unique("old")+"@example.com", unique("fresh")+"@example.com"
			id := t.send(http.MethodPost, users, plainUser(old)).has(http.StatusCreated).id()
			t.send(http.MethodPatch, users+"/"+id, patch(fmt.Sprintf(`{"op":"Replace","path":"userName","value":%q}`, fresh))).has(http.StatusNoContent)
			t.found(id, filter(users, "userName eq %q", fresh))
			t.get(filter(users, "userName eq %q", old)).isList(0)
			other := t.send(http.MethodPost, users, plainUser(old)).has(http.StatusCreated).id()
			Expect(other).NotTo(Equal(id))
			t.send(http.MethodPatch, users+"/"+other, patch(fmt.Sprintf(`{"op":"Replace","path":"userName","value":%q}`, fresh))).
				isError(http.StatusConflict, "uniqueness")
			t.found(other, filter(users, "userName eq %q", old))

			group := t.send(http.MethodPost, groups, plainGroup(old)).has(http.StatusCreated).id()
			t.send(http.MethodDelete, groups+"/"+group, "").has(http.StatusNoContent)
			Expect(t.send(http.MethodPost, groups, plainGroup(old)).has(http.StatusCreated).id()).NotTo(Equal(group))
		}
	})
})
