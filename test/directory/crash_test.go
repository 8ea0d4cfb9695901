package directory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// start starts the program that keeps the system in step.
func (s *system) start(namespace string) *exec.Cmd {
	GinkgoHelper()
	program, err := os.Executable()
	Expect(err).NotTo(HaveOccurred())
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), consumerFolder+"="+s.folder, consumerNamespace+"="+namespace, consumerKubeconfig+"="+kubeconfig)
	cmd.Stdout, cmd.Stderr = GinkgoWriter, GinkgoWriter
	Expect(cmd.Start()).To(Succeed())
	return cmd
}

// end ends it in the way of Kubernetes.
func end(cmd *exec.Cmd) {
	GinkgoHelper()
	Expect(cmd.Process.Signal(syscall.SIGTERM)).To(Succeed())
	Expect(cmd.Wait()).To(Succeed())
}

func kill(cmd *exec.Cmd) {
	GinkgoHelper()
	Expect(cmd.Process.Kill()).To(Succeed())
	_ = cmd.Wait() // It was killed.
}

// lines are those of a file about what has happened.
func (s *system) lines(file string) int {
	content, _ := os.ReadFile(filepath.Join(s.folder, file))
	return strings.Count(string(content), "\n")
}

// agrees expects the system to have just what the tenant has.
func (s *system) agrees(ctx context.Context, t *tenant) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		users, groups := &scimv1alpha1.ScimUserList{}, &scimv1alpha1.ScimGroupList{}
		for _, list := range []client.ObjectList{users, groups} {
			g.Expect(live.List(ctx, list, client.InNamespace(t.namespace), client.MatchingLabelsSelector{Selector: known})).To(Succeed())
		}
		wantedUsers, wantedGroups := map[string]row{}, map[string]row{}
		for _, user := range users.Items {
			wantedUsers[user.Name] = row{UserName: user.Spec.UserName, Active: *user.Spec.Active}
		}
		for _, group := range groups.Items {
			var members []string
			for _, id := range group.Spec.Members {
				members = append(members, string(id))
			}
			slices.Sort(members)
			wantedGroups[group.Name] = row{Members: members}
		}
		rows, err := s.all("users")
		g.Expect(err).NotTo(HaveOccurred())
		for id, one := range rows {
			one.Revision = 0
			rows[id] = one
		}
		g.Expect(rows).To(Equal(wantedUsers))
		g.Expect(s.all("groups")).To(Equal(wantedGroups))
	}).Should(Succeed())
}

// churn makes, changes and deletes users and groups until the context is done.
func (t *tenant) churn(ctx context.Context, worker int) {
	defer GinkgoRecover()
	var users, groups []string
	pick := func(from *[]string, remove bool) string {
		i := rand.IntN(len(*from))
		id := (*from)[i]
		if remove {
			*from = slices.Delete(*from, i, i+1)
		}
		return id
	}
	for i := 0; ctx.Err() == nil; i++ {
		var err error
		// What has begun is done, so that it is known what there is.
		call := context.WithoutCancel(ctx)
		switch choice := rand.IntN(10); {
		case choice < 4 || len(users) == 0:
			users = append(users, t.user(call, fmt.Sprintf("worker-%d-%d@example.com", worker, i)))
		case choice < 6:
			err = t.deactivate(call, pick(&users, false))
		case choice < 8:
			err = t.delete(call, registry.User(), pick(&users, true))
		case choice < 9 || len(groups) == 0:
			groups = append(groups, t.group(call, fmt.Sprintf("Team %d-%d", worker, i), pick(&users, false)))
		default:
			err = t.delete(call, registry.Group(), pick(&groups, true))
		}
		Expect(err).NotTo(HaveOccurred())
	}
}

var _ = Describe("A program with a directory", func() {
	var s *system
	BeforeEach(func() {
		var err error
		s, err = newSystem(GinkgoT().TempDir())
		Expect(err).NotTo(HaveOccurred())
	})

	It("ends with the state of the tenant, however often it is killed", func(ctx SpecContext) {
		t := newTenant(ctx)
		churning, stop := context.WithCancel(ctx)
		var workers sync.WaitGroup
		for worker := range 3 {
			workers.Go(func() { t.churn(churning, worker) })
		}
		// Until there is a cursor, each start compares everything, and would find whatever is missed.
		program := s.start(t.namespace)
		Eventually(s.cursor).Should(BeAnExistingFile())
		compared := s.lines("resyncs")
		for range 12 {
			kill(program)
			program = s.start(t.namespace)
			select {
			case <-time.After(time.Duration(200+rand.IntN(600)) * time.Millisecond):
			case <-ctx.Done():
			}
		}
		stop()
		workers.Wait()
		s.agrees(ctx, t)
		kill(program)
		Expect(s.lines("resyncs")).To(Equal(compared), "all was to be seen by markers")
		Expect(s.lines("backwards")).To(BeZero())
		rows, err := s.all("users")
		Expect(err).NotTo(HaveOccurred())
		Expect(rows).NotTo(BeEmpty())
	}, SpecTimeout(2*time.Minute))

	It("learns of all that was done while it was away", func(ctx SpecContext) {
		t := newTenant(ctx)
		stays, leaves, goes := t.user(ctx, "ada@example.com"), t.user(ctx, "grace@example.com"), t.user(ctx, "edsger@example.com")
		group, other := t.group(ctx, "Engineers", stays, goes), t.group(ctx, "Operators")
		program := s.start(t.namespace)
		s.agrees(ctx, t)
		end(program)
		Expect(s.lines("resyncs")).To(Equal(1))

		Expect(t.deactivate(ctx, leaves)).To(Succeed())
		Expect(t.delete(ctx, registry.User(), goes)).To(Succeed())
		Expect(t.delete(ctx, registry.Group(), other)).To(Succeed())
		t.user(ctx, "barbara@example.com")
		program = s.start(t.namespace)
		s.agrees(ctx, t)
		Expect(s.all("groups")).To(HaveKeyWithValue(group, row{Members: []string{stays}}))
		end(program)
		Expect(s.lines("resyncs")).To(Equal(1), "all was to be seen by markers")
	}, SpecTimeout(time.Minute))
})
