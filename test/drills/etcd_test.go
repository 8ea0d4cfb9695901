//go:build drills

package drills

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// checkout is the checkout, seen from this folder.
const checkout = "../.."

// etcdUsers are those that the snapshot has, and lateUsers those who come after it.
const etcdUsers, lateUsers = 200, 20

// etcd is that of the local cluster: no other one is stopped here.
type etcd struct{ folder string }

func localEtcd() etcd {
	GinkgoHelper()
	e := etcd{folder: cmp.Or(os.Getenv("KUBESCIM_CLUSTER_DIR"), "/var/lib/kubescim-cluster")}
	Expect(filepath.Join(e.folder, "run", "etcd.pid")).To(BeAnExistingFile(),
		"this drill stops etcd, and does so with the local cluster alone: run `make drills` with CLUSTER=local")
	return e
}

// options let etcdctl reach it, and are what a member needs to be restored.
func (e etcd) options() string {
	pki := filepath.Join(e.folder, "pki")
	return fmt.Sprintf("export ETCDCTL_ENDPOINTS=https://127.0.0.1:12379 ETCDCTL_CACERT=%[1]s/ca.crt ETCDCTL_CERT=%[1]s/apiserver-etcd-client.crt "+
		"ETCDCTL_KEY=%[1]s/apiserver-etcd-client.key\n", pki)
}

const memberOptions = "--name=kubescim --initial-cluster=kubescim=https://127.0.0.1:12380 --initial-advertise-peer-urls=https://127.0.0.1:12380"

// stop ends a daemon of the cluster by a signal, and waits until it is gone.
func (e etcd) stop(daemon string, signal syscall.Signal) {
	GinkgoHelper()
	text, err := os.ReadFile(filepath.Join(e.folder, "run", daemon+".pid"))
	Expect(err).NotTo(HaveOccurred())
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	Expect(err).NotTo(HaveOccurred())
	Expect(syscall.Kill(pid, signal)).To(Succeed())
	Eventually(func() error { return syscall.Kill(pid, 0) }).WithTimeout(90 * time.Second).Should(MatchError(syscall.ESRCH))
}

// up starts what does not run.
func (e etcd) up() {
	GinkgoHelper()
	printed, err := RunShell("go -C " + filepath.Join(checkout, "hack") + " run ./cluster up")
	Expect(err).NotTo(HaveOccurred(), printed)
}

var _ = Describe("An etcd that is restored from a snapshot, as docs/backup.md says", Serial, func() {
	It("leaves the pods running, which answer by the snapshot within seconds", func(ctx SpecContext) {
		e := localEtcd()
		folder := GinkgoT().TempDir()
		run := func(commands string) {
			GinkgoHelper()
			printed, err := RunShell("cd " + folder + "\n" + e.options() + commands)
			Expect(err).NotTo(HaveOccurred(), printed)
		}
		t := Serve(ctx, "snapshot", scimv1alpha1.IdentityProviderGeneric, Unlimited)
		users := CreateUsers(t.Service, etcdUsers)
		group := t.Send(http.MethodPost, Groups, PlainGroup("All", slices.Sorted(maps.Keys(users))...)).Has(http.StatusCreated).ID()
		run(Documented(checkout, "backup.md", "snapshot save"))

		var late []string
		for range lateUsers {
			late = append(late, t.Send(http.MethodPost, Users, PlainUser(Unique("late")+"@example.com")).Has(http.StatusCreated).ID())
		}
		changed := slices.Min(slices.Collect(maps.Keys(users)))
		t.Send(http.MethodPatch, Users+"/"+changed, Replace("active", false)).Has(http.StatusOK)
		pods := NamesOf(t.Pods(ctx))

		answered, stop := readAll(ctx, t, changed)
		DeferCleanup(e.up)                        // Whatever happens, there is a cluster again.
		e.stop("kube-apiserver", syscall.SIGKILL) // Otherwise it would wait for a minute for watches to end.
		e.stop("etcd", syscall.SIGTERM)
		stopped := time.Now()
		restore := strings.ReplaceAll(Documented(checkout, "backup.md", "snapshot restore"), "/var/lib/etcd-restored", filepath.Join(folder, "restored"))
		run(strings.TrimSpace(restore) + " " + memberOptions)
		Expect(os.Rename(filepath.Join(e.folder, "etcd"), filepath.Join(folder, "lost"))).To(Succeed())
		run("cp -a restored " + filepath.Join(e.folder, "etcd"))
		e.up()
		back := time.Now()

		shown := func(c *Client) error {
			for _, id := range late {
				if status := c.Get(Users + "/" + id).Status; status != http.StatusNotFound {
					return fmt.Errorf("a user whom the snapshot lacks is answered %d", status)
				}
			}
			if active := c.Get(Users + "/" + changed).At("active"); active != true {
				return fmt.Errorf("a user who was changed after the snapshot has active %v", active)
			}
			return nil
		}
		for _, replica := range t.Replicas {
			Eventually(shown).WithArguments(replica).WithTimeout(30 * time.Second).WithPolling(100 * time.Millisecond).Should(Succeed())
		}
		after := time.Since(back)
		stop()
		Expect(NamesOf(t.Pods(ctx))).To(Equal(pods), "no pod was replaced")
		t.EveryReplica(func(c *Client) {
			c.Get(Users + "?count=0").IsList(etcdUsers)
			Expect(Values(c.Get(Groups + "/" + group).Has(http.StatusOK).At("members"))).To(HaveLen(etcdUsers))
		})

		By("restarting the servers, as after a restore without the options")
		run(Documented(checkout, "backup.md", "kubectl delete pods --all-namespaces"))
		Eventually(func() []string { return NamesOf(t.Pods(ctx)) }).WithTimeout(2 * time.Minute).ShouldNot(ContainElements(pods))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/"+t.Name)

		AddReportEntry("users in the snapshot, and after it", fmt.Sprintf("%d, %d", etcdUsers, lateUsers), ReportEntryVisibilityAlways)
		AddReportEntry("etcd and the API server were away", back.Sub(stopped).Round(time.Second).String(), ReportEntryVisibilityAlways)
		AddReportEntry("every pod answered by the snapshot, after the cluster was back", after.Round(100*time.Millisecond).String(), ReportEntryVisibilityAlways)
		AddReportEntry("reads meanwhile: answered 200, others", answered(), ReportEntryVisibilityAlways)
		AddReportEntry("pods that were replaced by it", "0", ReportEntryVisibilityAlways)
	})
})

// readAll reads a user all the time, until it is stopped, and counts how that was answered.
func readAll(ctx context.Context, t *Tenant, id string) (answered func() string, stop func()) {
	var good, others atomic.Int64
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			response, err := t.Service.WithTimeout(5*time.Second).Try(http.MethodGet, Users+"/"+id, "")
			if err == nil && response.Status == http.StatusOK {
				good.Add(1)
			} else {
				others.Add(1)
			}
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}()
	return func() string { return fmt.Sprintf("%d, %d", good.Load(), others.Load()) }, func() { cancel(); <-done }
}
