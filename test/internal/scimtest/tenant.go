package scimtest

import (
	"encoding/base64"

	"github.com/google/uuid"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// LabelReplica numbers the pods of one server, from 0.
const LabelReplica = "e2e.kubescim.dev/replica"

// Tenant is a ScimTenant that is being served.
type Tenant struct {
	Namespace, Name, Path string
	Token, KeyID          string
	// Server is the name of the ScimServer that hosts it; empty when it has a server of its own.
	Server string

	// Service reaches any replica, Replicas[i] the one whose pod has that number.
	Service  *Client
	Replicas []*Client
	// Exposed are the Services that were made for that.
	Exposed []*corev1.Service
	turn    int
}

// Unique returns a name that nobody has had.
func Unique(prefix string) string { return prefix + "-" + uuid.NewString()[:8] }

// NewTenant is the manifest of a tenant, changed as the spec wants it.
func NewTenant(namespace, name string, provider scimv1alpha1.IdentityProvider, changes ...func(*scimv1alpha1.ScimTenantSpec)) *scimv1alpha1.ScimTenant {
	object := &scimv1alpha1.ScimTenant{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: provider},
	}
	for _, change := range changes {
		change(&object.Spec)
	}
	return object
}

// OneReplica makes a tenant cheap where its replicas do not matter.
func OneReplica(spec *scimv1alpha1.ScimTenantSpec) {
	spec.Server.Replicas = 1
}

// Unlimited lets a tenant be sent as much as it can answer.
func Unlimited(spec *scimv1alpha1.ScimTenantSpec) {
	const enough = 1_000_000
	spec.RateLimit = scimv1alpha1.RateLimit{RequestsPerSecond: enough, WritesPerSecond: enough}
}

// NewKey is the manifest of an API key.
func NewKey(namespace, name, tenant string, changes ...func(*scimv1alpha1.ScimApiKeySpec)) *scimv1alpha1.ScimApiKey {
	object := &scimv1alpha1.ScimApiKey{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimApiKey"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimApiKeySpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}},
	}
	for _, change := range changes {
		change(&object.Spec)
	}
	return object
}

// Offline makes the key one for which the operator makes no token.
func Offline(spec *scimv1alpha1.ScimApiKeySpec) {
	spec.BearerToken.Issuer = scimv1alpha1.TokenIssuerOffline
}

// Serve applies a tenant with a key of the same name, in a namespace of its own,
// and waits until it is served.
func Serve(ctx SpecContext, name string, provider scimv1alpha1.IdentityProvider, changes ...func(*scimv1alpha1.ScimTenantSpec)) *Tenant {
	GinkgoHelper()
	namespace := NewNamespace(ctx, name)
	return ServeIn(ctx, namespace, NewTenant(namespace, name, provider, changes...))[0]
}

// ServeIn applies tenants, each with a key of the same name, and waits until all
// are served.
func ServeIn(ctx SpecContext, namespace string, objects ...*scimv1alpha1.ScimTenant) []*Tenant {
	GinkgoHelper()
	var (
		manifests []client.Object
		waits     []string
		tenants   []*Tenant
	)
	for _, object := range objects {
		manifests = append(manifests, object, NewKey(namespace, object.Name, object.Name))
		waits = append(waits, "scimtenant/"+object.Name, "scimapikey/"+object.Name)
	}
	Apply(manifests...)
	WaitFor(namespace, "condition=Ready", waits...)
	exposed := map[string]*Tenant{} // by server
	for _, object := range objects {
		t := TenantOf(object, object.Name)
		if other := exposed[t.Server]; other != nil && t.Server != "" {
			t.reachAs(other)
		} else {
			t.Expose(ctx)
			exposed[t.Server] = t
		}
		tenants = append(tenants, t)
	}
	return tenants
}

// TenantOf is a tenant that is served, with the token of a key. It cannot be reached yet.
func TenantOf(object *scimv1alpha1.ScimTenant, key string) *Tenant {
	GinkgoHelper()
	t := &Tenant{Namespace: object.Namespace, Name: object.Name, Path: object.Path(), Server: object.Spec.ServerRef.Name}
	if t.Server != "" {
		t.Path = contract.SharedPath(t.Name)
	}
	t.Token, t.KeyID = TokenOf(t.Namespace, key)
	return t
}

// TokenOf reads, with kubectl, the token and the id of a key.
func TokenOf(namespace, key string) (token, keyID string) {
	GinkgoHelper()
	status := KubectlGet(namespace, "scimapikey", key)
	secret, _ := Dig(status, "status/secretName").(string)
	keyID, _ = Dig(status, "status/keyID").(string)
	Expect(secret).NotTo(BeEmpty(), "ScimApiKey %s says no Secret: %v", key, status)
	encoded := Kubectl("get", "secret", "-n", namespace, secret, "-o", "jsonpath={.data.token}")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	Expect(err).NotTo(HaveOccurred())
	Expect(decoded).NotTo(BeEmpty(), "Secret %s has no token", secret)
	return string(decoded), keyID
}
