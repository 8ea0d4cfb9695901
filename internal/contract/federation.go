package contract

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
)

// entraHosts are the hosts of Entra that have the keys of its tenants: see Microsoft's
// "Access tokens in the Microsoft identity platform". The first of them is in the names of issuers.
var entraHosts = []string{"login.microsoftonline.com", "login.windows.net"}

// FederationOf returns which assertions stand for a federated key of a tenant; nil for a key
// that is not federated.
func FederationOf(tenant *scimv1alpha1.ScimTenant, key *scimv1alpha1.ScimApiKey) *apikey.Federation {
	if !key.IsFederated() {
		return nil
	}
	federation := trusted(key)
	if len(federation.Audiences) == 0 && federation.Cluster {
		federation.Audiences = []string{audienceOf(tenant)}
	}
	federation.NotBefore = tenant.Spec.CredentialsNotBefore.Time
	return federation
}

// audienceOf returns the URL that a token of the cluster is for by default.
func audienceOf(tenant *scimv1alpha1.ScimTenant) string {
	if tenant.Spec.ServerRef.Name != "" {
		return tenant.Status.URL
	}
	return URL(tenant)
}

// trusted returns what a federated key says itself of its assertions.
func trusted(key *scimv1alpha1.ScimApiKey) *apikey.Federation {
	federated := key.Spec.Federated
	switch entra, account := federated.Entra, federated.ServiceAccount; {
	case federated.Issuer != "":
		return &apikey.Federation{
			Issuer: federated.Issuer, CABundle: federated.CABundle,
			Audiences: texts(federated.Audiences), Claims: claims(federated.Claims),
		}
	case entra.TenantID != "":
		return &apikey.Federation{
			Issuer: "https://" + entraHosts[0] + "/" + entra.TenantID + "/v2.0", KeysURLs: entraKeysURLs(entra.TenantID),
			Audiences: texts(entra.Audiences), Claims: map[string]string{"sub": entra.ObjectID, "tid": entra.TenantID},
		}
	default:
		namespace := account.Namespace
		if namespace == "" {
			namespace = key.Namespace
		}
		return &apikey.Federation{
			Cluster:   true,
			Audiences: texts(account.Audiences),
			Claims:    map[string]string{"sub": "system:serviceaccount:" + namespace + ":" + account.Name},
		}
	}
}

func entraKeysURLs(tenantID string) (urls []string) {
	for _, host := range entraHosts {
		urls = append(urls, "https://"+host+"/"+tenantID+"/discovery/v2.0/keys")
	}
	return urls
}

func texts[T ~string](values []T) []string {
	all := make([]string, 0, len(values))
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}

func claims(values map[string]scimv1alpha1.ClaimValue) map[string]string {
	all := make(map[string]string, len(values))
	for name, value := range values {
		all[name] = string(value)
	}
	return all
}

// FederatedKeyID returns the key id of a federated key of a tenant, which has no
// ScimCredential. It follows from which ScimApiKey it is, by uid, and from which assertions
// stand for it. So whatever changes about those ends the access tokens that were given out
// before, since they rest on a key id that is none any more; and those of a key that was
// deleted are not good under another one of its name. It is longer than the name of a
// ScimCredential can be, and so never one.
func FederatedKeyID(key *scimv1alpha1.ScimApiKey, federation *apikey.Federation) string {
	const idBytes = 16
	// Every release writes the same, in this order: the operator and the servers must agree.
	text, _ := json.Marshal(struct { // Texts can always be marshalled.
		UID       string            `json:"uid"`
		Issuer    string            `json:"issuer,omitempty"`
		Cluster   bool              `json:"cluster,omitempty"`
		Entra     bool              `json:"entra,omitempty"`
		Audiences []string          `json:"audiences"`
		Claims    map[string]string `json:"claims"`
		CABundle  string            `json:"caBundle,omitempty"`
		NotBefore string            `json:"notBefore,omitempty"`
	}{
		string(key.UID), federation.Issuer, federation.Cluster, key.Spec.Federated.Entra.TenantID != "",
		slices.Sorted(slices.Values(federation.Audiences)), federation.Claims, federation.CABundle, timeText(federation.NotBefore),
	})
	sum := sha256.Sum256(text)
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:idBytes]))
}

// timeText returns a time in text; nothing for zero.
func timeText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format(time.RFC3339Nano)
}

// acceptFederated adds the federated keys of a tenant that are good at a time.
func acceptFederated(
	accepted map[string]apikey.Key, tenant *scimv1alpha1.ScimTenant, keys map[string]*scimv1alpha1.ScimApiKey, now time.Time,
) {
	for key := range maps.Values(keys) {
		if !key.IsFederated() || !isOf(key, tenant) {
			continue
		}
		federation := FederationOf(tenant, key)
		verifier := apikey.Verifier{KeyID: FederatedKeyID(key, federation), ExpirationTime: key.Spec.ExpirationTime.Time}
		if !verifier.Expired(now) {
			accepted[verifier.KeyID] = apikey.Key{Name: key.Name, Verifier: verifier, Grant: GrantOf(key), Client: ClientID(key), Federation: federation}
		}
	}
}

// isOf reports whether a key is one of the tenant and is not being deleted.
func isOf(key *scimv1alpha1.ScimApiKey, tenant *scimv1alpha1.ScimTenant) bool {
	return key.Spec.TenantRef.Name == tenant.Name && key.DeletionTimestamp.IsZero()
}
