package contract_test

import (
	"net/netip"
	"testing"
	"time"

	. "github.com/onsi/gomega"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/ratelimit"
)

func TestGrantOf(t *testing.T) {
	everywhere := []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}
	for name, tc := range map[string]struct {
		spec scimv1alpha1.ScimApiKeySpec
		want apikey.Grant
	}{
		"a key that says nothing": {scimv1alpha1.ScimApiKeySpec{}, apikey.Grant{}},
		"a key that says what holds anyway": {
			scimv1alpha1.ScimApiKeySpec{State: scimv1alpha1.APIKeyActive, Access: scimv1alpha1.APIKeyReadWrite}, apikey.Grant{},
		},
		"suspended":             {scimv1alpha1.ScimApiKeySpec{State: scimv1alpha1.APIKeySuspended}, apikey.Grant{Suspended: true}},
		"a state of tomorrow":   {scimv1alpha1.ScimApiKeySpec{State: "Quarantined"}, apikey.Grant{Suspended: true}},
		"read only":             {scimv1alpha1.ScimApiKeySpec{Access: scimv1alpha1.APIKeyReadOnly}, apikey.Grant{ReadOnly: true}},
		"an access of tomorrow": {scimv1alpha1.ScimApiKeySpec{Access: "AppendOnly"}, apikey.Grant{ReadOnly: true}},
		"for groups": {
			scimv1alpha1.ScimApiKeySpec{Resources: []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyGroups}},
			apikey.Grant{Resources: []string{"Groups"}},
		},
		"for five writes a second": {
			scimv1alpha1.ScimApiKeySpec{RateLimit: scimv1alpha1.RateLimit{WritesPerSecond: 5}},
			apikey.Grant{Rate: ratelimit.Key{Name: "okta", Limits: ratelimit.Limits{Writes: ratelimit.Limit{PerSecond: 5, Burst: 10}}}},
		},
		"for requests at a rate, and a burst of both": {
			scimv1alpha1.ScimApiKeySpec{RateLimit: scimv1alpha1.RateLimit{RequestsPerSecond: 50, WritesPerSecond: 5, Burst: 60}},
			apikey.Grant{Rate: ratelimit.Key{Name: "okta", Limits: ratelimit.Limits{
				Requests: ratelimit.Limit{PerSecond: 50, Burst: 60}, Writes: ratelimit.Limit{PerSecond: 5, Burst: 60},
			}}},
		},
		"from two networks": {
			scimv1alpha1.ScimApiKeySpec{AllowedCIDRs: []scimv1alpha1.CIDR{"203.0.113.0/24", "2001:db8::/32"}}, apikey.Grant{Networks: everywhere},
		},
		"from networks of which one cannot be read": {
			scimv1alpha1.ScimApiKeySpec{AllowedCIDRs: []scimv1alpha1.CIDR{"203.0.113.0/24", "203.0.113/24", "2001:db8::/32"}}, apikey.Grant{Networks: everywhere},
		},
		"from networks none of which can be read": {
			scimv1alpha1.ScimApiKeySpec{AllowedCIDRs: []scimv1alpha1.CIDR{"everywhere"}}, apikey.Grant{Networks: []netip.Prefix{}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := contract.GrantOf(&scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Name: "okta"}, Spec: tc.spec})
			if !got.Equal(tc.want) {
				t.Errorf("GrantOf = %+v, want %+v", got, tc.want)
			}
		})
	}
}

// A server says of a suspended key that it is suspended, and not that there is none.
func TestTokensOfASuspendedKeyAreKnown(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	tenant, key := &scimv1alpha1.ScimTenant{}, &scimv1alpha1.ScimApiKey{}
	tenant.Name, key.Name, key.Spec.TenantRef.Name, key.Spec.State = "acme", "okta", "acme", scimv1alpha1.APIKeySuspended
	now := time.Now()
	accepted := contract.Accepted(tenant, map[string]*scimv1alpha1.ScimApiKey{key.Name: key},
		[]*scimv1alpha1.ScimCredential{contract.CredentialOf(verifier, "acme", "okta", now)}, now)
	g.Expect(accepted).To(HaveKeyWithValue(verifier.KeyID, apikey.Key{Name: "okta", Verifier: verifier, Grant: apikey.Grant{Suspended: true}}))
}

func TestTheSecretOfAnOAuthClientIsKnownAsThat(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	tenant, key := &scimv1alpha1.ScimTenant{}, &scimv1alpha1.ScimApiKey{}
	tenant.Name, key.Name, key.Spec.TenantRef.Name, key.Spec.OAuthClient = "acme", "entra", "acme", &scimv1alpha1.OAuthClient{}
	now := time.Now()
	accepted := contract.Accepted(tenant, map[string]*scimv1alpha1.ScimApiKey{key.Name: key},
		[]*scimv1alpha1.ScimCredential{contract.CredentialOf(verifier, "acme", "entra", now)}, now)
	g.Expect(accepted).To(HaveKeyWithValue(verifier.KeyID, apikey.Key{Name: "entra", Verifier: verifier, Client: "entra"}))
}
