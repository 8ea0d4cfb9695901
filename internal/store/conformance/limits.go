package conformance

import (
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store"
)

func (s *suite) describeLimits() {
	It("gives no more seats than there are, and takes none away", func() {
		two := store.Policy{Seats: 2, KeepDeletedUsers: true}
		babs, err := s.one.Create(s.ctx, s.user("babs@example.com"), two)
		Expect(err).NotTo(HaveOccurred())
		_, err = s.other.Create(s.ctx, s.user("jim@example.com"), two)
		Expect(err).NotTo(HaveOccurred())

		_, err = s.one.Create(s.ctx, s.user("ann@example.com"), two)
		Expect(err).To(beSCIM(http.StatusForbidden, ""))
		_, err = s.one.Create(s.ctx, s.user("BABS@example.com"), two)
		Expect(err).To(beTaken(), "a name that is taken is told first")
		blocked := s.user("ann@example.com")
		blocked.SetActive(false)
		ann, err := s.other.Create(s.ctx, blocked, two)
		Expect(err).NotTo(HaveOccurred(), "the name was given back, and who is not active takes no seat")
		_, err = s.other.Update(s.ctx, s.registry.User(), ann.ID(), set("active", true), store.UpdateOptions{Policy: two})
		Expect(err).To(beSCIM(http.StatusForbidden, ""))
		_, err = s.one.Update(s.ctx, s.registry.User(), babs.ID(), set("title", "Guide"), store.UpdateOptions{Policy: store.Policy{Seats: 1}})
		Expect(err).NotTo(HaveOccurred(), "who has a seat keeps it")

		Expect(s.one.Delete(s.ctx, s.registry.User(), babs.ID(), store.DeleteOptions{Policy: two})).To(Succeed())
		_, err = s.other.Update(s.ctx, s.registry.User(), ann.ID(), set("active", true), store.UpdateOptions{Policy: two})
		Expect(err).NotTo(HaveOccurred())
		_, err = s.one.Create(s.ctx, s.user("babs@example.com"), two)
		Expect(err).To(beSCIM(http.StatusForbidden, ""), "a kept user that comes back needs a seat too")
	})

	It("keeps no more users and groups than the limit allows, kept users included", func() {
		three := store.Policy{ObjectLimit: 3, KeepDeletedUsers: true}
		babs := s.create(s.user("babs@example.com"))
		s.create(s.group("Tour Guides"))
		s.create(s.user("jim@example.com"))
		for _, resource := range []string{"user", "group"} {
			another := s.user("ann@example.com")
			if resource == "group" {
				another = s.group("Guests")
			}
			_, err := s.other.Create(s.ctx, another, three)
			Expect(err).To(beSCIM(http.StatusForbidden, ""), resource)
		}
		Expect(s.one.Delete(s.ctx, s.registry.User(), babs.ID(), store.DeleteOptions{Policy: three})).To(Succeed())
		_, err := s.other.Create(s.ctx, s.user("ann@example.com"), three)
		Expect(err).To(beSCIM(http.StatusForbidden, ""))
		_, err = s.other.Create(s.ctx, s.user("babs@example.com"), three)
		Expect(err).NotTo(HaveOccurred(), "a kept user that comes back is no other object")
	})
}
