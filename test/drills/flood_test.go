//go:build drills

package drills

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"k8s.io/apimachinery/pkg/api/resource"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// mebibyte is 2^20 bytes.
	mebibyte = 1 << 20
	// storageLimit is that of the flooded tenant, in bytes.
	storageLimit = 64 * mebibyte
	// floodTime is how long the tenant is flooded: longer than the API server needs to
	// compact etcd once.
	floodTime = 7 * time.Minute
	// floodWorkers send at the same time, each when it has its last answer.
	floodWorkers = 16
	// compacted is when the API server has compacted what was overwritten before.
	compacted = 12 * time.Minute
	// slowConnections and slowBodies are how many come without a token.
	slowConnections, slowBodies = 5000, 5000
	// besiegers open them at the same time.
	besiegers = 50
)

var _ = Describe("A tenant with a storageLimit of 64Mi", func() {
	It("keeps etcd's size bounded under large creations and rewrites of one user", func(ctx SpecContext) {
		t := Serve(ctx, "flood", scimv1alpha1.IdentityProviderGeneric, Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.StorageLimit = resource.NewQuantity(storageLimit, resource.BinarySI)
		})
		t.Expose(ctx)
		rewritten := t.Send(http.MethodPost, Users, largeUser("rewritten@example.com", 0)).Has(http.StatusCreated).ID()
		before := etcdInUse(ctx)
		flood := &flood{answers: map[int]int{}}
		var running sync.WaitGroup
		until := time.Now().Add(floodTime)
		for worker := range floodWorkers {
			running.Go(func() {
				defer GinkgoRecover()
				for n := 0; time.Now().Before(until); n++ {
					name := fmt.Sprintf("user-%d-%d@example.com", worker, n)
					flood.count(t.Service.Try(http.MethodPost, Users, largeUser(name, n)))
					flood.count(t.Service.Try(http.MethodPut, Users+"/"+rewritten, largeUser("rewritten@example.com", n)))
				}
			})
		}
		most := before
		for time.Now().Before(until) {
			most = max(most, etcdInUse(ctx))
			time.Sleep(5 * time.Second) // A look at it every so often is what this measures.
		}
		running.Wait()
		AddReportEntry("etcd in use before", mebibytes(before))
		AddReportEntry("etcd in use at the most during the flood", mebibytes(most))
		for _, status := range slices.Sorted(maps.Keys(flood.answers)) {
			AddReportEntry(fmt.Sprintf("requests that were answered %d", status), flood.answers[status])
		}
		AddReportEntry("requests without an answer", flood.unanswered)
		Expect(flood.answers).To(Or(HaveKey(http.StatusForbidden), HaveKey(http.StatusTooManyRequests)), "more was sent than there is room for")
		Expect(most-before).To(BeNumerically("<", 3*storageLimit), "history included")
		Eventually(func() float64 { return etcdInUse(ctx) - before }).WithTimeout(compacted).WithPolling(5*time.Second).
			Should(BeNumerically("<", 1.25*storageLimit), "after compaction there is what the tenant has")
		AddReportEntry("etcd in use after compaction", mebibytes(etcdInUse(ctx)))
		t.Get(Users + "/" + rewritten).Has(http.StatusOK)
	})
})

// flood counts what was answered.
type flood struct {
	mu         sync.Mutex
	answers    map[int]int // by status
	unanswered int
}

func (f *flood) count(r *Response, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.unanswered++
		return
	}
	f.answers[r.Status]++
}

// largeUser is a user of about 60 KiB, and another one for each version.
func largeUser(userName string, version int) string {
	links := make([]string, 19)
	for i := range links {
		links[i] = fmt.Sprintf(`{"type":"%d","value":"https://photos.example.com/%d/%s"}`, i, version, strings.Repeat("x", 3<<10))
	}
	return strings.TrimSuffix(PlainUser(userName), "}") + `,"photos":[` + strings.Join(links, ",") + `]}`
}

