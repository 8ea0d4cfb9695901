package operand

import (
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
