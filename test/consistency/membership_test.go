package consistency

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// writers is the number of clients that change one group at the same time.
const writers = 48

// describeGroups has the specs of groups that many clients change at the same time.
func describeGroups(f *fleet) {
	for _, group := range []struct {
		members int
		labels  Labels
	}{{250, f.repeated}, {1500, Label("drill")}} {
		It(fmt.Sprintf("lose no member of a group of %d that many clients change at once", group.members), group.labels, func(ctx SpecContext) {
			changeMembers(f.add(ctx, fmt.Sprint("members-", group.members)), group.members)
		})
	}
}

// changeMembers makes a group with so many members and changes it at all replicas
// at once. A quarter of the changes takes out members of the first hour, half of
// them adds others, and the last quarter takes some of those out again. At the
// end every replica must say what was planned, in each of the ways that SCIM has
// to ask for it.
func changeMembers(t *Tenant, members int) {
	GinkgoHelper()
	quarter := size("CONSISTENCY_CHANGES", 1000) / 4
	Expect(members).To(BeNumerically(">=", quarter), "so many leave")
	clients := lastingClients(t, writers)

	ids := createUsers(clients, members+2*quarter)
	first, others := ids[:members], ids[members:]
	group := insist(clients[0], http.MethodPost, Groups, PlainGroup("Everyone", first...)).Has(http.StatusCreated).ID()

	// What is done with one user is done in turn, what with several at the same time.
	var plan [][]string
	for _, id := range first[:quarter] {
		plan = append(plan, []string{memberRemoved(id)})
	}
	for i, id := range others {
		changes := []string{memberAdded(id)}
		if i < quarter {
			changes = append(changes, memberRemoved(id))
		}
		plan = append(plan, changes)
	}
	random := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 0))
	random.Shuffle(len(plan), func(i, j int) { plan[i], plan[j] = plan[j], plan[i] })
	spread(clients, plan, func(c *Client, changes []string) {
		for _, change := range changes {
			insist(c, http.MethodPatch, Groups+"/"+group, change).Has(http.StatusOK)
		}
	})

	expected := slices.Sorted(slices.Values(slices.Concat(first[quarter:], others[quarter:])))
	for replica := range t.Replicas {
		r := t.Replicas[replica].Do(http.MethodGet, Groups+"/"+group, "").Has(http.StatusOK)
		Expect(slices.Sorted(slices.Values(Values(r.At("members"))))).To(Equal(expected), "members at replica %d", replica)
		var here []*Client
		for i := replica; i < len(clients); i += len(t.Replicas) {
			here = append(here, clients[i])
		}
		spread(here, ids, func(c *Client, id string) {
			var groups []string
			if _, isMember := slices.BinarySearch(expected, id); isMember {
				groups = []string{group}
			}
			found := c.Do(http.MethodGet, Filter(Groups, "members.value eq %q", id)+"&attributes=displayName", "").IsList(len(groups))
			for _, resource := range found {
				Expect(resource).To(HaveKeyWithValue("id", group))
			}
			user := c.Do(http.MethodGet, Users+"/"+id, "").Has(http.StatusOK)
			Expect(slices.Equal(Values(user.At("groups")), groups)).To(BeTrue(), "expected the groups %v: %s", groups, user)
		})
	}
}

// memberAdded and memberRemoved are bodies of a PATCH of a group.
func memberAdded(id string) string {
	return Patch(fmt.Sprintf(`{"op":"add","path":"members","value":[{"value":%q}]}`, id))
}

func memberRemoved(id string) string {
	return Patch(fmt.Sprintf(`{"op":"remove","path":"members[value eq \"%s\"]"}`, id))
}

// createUsers makes users and returns their ids.
func createUsers(clients []*Client, count int) []string {
	GinkgoHelper()
	ids, prefix := make([]string, count), Unique("member")
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = i
	}
	spread(clients, numbers, func(c *Client, i int) {
		ids[i] = createUser(c, fmt.Sprintf("%s-%d@example.com", prefix, i))
	})
	return ids
}

// createUser makes a user whose name nobody else wants, and returns the id. A request
// that was answered 503 may have been carried out, so that its repetition meets the user.
func createUser(c *Client, userName string) (id string) {
	GinkgoHelper()
	r, refused := insistOn(c, http.MethodPost, Users, PlainUser(userName))
	if !refused || r.Status != http.StatusConflict {
		return r.Has(http.StatusCreated).ID()
	}
	found := c.Do(http.MethodGet, Filter(Users, "userName eq %q", userName), "").IsList(1)
	id, _ = found[0]["id"].(string)
	Expect(id).NotTo(BeEmpty())
	return id
}

// spread does something for each item, each client taking the next one when it
// is done with one.
func spread[T any](clients []*Client, items []T, do func(c *Client, item T)) {
	queue := make(chan T, len(items))
	for _, item := range items {
		queue <- item
	}
	close(queue)
	together(clients, func(_ int, c *Client) bool {
		for item := range queue {
			do(c, item)
		}
		return true
	})
}
