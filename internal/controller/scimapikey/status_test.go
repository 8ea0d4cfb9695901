package scimapikey

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/conditions/conditionscheck"
)

// Pods of this release refuse the token of a key that is being deleted, whatever Secret is in
// the way of those of the release before.
func TestStatusOfARevocationThatIsHeldUp(t *testing.T) {
	s := found(has(issuedToken), said, deleted, immutableVerifiers)
	s.decision = decide(s)
	ready, _ := setStatus(s)
	if ready.Outcome != conditions.Stalled || ready.Reason != scimv1alpha1.ReasonObjectInvalid ||
		!strings.HasPrefix(ready.Message, "servers of this release refuse the token already; servers of the release before, if any still run, go by Secret") {
		t.Errorf("it says %+v", ready)
	}
}

func TestStatus(t *testing.T) {
	const (
		yes = metav1.ConditionTrue
		no  = metav1.ConditionFalse

		unknown = metav1.ConditionUnknown
	)
	lateBirth := func(s *scope) { s.key.CreationTimestamp = metav1.NewTime(noon.Add(time.Hour)) }
	starting := func(s *scope) { s.replicas[0].Annotations = nil }
	for name, tc := range map[string]struct {
		scope                       *scope
		outcome                     conditions.Outcome
		reason                      string
		tenant, delivered, accepted metav1.ConditionStatus
		message                     string
	}{
		"waiting for a replica":             {found(pending, oneAcknowledges), conditions.Reconciling, "WaitingForServer", yes, no, no, "1 of 2"},
		"delivered":                         {found(has(issuedToken), handedOver, said, allAcknowledge), conditions.Ready, "Succeeded", yes, yes, yes, `Secret "okta"`},
		"delivered, and the Secret is gone": {found(has(issuedToken), said, allAcknowledge), conditions.Ready, "Succeeded", yes, yes, yes, `Secret "okta"`},
		"delivered once, and acknowledged":  {found(has(issuedToken), said, allAcknowledge, once(0), stated("Available", issuedToken, noon), acknowledges), conditions.Ready, "Succeeded", yes, yes, yes, `the token was handed over; Secret "okta" is gone, since somebody acknowledged or deleted it`},
		"delivered once, and its time over": {found(has(issuedToken), said, allAcknowledge, once(time.Minute), stated("Available", issuedToken, noon.Add(-time.Hour))), conditions.Ready, "Succeeded", yes, yes, yes, `the token was handed over; Secret "okta" is gone, since its time was over`},
		"delivered once, and to stay now":   {found(has(issuedToken), said, func(s *scope) { s.key.Status.SecretName = "" }, allAcknowledge, stated("Acknowledged", issuedToken, noon)), conditions.Ready, "Succeeded", yes, yes, yes, `Secret "okta" is gone`},
		"provided":                          {found(has(elsewhere), allAcknowledge), conditions.Ready, "Succeeded", yes, yes, yes, elsewhere.verifier.KeyID},
		"provided, and not acknowledged":    {found(has(elsewhere), oneAcknowledges), conditions.Reconciling, "WaitingForServer", yes, yes, no, "1 of 2"},
		"delivered, and no replica":         {found(has(issuedToken), said, noReplica), conditions.Reconciling, "WaitingForServer", yes, yes, no, "to run"},
		"delivered, and the server deleted": {found(has(issuedToken), said, allAcknowledge, noServer), conditions.Stalled, "ServerNotFound", yes, yes, no, `no server accepts keys of ScimTenant "acme": there is no ScimServer "shared"`},
		"delivered, and a replica starts":   {found(has(issuedToken), said, allAcknowledge, starting), conditions.Ready, "Succeeded", yes, yes, yes, ""},
		"provided, and too early":           {found(has(elsewhere, beginning(noon.Add(time.Hour))), allAcknowledge), conditions.Reconciling, "Early", yes, yes, no, "from 2026-05-01T13:00:00Z on"},
		"provided, and over":                {found(has(elsewhere, ending(noon)), allAcknowledge), conditions.Stalled, "Expired", yes, yes, no, "stopped working at 2026-05-01T12:00:00Z"},
		"made elsewhere, and over":          {found(has(elsewhere, ending(noon)), offline, allAcknowledge), conditions.Stalled, "Expired", yes, yes, no, "stopped working at 2026-05-01T12:00:00Z: make another token with kubectl scim key generate, and apply its ScimCredential, or create another ScimApiKey"},
		"provided, and being deleted":       {found(has(elsewhere, going), allAcknowledge), conditions.Stalled, "NoCredential", yes, yes, no, "is being deleted"},
		"one is over, and one is good":      {found(has(issuedToken, ending(noon)), has(elsewhere), allAcknowledge), conditions.Ready, "Succeeded", yes, yes, yes, ""},
		"refused by the tenant":             {found(has(issuedToken), said, allAcknowledge, notBefore(noon)), conditions.Stalled, "CredentialsNotBefore", yes, yes, no, "was made at 2026-05-01T11:00:00Z"},
		"no tenant":                         {found(noTenant), conditions.Stalled, "TenantNotFound", no, no, no, `no ScimTenant "acme" in namespace "team"`},
		"the tenant is on its way out":      {found(leaving), conditions.Stalled, "TenantNotFound", no, no, no, "is being deleted"},
		"the tenant has gone":               {found(has(issuedToken), said, allAcknowledge, noTenant), conditions.Stalled, "TenantNotFound", no, yes, yes, "create it"},
		"expired":                           {found(said, expires(noon)), conditions.Stalled, "Expired", yes, yes, no, "2026-05-01T12:00:00Z"},
		"expired before its delivery":       {found(expires(noon)), conditions.Stalled, "Expired", yes, no, no, "before its token was handed over"},
		"expired before it was made":        {found(expires(noon), lateBirth), conditions.Stalled, "Expired", yes, no, no, "no token was made"},
		"expired and without a tenant":      {found(said, expires(noon), noTenant), conditions.Stalled, "Expired", no, yes, no, ""},
		"somebody else's Secret":            {found(foreign), conditions.Stalled, "ObjectConflict", yes, no, no, "delete or rename it"},
		"an earlier key's Secret":           {found(leftover), conditions.Reconciling, "Progressing", yes, no, no, "earlier key"},
		"a lost credential":                 {found(said), conditions.Stalled, "CredentialLost", yes, yes, no, "create another ScimApiKey"},
		"made elsewhere, and not there":     {found(offline), conditions.Stalled, "WaitingForCredential", yes, no, no, "kubectl scim key generate"},
		"suspended":                         {found(has(issuedToken), said, allAcknowledge, suspended), conditions.Ready, "Suspended", yes, yes, yes, "every request with the key is refused"},
		"suspended, and without a tenant":   {found(has(issuedToken), said, allAcknowledge, suspended, noTenant), conditions.Stalled, "TenantNotFound", no, yes, yes, "create it"},
		"federated":                         {found(federated(anIssuer)), conditions.Ready, "Succeeded", yes, yes, unknown, `tokens of https://idp.example.com with sub "s1" are exchanged for access tokens at https://acme.example.com/scim/v2/oauth2/token`},
		"federated, and used":               {found(federated(anIssuer), lastUsedAt(noon.Add(-time.Hour))), conditions.Ready, "Succeeded", yes, yes, yes, ""},
		"federated with the cluster":        {found(federated(aServiceAccount)), conditions.Ready, "Succeeded", yes, yes, unknown, `tokens of the cluster with sub "system:serviceaccount:team:app"`},
		"federated, and no URL yet":         {found(federated(anIssuer), func(s *scope) { s.tenant.Status.URL = "" }), conditions.Ready, "Succeeded", yes, yes, unknown, "once the tenant has a URL"},
		"federated, and suspended":          {found(federated(anIssuer), suspended), conditions.Ready, "Suspended", yes, yes, unknown, "every request with the key is refused"},
		"federated, and expired":            {found(federated(anIssuer), expires(noon)), conditions.Stalled, "Expired", yes, yes, no, "set spec.expirationTime to a time to come"},
		"federated, and no tenant":          {found(federated(anIssuer), noTenant), conditions.Stalled, "TenantNotFound", no, yes, unknown, "create it"},
		"federated, and no replica":         {found(federated(anIssuer), noReplica), conditions.Reconciling, "WaitingForServer", yes, yes, no, "to run"},
		"federated, and the server deleted": {found(federated(anIssuer), noServer), conditions.Stalled, "ServerNotFound", yes, yes, no, `there is no ScimServer "shared"`},
		"federated, and too early":          {found(federated(anIssuer), notBefore(noon.Add(time.Hour))), conditions.Reconciling, "Early", yes, yes, no, "issued before 2026-05-01T13:00:00Z"},
		"federated, and the release before": {found(federated(anIssuer), ofTheReleaseBefore), conditions.Reconciling, "WaitingForServer", yes, yes, no, "of the release before"},
		"federated with who may not be":     {found(federated(anIssuer), noIssuers), conditions.Stalled, "NotAllowed", yes, yes, no, `issuers of host "idp.example.com" are not allowed (allow.issuers.hosts)`},
		"another token is on its way":       {found(rotation, said), conditions.Reconciling, "WaitingForServer", yes, yes, no, "0 of 2"},
		"another token cannot be written":   {found(has(issuedToken), said, allAcknowledge, every(90), foreign, rotateOn("2026-05-01T12:00:00Z")), conditions.Stalled, "ObjectConflict", yes, yes, yes, "delete or rename it"},
		"the token before still works":      {found(rotated(ending(noon.Add(time.Hour))), said, allAcknowledge), conditions.Ready, "Succeeded", yes, yes, yes, ""},
		"old pods cannot be written for":    {found(pending, immutableVerifiers), conditions.Stalled, "ObjectInvalid", yes, no, no, "servers of the release before, if any still run, go by Secret"},
		"made elsewhere, and gone":          {found(said, offline), conditions.Stalled, "WaitingForCredential", yes, no, no, "kubectl scim key generate"},
	} {
		t.Run(name, func(t *testing.T) {
			s := tc.scope
			s.decision = decide(s)
			setStatus(s)
			all := map[string]metav1.Condition{}
			for _, c := range s.key.Status.Conditions {
				all[c.Type] = c
			}
			if wrong := conditionscheck.Check(s.key); len(wrong) > 0 {
				t.Errorf("the conditions are malformed: %v", wrong)
			}
			if c := all[string(tc.outcome)]; c.Status != yes || c.Reason != tc.reason || !strings.Contains(c.Message, tc.message) {
				t.Errorf("%s is %+v", tc.outcome, c)
			}
			for conditionType, want := range map[string]metav1.ConditionStatus{
				scimv1alpha1.ConditionTenantFound: tc.tenant, scimv1alpha1.ConditionDelivered: tc.delivered,
				scimv1alpha1.ConditionCredentialsAccepted: tc.accepted,
			} {
				if c := all[conditionType]; c.Status != want {
					t.Errorf("%s is %+v", conditionType, c)
				}
			}
		})
	}
}

