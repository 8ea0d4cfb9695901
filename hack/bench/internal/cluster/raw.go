package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
)

const scimUsers = "scimusers"

// Raw is a namespace for objects that client-go makes without Kubescim, of the very content that Kubescim stores, and on the
// way that those of its servers take through the API server.
type Raw struct {
	namespace string
	template  *scimv1alpha1.ScimUser
	client    client.Client
	scim      *rest.RESTClient
}

// NewRaw makes the namespace. A user of the tenant is what the objects in it are made after.
func (c *Cluster) NewRaw(ctx context.Context, tenant *Tenant, id string) (*Raw, error) {
	user := &scimv1alpha1.ScimUser{}
	if err := c.client.Get(ctx, client.ObjectKey{Namespace: tenant.namespace, Name: id}, user); err != nil {
		return nil, fmt.Errorf("reading a user to make others after: %w", err)
	}
	namespace, err := c.newNamespace(ctx, "raw")
	if err != nil {
		return nil, err
	}
	user.ObjectMeta = metav1.ObjectMeta{Labels: user.Labels, Annotations: user.Annotations, Finalizers: user.Finalizers}
	raw := &Raw{namespace: namespace, template: user}
	config := asServer(c.config, namespace)
	if raw.client, err = client.New(config, client.Options{Scheme: c.client.Scheme()}); err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	raw.scim, err = plain(config, c.client.Scheme())
	return raw, err
}

// asServer is a configuration of an administrator who acts as the pod of a ScimServer: the policies about who may write users and
// claims let nobody else through, and whoever breaks glass would take a longer way.
func asServer(config *rest.Config, namespace string) *rest.Config {
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + namespace + ":bench-scim-server",
		Groups:   []string{"system:masters"},
		Extra:    map[string][]string{"authentication.kubernetes.io/pod-name": {"bench-scim-server"}},
	}
	return config
}

// Creates makes workers that create objects. name gives each userName once.
func (r *Raw) Creates(name func() string) func() (load.Worker, error) {
	return workers(r.create(name))
}

func (r *Raw) create(name func() string) operation {
	return func(ctx context.Context) (time.Duration, error) {
		user := r.template.DeepCopy()
		user.Name = uuid.NewString()
		user.Spec.UserName = name()
		created := &scimv1alpha1.ScimUser{}
		began := time.Now()
		err := r.scim.Post().Namespace(r.namespace).Resource(scimUsers).Body(user).Do(ctx).Into(created)
		return time.Since(began), err
	}
}

// CreatesWithClaims is Creates with a Lease before each object, as Kubescim claims a userName: it is all that has to be
// written for a user whose name is unique.
func (r *Raw) CreatesWithClaims(name func() string) func() (load.Worker, error) {
	create := r.create(name)
	return workers(func(ctx context.Context) (time.Duration, error) {
		claim := &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: r.namespace, Name: "scim-claim-" + uuid.NewString(),
				Labels: map[string]string{scimv1alpha1.LabelTenant: r.namespace, scimv1alpha1.LabelLease: scimv1alpha1.LeaseClaim},
			},
			Spec: coordinationv1.LeaseSpec{HolderIdentity: ptr.To(uuid.NewString()), AcquireTime: ptr.To(metav1.NowMicro())},
		}
		began := time.Now()
		if err := r.client.Create(ctx, claim); err != nil {
			return 0, fmt.Errorf("creating a claim: %w", err)
		}
		claimed := time.Since(began)
		created, err := create(ctx)
		return claimed + created, err
	})
}

// Clear deletes the objects that were made.
func (r *Raw) Clear(ctx context.Context) error {
	for _, object := range []client.Object{&scimv1alpha1.ScimUser{}, &coordinationv1.Lease{}} {
		if err := r.client.DeleteAllOf(ctx, object, client.InNamespace(r.namespace)); err != nil {
			return fmt.Errorf("deleting the raw objects: %w", err)
		}
	}
	return nil
}

// Gets makes workers that read users of a tenant from the API server, not from its cache. id says which.
func (c *Cluster) Gets(tenant *Tenant, id func() string) func() (load.Worker, error) {
	return workers(func(ctx context.Context) (time.Duration, error) {
		user := &scimv1alpha1.ScimUser{}
		began := time.Now()
		err := c.scim.Get().Namespace(tenant.namespace).Resource(scimUsers).Name(id()).Do(ctx).Into(user)
		return time.Since(began), err
	})
}

// workers makes workers that need nothing of their own: client-go shares its connections.
func workers(do operation) func() (load.Worker, error) {
	return func() (load.Worker, error) { return do, nil }
}

// operation is a Worker that is a function.
type operation func(context.Context) (time.Duration, error)

// Do does it.
func (o operation) Do(ctx context.Context) (time.Duration, error) { return o(ctx) }

// Close has nothing to do.
func (o operation) Close() {}
