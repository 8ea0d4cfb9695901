package conformance

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
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
		Expect(err).To(beForbidden(scim.SeatsTaken))
		_, err = s.one.Create(s.ctx, s.user("BABS@example.com"), two)
		Expect(err).To(beTaken(), "a name that is taken is told first")
		blocked := s.user("ann@example.com")
		blocked.SetActive(false)
		ann, err := s.other.Create(s.ctx, blocked, two)
		Expect(err).NotTo(HaveOccurred(), "the name was given back, and who is not active takes no seat")
		_, err = s.other.Update(s.ctx, s.registry.User(), ann.ID(), set("active", true), store.UpdateOptions{Policy: two})
		Expect(err).To(beForbidden(scim.SeatsTaken))
		_, err = s.one.Update(s.ctx, s.registry.User(), babs.ID(), set("title", "Guide"), store.UpdateOptions{Policy: store.Policy{Seats: 1}})
		Expect(err).NotTo(HaveOccurred(), "who has a seat keeps it")

		Expect(s.one.Delete(s.ctx, s.registry.User(), babs.ID(), store.DeleteOptions{Policy: two})).To(Succeed())
		_, err = s.other.Update(s.ctx, s.registry.User(), ann.ID(), set("active", true), store.UpdateOptions{Policy: two})
		Expect(err).NotTo(HaveOccurred())
		_, err = s.one.Create(s.ctx, s.user("babs@example.com"), two)
		Expect(err).To(beForbidden(scim.SeatsTaken), "a kept user that comes back needs a seat too")
	})

	It("keeps nothing that is too large, and lets what is too large already become smaller", func() {
		large := s.user("babs@example.com")
		large.Attributes()["photos"] = photos(30)
		_, err := s.one.Create(s.ctx, large, store.Policy{})
		Expect(err).To(beSCIM(http.StatusRequestEntityTooLarge, ""))
		large.Attributes()["photos"] = photos(10)
		babs, err := s.other.Create(s.ctx, large, store.Policy{})
		Expect(err).NotTo(HaveOccurred(), "the name was given back")
		_, err = s.one.Update(s.ctx, s.registry.User(), babs.ID(), set("photos", photos(30)), store.UpdateOptions{})
		Expect(err).To(beSCIM(http.StatusRequestEntityTooLarge, ""))
		_, err = s.one.Update(s.ctx, s.registry.User(), babs.ID(), set("photos", photos(5)), store.UpdateOptions{})
		Expect(err).NotTo(HaveOccurred())
	})

	It("stores no more bytes than the limit allows, and lets everybody be made smaller and go", func() {
		small := store.Policy{StorageLimit: 100_000}
		large := func(name string) *scim.Resource {
			user := s.user(name)
			user.Attributes()["photos"] = photos(12)
			return user
		}
		babs, err := s.one.Create(s.ctx, large("babs@example.com"), small)
		Expect(err).NotTo(HaveOccurred())
		jim, err := s.one.Create(s.ctx, large("jim@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		_, err = s.other.Create(s.ctx, s.user("ann@example.com"), store.Policy{StorageLimit: 70_000})
		Expect(err).To(beForbidden(scim.StorageFull))
		_, err = s.one.Update(s.ctx, s.registry.User(), babs.ID(), set("photos", photos(14)), store.UpdateOptions{Policy: store.Policy{StorageLimit: 70_000}})
		Expect(err).To(beForbidden(scim.StorageFull))
		_, err = s.other.Update(s.ctx, s.registry.User(), babs.ID(), set("active", false), store.UpdateOptions{Policy: store.Policy{StorageLimit: 70_000}})
		Expect(err).NotTo(HaveOccurred(), "nobody is too large to be deactivated")
		_, err = s.other.Update(s.ctx, s.registry.User(), babs.ID(), set("photos", photos(1)), store.UpdateOptions{Policy: store.Policy{StorageLimit: 70_000}})
		Expect(err).NotTo(HaveOccurred())
		Expect(s.one.Delete(s.ctx, s.registry.User(), jim.ID(), store.DeleteOptions{Policy: small})).To(Succeed())
		_, err = s.other.Create(s.ctx, s.user("ann@example.com"), store.Policy{StorageLimit: 70_000})
		Expect(err).NotTo(HaveOccurred(), "there is room again")

		full := store.Policy{StorageLimit: 1, KeepDeletedUsers: true}
		Expect(s.one.Delete(s.ctx, s.registry.User(), babs.ID(), store.DeleteOptions{Policy: full})).To(Succeed())
		_, err = s.other.Create(s.ctx, large("babs@example.com"), full)
		Expect(err).To(beForbidden(scim.StorageFull))
		_, err = s.other.Create(s.ctx, s.user("babs@example.com"), full)
		Expect(err).NotTo(HaveOccurred(), "a kept user that comes back adds only what it has more")
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
			Expect(err).To(beForbidden(scim.LimitReached), resource)
		}
		Expect(s.one.Delete(s.ctx, s.registry.User(), babs.ID(), store.DeleteOptions{Policy: three})).To(Succeed())
		_, err := s.other.Create(s.ctx, s.user("ann@example.com"), three)
		Expect(err).To(beForbidden(scim.LimitReached))
		_, err = s.other.Create(s.ctx, s.user("babs@example.com"), three)
		Expect(err).NotTo(HaveOccurred(), "a kept user that comes back is no other object")
	})
}

// photos are links to so many photos, of 3 KiB each.
func photos(count int) []any {
	list := make([]any, count)
	for i := range list {
		list[i] = scim.Complex{"value": fmt.Sprintf("https://photos.example.com/%d/%s", i, strings.Repeat("x", 3<<10)), "type": fmt.Sprint(i)}
	}
	return list
}
