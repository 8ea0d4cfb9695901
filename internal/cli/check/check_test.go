package check

import (
	"testing"

	. "github.com/onsi/gomega"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"
)

func TestReleasesOfKubernetes(t *testing.T) {
	for text, want := range map[string]Result{"v1.37.2": OK, "v1.35.0+k3s1": OK, "v1.34.9": Problem, "v2.0.0": OK, "nightly": Unknown} {
		if got := release(text); got.Result != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

// known is an API server that knows some kinds.
type known struct {
	discovery.ServerResourcesInterface
	kinds []string
}

func (k known) ServerResourcesForGroupVersion(string) (*metav1.APIResourceList, error) {
	list := &metav1.APIResourceList{}
	for _, kind := range k.kinds {
		list.APIResources = append(list.APIResources, metav1.APIResource{Kind: kind})
	}
	return list, nil
}

func TestKindsThatAreMissing(t *testing.T) {
	g := NewWithT(t)
	g.Expect(kinds(known{kinds: wantedKinds}).Result).To(Equal(OK))
	older := kinds(known{kinds: wantedKinds[:5]})
	g.Expect(older.Result).To(Equal(Problem))
	g.Expect(older.Message).To(ContainSubstring("lacks ScimGroup, ScimGroupMembers"))
}

func TestOperators(t *testing.T) {
	for name, tc := range map[string]struct {
		ready     int32
		installed string
		plugin    string
		want      Result
		says      string
	}{
		"that runs":                {1, "0.2.0", "0.2.5", OK, "in version 0.2.0, and this plugin is of version 0.2.5"},
		"of another minor version": {1, "0.2.0", "0.3.0", Warning, "this plugin is of version 0.3.0"},
		"and a plugin of none":     {1, "0.2.0", "dev", OK, "which is not compared with that of this plugin: it was built without one"},
		"of no release":            {1, "dev", "0.2.0", OK, "which is none of a release"},
		"without a version":        {1, "", "0.3.0", OK, "runs"},
		"without a pod":            {0, "0.2.0", "0.2.0", Problem, "kubectl describe deployment kubescim -n kubescim-system"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "kubescim-system", Name: "kubescim", Labels: map[string]string{}}}
			if tc.installed != "" {
				d.Labels["app.kubernetes.io/version"] = tc.installed
			}
			d.Status.ReadyReplicas = tc.ready
			found := operatorOf([]appsv1.Deployment{*d}, tc.plugin, "acme")
			g.Expect(found.Result).To(Equal(tc.want), found.Message)
			g.Expect(found.Message).To(ContainSubstring(tc.says))
		})
	}
}

func TestOperatorsThatWatchSomeNamespaces(t *testing.T) {
	watching := func(name string, arguments ...string) appsv1.Deployment {
		d := appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: "kubescim-system", Name: name}}
		d.Spec.Template.Spec.Containers = []corev1.Container{{Args: arguments}}
		d.Status.ReadyReplicas = 1
		return d
	}
	all, some, others := watching("all"), watching("some", "--leader-elect", "--watch-namespaces=acme,globex"), watching("others", "--watch-namespaces=initech")
	for name, tc := range map[string]struct {
		operators []appsv1.Deployment
		want      Result
		says      string
	}{
		"all":              {[]appsv1.Deployment{all}, OK, "kubescim-system/all runs"},
		"this one":         {[]appsv1.Deployment{some}, OK, "kubescim-system/some runs"},
		"one of two":       {[]appsv1.Deployment{others, some}, OK, "kubescim-system/some runs"},
		"another one":      {[]appsv1.Deployment{others}, Warning, "kubescim-system/others looks for tenants in initech alone, and not in the namespace acme"},
		"this one, by two": {[]appsv1.Deployment{all, some}, Warning, "leave it to one of kubescim-system/all, kubescim-system/some"},
	} {
		t.Run(name, func(t *testing.T) {
			g := NewWithT(t)
			found := operatorOf(tc.operators, "dev", "acme")
			g.Expect(found.Result).To(Equal(tc.want), found.Message)
			g.Expect(found.Message).To(ContainSubstring(tc.says))
		})
	}
}

func TestPoliciesAreInForceWhereABindingDenies(t *testing.T) {
	g := NewWithT(t)
	policy := func(name string) admissionregistrationv1.ValidatingAdmissionPolicy {
		return admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}}
	}
	binding := func(name string, action admissionregistrationv1.ValidationAction) admissionregistrationv1.ValidatingAdmissionPolicyBinding {
		return admissionregistrationv1.ValidatingAdmissionPolicyBinding{Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: name, ValidationActions: []admissionregistrationv1.ValidationAction{action},
		}}
	}
	two := []admissionregistrationv1.ValidatingAdmissionPolicy{policy("a"), policy("b")}
	g.Expect(policiesOf(nil, nil).Result).To(Equal(Warning))
	g.Expect(policiesOf(two, []admissionregistrationv1.ValidatingAdmissionPolicyBinding{binding("a", "Deny"), binding("b", "Deny")})).
		To(Equal(Finding{Check: "Admission policies", Result: OK, Message: "in force: a, b"}))
	audited := policiesOf(two, []admissionregistrationv1.ValidatingAdmissionPolicyBinding{binding("a", "Deny"), binding("b", "Audit")})
	g.Expect(audited.Result).To(Equal(Warning))
	g.Expect(audited.Message).To(HaveSuffix(": b"))
}
