//go:build drills

package drills

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
	"github.com/kubescim/kubescim/internal/store/kubernetes/slice"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// groupSizes are the numbers of members that a group has after one was added. The first is what
// the others are compared with.
var groupSizes = []int{10, 100, 1_000, 10_000, 100_000}

const (
	// joiners are the users who join each group in turn, and leave it again.
	joiners = 20
	// joins is how often each group is joined.
	joins = 100
	// withoutMembers leaves the members out of an answer, as clients of large groups do.
	withoutMembers = "?excludedAttributes=members"
)

var _ = Describe("Adding one member", func() {
	It("takes the same time whether the group has 10 members or 100,000", func(ctx SpecContext) {
		t := Serve(ctx, "groups", scimv1alpha1.IdentityProviderGeneric, Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) { spec.Server.Replicas = 3 })
		var users []string
		for range joiners + slice.FewMembers {
			users = append(users, t.Send(http.MethodPost, Users, PlainUser(Unique("member")+"@example.com")).Has(http.StatusCreated).ID())
		}
		joining, others := users[:joiners], users[joiners:]
		groups := make([]string, len(groupSizes))
		for i, members := range groupSizes {
			inline := others
			if members <= slice.FewMembers {
				inline = others[:members-1]
			}
			groups[i] = t.Send(http.MethodPost, Groups, PlainGroup(fmt.Sprint("Group of ", members), inline...)).Has(http.StatusCreated).ID()
			fillGroup(ctx, t, groups[i], members-1-len(inline))
		}

		c, closeIdle := t.Service.Lasting()
		defer closeIdle()
		joinAndLeave := func(group, member string) time.Duration {
			path := Groups + "/" + group + withoutMembers
			added := c.Do(http.MethodPatch, path, Patch(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, member))).Has(http.StatusOK)
			c.Do(http.MethodPatch, path, Patch(fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, member))).Has(http.StatusOK)
			return added.Took
		}
		for _, group := range groups {
			joinAndLeave(group, joining[0])
		}
		// A pod that answers with the last write has all before that in memory, too.
		t.EveryReplica(func(c *Client) { c.Get(Filter(Groups, "members.value eq %q", joining[0])).IsList(0) })
		took := make([][]time.Duration, len(groups))
		for n := range joins {
			for i, group := range groups { // In turn, so that all meet the same load of the machine.
				took[i] = append(took[i], joinAndLeave(group, joining[n%joiners]))
			}
		}
		first := quantile(took[0], 50)
		for i, members := range groupSizes {
			median := quantile(took[i], 50)
			ratio := median.Seconds() / first.Seconds()
			AddReportEntry(fmt.Sprintf("to a group of %d: median and p99 of %d, and the median by that of the first", members, joins),
				fmt.Sprintf("%s, %s, %.2f", milliseconds(median), milliseconds(quantile(took[i], 99)), ratio))
		}
		for i, members := range groupSizes {
			Expect(quantile(took[i], 50)).To(BeNumerically("<", first*3/2), "a group of %d", members)
		}
	})
})

// fillGroup gives a group, which has as many members in its own object as there may be, so many more,
// written as a server does. They are nobody, whom no answer shows, and stay members for a day.
func fillGroup(ctx context.Context, t *Tenant, id string, count int) {
	GinkgoHelper()
	if count <= 0 {
		return
	}
	group := &scimv1alpha1.ScimGroup{}
	Expect(Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: id}, group)).To(Succeed())
	before := client.MergeFrom(group.DeepCopy())
	codec.MarkSliced(group)
	Expect(BreakGlass.Patch(ctx, group, before)).To(Succeed())
	members := make([]index.Member, count)
	for i := range members {
		members[i].ID = uuid.New()
	}
	writer := slice.Writer{
		Client: BreakGlass, Tenant: client.ObjectKey{Namespace: t.Namespace, Name: t.Name}, Group: id, Tag: codec.TagOf(group), Full: slice.FullMembers,
		By:     codec.Writer{Actor: store.Actor{KeyID: t.KeyID, RequestID: uuid.NewString()}, Owner: "drill"},
		Exists: func(context.Context) error { return nil },
	}
	Expect(writer.Apply(ctx, &slice.Plan{Add: members}, nil)).To(Succeed())
}

// quantile is what so many of 100 durations are not above.
func quantile(durations []time.Duration, percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(durations))
	return sorted[min(len(sorted)*percent/100, len(sorted)-1)]
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}
