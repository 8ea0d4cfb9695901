package conformance

import (
	"errors"
	"fmt"
	"net/http"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

func (s *suite) describeResources() {
	It("keeps what it is given and tells every replica at once", func() {
		wanted := s.user("bjensen@example.com")
		created := s.create(wanted)
		Expect(created.ID()).NotTo(BeEmpty())
		Expect(created.Equal(wanted)).To(BeTrue())
		Expect(created.Meta().Created).To(Equal(created.Meta().LastModified))
		Expect(created.Meta().Version).To(MatchRegexp(`^W/"[^"]+"$`))

		found := s.get(s.other, s.registry.User(), created.ID())
		Expect(found.Equal(wanted)).To(BeTrue())
		Expect(found.Meta()).To(Equal(created.Meta()))
	})

	It("knows no id that it did not make", func() {
		group := s.create(s.group("Tour Guides"))
		for _, id := range []string{"", "nobody", "../groups", "A0B1C2D3-0000-4000-8000-000000000000", "a0b1c2d3-0000-4000-8000-000000000000", group.ID()} {
			_, err := s.one.Get(s.ctx, s.registry.User(), id, store.View{})
			Expect(err).To(beNotFound(), id)
			_, err = s.one.Update(s.ctx, s.registry.User(), id, set("title", "x"), store.UpdateOptions{})
			Expect(err).To(beNotFound(), id)
			Expect(s.one.Delete(s.ctx, s.registry.User(), id, store.DeleteOptions{})).To(beNotFound(), id)
		}
	})

	It("answers an update with the state that it made, and a new version", func() {
		created := s.create(s.user("bjensen@example.com"))
		updated := s.update(s.one, s.registry.User(), created.ID(), set("title", "Tour Guide"))
		Expect(updated.Attributes()).To(HaveKeyWithValue("title", "Tour Guide"))
		Expect(updated.Meta().Version).NotTo(Equal(created.Meta().Version))
		Expect(updated.Meta().Created).To(Equal(created.Meta().Created))
		Expect(updated.Meta().LastModified).To(BeTemporally(">", created.Meta().LastModified))

		found := s.get(s.other, s.registry.User(), created.ID())
		Expect(found.Equal(updated)).To(BeTrue())
		Expect(found.Meta()).To(Equal(updated.Meta()))
	})

	It("writes nothing for a change to nothing", func() {
		created := s.create(s.user("bjensen@example.com"))
		same := s.update(s.one, s.registry.User(), created.ID(), set("userName", "bjensen@example.com"))
		Expect(same.Meta()).To(Equal(created.Meta()))
	})

	It("says what an update has changed, and nothing of one that changes nothing", func() {
		created := s.create(s.user("bjensen@example.com"))
		var changed []string
		update := func(change store.Change, options store.UpdateOptions) error {
			changed, options.Changed = nil, func(names []string) { changed = names }
			_, err := s.one.Update(s.ctx, s.registry.User(), created.ID(), change, options)
			return err
		}
		Expect(update(set("title", "Tour Guide"), store.UpdateOptions{})).To(Succeed())
		Expect(changed).To(ConsistOf("title"))
		Expect(update(set("title", "Tour Guide"), store.UpdateOptions{})).To(Succeed())
		Expect(changed).To(BeNil())
		Expect(update(set("userName", "babs@example.com"), store.UpdateOptions{})).To(Succeed())
		Expect(changed).To(ConsistOf("userName"))
		Expect(update(set(schema.URNEnterpriseUser, scim.Complex{"employeeNumber": "1", "manager": scim.Complex{"value": "26118915"}}), store.UpdateOptions{})).To(Succeed())
		Expect(changed).To(ConsistOf(schema.URNEnterpriseUser+":employeeNumber", schema.URNEnterpriseUser+":manager.$ref"))
		never := func(string) bool { return false }
		Expect(update(set("title", "x"), store.UpdateOptions{Precondition: never})).To(beSCIM(http.StatusPreconditionFailed, ""))
		Expect(changed).To(BeNil())
	})

	It("writes nothing when the change fails", func() {
		created := s.create(s.user("bjensen@example.com"))
		refused := errors.New("refused")
		_, err := s.one.Update(s.ctx, s.registry.User(), created.ID(), func(*scim.Resource) (*scim.Resource, error) {
			return nil, refused
		}, store.UpdateOptions{})
		Expect(err).To(MatchError(refused))
		Expect(s.get(s.other, s.registry.User(), created.ID()).Meta()).To(Equal(created.Meta()))
	})

	It("answers 412 to a write whose precondition does not hold, and writes nothing", func() {
		created := s.create(s.user("bjensen@example.com"))
		never := func(version string) bool { return version != created.Meta().Version }
		_, err := s.one.Update(s.ctx, s.registry.User(), created.ID(), set("title", "x"), store.UpdateOptions{Precondition: never})
		Expect(err).To(beSCIM(http.StatusPreconditionFailed, ""))
		err = s.one.Delete(s.ctx, s.registry.User(), created.ID(), store.DeleteOptions{Precondition: never})
		Expect(err).To(beSCIM(http.StatusPreconditionFailed, ""))
		Expect(s.get(s.other, s.registry.User(), created.ID()).Meta()).To(Equal(created.Meta()))
	})

	It("loses no update when replicas write one resource at the same time", func() {
		created := s.create(s.user("bjensen@example.com"))
		const writers = 12
		var writing sync.WaitGroup
		for i := range writers {
			replica := s.one
			if i%2 == 1 {
				replica = s.other
			}
			writing.Go(func() {
				defer GinkgoRecover()
				_, err := replica.Update(s.ctx, s.registry.User(), created.ID(), func(current *scim.Resource) (*scim.Resource, error) {
					next := current.Clone()
					roles, _ := next.Attributes()["roles"].([]any)
					next.Attributes()["roles"] = append(roles, scim.Complex{"value": fmt.Sprintf("role-%d", i)})
					return next, nil
				}, store.UpdateOptions{})
				Expect(err).NotTo(HaveOccurred())
			})
		}
		writing.Wait()
		Expect(s.get(s.one, s.registry.User(), created.ID()).Attributes()["roles"]).To(HaveLen(writers))
	})

	It("shows one tenant nothing of another's", func() {
		created := s.create(s.user("bjensen@example.com"))
		other := s.backend.OtherTenant()
		_, err := other.Get(s.ctx, s.registry.User(), created.ID(), store.View{})
		Expect(err).To(beNotFound())
		_, err = other.Update(s.ctx, s.registry.User(), created.ID(), set("title", "x"), store.UpdateOptions{})
		Expect(err).To(beNotFound())
		Expect(other.Delete(s.ctx, s.registry.User(), created.ID(), store.DeleteOptions{})).To(beNotFound())
		Expect(s.list(other, s.registry.User(), "").TotalResults).To(BeZero())
		Expect(s.list(other, s.registry.User(), `userName eq "bjensen@example.com"`).TotalResults).To(BeZero())
		_, err = other.Create(s.ctx, s.user("bjensen@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred(), "the name is free in the other tenant")
		_, err = other.Create(s.ctx, s.group("Spies", created.ID()), store.Policy{RejectUnknownMembers: true})
		Expect(err).To(beSCIM(http.StatusBadRequest, scim.InvalidValue))
	})
}
