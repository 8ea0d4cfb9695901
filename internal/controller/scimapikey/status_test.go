package scimapikey

import (
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/reconcile"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// waiting returns what a reconciliation finds when a token has been minted and
// one of two replicas accepts it.
func waiting(change ...func(*scope)) *scope {
	s := newScope(reconcile.Frame{}, &scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "okta", UID: "uid", Generation: 1},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
		Status:     scimv1alpha1.ScimApiKeyStatus{KeyID: "id"},
	}, noon)
	s.tenant = &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Generation: 2},
		Status:     scimv1alpha1.ScimTenantStatus{ObservedGeneration: 2, URL: "https://acme.example.com/scim/v2"},
	}
	s.verifiers = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{ResourceVersion: "100"}}
	s.replicas = []coordinationv1.Lease{replica("100"), replica("99")}
	s.token = "token"
	for _, c := range change {
		c(s)
	}
	return s
}

func replica(version string) coordinationv1.Lease {
	return coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Labels:      map[string]string{scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			Annotations: map[string]string{contract.AnnotationVerifiersVersion: version},
		},
		Spec: coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NewMicroTime(noon)), LeaseDurationSeconds: ptr.To[int32](30)},
	}
}

func wasDelivered(s *scope) {
	s.key.Status.SecretName = "okta"
	s.key.Status.DeliveredTime = metav1.NewTime(noon)
}

func allAccept(s *scope) { s.replicas = []coordinationv1.Lease{replica("100"), replica("101")} }

func TestWaitsFor(t *testing.T) {
	for name, tc := range map[string]struct {
		scope *scope
		want  string
	}{
		"a replica":            {waiting(), "1 of 2 server replicas"},
		"any replica":          {waiting(func(s *scope) { s.replicas = nil }), "waiting for a server replica"},
		"nothing":              {waiting(allAccept), ""},
		"the record of its id": {waiting(allAccept, func(s *scope) { s.key.Status.KeyID = "new" }), "recorded"},
		"a URL":                {waiting(allAccept, func(s *scope) { s.tenant.Status.URL = "" }), "URL of its own"},
		"a tenant that is Stalled": {
			waiting(func(s *scope) {
				s.replicas = nil
				s.tenant.Status.Conditions = []metav1.Condition{{
					Type: "Stalled", Status: metav1.ConditionTrue, Reason: "NotAllowed", Message: "take the toleration out",
				}}
			}), "Stalled until somebody acts (NotAllowed): take the toleration out",
		},
		"a URL that is true": {waiting(allAccept, func(s *scope) { s.tenant.Generation = 3 }), "URL of its own"},
	} {
		t.Run(name, func(t *testing.T) {
			got := waitsFor(tc.scope)
			if !strings.Contains(got, tc.want) || (tc.want == "" && got != "") {
				t.Errorf("waitsFor = %q, want %q", got, tc.want)
			}
		})
	}
}

func TestStatus(t *testing.T) {
	const (
		yes = metav1.ConditionTrue
		no  = metav1.ConditionFalse
	)
	noTenant := func(s *scope) { s.tenant = nil }
	expired := func(s *scope) { s.key.Spec.ExpirationTime = metav1.NewTime(noon) }
	for name, tc := range map[string]struct {
		scope             *scope
		outcome           conditions.Outcome
		reason            string
		tenant, delivered metav1.ConditionStatus
		message           string
	}{
		"waiting for a replica": {waiting(), conditions.Reconciling, "WaitingForServer", yes, no, "1 of 2"},
		"delivered":             {waiting(wasDelivered), conditions.Ready, "Succeeded", yes, yes, `Secret "okta"`},
		"no tenant":             {waiting(noTenant), conditions.Stalled, "TenantNotFound", no, no, `no ScimTenant "acme" in namespace "team"`},
		"the tenant is on its way out": {
			waiting(func(s *scope) { s.tenant.DeletionTimestamp = &metav1.Time{Time: noon} }),
			conditions.Stalled, "TenantNotFound", no, no, "is being deleted",
		},
		"the tenant has gone":         {waiting(wasDelivered, noTenant), conditions.Stalled, "TenantNotFound", no, yes, "create it"},
		"expired":                     {waiting(wasDelivered, expired), conditions.Stalled, "Expired", yes, yes, "2026-05-01T12:00:00Z"},
		"expired before its delivery": {waiting(expired), conditions.Stalled, "Expired", yes, no, "before its token was handed over"},
		"expired before it was made": {
			waiting(expired, func(s *scope) { s.key.CreationTimestamp = metav1.NewTime(noon.Add(time.Hour)) }),
			conditions.Stalled, "Expired", yes, no, "no token was made",
		},
		"expired and without a tenant": {waiting(wasDelivered, expired, noTenant), conditions.Stalled, "Expired", no, yes, ""},
		"somebody else's Secret": {
			waiting(func(s *scope) { s.problem = conflict("a Secret is in the way") }),
			conditions.Stalled, "ObjectConflict", yes, no, "in the way",
		},
		"an earlier key's Secret": {
			waiting(func(s *scope) { s.problem = &problem{reason: "Progressing", message: "soon", passing: true} }),
			conditions.Reconciling, "Progressing", yes, no, "soon",
		},
		"a lost hash": {
			waiting(wasDelivered, func(s *scope) { s.problem = lost(s.key) }),
			conditions.Stalled, scimv1alpha1.ReasonVerifierLost, yes, yes, "create another ScimApiKey",
		},
	} {
		t.Run(name, func(t *testing.T) {
			setStatus(tc.scope)
			key := tc.scope.key
			all := map[string]metav1.Condition{}
			for _, c := range key.Status.Conditions {
				all[c.Type] = c
			}
			if wrong := conditionscheck.Check(key); len(wrong) > 0 {
				t.Errorf("the conditions are malformed: %v", wrong)
			}
			if c := all[string(tc.outcome)]; c.Status != yes || c.Reason != tc.reason || !strings.Contains(c.Message, tc.message) {
				t.Errorf("%s is %+v", tc.outcome, c)
			}
			if c := all[scimv1alpha1.ConditionTenantFound]; c.Status != tc.tenant {
				t.Errorf("TenantFound is %+v", c)
			}
			if c := all[scimv1alpha1.ConditionDelivered]; c.Status != tc.delivered {
				t.Errorf("Delivered is %+v", c)
			}
		})
	}
}

