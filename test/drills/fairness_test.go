//go:build drills

package drills

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// floodLimit is how many requests the tenants of the server may send in a second, and
	// floodTimes how much more than that are sent.
	floodLimit, floodTimes = 50, 5
	// crowdSize is how many tenants send as much together as one that floods.
	crowdSize = 100
	// fairRounds is how often both are measured, in turn, for fairTime each.
	fairRounds, fairTime = 4, 15 * time.Second
	// fairWorkers send the flood, each when it has its last answer.
	fairWorkers = 32
	// bystanderPace is the time between two requests of each client of the tenant that is measured.
	bystanderPace = 50 * time.Millisecond
)

var _ = Describe("A tenant that is sent five times what it may", func() {
	It("is told so, and costs the others of its server no more than as many requests to a hundred tenants do", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "fairness")
		limited := func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.RateLimit = scimv1alpha1.RateLimit{RequestsPerSecond: floodLimit}
		}
		var manifests []*scimv1alpha1.ScimTenant
		for i := range crowdSize {
			manifests = append(manifests, NewTenant(namespace, fmt.Sprint("tenant-", i), scimv1alpha1.IdentityProviderGeneric, On("shared"), limited))
		}
		manifests = append(manifests, NewTenant(namespace, "flooded", scimv1alpha1.IdentityProviderGeneric, On("shared"), limited),
			NewTenant(namespace, "bystander", scimv1alpha1.IdentityProviderGeneric, On("shared"), Unlimited))
		Apply(NewServer(namespace, "shared", 3))
		tenants := ServeIn(ctx, namespace, manifests...)
		crowd, victim, bystander := tenants[:crowdSize], tenants[crowdSize:crowdSize+1], tenants[crowdSize+1]

		spread, flooded := newFairness(), newFairness()
		for range fairRounds {
			spread.measure(ctx, bystander, crowd)
			flooded.measure(ctx, bystander, victim)
		}
		AddReportEntry("requests to 100 tenants, by status", fmt.Sprint(spread.answers))
		AddReportEntry("requests to the one that is flooded, by status", fmt.Sprint(flooded.answers))
		var ratios []float64
		for _, kind := range slices.Sorted(maps.Keys(spread.took)) {
			before, after := quantile(spread.took[kind], 99), quantile(flooded.took[kind], 99)
			ratios = append(ratios, after.Seconds()/before.Seconds())
			AddReportEntry(fmt.Sprintf("p99 of %d %s of another tenant: beside the hundred, beside the one, and their ratio", len(spread.took[kind]), kind),
				fmt.Sprintf("%s, %s, %.2f", milliseconds(before), milliseconds(after), ratios[len(ratios)-1]))
		}
		Expect(append(spread.faults, flooded.faults...)).To(BeEmpty())
		Expect(spread.answers).To(HaveLen(1), "nobody is sent more than it may: %v", spread.answers)
		Expect(flooded.answers).To(HaveKey(http.StatusTooManyRequests))
		Expect(ratios).To(HaveEach(BeNumerically("<", 2)))
	})
})

// fairness is what was answered while much was sent.
type fairness struct {
	mu      sync.Mutex
	answers map[int]int                // to those that much is sent to, by status
	took    map[string][]time.Duration // by the tenant that is measured, to reads and to writes
	faults  []string
}

func newFairness() *fairness {
	return &fairness{answers: map[int]int{}, took: map[string][]time.Duration{}}
}

// measure measures a tenant while as much is sent to others, in turn, as is too much for one.
func (f *fairness) measure(ctx context.Context, measured *Tenant, others []*Tenant) {
	GinkgoHelper()
	ctx, cancel := context.WithTimeout(ctx, fairTime)
	defer cancel()
	var running sync.WaitGroup
	turns := make(chan int)
	running.Go(func() {
		defer close(turns)
		every(ctx, time.Second/(floodLimit*floodTimes), func(n int) {
			select {
			case turns <- n:
			case <-ctx.Done():
			}
		})
	})
	for range fairWorkers {
		c, closeIdle := others[0].Service.Lasting()
		running.Go(func() {
			defer closeIdle()
			for n := range turns {
				to := others[n%len(others)]
				toTenant := c.WithToken(to.Token)
				toTenant.Base = to.Service.Base
				f.flood(toTenant, n)
			}
		})
	}
	for kind, send := range map[string]func(c *Client, n int) (*Response, error){"reads": readOne, "writes": writeOne} {
		c, closeIdle := measured.Service.Lasting()
		running.Go(func() {
			defer closeIdle()
			every(ctx, bystanderPace, func(n int) {
				r, err := send(c, n)
				f.bystand(kind, r, err)
			})
		})
	}
	running.Wait()
}

// flood sends one of many requests: four read, and the fifth writes.
func (f *fairness) flood(c *Client, n int) {
	send := readOne
	if n%5 == 0 {
		send = writeOne
	}
	r, err := send(c, n)
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.faults = append(f.faults, err.Error())
	case r.Status == http.StatusTooManyRequests && r.Header.Get("Retry-After") == "":
		f.faults = append(f.faults, "no Retry-After: "+r.String())
	case r.Status == http.StatusCreated:
		f.answers[http.StatusOK]++ // As good.
	default:
		f.answers[r.Status]++
	}
}

// bystand notes an answer to the tenant that is measured.
func (f *fairness) bystand(kind string, r *Response, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil:
		f.faults = append(f.faults, err.Error())
	case r.Status != http.StatusOK && r.Status != http.StatusCreated:
		f.faults = append(f.faults, r.String())
	default:
		f.took[kind] = append(f.took[kind], r.Took)
	}
}

func readOne(c *Client, n int) (*Response, error) {
	return c.Try(http.MethodGet, Filter(Users, "userName eq %q", fmt.Sprintf("user-%d@example.com", n)), "")
}

func writeOne(c *Client, _ int) (*Response, error) {
	return c.Try(http.MethodPost, Users, PlainUser(Unique("user")+"@example.com"))
}

// every calls back each time so long has passed, with the number of the call, until the context
// is done. What a slow callback misses is left out.
func every(ctx context.Context, pause time.Duration, call func(n int)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			call(n)
		}
	}
}
