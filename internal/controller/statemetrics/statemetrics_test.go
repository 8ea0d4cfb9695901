package statemetrics

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var noon = time.Unix(1_777_636_800, 0)

func condition(conditionType string, status metav1.ConditionStatus, reason string) metav1.Condition {
	return metav1.Condition{Type: conditionType, Status: status, Reason: reason}
}

func tenant(name string) *scimv1alpha1.ScimTenant {
	return &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: name},
		Spec:       scimv1alpha1.ScimTenantSpec{Users: scimv1alpha1.UserPolicy{Seats: 10}},
		Status: scimv1alpha1.ScimTenantStatus{
			Users: ptr.To[int32](12), ActiveUsers: ptr.To[int32](9), Groups: ptr.To[int32](0), LastRequestTime: metav1.NewTime(noon),
			Conditions: []metav1.Condition{
				condition("Ready", metav1.ConditionFalse, "Unavailable"), condition("Stalled", metav1.ConditionTrue, "Unavailable"),
				condition("SeatsAvailable", metav1.ConditionTrue, "FewSeatsLeft"), condition("ProviderActive", metav1.ConditionUnknown, "FewRequests"),
				condition("RequestsSucceeding", metav1.ConditionFalse, "MostlyFailing"),
			},
		},
	}
}

func key(name string, conditions ...metav1.Condition) *scimv1alpha1.ScimApiKey {
	return &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}, ExpirationTime: metav1.NewTime(noon)},
		Status:     scimv1alpha1.ScimApiKeyStatus{Conditions: conditions},
	}
}

func registryOf(reader client.Reader) *prometheus.Registry {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(&collector{cached: reader})
	return registry
}

func reader(t testing.TB, objects ...client.Object) client.Reader {
	scheme := runtime.NewScheme()
	if err := scimv1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return fake.NewClientBuilder().WithScheme(scheme).WithObjects(objects...).Build()
}