func TestStatusAfterAFailure(t *testing.T) {
	s := found(said, func(s *scope) { s.failure = errors.New("timed out") })
	setStatus(s)
	status := s.key.Status
	if len(status.Conditions) != 2 || status.ObservedGeneration != 0 || len(status.Credentials) != 1 || len(conditionscheck.Check(s.key)) > 0 {
		t.Errorf("the status is %+v", status)
	}
}

func TestStatusSaysWhatAKeyIs(t *testing.T) {
	for want, s := range map[scimv1alpha1.APIKeyType]*scope{
		"BearerToken": found(pending),
		"OAuthClient": found(asClient, pending),
		"Federated":   found(federated(aServiceAccount)),
	} {
		setStatus(s)
		if s.key.Status.Type != want {
			t.Errorf("it is %q, want %q", s.key.Status.Type, want)
		}
	}
}

func TestStatusOfCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		scope     *scope
		keyID     string
		secret    string
		delivered time.Time
		listed    int
	}{
		"none":                       {scope: found()},
		"one that is pending":        {scope: found(pending), keyID: issuedToken.verifier.KeyID, listed: 1},
		"one that is handed over":    {scope: found(has(issuedToken), handedOver), keyID: issuedToken.verifier.KeyID, secret: "okta", delivered: noon.Add(-time.Second), listed: 1},
		"one that is provided":       {scope: found(has(elsewhere)), keyID: elsewhere.verifier.KeyID, delivered: noon.Add(-time.Minute), listed: 1},
		"one that was delivered":     {scope: found(has(issuedToken), said), keyID: issuedToken.verifier.KeyID, secret: "okta", delivered: noon, listed: 1},
		"one that is gone":           {scope: found(said), keyID: issuedToken.verifier.KeyID, secret: "okta", delivered: noon},
		"one that is gone elsewhere": {scope: found(said, offline), secret: "okta"},
		"one before one that is pending": {
			scope: found(has(issuedToken, undelivered), has(elsewhere)), keyID: elsewhere.verifier.KeyID, delivered: noon.Add(-time.Minute), listed: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			setCredentials(tc.scope)
			status := tc.scope.key.Status
			got := fmt.Sprint(status.KeyID, status.SecretName, status.DeliveredTime.UTC(), len(status.Credentials))
			if want := fmt.Sprint(tc.keyID, tc.secret, tc.delivered, tc.listed); got != want {
				t.Errorf("it says %s, want %s", got, want)
			}
		})
	}
}

