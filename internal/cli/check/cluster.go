package check

import (
	"context"
	"fmt"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/program"
)

// least is the oldest Kubernetes with which Kubescim works: resourceVersions can be compared
// since.
var least = version.MustParseGeneric("1.35.0")

// wantedKinds are those that the plugin knows.
var wantedKinds = []string{"ScimTenant", "ScimServer", "ScimApiKey", "ScimCredential", "ScimUser", "ScimGroup", "ScimGroupMembers", "ScimRole", "ScimRoleBinding", "ScimEventSink"}

// most bounds lists of which there are few.
const most = 100

func release(text string) Finding {
	f := Finding{Check: "Kubernetes", Result: OK, Message: "the API server is of the release " + text}
	found, err := version.ParseGeneric(text)
	if err != nil {
		f.Result = Unknown
		return f
	}
	if found.LessThan(least) {
		f.Result, f.Message = Problem, f.Message+", and Kubescim needs 1.35 or newer: upgrade the cluster"
	}
	return f
}

func kinds(disco discovery.ServerResourcesInterface) Finding {
	f := Finding{Check: "Kinds"}
	group := scimv1alpha1.GroupVersion.String()
	list, err := disco.ServerResourcesForGroupVersion(group)
	if err != nil {
		f.Result, f.Message = Problem, "the cluster does not know Kubescim's kinds: install its chart"
		if !apierrors.IsNotFound(err) {
			f.Result, f.Message = Unknown, "asking for Kubescim's kinds: "+err.Error()
		}
		return f
	}
	missing := slices.Clone(wantedKinds)
	for _, resource := range list.APIResources {
		missing = slices.DeleteFunc(missing, func(kind string) bool { return kind == resource.Kind })
	}
	if len(missing) > 0 {
		f.Result, f.Message = Problem, fmt.Sprintf("%s lacks %s: the CustomResourceDefinitions are older than this plugin; upgrade the chart", group, strings.Join(missing, ", "))
		return f
	}
	f.Result, f.Message = OK, "all kinds of "+group+" are there"
	return f
}

// operator looks for the operator's Deployment, wherever that is. What the operator itself makes
// has another label.
func operator(ctx context.Context, c client.Client, namespace string) Finding {
	f := Finding{Check: "Operator"}
	selector, err := labels.Parse(operand.LabelPartOf + "=" + operand.ManagedBy + "," + operand.LabelManagedBy + "!=" + operand.ManagedBy)
	if err != nil {
		panic(err) // It is made of constants.
	}
	deployments := &appsv1.DeploymentList{}
	err = c.List(ctx, deployments, client.MatchingLabelsSelector{Selector: selector}, client.Limit(most))
	switch {
	case err != nil:
		f.Result, f.Message = Unknown, "you may not list Deployments in all namespaces, where the operator's is looked for"
		if !apierrors.IsForbidden(err) {
			f.Message = "listing Deployments: " + err.Error()
		}
	case len(deployments.Items) == 0:
		f.Result, f.Message = Problem, "there is no Deployment of the operator: install the chart, or nothing happens to tenants and keys"
	default:
		return operatorOf(deployments.Items, program.Version, namespace)
	}
	return f
}

// operatorOf says whether the operator that watches a namespace runs.
func operatorOf(all []appsv1.Deployment, plugin, namespace string) Finding {
	watching := slices.DeleteFunc(slices.Clone(all), func(d appsv1.Deployment) bool {
		watched := watchedBy(&d)
		return len(watched) > 0 && !slices.Contains(watched, namespace)
	})
	f := Finding{Check: "Operator", Result: Warning}
	switch len(watching) {
	case 0:
		f.Message = fmt.Sprintf("%s looks for tenants in %s alone, and not in the namespace %s: name another one with -n, or add it to the chart's watchNamespaces",
			namesOf(all), strings.Join(watchedBy(&all[0]), ", "), namespace)
	case 1:
		return runningOf(&watching[0], plugin)
	default:
		f.Message = fmt.Sprintf("several operators watch the namespace %s, and each undoes what the others do: leave it to one of %s, with the chart's watchNamespaces",
			namespace, namesOf(watching))
	}
	return f
}

