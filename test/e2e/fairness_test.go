package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// The drill of the same name measures what the flood costs the others.
var _ = Describe("A tenant that is sent five times what it may", func() {
	It("is told so beyond its limit, and no other one of its server is", func(ctx SpecContext) {
		const (
			perSecond, times = 10, 5
			senders          = 10
			lasting          = 6 * time.Second
		)
		namespace := NewNamespace(ctx, "fairness")
		Apply(NewServer(namespace, "shared", 1))
		tenants := ServeIn(ctx, namespace,
			NewTenant(namespace, "flooded", scimv1alpha1.IdentityProviderGeneric, On("shared"), func(spec *scimv1alpha1.ScimTenantSpec) {
				spec.RateLimit = scimv1alpha1.RateLimit{RequestsPerSecond: perSecond, Burst: perSecond}
			}),
			NewTenant(namespace, "first", scimv1alpha1.IdentityProviderGeneric, On("shared")),
			NewTenant(namespace, "second", scimv1alpha1.IdentityProviderGeneric, On("shared")))
		flooded, others := tenants[0], tenants[1:]

		steady := make([]SteadyClients, len(others))
		for i := range others {
			steady[i].Start(others[i], 2, 100*time.Millisecond)
			defer steady[i].Stop()
		}
		var clients []*Client
		for range senders {
			c, closeIdle := flooded.Service.Lasting()
			defer closeIdle()
			clients = append(clients, c)
		}
		began := time.Now()
		rush := rushed(lasting, senders*time.Second/(perSecond*times), clients...)
		Expect(rush.answered).To(And(BeNumerically(">=", perSecond), BeNumerically("<=", perSecond*(time.Since(began).Seconds()+2))),
			"it is answered up to its limit")
		Expect(rush.last).NotTo(BeNil(), "more was sent than may be")
		rush.last.IsError(http.StatusTooManyRequests, "")
		for i := range others {
			Expect(steady[i].Sent()).To(BeNumerically(">", 0))
			steady[i].Stop()
			Expect(steady[i].Failures()).To(BeEmpty(), others[i].Name)
		}
	})
})
