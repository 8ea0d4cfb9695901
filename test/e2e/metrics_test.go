package e2e

import (
	"fmt"
	"net/http"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// metricsOf reads the metrics of a server pod.
func metricsOf(pod corev1.Pod) string {
	GinkgoHelper()
	return Kubectl("get", "--raw", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:8081/proxy/metrics", pod.Namespace, pod.Name))
}

var _ = Describe("The metrics of a server", func() {
	It("count the requests of each tenant, by what they were answered", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "metrics")
		Apply(NewServer(namespace, "shared", 1))
		tenants := ServeIn(ctx, namespace,
			NewTenant(namespace, "busy", scimv1alpha1.IdentityProviderGeneric, On("shared")),
			NewTenant(namespace, "resting", scimv1alpha1.IdentityProviderGeneric, On("shared")))
		busy := tenants[0]
		for range 3 {
			busy.Send(http.MethodPost, Users, `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"]}`).IsError(http.StatusBadRequest, "invalidValue")
		}
		busy.Send(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)
		text := metricsOf(busy.Pods(ctx)[0])
		Expect(text).To(And(
			ContainSubstring(`kubescim_requests_total{code="400",scim_type="invalidValue",tenant="busy"} 3`+"\n"),
			ContainSubstring(`kubescim_requests_total{code="201",scim_type="",tenant="busy"} 1`+"\n"),
			MatchRegexp(`kubescim_request_duration_seconds_count\{code="201",method="POST",resource="Users",tenant=""\} 1\n`),
			ContainSubstring(`kubescim_cache_synced{tenant=""} 1`+"\n"),
			ContainSubstring(`kubescim_cache_lag_seconds_count{tenant=""}`)))
		Expect(text).NotTo(ContainSubstring(`tenant="resting"`), "a tenant at rest takes no room in Prometheus")
	})
})
