package slice

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

// stateNow is the group as a replica reads it.
func stateNow(t *testing.T, w *Writer) *State {
	t.Helper()
	list := &scimv1alpha1.ScimGroupMembersList{}
	NewWithT(t).Expect(w.Client.List(context.Background(), list)).To(Succeed())
	state := &State{Tag: w.Tag}
	for i := range list.Items {
		state.Slices = append(state.Slices, entries(&list.Items[i])...)
	}
	return state
}

// as is another writer of the same group.
func as(w *Writer) *Writer {
	return &Writer{Client: w.Client, Tenant: w.Tenant, Group: w.Group, Tag: w.Tag, By: w.By, Full: w.Full, Exists: w.Exists}
}

// strayed are the slices with strays.
func strayed(state *State) (found []*index.Slice) {
	for _, slice := range state.Slices {
		for _, m := range slice.Members {
			if !state.covers(slice, m.ID) {
				found = append(found, slice)
				break
			}
		}
	}
	return found
}

func gatherAll(ctx context.Context, t *testing.T, w *Writer) {
	t.Helper()
	for range 32 {
		state := stateNow(t, w)
		found := strayed(state)
		for _, from := range found {
			NewWithT(t).Expect(as(w).Gather(ctx, from, state.Slices)).To(Succeed())
		}
		if len(found) == 0 {
			return
		}
	}
	t.Error("strays are left")
}

// Slices of the release before are emptied, and those that are for fewer than they list.
func TestGather(t *testing.T) {
	g := NewWithT(t)
	deep := sliceWith(codec.SliceName(idOf(99), "tag", 0), 1, 2, 3, 4)
	codec.SetDepth(deep, 1)
	elsewhere := sliceWith(codec.SliceName(idOf(99), "another", 0), 9, 10)
	w := writerOver(t, interceptor.Funcs{}, sliceWith(idOf(99)+"-bcdfghjklm", 1, 5, 6, 7, 8), elsewhere, deep)
	gatherAll(context.Background(), t, w)
	found := listed(t, w)
	g.Expect(found[idOf(99)+"-bcdfghjklm"]).To(BeEmpty())
	g.Expect(found[elsewhere.Name]).To(BeEmpty(), "what a group of another uid left")
	var all []index.Member
	for _, in := range found {
		all = append(all, in...)
	}
	g.Expect(all).To(ConsistOf(members(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)), "each once")
	for _, slice := range stateNow(t, w).Slices {
		g.Expect(slice.Modified.IsZero()).To(BeTrue(), "nothing has changed for a client")
	}
}

// A member that somebody removes while it is being moved does not come back.
func TestGatherOfOneWhoGoes(t *testing.T) {
	for name, at := range map[string]int{"before the slice is read": 0, "after the slice was read": 1, "after both were": 2} {
		t.Run(name, func(t *testing.T) {
			g, ctx := NewWithT(t), context.Background()
			old := idOf(99) + "-bcdfghjklm"
			w := writerOver(t, interceptor.Funcs{}, sliceWith(old, 1, 2))
			reads, remove := 0, func() {
				state := stateNow(t, w)
				plan, _, _, err := state.Plan([]scim.MemberChange{{ID: idOf(1)}}, false)
				g.Expect(err).NotTo(HaveOccurred())
				g.Expect(as(w).Apply(ctx, plan, state.Slices)).To(Succeed())
			}
			mover := as(w)
			state := stateNow(t, w)
			listedThen := func(context.Context) ([]index.Member, error) {
				if reads++; reads == 1 && at == 1 {
					remove()
				}
				var now []index.Member
				for _, slice := range stateNow(t, w).Slices {
					if slice.Name == old {
						now = slice.Members
					}
				}
				if reads == 1 && at == 2 {
					remove()
				}
				return now, nil
			}
			if at == 0 {
				remove()
			}
			g.Expect(mover.Copy(ctx, state.Slices[0].Members, metav1.NowMicro(), state.Slices, listedThen)).To(Succeed())
			for _, in := range listed(t, w) {
				g.Expect(in).NotTo(ContainElement(members(1)[0]))
			}
		})
	}
}

// Requests at many replicas add and remove members while others move them. Nobody who was
// added is lost, nobody who was removed comes back, and readers always see who stays.
func TestGatherAmongRequests(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	const stay, people, requesters = 40, 40, 4
	var legacy []int
	for n := range stay {
		legacy = append(legacy, n)
	}
	w := writerOver(t, interceptor.Funcs{}, sliceWith(idOf(99)+"-bcdfghjklm", legacy...))
	var requests, movers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		movers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				state := stateNow(t, w)
				for _, from := range strayed(state) {
					if err := as(w).Gather(ctx, from, state.Slices); err != nil {
						t.Errorf("moving: %v", err)
						return
					}
				}
			}
		})
	}
	movers.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
			}
			seen := map[uuid.UUID]bool{}
			for _, slice := range stateNow(t, w).Slices {
				for _, m := range slice.Members {
					seen[m.ID] = true
				}
			}
			for _, id := range ids(legacy...) {
				if !seen[id] {
					t.Errorf("%s is in no slice for a moment", id)
				}
			}
		}
	})
	want := make([]map[int]bool, requesters)
	for r := range requesters {
		want[r] = map[int]bool{}
		requests.Go(func() {
			random := rand.New(rand.NewPCG(uint64(r), 7))
			for range 60 {
				n := stay + r*people + random.IntN(people)
				add := random.IntN(2) == 0
				state := stateNow(t, w)
				plan, candidates, _, err := state.Plan([]scim.MemberChange{{ID: idOf(n), Add: add}}, false)
				if err == nil && len(candidates) > 0 {
					plan.Add = members(n)
				}
				if err == nil {
					err = as(w).Apply(ctx, plan, state.Slices)
				}
				if err != nil {
					t.Errorf("changing: %v", err)
					return
				}
				want[r][n] = add
			}
		})
	}
	requests.Wait()
	close(done)
	movers.Wait()
	gatherAll(ctx, t, w)
	var wanted, found []index.Member
	wanted = append(wanted, members(legacy...)...)
	for _, of := range want {
		for n, is := range of {
			if is {
				wanted = append(wanted, members(n)...)
			}
		}
	}
	for _, in := range listed(t, w) {
		found = append(found, in...)
	}
	NewWithT(t).Expect(found).To(ConsistOf(wanted), "each once")
}
