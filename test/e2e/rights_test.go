package e2e

import (
	"context"
	"maps"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authorizationv1 "k8s.io/api/authorization/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// rights are what an account may do: the verbs, in their order, by API group, resource and,
// where it is for some names only, those.
type rights map[string]string

// rightsOfOperator are those of the operator in any namespace, as it is installed without
// watchNamespaces. Every one is a promise of docs/security.md.
var rightsOfOperator = rights{
	"/namespaces": "get",
	"admissionregistration.k8s.io/validatingadmissionpolicies":       "get",
	"admissionregistration.k8s.io/validatingadmissionpolicybindings": "get",
	"rbac.authorization.k8s.io/clusterrolebindings":                  "create delete get list patch watch",
	"rbac.authorization.k8s.io/clusterroles (view)":                  "bind",
	"scim.kubescim.dev/scimrolebindings":                             "get list patch watch",
	"scim.kubescim.dev/scimrolebindings/finalizers":                  "update",
	"scim.kubescim.dev/scimrolebindings/status":                      "patch",
	"/pods":                              "list",
	"/secrets":                           "create delete get update",
	"/serviceaccounts":                   "create delete get list patch watch",
	"/services":                          "create delete get list patch watch",
	"apps/deployments":                   "create delete get list patch watch",
	"apps/replicasets":                   "list",
	"authentication.k8s.io/tokenreviews": "create",
	"authorization.k8s.io/subjectaccessreviews": "create",
	"autoscaling/horizontalpodautoscalers":      "create delete get list patch watch",
	"coordination.k8s.io/leases":                "create delete get list update watch",
	"events.k8s.io/events":                      "create patch",
	"gateway.networking.k8s.io/httproutes":      "create delete get list patch watch",
	"networking.k8s.io/ingressclasses":          "get list watch",
	"networking.k8s.io/ingresses":               "create delete get list patch watch",
	"networking.k8s.io/networkpolicies":         "create delete get list patch watch",
	"policy/poddisruptionbudgets":               "create delete get list patch watch",
	"rbac.authorization.k8s.io/rolebindings":    "create delete get list patch watch",
	"rbac.authorization.k8s.io/roles":           "create delete get list patch watch",
	"scim.kubescim.dev/scimapikeys":             "get list patch watch",
	"scim.kubescim.dev/scimapikeys/status":      "patch",
	"scim.kubescim.dev/scimcredentials":         "create delete get list update watch",
	"scim.kubescim.dev/scimeventsinks":          "get list watch",
	"scim.kubescim.dev/scimeventsinks/status":   "patch",
	"scim.kubescim.dev/scimgroupmembers":        "create delete get list patch update watch",
	"scim.kubescim.dev/scimgroups":              "create delete get list patch update watch",
	"scim.kubescim.dev/scimroles":               "get list watch",
	"scim.kubescim.dev/scimroles/status":        "patch",
	"scim.kubescim.dev/scimservers":             "get list patch watch",
	"scim.kubescim.dev/scimservers/finalizers":  "update",
	"scim.kubescim.dev/scimservers/status":      "patch",
	"scim.kubescim.dev/scimtenants":             "get list patch watch",
	"scim.kubescim.dev/scimtenants/finalizers":  "update",
	"scim.kubescim.dev/scimtenants/status":      "patch",
	"scim.kubescim.dev/scimusers":               "create delete get list patch update watch",
}

// rightsAtHome are those that it has besides in its own namespace.
var rightsAtHome = rights{
	"/configmaps": "create delete get list update watch",
	"/events":     "create patch",
	"coordination.k8s.io/leases (kubescim-manager)": "get patch update",
}

// rightsInKubeSystem are those that it has besides where the API server says which client certificates it
// accepts.
var rightsInKubeSystem = rights{
	"/configmaps (extension-apiserver-authentication)": "get list watch",
}

// rightsOfServer are those of a tenant's server in the tenant's namespace.
func rightsOfServer(tenant string) rights {
	return rights{
		"coordination.k8s.io/leases":                     "create delete get list update",
		"events.k8s.io/events":                           "create patch",
		"scim.kubescim.dev/scimapikeys":                  "get list watch",
		"scim.kubescim.dev/scimcredentials":              "get list watch",
		"scim.kubescim.dev/scimeventsinks":               "get list watch",
		"scim.kubescim.dev/scimeventsinks/status":        "patch",
		"scim.kubescim.dev/scimgroupmembers":             "create delete get list patch update watch",
		"scim.kubescim.dev/scimgroups":                   "create delete get list patch update watch",
		"scim.kubescim.dev/scimroles":                    "get list watch",
		"scim.kubescim.dev/scimtenants (" + tenant + ")": "get list watch",
		"scim.kubescim.dev/scimusers":                    "create delete get list patch update watch",
	}
}

// rightsOfSharedServer are those of a ScimServer in its namespace: it reads all ScimTenants there.
func rightsOfSharedServer() rights {
	may := rightsOfServer("none")
	delete(may, "scim.kubescim.dev/scimtenants (none)")
	return may.and(rights{"scim.kubescim.dev/scimtenants": "get list watch"})
}

// and returns the rights with others.
func (r rights) and(others rights) rights {
	all := maps.Clone(r)
	maps.Copy(all, others)
	return all
}

// mayDo asks the API server what a ServiceAccount may do in a namespace, as that account.
func mayDo(ctx context.Context, account client.ObjectKey, namespace string) rights {
	GinkgoHelper()
	settings, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	settings.Impersonate = rest.ImpersonationConfig{
		UserName: "system:serviceaccount:" + account.Namespace + ":" + account.Name,
		Groups:   []string{"system:serviceaccounts", "system:serviceaccounts:" + account.Namespace, "system:authenticated"},
	}
	asAccount, err := client.New(settings, client.Options{Scheme: Cluster.Scheme()})
	Expect(err).NotTo(HaveOccurred())
	review := &authorizationv1.SelfSubjectRulesReview{Spec: authorizationv1.SelfSubjectRulesReviewSpec{Namespace: namespace}}
	Expect(asAccount.Create(ctx, review)).To(Succeed())
	Expect(review.Status.Incomplete).To(BeFalse(), review.Status.EvaluationError)

	verbs := map[string][]string{}
	add := func(name string, more []string) { verbs[name] = append(verbs[name], more...) }
	for _, rule := range review.Status.NonResourceRules {
		add("URLs "+strings.Join(rule.NonResourceURLs, " "), rule.Verbs)
	}
	for _, rule := range review.Status.ResourceRules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				name := group + "/" + resource
				if len(rule.ResourceNames) > 0 {
					name += " (" + strings.Join(rule.ResourceNames, " ") + ")"
				}
				add(name, rule.Verbs)
			}
		}
	}
	may := rights{}
	for name, all := range verbs {
		slices.Sort(all)
		may[name] = strings.Join(slices.Compact(all), " ")
	}
	return may
}

