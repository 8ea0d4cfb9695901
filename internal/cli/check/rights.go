package check

import (
	"context"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/cli/command"
)

// right is something that people do with the plugin.
type right struct {
	what, group, resource string
	verbs                 []string
	role                  command.Role
}

var wantedRights = []right{
	{"see tenants and keys", scimv1alpha1.GroupVersion.Group, "scimtenants", []string{"get", "list"}, command.RoleTenantViewer},
	{"change tenants", scimv1alpha1.GroupVersion.Group, "scimtenants", []string{"patch"}, command.RoleTenantEditor},
	{"make and revoke keys", scimv1alpha1.GroupVersion.Group, "scimapikeys", []string{"create", "delete", "patch"}, command.RoleKeyEditor},
	{"see users and groups", scimv1alpha1.GroupVersion.Group, "scimusers", []string{"get", "list"}, command.RoleUserViewer},
	{"read tokens", "", "secrets", []string{"get"}, ""},
}

// rights says what the person may do in the namespace. Not to be allowed something is no problem of
// the cluster.
func rights(ctx context.Context, c client.Client, namespace string) []Finding {
	var findings []Finding
	for _, wanted := range wantedRights {
		findings = append(findings, wanted.review(ctx, c, namespace))
	}
	return findings
}

func (r right) review(ctx context.Context, c client.Client, namespace string) Finding {
	f := Finding{Check: "Your rights", Result: OK, Message: fmt.Sprintf("you may %s in the namespace %s", r.what, namespace)}
	for _, verb := range r.verbs {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Group: r.group, Resource: r.resource, Verb: verb},
		}}
		if err := c.Create(ctx, review); err != nil {
			return Finding{Check: f.Check, Result: Unknown, Message: fmt.Sprintf("asking whether you may %s: %v", r.what, err)}
		}
		if review.Status.Allowed {
			continue
		}
		f.Result, f.Message = Warning, fmt.Sprintf("you may not %s in the namespace %s", r.what, namespace)
		if r.role != "" {
			f.Message += fmt.Sprintf(": the ClusterRole %s permits it", r.role)
		}
		return f
	}
	return f
}
