package upgrade

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// Which release a pod is of: whether its Lease says up to which revision it goes by the
// ScimCredentials.
const (
	before = false
	anew   = true
)

// templateLabel tells the pods of one template of a Deployment from those of another.
const templateLabel = "pod-template-hash"

// leases counts the server pods of a tenant that are alive, by their release.
func leases(ctx context.Context, t *Tenant) (map[bool]int, error) {
	list := &coordinationv1.LeaseList{}
	err := Cluster.List(ctx, list, client.InNamespace(t.Namespace), client.MatchingLabels{
		scimv1alpha1.LabelTenant: t.Name, scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica,
	})
	counted := map[bool]int{}
	for _, lease := range list.Items {
		counted[lease.Annotations[contract.AnnotationCredentialsRevision] != ""]++
	}
	return counted, err
}

// holdHalfway pauses the Deployment of a tenant as soon as there is a pod of the present
// release beside those of the earlier one. What becomes of that is sent into the channel.
func holdHalfway(ctx context.Context, t *Tenant) <-chan error {
	held := make(chan error, 1)
	go func() {
		held <- wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 5*time.Minute, true, func(ctx context.Context) (bool, error) {
			counted, err := leases(ctx, t)
			if err != nil || counted[anew] == 0 {
				return false, err
			}
			if counted[before] == 0 {
				return false, fmt.Errorf("all pods are of the present release before the roll-out was held: %v", counted)
			}
			server := &appsv1.Deployment{}
			if err := Cluster.Get(ctx, client.ObjectKey{Namespace: t.Namespace, Name: t.Name + "-scim"}, server); err != nil {
				return false, err
			}
			paused := client.MergeFrom(server.DeepCopy())
			server.Spec.Paused = true
			return true, Cluster.Patch(ctx, server, paused)
		})
	}()
	return held
}

// releases are clients of the pods of both releases, by their release. Each request is of a
// connection of its own, so that all pods of a release get some.
type releases map[bool]*Client

// podsOfBoth reaches the pods of a tenant whose roll-out is held halfway.
func podsOfBoth(ctx SpecContext, t *Tenant) releases {
	GinkgoHelper()
	found := releases{}
	for _, pod := range t.Pods(ctx) {
		lease := &coordinationv1.Lease{}
		Expect(Cluster.Get(ctx, client.ObjectKeyFromObject(&pod), lease)).To(Succeed())
		release := lease.Annotations[contract.AnnotationCredentialsRevision] != ""
		if found[release] == nil {
			labels := t.Labels()
			labels[templateLabel] = pod.Labels[templateLabel]
			found[release] = NewClient(t.NodePort(ctx, labels), t.Token)
		}
	}
	Expect(found).To(And(HaveKey(before), HaveKey(anew)))
	return found
}

func (r releases) accept(token string) {
	GinkgoHelper()
	r.answer(token, http.StatusOK)
}

func (r releases) refuse(token string) {
	GinkgoHelper()
	r.answer(token, http.StatusUnauthorized)
}

func (r releases) answer(token string, status int) {
	GinkgoHelper()
	for _, c := range r {
		for range 10 {
			c.WithToken(token).Get(Users + "?count=1").Has(status)
		}
	}
}

// newToken makes a key for a tenant and waits for its token.
func newToken(t *Tenant, name string) string {
	GinkgoHelper()
	Apply(NewKey(t.Namespace, name, t.Name))
	WaitFor(t.Namespace, "condition=Ready", "scimapikey/"+name)
	token, _ := TokenOf(t.Namespace, name)
	return token
}

// rightsOf are the resources to which the Role of a tenant's server gives rights.
func rightsOf(t *Tenant) []string {
	GinkgoHelper()
	return strings.Fields(Kubectl("get", "role", "-n", t.Namespace, t.Name+"-scim", "-o", "jsonpath={.rules[*].resources[*]}"))
}