func TestMetrics(t *testing.T) {
	registry := registryOf(reader(t, tenant("acme"),
		&scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "new"}},
		key("okta", condition("Ready", metav1.ConditionTrue, "Succeeded"), condition("ExpiringSoon", metav1.ConditionTrue, "Soon")),
		&scimv1alpha1.ScimServer{
			ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "shared"},
			Status:     scimv1alpha1.ScimServerStatus{Conditions: []metav1.Condition{condition("Ready", metav1.ConditionTrue, "Succeeded")}},
		},
		&scimv1alpha1.ScimEventSink{
			ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "app"},
			Spec:       scimv1alpha1.ScimEventSinkSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
			Status:     scimv1alpha1.ScimEventSinkStatus{Conditions: []metav1.Condition{condition("Ready", metav1.ConditionFalse, "DeliveryFailed")}},
		},
		&scimv1alpha1.ScimRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: "customers", Name: "viewers"},
			Spec:       scimv1alpha1.ScimRoleBindingSpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
			Status: scimv1alpha1.ScimRoleBindingStatus{Conditions: []metav1.Condition{
				condition("Ready", metav1.ConditionFalse, "GroupNotFound"), condition("GroupFound", metav1.ConditionFalse, "GroupNotFound"),
			}},
		}))
	const want = `
# HELP kubescim_event_sink_condition Whether a condition of a ScimEventSink is True: 1, or 0 when it is False. There is no series while it is Unknown.
# TYPE kubescim_event_sink_condition gauge
kubescim_event_sink_condition{namespace="customers",reason="DeliveryFailed",sink="app",tenant="acme",type="Ready"} 0
# HELP kubescim_key_condition Whether a condition of a ScimApiKey is True: 1, or 0 when it is False. There is no series while it is Unknown.
# TYPE kubescim_key_condition gauge
kubescim_key_condition{key="okta",namespace="customers",reason="Soon",tenant="acme",type="ExpiringSoon"} 1
kubescim_key_condition{key="okta",namespace="customers",reason="Succeeded",tenant="acme",type="Ready"} 1
# HELP kubescim_key_expiration_timestamp_seconds When the last token of a ScimApiKey stops working, in seconds since 1970; there is no series of a key that never does.
# TYPE kubescim_key_expiration_timestamp_seconds gauge
kubescim_key_expiration_timestamp_seconds{key="okta",namespace="customers",tenant="acme"} 1.7776368e+09
# HELP kubescim_role_binding_condition Whether a condition of a ScimRoleBinding is True: 1, or 0 when it is False. There is no series while it is Unknown.
# TYPE kubescim_role_binding_condition gauge
kubescim_role_binding_condition{namespace="customers",reason="GroupNotFound",role_binding="viewers",tenant="acme",type="Ready"} 0
# HELP kubescim_server_condition Whether a condition of a ScimServer is True: 1, or 0 when it is False. There is no series while it is Unknown.
# TYPE kubescim_server_condition gauge
kubescim_server_condition{namespace="customers",reason="Succeeded",server="shared",type="Ready"} 1
# HELP kubescim_tenant_active_users Active users of a ScimTenant, each of which takes a seat.
# TYPE kubescim_tenant_active_users gauge
kubescim_tenant_active_users{namespace="customers",tenant="acme"} 9
# HELP kubescim_tenant_condition Whether a condition of a ScimTenant is True: 1, or 0 when it is False. There is no series while it is Unknown.
# TYPE kubescim_tenant_condition gauge
kubescim_tenant_condition{namespace="customers",reason="FewSeatsLeft",tenant="acme",type="SeatsAvailable"} 1
kubescim_tenant_condition{namespace="customers",reason="MostlyFailing",tenant="acme",type="RequestsSucceeding"} 0
kubescim_tenant_condition{namespace="customers",reason="Unavailable",tenant="acme",type="Ready"} 0
# HELP kubescim_tenant_groups Groups of a ScimTenant.
# TYPE kubescim_tenant_groups gauge
kubescim_tenant_groups{namespace="customers",tenant="acme"} 0
# HELP kubescim_tenant_last_request_timestamp_seconds When the last request with a good token came for a ScimTenant, to the minute, in seconds since 1970.
# TYPE kubescim_tenant_last_request_timestamp_seconds gauge
kubescim_tenant_last_request_timestamp_seconds{namespace="customers",tenant="acme"} 1.7776368e+09
# HELP kubescim_tenant_seats How many users of a ScimTenant may be active; there is no series of one without such a limit.
# TYPE kubescim_tenant_seats gauge
kubescim_tenant_seats{namespace="customers",tenant="acme"} 10
# HELP kubescim_tenant_users Users of a ScimTenant, without those that were deleted and are kept.
# TYPE kubescim_tenant_users gauge
kubescim_tenant_users{namespace="customers",tenant="acme"} 12
`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestExpirationOfAKey(t *testing.T) {
	at := func(hours int) metav1.Time { return metav1.NewTime(noon.Add(time.Duration(hours) * time.Hour)) }
	never := metav1.Time{}
	for name, tc := range map[string]struct {
		own         metav1.Time
		credentials []metav1.Time
		want        metav1.Time
	}{
		"never":                         {never, []metav1.Time{never, at(1)}, never},
		"without a token":               {never, nil, never},
		"with its only token":           {never, []metav1.Time{at(2)}, at(2)},
		"with the last of its tokens":   {never, []metav1.Time{at(3), at(1), at(2)}, at(3)},
		"before its tokens":             {at(1), []metav1.Time{at(3)}, at(1)},
		"after its tokens":              {at(5), []metav1.Time{at(3), at(4)}, at(4)},
		"itself, and its token never":   {at(5), []metav1.Time{never}, at(5)},
		"itself, and there is no token": {at(5), nil, at(5)},
	} {
		t.Run(name, func(t *testing.T) {
			k := key("okta")
			k.Spec.ExpirationTime = tc.own
			for _, end := range tc.credentials {
				k.Status.Credentials = append(k.Status.Credentials, scimv1alpha1.APIKeyCredential{ExpirationTime: end})
			}
			if got := expiration(k); !got.Equal(tc.want.Time) {
				t.Errorf("it ends %s, want %s", got, tc.want)
			}
		})
	}
}

// unreadable is a cache that cannot be read.
type unreadable struct{ client.Reader }

func (unreadable) List(context.Context, client.ObjectList, ...client.ListOption) error {
	return errors.New("not filled")
}

// The other metrics of the operator are there when its cache is not.
func TestACacheThatCannotBeReadIsNoFailure(t *testing.T) {
	if families, err := registryOf(unreadable{}).Gather(); err != nil || len(families) > 0 {
		t.Errorf("there are %v: %v", families, err)
	}
}

// Two leaders after one another, in one process, can both export.
func TestExporterEndsWithItsManager(t *testing.T) {
	registry := prometheus.NewRegistry()
	for range 2 {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- (&Exporter{Cached: reader(t, tenant("acme")), Registry: registry}).Start(ctx) }()
		for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
			if families, err := registry.Gather(); err != nil || len(families) > 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("there are no metrics")
			}
		}
		cancel()
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if families, err := registry.Gather(); err != nil || len(families) > 0 {
			t.Errorf("at its end, there are %v: %v", families, err)
		}
	}
}

// listed is a cache that has tenants.
type listed struct {
	client.Reader
	tenants []scimv1alpha1.ScimTenant
}

func (l listed) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	if tenants, ok := list.(*scimv1alpha1.ScimTenantList); ok {
		tenants.Items = l.tenants
	}
	return nil
}

func BenchmarkThousandTenants(b *testing.B) {
	var all listed
	for i := range 1000 {
		all.tenants = append(all.tenants, *tenant(fmt.Sprintf("customer-%d", i)))
	}
	registry := registryOf(all)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := registry.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
