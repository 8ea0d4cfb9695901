package operand

import (
	"maps"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

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

func TestWhatAHandoverSecretTells(t *testing.T) {
	bearer := &scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "okta"}}
	client := bearer.DeepCopy()
	client.Name, client.Spec.OAuthClient = "entra", &scimv1alpha1.OAuthClient{}
	for name, c := range map[string]struct {
		key     *scimv1alpha1.ScimApiKey
		url     string
		want    map[string]string
		nowhere map[string]string // once the tenant has no URL
	}{
		"a bearer token": {bearer, "https://acme.example.com/scim/v2",
			map[string]string{"token": "the token", "url": "https://acme.example.com/scim/v2"},
			map[string]string{"token": "the token", "url": ""}},
		"an OAuth client": {client, "https://acme.example.com/scim/v2",
			map[string]string{
				"url": "https://acme.example.com/scim/v2", "tokenURL": "https://acme.example.com/scim/v2/oauth2/token",
				"clientID": "entra", "clientSecret": "the token",
			},
			map[string]string{"url": "", "tokenURL": "", "clientID": "entra", "clientSecret": "the token"}},
	} {
		t.Run(name, func(t *testing.T) {
			expect := func(secret *corev1.Secret, want map[string]string) {
				t.Helper()
				got := map[string]string{}
				for entry, value := range secret.Data {
					got[entry] = string(value)
				}
				if !maps.Equal(got, want) {
					t.Errorf("the Secret tells %v, want %v", got, want)
				}
			}
			secret := HandoverSecret(c.key, "the token", c.url)
			expect(secret, c.want)
			if HandedOver(secret, c.key) != "the token" || !HandoverIsAt(secret, c.key, c.url) || HandoverIsAt(secret, c.key, "") {
				t.Error("what was written is not found")
			}
			expect(HandoverAt(secret, c.key, ""), c.nowhere)
			expect(HandoverAt(HandoverAt(secret, c.key, ""), c.key, c.url), c.want)
			expect(RewrittenHandover(&corev1.Secret{}, c.key, "the token", c.url), c.want)
			expect(secret, c.want)
		})
	}
}