func TestStatusAfterAFailure(t *testing.T) {
	s := waiting(func(s *scope) { s.failure = errors.New("timed out"); s.tenant = nil })
	setStatus(s)
	if len(s.key.Status.Conditions) != 2 || s.key.Status.ObservedGeneration != 0 || len(conditionscheck.Check(s.key)) > 0 {
		t.Errorf("the status is %+v", s.key.Status)
	}
}

func TestRevoked(t *testing.T) {
	for name, tc := range map[string]struct {
		scope *scope
		want  bool
	}{
		"a replica lags behind": {waiting(), false},
		"all replicas know":     {waiting(allAccept, ours), true},
		"no replica":            {waiting(ours, func(s *scope) { s.replicas = nil }), true},
		"never minted":          {waiting(func(s *scope) { s.pass.Stored().Status.KeyID = "" }), true},
		"the Secret is gone, and a replica does not know": {waiting(func(s *scope) { s.verifiers = nil }), false},
		"the Secret is gone, and they know": {waiting(func(s *scope) {
			s.verifiers = nil
			s.replicas = []coordinationv1.Lease{replica(contract.NoVerifiers)}
		}), true},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.scope.verifiers != nil {
				ours(tc.scope)
			}
			if got := revoked(tc.scope); got != tc.want {
				t.Errorf("revoked = %v", got)
			}
		})
	}
}

// ours makes the Secret in a scope that of the tenant's verifiers.
func ours(s *scope) {
	made := operand.VerifiersSecret("team", "acme", nil, nil)
	made.ResourceVersion = "100"
	s.verifiers = made
}

func TestRequeueAfter(t *testing.T) {
	expiringIn := func(d time.Duration) func(*scope) {
		return func(s *scope) { s.key.Spec.ExpirationTime = metav1.NewTime(noon.Add(d)) }
	}
	for name, tc := range map[string]struct {
		scope *scope
		want  time.Duration
	}{
		"waiting":            {waiting(), pollInterval},
		"to be recorded":     {waiting(func(s *scope) { s.key.Status.KeyID = "new" }), recordInterval},
		"delivered":          {waiting(wasDelivered), 0},
		"delivered, expires": {waiting(wasDelivered, expiringIn(time.Hour)), time.Hour + time.Second},
		"delivered, expires in a thousand years": {
			waiting(wasDelivered, func(s *scope) { s.key.Spec.ExpirationTime = metav1.NewTime(noon.AddDate(1000, 0, 0)) }),
			longestSleep + time.Second,
		},
		"expired":     {waiting(wasDelivered, expiringIn(0)), 0},
		"no tenant":   {waiting(func(s *scope) { s.tenant = nil }), 0},
		"in the way":  {waiting(func(s *scope) { s.problem = conflict("x") }), conflictInterval},
		"soon solved": {waiting(func(s *scope) { s.problem = &problem{passing: true} }), pollInterval},
	} {
		t.Run(name, func(t *testing.T) {
			if got := tc.scope.requeueAfter(); got != tc.want {
				t.Errorf("requeueAfter = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestMintedIsBounded(t *testing.T) {
	var m minted
	first, v, err := m.provide("first")
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := m.provide("first")
	if err != nil || again != first || m.snapshot()["first"] != v {
		t.Error("a key got two tokens")
	}
	for i := range maxMinted + 10 {
		if _, _, err := m.provide(types.UID(strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.tokens) > maxMinted || len(m.tokens) != len(m.verifiers) {
		t.Errorf("%d tokens are kept", len(m.tokens))
	}
	m.forget("first")
	if _, ok := m.snapshot()["first"]; ok {
		t.Error("a forgotten token is still there")
	}
}