// watchedBy are the namespaces that an operator looks for tenants in; none where it does in all.
func watchedBy(d *appsv1.Deployment) []string {
	for _, container := range d.Spec.Template.Spec.Containers {
		for _, argument := range container.Args {
			if list, is := strings.CutPrefix(argument, "--watch-namespaces="); is && list != "" {
				return strings.Split(list, ",")
			}
		}
	}
	return nil
}

func namesOf(deployments []appsv1.Deployment) string {
	var names []string
	for i := range deployments {
		names = append(names, deployments[i].Namespace+"/"+deployments[i].Name)
	}
	return strings.Join(names, ", ")
}

// runningOf says whether an operator runs, and whether its version goes with the plugin's.
func runningOf(d *appsv1.Deployment, plugin string) Finding {
	f := Finding{Check: "Operator", Result: OK, Message: fmt.Sprintf("%s/%s runs", d.Namespace, d.Name)}
	if d.Status.ReadyReplicas == 0 {
		f.Result = Problem
		f.Message = fmt.Sprintf("no pod of %s/%s is ready: see 'kubectl describe deployment %[2]s -n %[1]s'", d.Namespace, d.Name)
		return f
	}
	installed := d.Labels["app.kubernetes.io/version"]
	if installed == "" {
		return f
	}
	f.Message += " in version " + installed
	first, errFirst := version.ParseGeneric(installed)
	second, errSecond := version.ParseGeneric(plugin)
	switch {
	case errSecond != nil:
		f.Message += ", which is not compared with that of this plugin: it was built without one"
	case errFirst != nil:
		f.Message += ", which is none of a release, and is not compared with that of this plugin, " + plugin
	case first.Major() != second.Major() || first.Minor() != second.Minor():
		f.Result = Warning
		f.Message += ", and this plugin is of version " + plugin + ": use those of one minor version"
	default:
		f.Message += ", and this plugin is of version " + plugin
	}
	return f
}

// missingNamespace is what to say where there is no such namespace; nil where there is one, or one may not
// see that.
func missingNamespace(ctx context.Context, c client.Client, namespace string) *Finding {
	err := c.Get(ctx, client.ObjectKey{Name: namespace}, &corev1.Namespace{})
	if !apierrors.IsNotFound(err) {
		return nil
	}
	return &Finding{Check: "Namespace", Result: Warning, Message: fmt.Sprintf("there is no namespace %s: make it, or name another one with -n", namespace)}
}

// policies looks for the admission policies that come with the operator, and whether they are in
// force.
func policies(ctx context.Context, c client.Client) Finding {
	f := Finding{Check: "Admission policies"}
	ours := client.MatchingLabels{operand.LabelPartOf: operand.ManagedBy}
	found, bound := &admissionregistrationv1.ValidatingAdmissionPolicyList{}, &admissionregistrationv1.ValidatingAdmissionPolicyBindingList{}
	for _, list := range []client.ObjectList{found, bound} {
		if err := c.List(ctx, list, ours, client.Limit(most)); err != nil {
			f.Result, f.Message = Unknown, "you may not list ValidatingAdmissionPolicies"
			if !apierrors.IsForbidden(err) {
				f.Message = "listing ValidatingAdmissionPolicies: " + err.Error()
			}
			return f
		}
	}
	return policiesOf(found.Items, bound.Items)
}

func policiesOf(found []admissionregistrationv1.ValidatingAdmissionPolicy, bound []admissionregistrationv1.ValidatingAdmissionPolicyBinding) Finding {
	f := Finding{Check: "Admission policies"}
	var denying, idle []string
	for i := range found {
		name := found[i].Name
		binds := func(b admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
			return b.Spec.PolicyName == name && slices.Contains(b.Spec.ValidationActions, admissionregistrationv1.Deny)
		}
		if slices.ContainsFunc(bound, binds) {
			denying = append(denying, name)
		} else {
			idle = append(idle, name)
		}
	}
	switch {
	case len(found) == 0:
		f.Result, f.Message = Warning, "none of Kubescim's is there: RBAC alone limits what the operator may write; see the chart's values"
	case len(idle) > 0:
		f.Result, f.Message = Warning, "no binding has them deny anything: "+strings.Join(idle, ", ")
	default:
		f.Result, f.Message = OK, "in force: "+strings.Join(denying, ", ")
	}
	return f
}