func TestStatusListsNoMoreThanItMay(t *testing.T) {
	s := found()
	for range maxListed + 1 {
		has(newToken())(s)
	}
	setCredentials(s)
	if len(s.key.Status.Credentials) != maxListed {
		t.Errorf("it lists %d", len(s.key.Status.Credentials))
	}
}

func TestRequeueAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		scope *scope
		want  time.Duration
	}{
		"waiting":                {found(pending), pollInterval},
		"delivered":              {found(has(issuedToken), said, allAcknowledge), 0},
		"not acknowledged":       {found(has(issuedToken), said), pollInterval},
		"delivered, expires":     {found(has(issuedToken), said, allAcknowledge, expires(noon.Add(time.Hour))), 48*time.Minute + time.Second},
		"about to expire":        {found(has(issuedToken), said, allAcknowledge, expires(noon.Add(time.Minute))), time.Minute + time.Second},
		"to be rotated":          {found(has(issuedToken), said, allAcknowledge, rotateOn("2026-05-01T12:30:00Z")), 30*time.Minute + time.Second},
		"to be read once":        {found(has(issuedToken), said, handedOver, allAcknowledge, once(time.Minute)), time.Minute},
		"a credential expires":   {found(has(issuedToken, ending(noon.Add(time.Minute))), allAcknowledge, expires(noon.Add(time.Hour))), time.Minute + time.Second},
		"a credential begins":    {found(has(issuedToken, beginning(noon.Add(time.Minute))), allAcknowledge), time.Minute + time.Second},
		"a credential has begun": {found(has(issuedToken, beginning(noon)), allAcknowledge), 0},
		"delivered, expires in a thousand years": {
			found(has(issuedToken), said, allAcknowledge, expires(noon.AddDate(1000, 0, 0))), longestSleep + time.Second,
		},
		"expired":     {found(said, expires(noon)), 0},
		"no tenant":   {found(noTenant), 0},
		"in the way":  {found(foreign), conflictInterval},
		"soon solved": {found(leftover), pollInterval},
	} {
		t.Run(name, func(t *testing.T) {
			tc.scope.decision = decide(tc.scope)
			if got := requeueAfter(tc.scope); got != tc.want {
				t.Errorf("requeueAfter = %v, want %v", got, tc.want)
			}
		})
	}
}

func TestIsPending(t *testing.T) {
	for name, tc := range map[string]struct {
		scope *scope
		want  bool
	}{
		"a new key":              {found(), true},
		"on its way":             {found(pending), true},
		"delivered":              {found(has(issuedToken), said, allAcknowledge), false},
		"not acknowledged":       {found(has(issuedToken), said), true},
		"on its way out":         {found(has(issuedToken), said, allAcknowledge, deleted), true},
		"expired, and not known": {found(has(issuedToken), said, expires(noon)), true},
	} {
		t.Run(name, func(t *testing.T) {
			tc.scope.decision = decide(tc.scope)
			setStatus(tc.scope)
			if got := isPending(tc.scope.key); got != tc.want {
				t.Errorf("isPending = %v", got)
			}
		})
	}
}
