package scimapikey

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var (
	anIssuer = scimv1alpha1.Federation{
		Issuer: "https://idp.example.com", Audiences: []scimv1alpha1.Audience{"scim"}, Claims: map[string]scimv1alpha1.ClaimValue{"sub": "s1"},
	}
	anEntraTenant = scimv1alpha1.Federation{Entra: scimv1alpha1.EntraFederation{
		TenantID: "11111111-2222-3333-4444-555555555555", ObjectID: "66666666-7777-8888-9999-000000000000", Audiences: []scimv1alpha1.Audience{"api://scim"},
	}}
	aServiceAccount = scimv1alpha1.Federation{ServiceAccount: scimv1alpha1.ServiceAccountFederation{Name: "app"}}
	aCertificate    = selfSigned()
)

// selfSigned returns a certificate in PEM.
func selfSigned() string {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

// federated makes the key a federated one, of an issuer that is allowed.
func federated(federation scimv1alpha1.Federation) change {
	return func(s *scope) {
		s.key.Spec.Federated = *federation.DeepCopy()
		issuersOf("idp.example.com", "login.microsoftonline.com")(s)
	}
}

func issuersOf(hosts ...string) change {
	return func(s *scope) { s.issuers = contract.HostsOf(hosts, nil) }
}

func noIssuers(s *scope) { s.issuers = contract.Hosts{} }

func authorities(bundle string) change {
	return func(s *scope) { s.key.Spec.Federated.CABundle = bundle }
}

// lastUsedAt lets a replica say when the key, as it is now, was last used.
func lastUsedAt(at time.Time) change {
	return func(s *scope) {
		s.replicas[0].Annotations[contract.AnnotationUsage] = contract.EncodeUsage(contract.Usage{
			LastUsedTimes: map[string]time.Time{contract.FederatedKeyID(s.key, federationOf(s)): at},
		})
	}
}

func ofTheReleaseBefore(s *scope) {
	s.replicas[1].Annotations = map[string]string{contract.AnnotationVerifiersVersion: "50"}
}

func TestStatusOfAFederatedKey(t *testing.T) {
	s := found(federated(anIssuer), lastUsedAt(noon))
	setCredentials(s)
	first := s.key.Status
	if first.KeyID != contract.FederatedKeyID(s.key, contract.FederationOf(s.tenant, s.key)) || first.Federated.ClientID != "okta" ||
		first.Federated.TokenURL != "https://acme.example.com/scim/v2/oauth2/token" || len(first.Federated.Audiences) != 1 || !first.Federated.LastUsedTime.Time.Equal(noon) {
		t.Errorf("the status is %+v", first)
	}

	s.replicas = []coordinationv1.Lease{replica("99")}
	setCredentials(s)
	if used := s.key.Status.Federated.LastUsedTime; !used.Time.Equal(noon) {
		t.Errorf("with another pod, it was last used at %s", used)
	}
	s.key.Spec.Federated.Claims["sub"] = "s2"
	setCredentials(s)
	if now := s.key.Status; now.KeyID == first.KeyID || !now.Federated.LastUsedTime.IsZero() {
		t.Errorf("with another subject, the status is %+v", now)
	}

	account := found(federated(aServiceAccount))
	setCredentials(account)
	if audiences := account.key.Status.Federated.Audiences; len(audiences) != 1 || string(audiences[0]) != contract.URL(account.tenant) {
		t.Errorf("the audiences are %q", audiences)
	}
	noTenant(account)
	setCredentials(account)
	if now := account.key.Status; now.KeyID != "" || len(now.Federated.Audiences) > 0 || now.Federated.TokenURL != "" || now.Federated.ClientID != "okta" {
		t.Errorf("without a tenant, the status is %+v", now)
	}
}

// What a Lease says all the time is no reason for a pass, and that the key was used is one.
func TestAFederatedKeyIsLookedAtWhenItIsUsed(t *testing.T) {
	s := found(federated(anIssuer))
	if !isPending(s.key) {
		t.Error("a new key is not waited for")
	}
	s.decision = decide(s)
	setStatus(s)
	if isPending(s.key) {
		t.Error("a key that works is waited for")
	}
	used := map[string]time.Time{s.key.Status.KeyID: noon}
	if !usedSince(s.key, used) {
		t.Error("the first use goes unnoticed")
	}
	s.key.Status.Federated.LastUsedTime = metav1.NewTime(noon)
	if usedSince(s.key, used) {
		t.Error("the same use is noticed again")
	}
	noReplica(s)
	setStatus(s)
	if !isPending(s.key) {
		t.Error("no replica is waited for")
	}
}

func TestAFederatedKeyIsLookedAtWhenItsTenantAcceptsIt(t *testing.T) {
	s := found(federated(anIssuer), notBefore(noon.Add(time.Hour)))
	s.decision = decide(s)
	if after := requeueAfter(s); after < time.Hour || after > time.Hour+time.Minute {
		t.Errorf("it is looked at again after %s", after)
	}
}
