// Package statemetrics has the metrics that are about tenants, keys, servers, event sinks and role bindings as their
// statuses describe them. They are read in the cache when somebody asks for the metrics, so that they cost
// nothing else, and are right after a restart.
package statemetrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// readTimeout bounds the reading of the cache, which waits while that is being filled.
const readTimeout = 5 * time.Second

// Which conditions are exported: those that somebody may have to act on. With all of them, there
// would be three times as many series.
var (
	conditionsOfTenant = []string{
		scimv1alpha1.ConditionReady, scimv1alpha1.ConditionCertificateValid, scimv1alpha1.ConditionTLSServed, scimv1alpha1.ConditionSeatsAvailable,
		scimv1alpha1.ConditionProviderActive, scimv1alpha1.ConditionRequestsSucceeding, scimv1alpha1.ConditionDeactivationsAllowed,
	}
	conditionsOfKey    = []string{scimv1alpha1.ConditionReady, scimv1alpha1.ConditionExpiringSoon}
	conditionsOfServer = []string{scimv1alpha1.ConditionReady, scimv1alpha1.ConditionCertificateValid, scimv1alpha1.ConditionTLSServed}
	conditionsOfSink   = []string{scimv1alpha1.ConditionReady, scimv1alpha1.ConditionDeletionsComplete}
	// Ready has the reason of what a role binding is made of.
	conditionsOfRoleBinding = []string{scimv1alpha1.ConditionReady}
)

var (
	tenantCondition = describe("kubescim_tenant_condition",
		"Whether a condition of a ScimTenant is True: 1, or 0 when it is False. There is no series while it is Unknown.", "tenant", "type", "reason")
	tenantUsers = describe("kubescim_tenant_users", "Users of a ScimTenant, without those that were deleted and are kept.", "tenant")
	tenantSeats = describe("kubescim_tenant_seats", "How many users of a ScimTenant may be active; there is no series of one without such a limit.", "tenant")
	tenantTaken = describe("kubescim_tenant_active_users", "Active users of a ScimTenant, each of which takes a seat.", "tenant")
	tenantGroup = describe("kubescim_tenant_groups", "Groups of a ScimTenant.", "tenant")
	tenantAsked = describe("kubescim_tenant_last_request_timestamp_seconds",
		"When the last request with a good token came for a ScimTenant, to the minute, in seconds since 1970.", "tenant")
	keyCondition = describe("kubescim_key_condition",
		"Whether a condition of a ScimApiKey is True: 1, or 0 when it is False. There is no series while it is Unknown.", "tenant", "key", "type", "reason")
	keyExpiration = describe("kubescim_key_expiration_timestamp_seconds",
		"When the last token of a ScimApiKey stops working, in seconds since 1970; there is no series of a key that never does.", "tenant", "key")
	serverCondition = describe("kubescim_server_condition",
		"Whether a condition of a ScimServer is True: 1, or 0 when it is False. There is no series while it is Unknown.", "server", "type", "reason")
	sinkCondition = describe("kubescim_event_sink_condition",
		"Whether a condition of a ScimEventSink is True: 1, or 0 when it is False. There is no series while it is Unknown.", "tenant", "sink", "type", "reason")
	roleBindingCondition = describe("kubescim_role_binding_condition",
		"Whether a condition of a ScimRoleBinding is True: 1, or 0 when it is False. There is no series while it is Unknown.", "tenant", "role_binding", "type", "reason")
)

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, append([]string{"namespace"}, labels...), nil)
}

// Exporter registers the metrics for as long as a manager runs it, which is while it leads: of several
// replicas of the operator, one has them.
type Exporter struct {
	// Cached reads tenants, keys, servers, event sinks and role bindings in the manager's cache.
	Cached client.Reader
	// Registry is where the metrics are registered.
	Registry prometheus.Registerer
}

// Start implements manager.Runnable.
func (e *Exporter) Start(ctx context.Context) error {
	collector := &collector{cached: e.Cached}
	if err := e.Registry.Register(collector); err != nil {
		return err
	}
	<-ctx.Done()
	e.Registry.Unregister(collector)
	return nil
}

// collector implements prometheus.Collector.
type collector struct{ cached client.Reader }

