package store_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/types"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store"
)

// refusedWith matches an error with which a client is refused.
func refusedWith(status int) types.GomegaMatcher {
	return WithTransform(func(err error) int {
		var protocol *scim.Error
		if !errors.As(err, &protocol) {
			return 0
		}
		return protocol.Status
	}, Equal(status))
}

func TestSizes(t *testing.T) {
	g := NewWithT(t)
	registry, err := schema.NewRegistry()
	g.Expect(err).NotTo(HaveOccurred())
	user := func(photos int, active bool) *scim.Resource {
		list := make([]any, photos)
		for i := range list {
			list[i] = scim.Complex{"value": fmt.Sprint(i, strings.Repeat("x", 1000))}
		}
		return scim.NewResource(registry.User(), scim.Complex{"userName": "bjensen@example.com", "photos": list, "active": active})
	}
	g.Expect(store.CheckSize(user(60, true), nil)).To(Succeed())
	g.Expect(store.CheckSize(user(70, true), nil)).To(refusedWith(413))
	g.Expect(store.CheckSize(user(70, true), user(60, true))).To(refusedWith(413))
	g.Expect(store.CheckSize(user(80, true), user(90, true))).To(Succeed(), "it becomes smaller")
	g.Expect(store.CheckSize(user(90, false), user(90, true))).To(Succeed(), "nobody is too large to be deactivated")
	g.Expect(store.CheckSize(user(91, false), user(90, true))).To(refusedWith(413))

	members := scim.MakeMembers(5000)
	for i := range 5000 {
		members.Add(store.Member(fmt.Sprint(i), store.MemberUser))
	}
	group := scim.NewResource(registry.Group(), scim.Complex{"displayName": "Everybody"})
	group.SetMembers(members)
	g.Expect(store.CheckSize(group, nil)).To(Succeed(), "members do not count")
	g.Expect(store.StoredSize(group)).To(BeNumerically(">", 5000*store.MemberSize))
	g.Expect(store.Growth(group, group, false)).To(BeZero())
	limited := store.Policy{StorageLimit: 1000}
	g.Expect(limited.AdmitBytes(10, 990)).To(Succeed())
	g.Expect(limited.AdmitBytes(11, 990)).To(refusedWith(403))
	g.Expect(limited.AdmitBytes(-1, 5000)).To(Succeed(), "what makes room always passes")
}
