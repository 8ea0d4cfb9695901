package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// rush is what comes of reads that are sent more often than they may be.
type rush struct {
	mu                sync.Mutex
	answered, refused int
	last              *Response // that was refused
	fault             error
}

// rushed sends reads for a time, by all the clients at once, each one after another and with
// a pause between them.
func rushed(lasting, pause time.Duration, clients ...*Client) *rush {
	GinkgoHelper()
	r, until := &rush{}, time.Now().Add(lasting)
	var sending sync.WaitGroup
	for _, c := range clients {
		sending.Go(func() {
			for time.Now().Before(until) {
				r.note(c.Try(http.MethodGet, Users+"?count=1", ""))
				time.Sleep(pause)
			}
		})
	}
	sending.Wait()
	Expect(r.fault).NotTo(HaveOccurred())
	return r
}

func (r *rush) note(answer *Response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		r.fault = err
	case answer.Status == http.StatusOK:
		r.answered++
	case answer.Status == http.StatusTooManyRequests:
		r.refused++
		r.last = answer
	default:
		r.fault = fmt.Errorf("%s", answer)
	}
}

// It measures a rate: no other spec runs beside it.
var _ = Describe("A tenant that may send some requests in a second", Serial, Ordered, func() {
	const (
		perSecond = 30
		measured  = 10 * time.Second
		pause     = 5 * time.Millisecond
	)
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "rated", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Replicas = 3
			spec.RateLimit = scimv1alpha1.RateLimit{RequestsPerSecond: perSecond}
		})
		Expect(t.Replicas).To(HaveLen(3))
	})

	// comeAgain waits as long as a refusal says.
	comeAgain := func(refused *Response) {
		GinkgoHelper()
		refused.IsError(http.StatusTooManyRequests, "")
		Expect(refused.At("detail")).To(ContainSubstring("nothing was changed, send this again in"))
		seconds, err := strconv.Atoi(refused.Header.Get("Retry-After"))
		Expect(err).NotTo(HaveOccurred())
		Expect(seconds).To(And(BeNumerically(">=", 1), BeNumerically("<=", 5)), "what has been used up is not that much")
		time.Sleep(time.Duration(seconds) * time.Second)
	}

	measure := func(clients ...*Client) {
		GinkgoHelper()
		rushed(2*time.Second, pause, clients...) // The burst is used up then.
		r := rushed(measured, pause, clients...)
		AddReportEntry("requests answered", fmt.Sprintf("%.1f a second by %d connections, with %d a second allowed; %d refused",
			float64(r.answered)/measured.Seconds(), len(clients), perSecond, r.refused))
		limit := perSecond * measured.Seconds()
		Expect(r.answered).To(And(BeNumerically(">=", limit/2), BeNumerically("<=", limit*2)))
		Expect(r.refused).To(BeNumerically(">", 0), "more were sent than may be")
	}

	It("gets as many answers by one connection as it may", func() {
		one, closeIdle := t.Replicas[0].Lasting()
		defer closeIdle()
		measure(one)
	})

	It("gets no more by many connections to all pods, and is told the truth of when to come again", func(ctx SpecContext) {
		var many []*Client
		for _, replica := range t.Replicas {
			for range 3 {
				lasting, closeIdle := replica.Lasting()
				defer closeIdle()
				many = append(many, lasting)
			}
		}
		measure(many...)
		r := rushed(2*time.Second, pause, many...)
		Expect(r.last).NotTo(BeNil())
		time.Sleep(time.Second) // All pods have heard of all that was let through.
		for _, replica := range t.Replicas {
			last := rushed(time.Second, pause, replica, replica, replica).last
			Expect(last).NotTo(BeNil())
			comeAgain(last)
			replica.Get(Users + "?count=1").Has(http.StatusOK)
		}
		for _, pod := range t.Pods(ctx) {
			metrics := Kubectl("get", "--raw", "/api/v1/namespaces/"+pod.Namespace+"/pods/"+pod.Name+":8081/proxy/metrics")
			Expect(metrics).To(MatchRegexp(`kubescim_requests_over_limit_total\{limit="TenantRequests",tenant="rated"\} [1-9]`))
		}
	})

	It("gets less with a key that may write less", func() {
		Kubectl("patch", "scimapikey", t.Name, "-n", t.Namespace, "--type=merge", "-p", `{"spec":{"rateLimit":{"writesPerSecond":1,"burst":2}}}`)
		var refused *Response
		Eventually(func() int {
			refused = t.Send(http.MethodPost, Users, PlainUser(fmt.Sprintf("user-%d@example.com", time.Now().UnixNano())))
			return refused.Status
		}).WithPolling(10 * time.Millisecond).WithTimeout(time.Minute).Should(Equal(http.StatusTooManyRequests))
		Expect(refused.At("detail")).To(ContainSubstring("more writes come with this token than the 1 a second that may"))
		t.Get(Users + "?count=1").Has(http.StatusOK)
		comeAgain(refused)
		Eventually(func() int { // Another pod may hear a moment later of what the first have let through.
			return t.Send(http.MethodPost, Users, PlainUser("babs@example.com")).Status
		}).WithTimeout(10 * time.Second).Should(Equal(http.StatusCreated))
	})
})
