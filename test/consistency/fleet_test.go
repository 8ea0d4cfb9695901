package consistency

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// replicas is the number of pods of each server.
const replicas = 3

// fleet is tenants that are hosted alike, which the specs of one container share. Specs use
// names of their own.
type fleet struct {
	// hosted says how, in words.
	hosted string
	// server is the name of the ScimServer of all tenants; empty when each has a server of its own.
	server string
	// size is the number of tenants.
	size int
	// clients is the number of clients of a workload at each replica of each tenant.
	clients int
	// repeated labels the specs of which another fleet shows the same.
	repeated Labels

	namespace string
	tenants   []*tenant
}

// tenant is one of a fleet.
type tenant struct {
	*Tenant
	// keeps is whether a deleted user is kept and comes back, or is gone.
	keeps bool
}

// serve makes the tenants, every other one of which keeps deleted users.
func (f *fleet) serve(ctx SpecContext) {
	GinkgoHelper()
	f.namespace, f.tenants = NewNamespace(ctx, "consistency"), nil
	if f.server != "" {
		Apply(NewServer(f.namespace, f.server, replicas))
	}
	var manifests []*scimv1alpha1.ScimTenant
	for i := range f.size {
		f.tenants = append(f.tenants, &tenant{keeps: i%2 == 0})
		manifests = append(manifests, f.manifest(fmt.Sprint("tenant-", i), f.tenants[i].keeps))
	}
	for i, served := range ServeIn(ctx, f.namespace, manifests...) {
		f.tenants[i].Tenant = served
	}
}

// manifest is that of a tenant of the fleet.
func (f *fleet) manifest(name string, keeps bool) *scimv1alpha1.ScimTenant {
	return NewTenant(f.namespace, name, scimv1alpha1.IdentityProviderGeneric, Unlimited, func(spec *scimv1alpha1.ScimTenantSpec) {
		if f.server != "" {
			On(f.server)(spec)
		} else {
			spec.Server.Replicas = replicas
		}
		if !keeps {
			spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
		}
	})
}

// add makes one more tenant, which is gone after the spec.
func (f *fleet) add(ctx SpecContext, name string) *Tenant {
	GinkgoHelper()
	added := ServeIn(ctx, f.namespace, f.manifest(name, true))[0]
	DeferCleanup(f.remove, name)
	return added
}

// remove deletes a tenant, if there is one.
func (f *fleet) remove(name string) {
	GinkgoHelper()
	Kubectl("delete", "scimtenant", "-n", f.namespace, name, "--ignore-not-found")
}

// recovered waits until all replicas are at work, whatever was done to them.
func (f *fleet) recovered(ctx SpecContext) {
	GinkgoHelper()
	for _, t := range f.tenants {
		Recovered(ctx, t.Tenant)
		t.Expose(ctx)
		Expect(t.Replicas).To(HaveLen(replicas))
	}
}

// servers are one tenant of each server.
func (f *fleet) servers() []*tenant {
	if f.server != "" {
		return f.tenants[:1]
	}
	return f.tenants
}

// numberPods gives, until the function that it returns is called, new pods the
// numbers of those in whose place they come.
func (f *fleet) numberPods() (end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			for _, t := range f.servers() {
				if err := t.NumberPods(ctx); err != nil && ctx.Err() == nil {
					GinkgoLogr.Error(err, "numbering the pods is tried again", "tenant", t.Name)
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// podOf is the pod of a tenant's server with that number.
func podOf(ctx SpecContext, t *Tenant, number int) corev1.Pod {
	GinkgoHelper()
	for _, pod := range t.Pods(ctx) {
		if pod.Labels[LabelReplica] == fmt.Sprint(number) {
			return pod
		}
	}
	Fail(fmt.Sprintf("no pod of the server of %s has the number %d", t.Name, number))
	return corev1.Pod{}
}
