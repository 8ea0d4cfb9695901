package conformance

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/store"
)

func (s *suite) describeLists() {
	It("pages through all resources in the order of their creation", func() {
		created := make([]string, 0, 7)
		for i := range cap(created) {
			created = append(created, s.create(s.user(fmt.Sprintf("user%d@example.com", 9-i))).ID())
		}
		var seen []string
		for start := 1; start <= 9; start += 3 {
			page, err := s.other.List(s.ctx, s.registry.User(), store.Query{StartIndex: start, Count: 3})
			Expect(err).NotTo(HaveOccurred())
			Expect(page.TotalResults).To(Equal(7))
			seen = append(seen, idsOf(page)...)
		}
		Expect(seen).To(Equal(created))
	})

	It("counts without returning anything when count is 0", func() {
		s.create(s.user("babs@example.com"))
		page, err := s.one.List(s.ctx, s.registry.User(), store.Query{StartIndex: 1})
		Expect(err).NotTo(HaveOccurred())
		Expect(page.TotalResults).To(Equal(1))
		Expect(page.Resources).To(BeEmpty())
	})

	DescribeTable("finds by filter",
		func(filter string, found bool) {
			user := s.create(s.user("bjensen@example.com"))
			s.create(s.user("other@example.com"))
			page := s.list(s.other, s.registry.User(), strings.ReplaceAll(filter, "$ID", user.ID()))
			if found {
				Expect(idsOf(page)).To(ConsistOf(user.ID()))
			} else {
				Expect(page.TotalResults).To(BeZero())
			}
		},
		Entry("userName", `userName eq "bjensen@example.com"`, true),
		Entry("userName in another case", `USERNAME Eq "BJENSEN@example.com" and id eq "$ID"`, true),
		Entry("id", `id eq "$ID"`, true),
		Entry("id and a condition that does not hold", `id eq "%s" and active eq false`, false),
		Entry("userName of one and id of another", `userName eq "other@example.com" and id eq "$ID"`, false),
		Entry("an attribute without an index", `emails[type eq "work" and value sw "bjensen"] and id eq "$ID"`, true),
	)
}
