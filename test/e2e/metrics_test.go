package e2e

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

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
		text := MetricsOf(busy.Pods(ctx)[0])
		Expect(text).To(And(
			ContainSubstring(`kubescim_requests_total{code="400",scim_type="invalidValue",tenant="busy"} 3`+"\n"),
			ContainSubstring(`kubescim_requests_total{code="201",scim_type="",tenant="busy"} 1`+"\n"),
			MatchRegexp(`kubescim_request_duration_seconds_count\{code="201",method="POST",resource="Users",tenant=""\} 1\n`),
			ContainSubstring(`kubescim_cache_synced{tenant=""} 1`+"\n"),
			ContainSubstring(`kubescim_cache_lag_seconds_count{tenant=""}`)))
		Expect(text).NotTo(ContainSubstring(`tenant="resting"`), "a tenant at rest takes no room in Prometheus")
	})
})

// seriesOfStates are lines of the operator's metrics about objects of a namespace, of which nothing is said while it is not
// known, such as whether a provider is active that has hardly begun.
const seriesOfStates = `
kubescim_tenant_condition{namespace="%[1]s",reason="Succeeded",tenant="acme",type="Ready"} 1
kubescim_tenant_condition{namespace="%[1]s",reason="SeatsAvailable",tenant="acme",type="SeatsAvailable"} 1
kubescim_tenant_condition{namespace="%[1]s",reason="ClusterLocal",tenant="acme",type="CertificateValid"} 1
kubescim_tenant_users{namespace="%[1]s",tenant="acme"} 1
kubescim_tenant_active_users{namespace="%[1]s",tenant="acme"} 1
kubescim_tenant_groups{namespace="%[1]s",tenant="acme"} 0
kubescim_tenant_seats{namespace="%[1]s",tenant="acme"} 10
kubescim_key_condition{key="acme",namespace="%[1]s",reason="Succeeded",tenant="acme",type="Ready"} 1
kubescim_key_condition{key="acme",namespace="%[1]s",reason="Later",tenant="acme",type="ExpiringSoon"} 0
kubescim_server_condition{namespace="%[1]s",reason="Succeeded",server="shared",type="Ready"} 1
kubescim_server_condition{namespace="%[1]s",reason="ClusterLocal",server="shared",type="CertificateValid"} 1
kubescim_role_binding_condition{namespace="%[1]s",reason="GroupNotFound",role_binding="viewers",tenant="acme",type="Ready"} 0
kubescim_event_sink_condition{namespace="%[1]s",reason="NotAllowed",sink="app",tenant="acme",type="Ready"} 0
kubescim_event_sink_condition{namespace="%[1]s",reason="TenantNotFound",sink="of-nobody",tenant="nobody",type="Ready"} 0
`

var _ = Describe("The metrics of the operator", func() {
	It("are what the statuses of tenants, keys, servers, event sinks and role bindings say", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "states")
		ApplyText(fmt.Sprintf(roleBinding, "viewers", namespace, "acme", "Not there yet"))
		for sink, tenant := range map[string]string{"app": "acme", "of-nobody": "nobody"} {
			Apply(NewSink(namespace, sink, tenant, "https://app.example.com/events"))
			WaitFor(namespace, "condition=Stalled", "scimeventsink/"+sink)
		}
		Apply(NewServer(namespace, "shared", 1))
		limited := func(spec *scimv1alpha1.ScimTenantSpec) { spec.Users.Seats = 10 }
		t := ServeIn(ctx, namespace, NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderGeneric, On("shared"), limited))[0]
		end := time.Now().Add(365 * 24 * time.Hour).UTC()
		Kubectl("patch", "scimapikey", t.Name, "-n", namespace, "--type=merge", "-p", `{"spec":{"expirationTime":"`+end.Format(time.RFC3339)+`"}}`)
		t.Send(http.MethodPost, Users, PlainUser("ada@example.com")).Has(http.StatusCreated)

		metrics := metricsOfOperator(ctx, namespace)
		// about returns what the metrics say of the namespace, but for times.
		about := func() (lines []string, err error) {
			text, err := metrics()
			for line := range strings.SplitSeq(text, "\n") {
				if strings.Contains(line, fmt.Sprintf("namespace=%q", namespace)) && !strings.Contains(line, "_timestamp_seconds{") {
					lines = append(lines, line)
				}
			}
			return lines, err
		}
		want := strings.Split(strings.TrimSpace(fmt.Sprintf(seriesOfStates, namespace)), "\n")
		Eventually(about).WithTimeout(2 * time.Minute).WithPolling(time.Second).Should(ConsistOf(want))
		Expect(metrics()).To(And(
			MatchRegexp(`kubescim_tenant_last_request_timestamp_seconds\{namespace="%s",tenant="acme"\} \S+\n`, namespace),
			ContainSubstring(fmt.Sprintf("kubescim_key_expiration_timestamp_seconds{key=\"acme\",namespace=%q,tenant=\"acme\"} %s\n",
				namespace, strconv.FormatFloat(float64(end.Unix()), 'g', -1, 64)))))
	})
})
