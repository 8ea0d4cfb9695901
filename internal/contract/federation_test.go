package contract_test

import (
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

const (
	entraTenant = "11111111-2222-3333-4444-555555555555"
	entraObject = "66666666-7777-8888-9999-000000000000"
)

var (
	anIssuer = scimv1alpha1.Federation{
		Issuer: "https://idp.example.com", Audiences: []scimv1alpha1.Audience{"b", "a"},
		Claims: map[string]scimv1alpha1.ClaimValue{"sub": "s1", "tid": "t1"}, CABundle: "PEM",
	}
	entra = scimv1alpha1.Federation{Entra: scimv1alpha1.EntraFederation{
		TenantID: entraTenant, ObjectID: entraObject, Audiences: []scimv1alpha1.Audience{"api://scim"},
	}}
	serviceAccount = scimv1alpha1.Federation{ServiceAccount: scimv1alpha1.ServiceAccountFederation{Name: "app"}}
)

// federatedKey returns a key of tenant acme, and the tenant.
func federatedKey(federated scimv1alpha1.Federation) (*scimv1alpha1.ScimTenant, *scimv1alpha1.ScimApiKey) {
	tenant, key := &scimv1alpha1.ScimTenant{}, &scimv1alpha1.ScimApiKey{}
	tenant.Namespace, tenant.Name, tenant.Spec.Endpoint.Host = "team-a", "acme", "acme.example.com"
	key.Namespace, key.Name, key.UID = "team-a", "entra", "b6a7c1f2-0000-4000-8000-000000000000"
	key.Spec.TenantRef.Name, key.Spec.Federated = "acme", federated
	return tenant, key
}

func TestFederationOf(t *testing.T) {
	since := metav1.NewTime(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC))
	elsewhere := serviceAccount
	elsewhere.ServiceAccount.Namespace, elsewhere.ServiceAccount.Audiences = "team-b", []scimv1alpha1.Audience{"scim"}
	for name, tc := range map[string]struct {
		federated scimv1alpha1.Federation
		want      *apikey.Federation
	}{
		"none": {scimv1alpha1.Federation{}, nil},
		"any issuer": {anIssuer, &apikey.Federation{
			Issuer: "https://idp.example.com", Audiences: []string{"b", "a"}, Claims: map[string]string{"sub": "s1", "tid": "t1"},
			CABundle: "PEM", NotBefore: since.Time,
		}},
		"Entra": {entra, &apikey.Federation{
			Issuer: "https://login.microsoftonline.com/" + entraTenant + "/v2.0",
			KeysURLs: []string{
				"https://login.microsoftonline.com/" + entraTenant + "/discovery/v2.0/keys",
				"https://login.windows.net/" + entraTenant + "/discovery/v2.0/keys",
			},
			Audiences: []string{"api://scim"}, Claims: map[string]string{"sub": entraObject, "tid": entraTenant}, NotBefore: since.Time,
		}},
		"a ServiceAccount beside the key": {serviceAccount, &apikey.Federation{
			Cluster: true, Audiences: []string{"https://acme.example.com/scim/v2"},
			Claims: map[string]string{"sub": "system:serviceaccount:team-a:app"}, NotBefore: since.Time,
		}},
		"a ServiceAccount elsewhere": {elsewhere, &apikey.Federation{
			Cluster: true, Audiences: []string{"scim"}, Claims: map[string]string{"sub": "system:serviceaccount:team-b:app"}, NotBefore: since.Time,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tenant, key := federatedKey(tc.federated)
			tenant.Spec.CredentialsNotBefore = since
			if got := contract.FederationOf(tenant, key); !got.Equal(tc.want) {
				t.Errorf("FederationOf = %+v, want %+v", got, tc.want)
			}
		})
	}
}

// The operator and the servers are of two releases during an upgrade, and must come to the
// same key ids: these never change.
func TestFederatedKeyIDsAreTheSameInEveryRelease(t *testing.T) {
	for want, federated := range map[string]scimv1alpha1.Federation{
		"wixvtmzwdypqgn6glhkhazxvue": anIssuer, "wgmn4xe6kndcicdpkm2a3qkc74": entra, "scoq3y3yos5553nnck66r2cpom": serviceAccount,
	} {
		tenant, key := federatedKey(federated)
		if got := contract.FederatedKeyID(key, contract.FederationOf(tenant, key)); got != want {
			t.Errorf("the key id is %s, and was %s", got, want)
		}
	}
}