// expectRights checks that the accounts of the operator and of two tenants of one namespace
// may do exactly what is written down, besides what Kubernetes lets every ServiceAccount do.
func expectRights(a, b *Tenant) {
	GinkgoHelper()
	ctx := context.Background()
	everyone := func(namespace string) rights {
		return mayDo(ctx, client.ObjectKey{Namespace: namespace, Name: "no-such-account"}, namespace)
	}
	operator := client.ObjectKey{Namespace: OperatorKey.Namespace, Name: "kubescim"}
	server := func(t *Tenant) client.ObjectKey {
		return client.ObjectKey{Namespace: t.Namespace, Name: t.Name + "-scim"}
	}
	for _, tc := range []struct {
		account   client.ObjectKey
		namespace string
		may       rights
	}{
		{operator, OperatorKey.Namespace, rightsOfOperator.and(rightsAtHome)},
		{operator, a.Namespace, rightsOfOperator},
		{operator, "kube-system", rightsOfOperator.and(rightsInKubeSystem)},
		{server(a), a.Namespace, rightsOfServer(a.Name)},
		{server(b), b.Namespace, rightsOfServer(b.Name)},
		{server(a), OperatorKey.Namespace, rights{}},
		{server(a), "kube-system", rights{}},
		{server(a), "default", rights{}},
		{client.ObjectKey{Namespace: a.Namespace, Name: "default"}, a.Namespace, rights{}},
		{client.ObjectKey{Namespace: OperatorKey.Namespace, Name: "default"}, OperatorKey.Namespace, rights{}},
	} {
		expected := everyone(tc.account.Namespace).and(tc.may)
		Expect(mayDo(ctx, tc.account, tc.namespace)).To(Equal(expected), "%s in %s", tc.account, tc.namespace)
	}
}
