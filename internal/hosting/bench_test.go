package hosting_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// number is a number from the environment.
func number(name string) int {
	found, _ := strconv.Atoi(os.Getenv(name))
	return found
}

// How much memory many tenants take, how soon a server of them is ready and takes in one more, and
// how many reads it answers: BENCH_TENANTS=1000 BENCH_USERS=100 go test ./internal/hosting -v. It is
// a measurement and takes minutes, so that it is made when it is asked for.
var _ = Describe("Very many tenants", Label("bench"), func() {
	It("are measured", func(ctx SpecContext) {
		tenants, users := number("BENCH_TENANTS"), number("BENCH_USERS")
		if tenants == 0 {
			tenants, users = 3, 2 // That it works is looked at always.
		}
		namespace := newNamespace(ctx)
		tokens, ids := make([]string, tenants), make([][]string, tenants)
		fill(ctx, namespace, tokens, ids, users)

		before := memoryNow()
		began := time.Now()
		s := start(namespace, slog.New(slog.DiscardHandler))
		Eventually(s.Router().Ready, "5m", "10ms").Should(BeTrue())
		ready := time.Since(began)
		after := memoryNow()

		began = time.Now()
		late := apply(ctx, namespace, "late")
		Eventually(func() int { return s.send(http.MethodGet, "late", "/Users", late, "").Status }, "1m", "10ms").Should(Equal(200))
		attached := time.Since(began)

		read := func(tenant, user int) int {
			request := httptest.NewRequest(http.MethodGet, fmt.Sprintf("/t%d/scim/v2/Users/%s", tenant, ids[tenant][user]), http.NoBody)
			request.Header.Set("Authorization", "Bearer "+tokens[tenant])
			recorder := httptest.NewRecorder()
			s.Router().ServeHTTP(recorder, request)
			return recorder.Code
		}
		Expect(read(0, 0)).To(Equal(200))
		one := rate(func() int { return read(0, rand.IntN(users)) })
		all := rate(func() int { return read(rand.IntN(tenants), rand.IntN(users)) })
		AddReportEntry("figures", fmt.Sprintf(
			"%d tenants of %d users: ready after %.1fs, heap %d MiB more (%.1f KiB a tenant), resident %d MiB in all; another tenant after %.2fs; GET by id %.0f/s at one tenant, %.0f/s at all",
			tenants, users, ready.Seconds(), (after.heap-before.heap)>>20, float64(after.heap-before.heap)/1024/float64(tenants), after.resident>>20,
			attached.Seconds(), one, all), ReportEntryVisibilityAlways)
	}, SpecTimeout(30*time.Minute))
})

// fill makes tenants that are called t0, t1 ... with users.
func fill(ctx context.Context, namespace string, tokens []string, ids [][]string, users int) {
	GinkgoHelper()
	var filling sync.WaitGroup
	numbers := make(chan int)
	for range 8 {
		filling.Go(func() {
			defer GinkgoRecover()
			for i := range numbers {
				name := fmt.Sprintf("t%d", i)
				tokens[i] = apply(ctx, namespace, name)
				for j := range users {
					now := metav1.NowMicro()
					user := &scimv1alpha1.ScimUser{
						ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: uuid.NewString(), Labels: map[string]string{scimv1alpha1.LabelTenant: name}},
						Spec: scimv1alpha1.ScimUserSpec{
							TenantRef: scimv1alpha1.TenantReference{Name: name}, UserName: fmt.Sprintf("alice.martin.%d@%s.example.com", j, name), DisplayName: ptr.To("Alice Martin"),
							Name:   &scimv1alpha1.UserName{GivenName: ptr.To("Alice"), FamilyName: ptr.To("Martin")},
							Emails: []scimv1alpha1.MultiValue{{Value: ptr.To(fmt.Sprintf("alice.martin.%d@%s.example.com", j, name))}},
							Meta:   scimv1alpha1.ResourceMeta{CreatedTime: now, LastModifiedTime: now},
						},
					}
					Expect(admin.Create(ctx, user)).To(Succeed())
					ids[i] = append(ids[i], user.Name)
				}
			}
		})
	}
	for i := range tokens {
		numbers <- i
	}
	close(numbers)
	filling.Wait()
}

// rate is how many calls in a second succeed, by two callers at a time.
func rate(call func() int) float64 {
	GinkgoHelper()
	const window = 2 * time.Second
	counts := [2]int{}
	var calling sync.WaitGroup
	for i := range counts {
		calling.Go(func() {
			defer GinkgoRecover()
			for began := time.Now(); time.Since(began) < window; {
				if call() == 200 {
					counts[i]++
				}
			}
		})
	}
	calling.Wait()
	return float64(counts[0]+counts[1]) / window.Seconds()
}

// memoryOf is what a process takes, in bytes.
type memoryOf struct{ heap, resident int64 }

func memoryNow() memoryOf {
	debug.FreeOSMemory()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	m := memoryOf{heap: int64(stats.HeapAlloc)}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(status), "\n") {
		if value, is := strings.CutPrefix(line, "VmRSS:"); is {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			m.resident = kib << 10
		}
	}
	return m
}