func TestAFederatedKeyHasAnotherKeyIDForEverythingThatItTrusts(t *testing.T) {
	g := NewWithT(t)
	idOf := func(change func(*scimv1alpha1.ScimTenant, *scimv1alpha1.ScimApiKey)) string {
		tenant, key := federatedKey(*anIssuer.DeepCopy())
		change(tenant, key)
		accepted := contract.Accepted(tenant, map[string]*scimv1alpha1.ScimApiKey{key.Name: key}, nil, time.Now())
		g.Expect(accepted).To(HaveLen(1))
		for id, found := range accepted {
			g.Expect(found.Verifier).To(Equal(apikey.Verifier{KeyID: id}))
			return id
		}
		return ""
	}
	first := idOf(func(*scimv1alpha1.ScimTenant, *scimv1alpha1.ScimApiKey) {})
	g.Expect(first).To(MatchRegexp("^[a-z2-7]{26}$"), "it is no name of a ScimCredential")
	seen := map[string]string{first: "as it was"}
	for name, change := range map[string]func(*scimv1alpha1.ScimTenant, *scimv1alpha1.ScimApiKey){
		"made again under its name": func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) { key.UID = "another" },
		"another issuer":            func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) { key.Spec.Federated.Issuer += "/" },
		"one audience less": func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
			key.Spec.Federated.Audiences = []scimv1alpha1.Audience{"a"}
		},
		"another subject": func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
			key.Spec.Federated.Claims["sub"] = "s2"
		},
		"other authorities": func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) { key.Spec.Federated.CABundle = "" },
		"nothing from before the leak": func(tenant *scimv1alpha1.ScimTenant, _ *scimv1alpha1.ScimApiKey) {
			tenant.Spec.CredentialsNotBefore = metav1.Unix(1, 0)
		},
	} {
		id := idOf(change)
		g.Expect(seen).NotTo(HaveKey(id), name)
		seen[id] = name
	}
	g.Expect(idOf(func(_ *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) {
		key.Spec.Federated.Audiences, key.Spec.Description = []scimv1alpha1.Audience{"a", "b"}, "the same"
	})).To(Equal(first))
}

func TestAcceptedFederatedKeys(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) metav1.Time { return metav1.NewTime(now.Add(d)) }
	for name, tc := range map[string]struct {
		federated scimv1alpha1.Federation
		change    func(*scimv1alpha1.ScimApiKey)
		refused   bool
		grant     apikey.Grant
		ends      time.Time
	}{
		"of an issuer":           {federated: anIssuer},
		"of Entra, to read":      {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.Access = scimv1alpha1.APIKeyReadOnly }, grant: apikey.Grant{ReadOnly: true}},
		"of a ServiceAccount":    {federated: serviceAccount, grant: apikey.Grant{ReadOnly: true}},
		"that is said to write":  {federated: serviceAccount, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.Access = scimv1alpha1.APIKeyReadWrite }},
		"suspended":              {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.State = scimv1alpha1.APIKeySuspended }, grant: apikey.Grant{Suspended: true}},
		"that expires":           {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.ExpirationTime = at(time.Hour) }, ends: now.Add(time.Hour)},
		"that has expired":       {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.ExpirationTime = at(0) }, refused: true},
		"that is being deleted":  {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { deleted := at(0); k.DeletionTimestamp = &deleted }, refused: true},
		"of another tenant":      {federated: entra, change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.TenantRef.Name = "globex" }, refused: true},
		"that is not federated":  {change: func(k *scimv1alpha1.ScimApiKey) { k.Spec.OAuthClient = &scimv1alpha1.OAuthClient{} }, refused: true},
		"that is a bearer token": {refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			tenant, key := federatedKey(tc.federated)
			if tc.change != nil {
				tc.change(key)
			}
			accepted := contract.Accepted(tenant, map[string]*scimv1alpha1.ScimApiKey{key.Name: key}, nil, now)
			if tc.refused {
				g.Expect(accepted).To(BeEmpty())
				return
			}
			federation := contract.FederationOf(tenant, key)
			id := contract.FederatedKeyID(key, federation)
			g.Expect(accepted).To(Equal(map[string]apikey.Key{id: {
				Name: "entra", Verifier: apikey.Verifier{KeyID: id, ExpirationTime: tc.ends}, Grant: tc.grant, Client: "entra", Federation: federation,
			}}))
		})
	}
}

// A federated key has no token, whatever somebody applies for it.
func TestNoCredentialIsAcceptedForAFederatedKey(t *testing.T) {
	g := NewWithT(t)
	_, verifier, err := apikey.Mint()
	g.Expect(err).NotTo(HaveOccurred())
	tenant, key := federatedKey(entra)
	now := time.Now()
	accepted := contract.Accepted(tenant, map[string]*scimv1alpha1.ScimApiKey{key.Name: key},
		[]*scimv1alpha1.ScimCredential{contract.CredentialOf(verifier, "team-a", key.Name, now)}, now)
	g.Expect(accepted).To(And(HaveLen(1), Not(HaveKey(verifier.KeyID))))
}
