package operand

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

func mint(t *testing.T) apikey.Verifier {
	t.Helper()
	_, v, err := apikey.Mint()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func text(t *testing.T, v apikey.Verifier) []byte {
	t.Helper()
	data, err := v.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func expiring(at time.Time) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) { k.Spec.ExpirationTime = metav1.NewTime(at) }
}

func deleting(k *scimv1alpha1.ScimApiKey) {
	k.DeletionTimestamp = &metav1.Time{Time: now}
}

func listing(v apikey.Verifier) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) {
		k.Status.Credentials = []scimv1alpha1.APIKeyCredential{{KeyID: v.KeyID}}
	}
}

func credential(v apikey.Verifier, key string, change ...func(*scimv1alpha1.ScimCredential)) scimv1alpha1.ScimCredential {
	c := contract.CredentialOf(v, "team", key, now.Add(-time.Hour))
	for _, f := range change {
		f(c)
	}
	return *c
}

func TestVerifiers(t *testing.T) {
	a, b := mint(t), mint(t)
	limited := a
	limited.ExpirationTime = now.Add(time.Hour)
	both := map[string][]byte{a.KeyID: text(t, a), b.KeyID: text(t, b)}
	onlyA, onlyB := map[string][]byte{a.KeyID: text(t, a)}, map[string][]byte{b.KeyID: text(t, b)}
	none := map[string][]byte{}
	type (
		keys        = []scimv1alpha1.ScimApiKey
		credentials = []scimv1alpha1.ScimCredential
	)
	revoked := func(c *scimv1alpha1.ScimCredential) { c.Spec.ExpirationTime = c.Spec.IssueTime }
	limitedTo := func(change func(*scimv1alpha1.ScimApiKeySpec)) func(*scimv1alpha1.ScimApiKey) {
		return func(k *scimv1alpha1.ScimApiKey) { change(&k.Spec) }
	}
	suspended := limitedTo(func(s *scimv1alpha1.ScimApiKeySpec) { s.State = scimv1alpha1.APIKeySuspended })
	early := func(c *scimv1alpha1.ScimCredential) { c.Spec.NotBefore = metav1.NewTime(now.Add(time.Hour)) }

	for name, tc := range map[string]struct {
		keys        keys
		credentials credentials
		current     map[string][]byte
		want        map[string][]byte
	}{
		"no keys":                                    {nil, credentials{credential(a, "a")}, both, none},
		"all are written":                            {keys{apiKey("a", ""), apiKey("b", "")}, credentials{credential(a, "a"), credential(b, "b")}, nil, both},
		"two of one key":                             {keys{apiKey("a", "")}, credentials{credential(a, "a"), credential(b, "a")}, nil, both},
		"what is of no key is dropped":               {keys{apiKey("a", "")}, credentials{credential(a, "a")}, both, onlyA},
		"a key that is being deleted":                {keys{apiKey("a", a.KeyID, deleting), apiKey("b", "")}, credentials{credential(a, "a"), credential(b, "b")}, both, onlyB},
		"an expired key":                             {keys{apiKey("a", a.KeyID, expiring(now)), apiKey("b", "")}, credentials{credential(a, "a"), credential(b, "b")}, both, onlyB},
		"a revoked credential":                       {keys{apiKey("a", a.KeyID)}, credentials{credential(a, "a", revoked)}, both, none},
		"a credential that is early":                 {keys{apiKey("a", a.KeyID)}, credentials{credential(a, "a", early)}, both, none},
		"a suspended key":                            {keys{apiKey("a", a.KeyID, suspended)}, credentials{credential(a, "a")}, both, none},
		"a suspended key that has no credential yet": {keys{apiKey("a", a.KeyID, suspended)}, nil, both, none},
		"a key that may only read": {
			keys{apiKey("a", a.KeyID, limitedTo(func(s *scimv1alpha1.ScimApiKeySpec) { s.Access = scimv1alpha1.APIKeyReadOnly }))},
			credentials{credential(a, "a")}, both, none,
		},
		"a key for groups": {
			keys{apiKey("a", a.KeyID, limitedTo(func(s *scimv1alpha1.ScimApiKeySpec) {
				s.Resources = []scimv1alpha1.APIKeyResource{scimv1alpha1.APIKeyGroups}
			}))}, credentials{credential(a, "a")}, both, none,
		},
		"a key for one network": {
			keys{apiKey("a", a.KeyID, limitedTo(func(s *scimv1alpha1.ScimApiKeySpec) { s.AllowedCIDRs = []scimv1alpha1.CIDR{"203.0.113.0/24"} }))},
			credentials{credential(a, "a")}, both, none,
		},
		"an OAuth client": {
			keys{apiKey("a", a.KeyID, limitedTo(func(s *scimv1alpha1.ScimApiKeySpec) { s.OAuthClient = &scimv1alpha1.OAuthClient{} }))},
			credentials{credential(a, "a")}, both, none,
		},
		"the expiration of the key": {
			keys{apiKey("a", a.KeyID, expiring(now.Add(time.Hour)))}, credentials{credential(a, "a")}, both, map[string][]byte{a.KeyID: text(t, limited)},
		},
		"without a credential as yet":                    {keys{apiKey("a", a.KeyID), apiKey("b", "")}, credentials{credential(b, "b")}, both, both},
		"without a credential, and being deleted":        {keys{apiKey("a", a.KeyID, deleting)}, nil, both, none},
		"without a credential, and expired":              {keys{apiKey("a", a.KeyID, expiring(now))}, nil, both, none},
		"without a credential, and of no id":             {keys{apiKey("a", "")}, nil, both, none},
		"without a credential, and given less time":      {keys{apiKey("a", a.KeyID, expiring(now.Add(time.Hour)))}, nil, both, map[string][]byte{a.KeyID: text(t, limited)}},
		"without the credential that it had":             {keys{apiKey("a", a.KeyID, listing(a))}, nil, both, none},
		"nonsense is dropped":                            {keys{apiKey("a", a.KeyID)}, nil, map[string][]byte{a.KeyID: []byte("nonsense"), "note": []byte("by hand")}, none},
		"an entry that is another key's credential's id": {keys{apiKey("a", a.KeyID)}, credentials{credential(a, "other")}, both, none},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Name: "acme"}}
			got, err := Verifiers(tenant, tc.keys, tc.credentials, tc.current, now)
			if err != nil {
				t.Fatal(err)
			}
			if !maps.EqualFunc(got, tc.want, bytes.Equal) {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestVerifiersOwners(t *testing.T) {
	names := func(keys ...scimv1alpha1.ScimApiKey) []string {
		var all []string
		for _, owner := range VerifiersOwners(keys) {
			all = append(all, owner.Name)
			if owner.Controller != nil || owner.Kind != "ScimApiKey" {
				t.Errorf("unexpected owner %v", owner)
			}
		}
		return all
	}
	if got := names(apiKey("a", ""), apiKey("b", "", deleting)); !slices.Equal(got, []string{"a"}) {
		t.Errorf("owners are %v", got)
	}
	if got := names(apiKey("a", "", deleting), apiKey("b", "", deleting)); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("owners of what goes with the last keys are %v", got)
	}
}