// etcdInUse is how many bytes of etcd's database are in use. Its metrics are at ETCD_METRICS,
// by default where the cluster of this repository has them.
func etcdInUse(ctx context.Context) float64 {
	GinkgoHelper()
	address := os.Getenv("ETCD_METRICS")
	if address == "" {
		address = "http://127.0.0.1:12381/metrics"
	}
	const name = "etcd_mvcc_db_total_size_in_use_in_bytes "
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	Expect(err).NotTo(HaveOccurred())
	answer, err := http.DefaultClient.Do(request)
	Expect(err).NotTo(HaveOccurred())
	text, err := io.ReadAll(answer.Body)
	Expect(err).NotTo(HaveOccurred())
	Expect(answer.Body.Close()).To(Succeed())
	_, rest, found := strings.Cut(string(text), "\n"+name)
	Expect(found).To(BeTrue(), "etcd has no metric %s", name)
	value, _, _ := strings.Cut(rest, "\n")
	bytes, err := strconv.ParseFloat(value, 64)
	Expect(err).NotTo(HaveOccurred())
	return bytes
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.0f MiB", bytes/mebibyte) }

var _ = Describe("A pod of 256 MiB", func() {
	It("answers a client with a token under 5,000 slow connections and 5,000 bodies without a token", func(ctx SpecContext) {
		t := Serve(ctx, "siege", scimv1alpha1.IdentityProviderGeneric, OneReplica, Unlimited)
		t.Expose(ctx)
		base, err := url.Parse(t.Service.Base)
		Expect(err).NotTo(HaveOccurred())
		lasting, closeIdle := t.Service.Lasting()
		defer closeIdle()
		lasting.Get(Users).IsList(0)

		besieging, stop := context.WithCancel(ctx)
		defer stop()
		var opened, answered atomic.Int64
		var running sync.WaitGroup
		for range besiegers {
			running.Go(func() { besiege(besieging, base.Host, t.Path, &opened) })
		}
		var slowest time.Duration
		Eventually(opened.Load).WithTimeout(3 * time.Minute).WithPolling(50 * time.Millisecond).Should(And(
			WithTransform(func(int64) time.Duration {
				for _, client := range []*Client{lasting, t.Service} { // One has a connection, one needs another each time.
					r := client.Get(Users)
					r.IsList(0)
					slowest = max(slowest, r.Took)
					answered.Add(1)
				}
				return slowest
			}, BeNumerically("<", 10*time.Second)),
			BeNumerically(">=", slowConnections+slowBodies)))
		stop()
		running.Wait()
		pod := t.Pods(ctx)[0]
		Expect(pod.Status.ContainerStatuses[0].RestartCount).To(BeZero())
		AddReportEntry("connections and bodies without a token", opened.Load())
		AddReportEntry("requests with a token that were answered meanwhile", answered.Load())
		AddReportEntry("the slowest of those", slowest.Round(time.Millisecond))
		AddReportEntry("restarts of the pod", pod.Status.ContainerStatuses[0].RestartCount)
	})
})

// besiege opens its share of the connections, half of which never end their
// headers and half of which never end their bodies, and keeps them until the context is
// done.
func besiege(ctx context.Context, host, path string, opened *atomic.Int64) {
	dialer := &net.Dialer{Timeout: 10 * time.Second}
	var connections []net.Conn
	defer func() {
		for _, connection := range connections {
			_ = connection.Close() // Most have been closed by the server.
		}
	}()
	for n := 0; n < (slowConnections+slowBodies)/besiegers && ctx.Err() == nil; n++ {
		connection, err := dialer.DialContext(ctx, "tcp", host)
		if err != nil {
			continue // The queue of the server is full, which is as good.
		}
		connections = append(connections, connection)
		request := "POST " + path + "/Users HTTP/1.1\r\nHost: scim.example.com\r\nX-Filler: " + strings.Repeat("x", 15<<10)
		if n%2 == 0 {
			request = "POST " + path + "/Users HTTP/1.1\r\nHost: scim.example.com\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat(" ", 64<<10)
		}
		_ = connection.SetWriteDeadline(time.Now().Add(5 * time.Second))
		_, _ = io.WriteString(connection, request) // What the server does not take is none of its burden.
		opened.Add(1)
	}
	<-ctx.Done()
}
