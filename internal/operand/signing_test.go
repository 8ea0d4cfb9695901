package operand

import (
	"errors"
	"fmt"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/signingkey"
)

func TestSigningSecret(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	keys, err := signingkey.Decide(nil, now).Rotate(now)
	if err != nil {
		t.Fatal(err)
	}
	data, err := keys.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	secret := SigningSecret(server(), data)
	if secret.Name != "acme-scim-signing" || secret.Namespace != "team" || !IsSigningSecret(secret, server()) {
		t.Errorf("the Secret is %+v", secret.ObjectMeta)
	}
	if got := SigningKeys(secret); len(got) != 1 || got[0].ID != keys[0].ID {
		t.Errorf("it has %d keys", len(got))
	}
	if OwnSigningSecret(secret, server()) {
		t.Error("it does not go with its own tenant")
	}
	restored := server(func(t *scimv1alpha1.ScimTenant) { t.UID = "another" })
	if !OwnSigningSecret(secret, restored) || OwnSigningSecret(secret, restored) || metav1.GetControllerOf(secret).UID != "another" {
		t.Error("it does not go with a tenant that was restored")
	}
	if got := SigningKeys(&corev1.Secret{}); got != nil {
		t.Errorf("an empty Secret has %d keys", len(got))
	}
}

func TestSecretsThatAreNotForSigning(t *testing.T) {
	handover := HandoverSecret(&scimv1alpha1.ScimApiKey{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: contract.SigningName("acme-scim")},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: "acme"}},
	}, "token", "url")
	foreign := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: contract.SigningName("acme-scim")}}
	for name, secret := range map[string]*corev1.Secret{"of a key": handover, "of somebody else": foreign} {
		if IsSigningSecret(secret, server()) {
			t.Errorf("a Secret %s has signing keys", name)
		}
	}
	if IsSigningSecret(SigningSecret(server(), nil), server(func(t *scimv1alpha1.ScimTenant) { t.Name = "globex" })) {
		t.Error("the Secret is another tenant's")
	}
}

// Pods read the keys without any right on Secrets, and start without them.
func TestPodsHaveTheSigningKeys(t *testing.T) {
	pod := as[appsv1.Deployment](t, Deployment(server(), Settings{Image: "kubescim:1"})).Spec.Template.Spec
	volume, mount := pod.Volumes[0], pod.Containers[0].VolumeMounts[0]
	if volume.Secret.SecretName != "acme-scim-signing" || !*volume.Secret.Optional || *volume.Secret.DefaultMode != 0o440 || *pod.SecurityContext.FSGroup != 65532 {
		t.Errorf("the volume is %+v", volume)
	}
	if mount.Name != volume.Name || mount.MountPath != "/etc/kubescim/signing" || !mount.ReadOnly || mount.SubPath != "" {
		t.Errorf("the mount is %+v", mount)
	}
}

// A Secret that its pods cannot read would take the access tokens of every tenant that was moved.
func TestVerifyingKeysAreBounded(t *testing.T) {
	key, err := signingkey.New(time.Now(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	secret := SigningSecret(server(), nil)
	var keys signingkey.VerifyingSet
	for i := range signingkey.MaxVerifyingKeys {
		keys = append(keys, signingkey.VerifyingKey{ID: key.ID, Tenant: fmt.Sprintf("customer-%d", i), Public: key.Public()})
	}
	if err := SetVerifyingKeys(secret, keys); err != nil || len(VerifyingKeys(secret)) != len(keys) {
		t.Fatalf("the Secret has %d keys: %v", len(VerifyingKeys(secret)), err)
	}
	keys = append(keys, signingkey.VerifyingKey{ID: key.ID, Tenant: "acme", Public: key.Public()})
	if err := SetVerifyingKeys(secret, keys); !errors.Is(err, ErrTooManyKeys) || len(VerifyingKeys(secret)) != signingkey.MaxVerifyingKeys {
		t.Errorf("with one more, the Secret has %d keys: %v", len(VerifyingKeys(secret)), err)
	}
}
