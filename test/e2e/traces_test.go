package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	tracev1 "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// collector takes traces in at an address that pods reach, by OTLP over HTTP.
type collector struct {
	url string

	mu    sync.Mutex
	spans []span
}

// span is what was sent of one.
type span struct {
	name, id, parent string
	attributes       map[string]string
}

func newCollector(ctx context.Context, address string) *collector {
	GinkgoHelper()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(address, "0"))
	Expect(err).NotTo(HaveOccurred())
	c := &collector{url: "http://" + listener.Addr().String()}
	server := httptest.NewUnstartedServer(c)
	Expect(server.Listener.Close()).To(Succeed())
	server.Listener = listener
	server.Start()
	DeferCleanup(server.Close)
	return c
}

// ServeHTTP implements http.Handler.
func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	sent := &tracev1.ExportTraceServiceRequest{}
	if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, sent) != nil {
		http.Error(w, "these are no traces", http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, of := range sent.GetResourceSpans() {
		about := map[string]string{}
		for _, attribute := range of.GetResource().GetAttributes() {
			about[attribute.GetKey()] = attribute.GetValue().GetStringValue()
		}
		for _, scope := range of.GetScopeSpans() {
			for _, one := range scope.GetSpans() {
				all := map[string]string{"service.name": about["service.name"], "k8s.pod.name": about["k8s.pod.name"]}
				for _, attribute := range one.GetAttributes() {
					all[attribute.GetKey()] = attribute.GetValue().GetStringValue()
				}
				c.spans = append(c.spans, span{one.GetName(), string(one.GetSpanId()), string(one.GetParentSpanId()), all})
			}
		}
	}
}

// of are the spans of a request by its id: its own, and those below it.
func (c *collector) of(requestID string) (names []string, own span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, one := range c.spans {
		if one.attributes["kubescim.request_id"] == requestID {
			own = one
		}
	}
	for _, one := range c.spans {
		if own.id != "" && one.parent == own.id {
			names = append(names, one.name)
		}
	}
	return names, own
}

// said are all names and attributes of all spans.
func (c *collector) said() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.spans)
}

// calling lets servers send traces to a collector and events to a receiver.
const calling = `{"config": {
  "servers": {"openTelemetry": {"OTEL_EXPORTER_OTLP_ENDPOINT": %[1]q, "OTEL_BSP_SCHEDULE_DELAY": "200"}},
  "allow": {"eventSinks": {"hosts": ["%[2]s:%[3]s"], "networks": ["%[2]s/32"]}}
}}`

// It changes the operator's configuration, and with it all servers: for whatever these are to call, once.
var _ = Describe("Traces and events", Serial, func() {
	It("show what a request waited for, and nobody's name, and what has changed, to whoever was away as well", func(ctx SpecContext) {
		address := AddressOfThisMachine(ctx)
		to := newCollector(ctx, address)
		ChangeRelease(chart).Upgrade(ctx, fmt.Sprintf(calling, to.url, address, EventsPort))
		t := Serve(ctx, "traced", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Replicas, spec.TombstoneDays = 2, ptr.To[int32](0) // Whoever was away hears of deletions all the same.
		})

		created := t.Replicas[0].Do(http.MethodPost, Users, PlainUser("grace@example.com")).Has(http.StatusCreated)
		refused := t.Replicas[1].Do(http.MethodPost, Users, PlainUser("grace@example.com")).Has(http.StatusConflict)
		Eventually(func(g Gomega) {
			names, own := to.of(created.Header.Get("X-Request-Id"))
			g.Expect(own.name).To(Equal("POST Users"))
			g.Expect(own.attributes).To(And(HaveKeyWithValue("service.name", "kubescim-server"), HaveKeyWithValue("kubescim.tenant", t.Name), HaveKeyWithValue("k8s.pod.name", HavePrefix("traced-scim-"))))
			g.Expect(names).To(ContainElements("POST leases", "POST scimusers"))
			_, own = to.of(refused.Header.Get("X-Request-Id"))
			g.Expect(own.attributes).To(HaveKeyWithValue("kubescim.scim_type", "uniqueness"))
		}).WithTimeout(20 * time.Second).Should(Succeed())
		Expect(to.said()).NotTo(ContainSubstring("grace"))

		hearOfChanges(ctx, t, address)
	})
})
