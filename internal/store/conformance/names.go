package conformance

import (
	"sync"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store"
)

func (s *suite) describeNames() {
	It("gives a userName to one user, whatever its case", func() {
		s.create(s.user("straße@example.com"))
		for _, same := range []string{"straße@example.com", "STRASSE@EXAMPLE.COM", "Strasse@example.com"} {
			_, err := s.other.Create(s.ctx, s.user(same), store.Policy{})
			Expect(err).To(beTaken(), same)
		}
	})

	It("gives a displayName to one group, and a user may have it as well", func() {
		s.create(s.group("Tour Guides"))
		_, err := s.other.Create(s.ctx, s.group("tour guides"), store.Policy{})
		Expect(err).To(beTaken())
		s.create(s.user("Tour Guides"))
	})

	It("lets exactly one of many concurrent creates have the name", func() {
		for round := range 3 {
			names := []string{"babs@example.com", "Babs@Example.com", "BABS@EXAMPLE.COM", "babs@EXAMPLE.com"}
			var (
				creating sync.WaitGroup
				won      atomic.Int32
			)
			for i := range 16 {
				replica := s.one
				if i%2 == 1 {
					replica = s.other
				}
				name := names[i%len(names)] + string(rune('a'+round))
				creating.Go(func() {
					defer GinkgoRecover()
					_, err := replica.Create(s.ctx, s.user(name), store.Policy{})
					if err == nil {
						won.Add(1)
						return
					}
					Expect(err).To(beTaken())
				})
			}
			creating.Wait()
			Expect(won.Load()).To(BeEquivalentTo(1))
			Expect(s.list(s.other, s.registry.User(), `userName eq "`+names[0]+string(rune('a'+round))+`"`).TotalResults).To(Equal(1))
		}
	})

	It("frees the old name of a user that is renamed before it answers", func() {
		renamed := s.create(s.user("babs@example.com"))
		s.update(s.one, s.registry.User(), renamed.ID(), set("userName", "barbara@example.com"))
		successor, err := s.other.Create(s.ctx, s.user("babs@example.com"), store.Policy{})
		Expect(err).NotTo(HaveOccurred())
		Expect(successor.ID()).NotTo(Equal(renamed.ID()))
		Expect(idsOf(s.list(s.other, s.registry.User(), `userName eq "BARBARA@example.com"`))).To(ConsistOf(renamed.ID()))
		Expect(idsOf(s.list(s.one, s.registry.User(), `userName eq "babs@example.com"`))).To(ConsistOf(successor.ID()))
	})

	It("refuses to rename to a name that is taken, and changes nothing", func() {
		s.create(s.user("taken@example.com"))
		user := s.create(s.user("babs@example.com"))
		_, err := s.one.Update(s.ctx, s.registry.User(), user.ID(), set("userName", "TAKEN@example.com"), store.UpdateOptions{})
		Expect(err).To(beTaken())
		Expect(s.get(s.other, s.registry.User(), user.ID()).Meta()).To(Equal(user.Meta()))
		_, err = s.one.Create(s.ctx, s.user("babs@example.com"), store.Policy{})
		Expect(err).To(beTaken(), "the old name is still held")
	})

	It("lets a user change the case of its own name", func() {
		user := s.create(s.user("babs@example.com"))
		updated := s.update(s.one, s.registry.User(), user.ID(), set("userName", "Babs@example.com"))
		Expect(updated.UserName()).To(Equal("Babs@example.com"))
		_, err := s.other.Create(s.ctx, s.user("babs@example.com"), store.Policy{})
		Expect(err).To(beTaken())
	})

	It("lets a user go back to a name that it had", func() {
		user := s.create(s.user("one@example.com"))
		for range 3 {
			s.update(s.one, s.registry.User(), user.ID(), set("userName", "two@example.com"))
			s.update(s.other, s.registry.User(), user.ID(), set("userName", "one@example.com"))
		}
		Expect(idsOf(s.list(s.one, s.registry.User(), `userName eq "one@example.com"`))).To(ConsistOf(user.ID()))
		_, err := s.one.Create(s.ctx, s.user("one@example.com"), store.Policy{})
		Expect(err).To(beTaken())
		s.create(s.user("two@example.com"))
	})
}
