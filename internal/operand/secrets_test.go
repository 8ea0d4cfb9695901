package operand

import (
	"bytes"
	"maps"
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apikey"
	"github.com/kubescim/kubescim/internal/contract"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

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

func apiKey(name, keyID string, change ...func(*scimv1alpha1.ScimApiKey)) scimv1alpha1.ScimApiKey {
	key := scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: types.UID(name)},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
		Status:     scimv1alpha1.ScimApiKeyStatus{KeyID: keyID},
	}
	for _, c := range change {
		c(&key)
	}
	return key
}

func expiring(at time.Time) func(*scimv1alpha1.ScimApiKey) {
	return func(k *scimv1alpha1.ScimApiKey) { k.Spec.ExpirationTime = metav1.NewTime(at) }
}

func deleting(k *scimv1alpha1.ScimApiKey) {
	k.DeletionTimestamp = &metav1.Time{Time: now}
}

func TestVerifiers(t *testing.T) {
	a, b, fresh := mint(t), mint(t), mint(t)
	limited := a
	limited.ExpirationTime = now.Add(time.Hour)
	both := map[string][]byte{a.KeyID: text(t, a), b.KeyID: text(t, b)}

	for name, tc := range map[string]struct {
		keys    []scimv1alpha1.ScimApiKey
		current map[string][]byte
		minted  map[types.UID]apikey.Verifier
		want    map[string][]byte
	}{
		"no keys": {current: both, want: map[string][]byte{}},
		"all are kept": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID), apiKey("b", b.KeyID)},
			current: both, want: both,
		},
		"what belongs to no key is dropped": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID)},
			current: both, want: map[string][]byte{a.KeyID: text(t, a)},
		},
		"a key that is being deleted is dropped": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID, deleting), apiKey("b", b.KeyID)},
			current: both, want: map[string][]byte{b.KeyID: text(t, b)},
		},
		"an expired key is dropped": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID, expiring(now)), apiKey("b", b.KeyID)},
			current: both, want: map[string][]byte{b.KeyID: text(t, b)},
		},
		"the expiration follows the spec": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID, expiring(now.Add(time.Hour)))},
			current: both, want: map[string][]byte{a.KeyID: text(t, limited)},
		},
		"a new key is added": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID), apiKey("new", "")},
			current: map[string][]byte{a.KeyID: text(t, a)},
			minted:  map[types.UID]apikey.Verifier{"new": fresh},
			want:    map[string][]byte{a.KeyID: text(t, a), fresh.KeyID: text(t, fresh)},
		},
		"a token that is minted again replaces the first": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID)},
			current: both,
			minted:  map[types.UID]apikey.Verifier{"a": fresh},
			want:    map[string][]byte{fresh.KeyID: text(t, fresh)},
		},
		"a token of a key that is gone is not added": {
			minted: map[types.UID]apikey.Verifier{"gone": fresh},
			want:   map[string][]byte{},
		},
		"a key that waits for its token has no entry": {
			keys: []scimv1alpha1.ScimApiKey{apiKey("a", "")}, current: both, want: map[string][]byte{},
		},
		"nonsense is dropped": {
			keys:    []scimv1alpha1.ScimApiKey{apiKey("a", a.KeyID)},
			current: map[string][]byte{a.KeyID: []byte("nonsense"), "note": []byte("by hand")},
			want:    map[string][]byte{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Verifiers(tc.keys, tc.current, tc.minted, now)
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

func TestSecretsAreToldApart(t *testing.T) {
	key := apiKey("okta", "")
	again := apiKey("okta", "", func(k *scimv1alpha1.ScimApiKey) { k.UID = "again" })
	handover := HandoverSecret(&key, "token", "url")
	verifiers := VerifiersSecret("team", "acme", []scimv1alpha1.ScimApiKey{key}, nil)
	misnamed := HandoverSecret(&key, "token", "url")
	misnamed.Name = contract.VerifiersName("acme")
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: contract.VerifiersName("acme")}}

	if !IsHandoverSecret(handover, &key) || IsHandoverSecret(handover, &again) || IsHandoverSecret(verifiers, &key) || IsHandoverSecret(foreign, &key) {
		t.Error("IsHandoverSecret is wrong")
	}
	if !IsLeftoverOf(handover, &again) || IsLeftoverOf(handover, &key) || IsLeftoverOf(foreign, &key) {
		t.Error("IsLeftoverOf is wrong")
	}
	if !IsVerifiersSecret(verifiers, "acme") || IsVerifiersSecret(verifiers, "globex") ||
		IsVerifiersSecret(misnamed, "acme") || IsVerifiersSecret(foreign, "acme") {
		t.Error("IsVerifiersSecret is wrong")
	}
	if handover.Labels[scimv1alpha1.LabelTenant] != "acme" || handover.Labels[scimv1alpha1.LabelAPIKey] != "okta" {
		t.Errorf("the labels are %v", handover.Labels)
	}
}