// Describe implements prometheus.Collector.
func (c *collector) Describe(descriptions chan<- *prometheus.Desc) {
	for _, description := range []*prometheus.Desc{
		tenantCondition, tenantUsers, tenantSeats, tenantTaken, tenantGroup, tenantAsked, keyCondition, keyExpiration, serverCondition,
		sinkCondition, roleBindingCondition,
	} {
		descriptions <- description
	}
}

// Collect implements prometheus.Collector. Of a kind that cannot be read, there is nothing.
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	out := gauges(metrics)
	tenants, keys, servers := &scimv1alpha1.ScimTenantList{}, &scimv1alpha1.ScimApiKeyList{}, &scimv1alpha1.ScimServerList{}
	sinks, roleBindings := &scimv1alpha1.ScimEventSinkList{}, &scimv1alpha1.ScimRoleBindingList{}
	for _, list := range []client.ObjectList{tenants, keys, servers, sinks, roleBindings} {
		if err := c.cached.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			log.Log.Error(err, "Reading the cache for the metrics about tenants, keys, servers, event sinks and role bindings")
		}
	}
	for i := range tenants.Items {
		out.tenant(&tenants.Items[i])
	}
	for i := range keys.Items {
		out.key(&keys.Items[i])
	}
	for i := range servers.Items {
		one := &servers.Items[i]
		out.conditions(serverCondition, one.Status.Conditions, conditionsOfServer, one.Namespace, one.Name)
	}
	for i := range sinks.Items {
		one := &sinks.Items[i]
		out.conditions(sinkCondition, one.Status.Conditions, conditionsOfSink, one.Namespace, one.Spec.TenantRef.Name, one.Name)
	}
	for i := range roleBindings.Items {
		one := &roleBindings.Items[i]
		out.conditions(roleBindingCondition, one.Status.Conditions, conditionsOfRoleBinding, one.Namespace, one.Spec.TenantRef.Name, one.Name)
	}
}

// gauges is where values go.
type gauges chan<- prometheus.Metric

func (g gauges) set(description *prometheus.Desc, value float64, labels ...string) {
	g <- prometheus.MustNewConstMetric(description, prometheus.GaugeValue, value, labels...)
}

// conditions exports those of the types that are known, with the labels of their object.
func (g gauges) conditions(description *prometheus.Desc, all []metav1.Condition, types []string, object ...string) {
	for _, conditionType := range types {
		for _, c := range all {
			if c.Type != conditionType || c.Status == metav1.ConditionUnknown {
				continue
			}
			value := 0.0
			if c.Status == metav1.ConditionTrue {
				value = 1
			}
			g.set(description, value, append(object[:len(object):len(object)], c.Type, c.Reason)...)
		}
	}
}

func (g gauges) tenant(t *scimv1alpha1.ScimTenant) {
	g.conditions(tenantCondition, t.Status.Conditions, conditionsOfTenant, t.Namespace, t.Name)
	for description, count := range map[*prometheus.Desc]*int32{
		tenantUsers: t.Status.Users, tenantTaken: t.Status.ActiveUsers, tenantGroup: t.Status.Groups,
	} {
		if count != nil {
			g.set(description, float64(*count), t.Namespace, t.Name)
		}
	}
	if seats := t.Spec.Users.Seats; seats > 0 {
		g.set(tenantSeats, float64(seats), t.Namespace, t.Name)
	}
	if last := t.Status.LastRequestTime; !last.IsZero() {
		g.set(tenantAsked, float64(last.Unix()), t.Namespace, t.Name)
	}
}

func (g gauges) key(k *scimv1alpha1.ScimApiKey) {
	labels := []string{k.Namespace, k.Spec.TenantRef.Name, k.Name}
	g.conditions(keyCondition, k.Status.Conditions, conditionsOfKey, labels...)
	if end := expiration(k); !end.IsZero() {
		g.set(keyExpiration, float64(end.Unix()), labels...)
	}
}

// expiration returns when the last token of a key stops working; zero if never, or if it has none.
func expiration(k *scimv1alpha1.ScimApiKey) (end time.Time) {
	for i, credential := range k.Status.Credentials {
		if credential.ExpirationTime.IsZero() {
			end = time.Time{}
			break
		}
		if i == 0 || credential.ExpirationTime.After(end) {
			end = credential.ExpirationTime.Time
		}
	}
	if own := k.Spec.ExpirationTime; !own.IsZero() && (end.IsZero() || own.Time.Before(end)) {
		return own.Time
	}
	return end
}
