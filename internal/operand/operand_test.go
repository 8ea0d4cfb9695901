package operand

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

func tenant(change ...func(*scimv1alpha1.ScimTenant)) *scimv1alpha1.ScimTenant {
	t := &scimv1alpha1.ScimTenant{
		ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme", UID: "tenant-uid"},
		Spec:       scimv1alpha1.ScimTenantSpec{IdentityProvider: scimv1alpha1.IdentityProviderEntra},
	}
	for _, c := range change {
		c(t)
	}
	return t
}

// server is the dedicated one of a tenant.
func server(change ...func(*scimv1alpha1.ScimTenant)) Server {
	return DedicatedServer(tenant(change...))
}

// as converts an apply configuration to the typed object.
func as[T any](t *testing.T, ac any) *T {
	t.Helper()
	text, err := json.Marshal(ac)
	if err != nil {
		t.Fatal(err)
	}
	obj := new(T)
	if err := json.Unmarshal(text, obj); err != nil {
		t.Fatal(err)
	}
	return obj
}

func checkMeta(t *testing.T, obj metav1.Object) {
	t.Helper()
	if obj.GetName() != "acme-scim" || obj.GetNamespace() != "team" {
		t.Errorf("it is called %s/%s", obj.GetNamespace(), obj.GetName())
	}
	want := map[string]string{
		"app.kubernetes.io/name":       "kubescim-server",
		"app.kubernetes.io/instance":   "acme",
		"app.kubernetes.io/component":  "scim-server",
		"app.kubernetes.io/managed-by": "kubescim",
		"app.kubernetes.io/part-of":    "kubescim",
		"scim.kubescim.dev/tenant":     "acme",
	}
	if !maps.Equal(obj.GetLabels(), want) {
		t.Errorf("labels are %v", obj.GetLabels())
	}
	if owner := metav1.GetControllerOf(obj); owner == nil || owner.UID != "tenant-uid" || owner.Kind != "ScimTenant" {
		t.Errorf("it is controlled by %v", owner)
	}
}

func TestDeployment(t *testing.T) {
	d := as[appsv1.Deployment](t, Deployment(server(), Settings{
		Image: "kubescim:1", Absence: time.Hour, Issuers: contract.HostsOf([]string{"a.example.com", "b.example.com"}, []string{"10.0.0.0/8"}),
	}))
	checkMeta(t, d)
	if *d.Spec.Replicas != 2 {
		t.Errorf("replicas = %d", *d.Spec.Replicas)
	}
	if want := map[string]string{LabelName: ServerName, LabelInstance: "acme"}; !maps.Equal(d.Spec.Selector.MatchLabels, want) {
		t.Errorf("the selector is %v", d.Spec.Selector.MatchLabels)
	}
	for key, value := range d.Spec.Selector.MatchLabels {
		if d.Spec.Template.Labels[key] != value {
			t.Errorf("the selector does not choose its own pods")
		}
	}
	if u := d.Spec.Strategy.RollingUpdate; u.MaxUnavailable.IntVal != 0 || u.MaxSurge.IntVal != 1 {
		t.Errorf("the strategy is %v", u)
	}

	pod := d.Spec.Template.Spec
	if pod.ServiceAccountName != "acme-scim" || !*pod.AutomountServiceAccountToken || *pod.EnableServiceLinks {
		t.Errorf("unexpected identity of the pod: %+v", pod)
	}
	if len(pod.TopologySpreadConstraints) != 2 {
		t.Errorf("the pods are spread by %v", pod.TopologySpreadConstraints)
	}
	c := pod.Containers[0]
	if c.Image != "kubescim:1" || !reflect.DeepEqual(c.Command, []string{"/scim-server"}) || !reflect.DeepEqual(c.Args, []string{
		"--tenant=acme", "--absence=1h0m0s", "--signing-keys=/etc/kubescim/signing/keys.json",
		"--issuer-hosts=a.example.com,b.example.com", "--issuer-networks=10.0.0.0/8",
	}) {
		t.Errorf("the container runs %s %v %v", c.Image, c.Command, c.Args)
	}
	ports := map[string]int32{}
	for _, p := range c.Ports {
		ports[p.Name] = p.ContainerPort
	}
	if want := map[string]int32{"http": 8080, "health": 8081, "peers": 8082}; !maps.Equal(ports, want) {
		t.Errorf("the ports are %v", ports)
	}
	fields := map[string]string{}
	for _, e := range c.Env {
		if e.ValueFrom != nil {
			fields[e.Name] = e.ValueFrom.FieldRef.FieldPath
		}
	}
	if want := map[string]string{
		"POD_NAME": "metadata.name", "POD_NAMESPACE": "metadata.namespace", "POD_UID": "metadata.uid", "POD_IP": "status.podIP",
	}; !maps.Equal(fields, want) {
		t.Errorf("the container knows %v", fields)
	}
	if c.LivenessProbe.HTTPGet.Path != "/livez" || c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.StartupProbe == nil {
		t.Error("unexpected probes")
	}
	if sleep := c.Lifecycle.PreStop.Sleep.Seconds; sleep+15 >= *pod.TerminationGracePeriodSeconds {
		t.Errorf("a pod has %d s to end, of which it sleeps %d", *pod.TerminationGracePeriodSeconds, sleep)
	}
}

func TestDeploymentIsRestricted(t *testing.T) {
	pod := as[appsv1.Deployment](t, Deployment(server(), Settings{Image: "kubescim:1"})).Spec.Template.Spec
	if p := pod.SecurityContext; !*p.RunAsNonRoot || *p.RunAsUser == 0 || p.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("the pod's security context is %+v", p)
	}
	c := pod.Containers[0].SecurityContext
	if *c.AllowPrivilegeEscalation || !*c.ReadOnlyRootFilesystem || !reflect.DeepEqual(c.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("the container's security context is %+v", c)
	}
}

func TestDeploymentFollowsTheTenant(t *testing.T) {
	d := as[appsv1.Deployment](t, Deployment(server(func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Server = scimv1alpha1.ServerSpec{
			Replicas: 5,
			Resources: &corev1.ResourceRequirements{
				Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1000Mi")},
			},
			Scheduling: scimv1alpha1.ServerScheduling{
				NodeSelector:      map[string]scimv1alpha1.NodeLabelValue{"pool": "scim"},
				Tolerations:       []corev1.Toleration{{Key: "scim", Operator: corev1.TolerationOpEqual, Value: "yes", Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](60)}},
				PriorityClassName: "important",
			},
		}
	}), Settings{Image: "kubescim:1"}))
	pod := d.Spec.Template.Spec
	if *d.Spec.Replicas != 5 || pod.NodeSelector["pool"] != "scim" || pod.PriorityClassName != "important" {
		t.Errorf("the Deployment does not follow: %+v", d.Spec)
	}
	want := corev1.Toleration{Key: "scim", Operator: corev1.TolerationOpEqual, Value: "yes", Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](60)}
	if len(pod.Tolerations) != 1 || !reflect.DeepEqual(pod.Tolerations[0], want) {
		t.Errorf("the tolerations are %v", pod.Tolerations)
	}
	if got := environment(pod.Containers[0])["GOMEMLIMIT"]; got != "838860800" {
		t.Errorf("GOMEMLIMIT = %q", got)
	}
	if len(pod.Containers[0].Resources.Requests) != 0 {
		t.Error("the tenant asked for no requests and got some")
	}
}

func TestDeploymentWithoutAMemoryLimit(t *testing.T) {
	d := as[appsv1.Deployment](t, Deployment(server(func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Server.Resources = &corev1.ResourceRequirements{}
	}), Settings{Image: "kubescim:1"}))
	if _, ok := environment(d.Spec.Template.Spec.Containers[0])["GOMEMLIMIT"]; ok {
		t.Error("GOMEMLIMIT is set without a limit")
	}
}

// Only what shapes a pod may restart it.
func TestPodTemplateStaysTheSame(t *testing.T) {
	before := Deployment(server(), Settings{Image: "kubescim:1"})
	after := Deployment(server(func(t *scimv1alpha1.ScimTenant) {
		t.Generation, t.ResourceVersion = 7, "700"
		t.Labels = map[string]string{"team": "identity"}
		t.Spec.DisplayName = "Acme"
		t.Spec.IdentityProvider = scimv1alpha1.IdentityProviderOkta
		t.Spec.State = scimv1alpha1.TenantStatePaused
		t.Spec.Endpoint = scimv1alpha1.EndpointSpec{Host: "acme.example.com", Path: "/api"}
		t.Spec.Users.RequiredAttributes = []scimv1alpha1.UserAttribute{"emails"}
		t.Spec.Server.Replicas = 7
		t.Spec.DeletionPolicy = scimv1alpha1.DeletionPolicyDelete
	}), Settings{Image: "kubescim:1"})
	if !reflect.DeepEqual(before.Spec.Template, after.Spec.Template) {
		t.Error("the pod template has changed")
	}
}

func TestService(t *testing.T) {
	s := as[corev1.Service](t, Service(server()))
	checkMeta(t, s)
	if p := s.Spec.Ports[0]; p.Port != 80 || p.Name != "http" || p.TargetPort.StrVal != "http" {
		t.Errorf("the port is %+v", p)
	}
	if !maps.Equal(s.Spec.Selector, SelectorLabels("acme")) {
		t.Errorf("the selector is %v", s.Spec.Selector)
	}
	moved := server()
	moved.Traffic = &Traffic{Selector: SharedSelectorLabels("shared"), Port: 10007}
	to := as[corev1.Service](t, Service(moved))
	if !maps.Equal(to.Spec.Selector, moved.Traffic.Selector) || to.Spec.Ports[0].TargetPort.IntVal != 10007 || to.Spec.Ports[0].Port != 80 || !maps.Equal(to.Labels, s.Labels) {
		t.Errorf("the Service of a tenant that was moved has labels %v and leads to %+v of %v", to.Labels, to.Spec.Ports, to.Spec.Selector)
	}
}

func TestPodDisruptionBudget(t *testing.T) {
	b := as[policyv1.PodDisruptionBudget](t, PodDisruptionBudget(server()))
	checkMeta(t, b)
	if b.Spec.MaxUnavailable.IntVal != 1 || *b.Spec.UnhealthyPodEvictionPolicy != policyv1.AlwaysAllow {
		t.Errorf("the budget is %+v", b.Spec)
	}
}

func TestIngress(t *testing.T) {
	i := as[networkingv1.Ingress](t, Ingress(tenant(func(t *scimv1alpha1.ScimTenant) { t.Spec.Endpoint.Path = "/api" }), scimv1alpha1.EndpointSpec{
		Host: "acme.example.com",
		TLS:  scimv1alpha1.EndpointTLS{SecretName: "acme-tls"},
		Ingress: scimv1alpha1.EndpointIngress{
			ClassName:   "nginx",
			Annotations: map[string]scimv1alpha1.IngressAnnotation{"a": "b"},
		},
	}, Backend{Service: "acme-scim"}))
	checkMeta(t, i)
	path := i.Spec.Rules[0].HTTP.Paths[0]
	if i.Spec.Rules[0].Host != "acme.example.com" || path.Path != "/api" || *path.PathType != networkingv1.PathTypePrefix {
		t.Errorf("the rule is %+v", i.Spec.Rules[0])
	}
	if b := path.Backend.Service; b.Name != "acme-scim" || b.Port.Name != "http" {
		t.Errorf("the backend is %+v", b)
	}
	if !ByIngress(i).LeadsTo("acme-scim") || ByIngress(i).LeadsTo("shared-scim-server") {
		t.Error("the Ingress leads to the Service that it is made for")
	}
	var others []string
	for _, other := range i.Spec.Rules[0].HTTP.Paths[1:] {
		if *other.PathType != networkingv1.PathTypeImplementationSpecific || *other.Backend.Service != *path.Backend.Service {
			t.Errorf("the path is %+v", other)
		}
		others = append(others, other.Path)
	}
	if want := []string{"/.well-known/oauth-authorization-server/api", "/.well-known/oauth-protected-resource/api"}; !slices.Equal(others, want) {
		t.Errorf("the other paths are %v", others)
	}
	if *i.Spec.IngressClassName != "nginx" || i.Spec.TLS[0].SecretName != "acme-tls" || i.Annotations["a"] != "b" {
		t.Errorf("the Ingress is %+v", i)
	}

	plain := as[networkingv1.Ingress](t, Ingress(tenant(), scimv1alpha1.EndpointSpec{Host: "acme.example.com"}, Backend{Service: "acme-scim"}))
	if plain.Spec.IngressClassName != nil || plain.Spec.TLS != nil || plain.Annotations != nil {
		t.Errorf("an Ingress with a host only is %+v", plain.Spec)
	}
}

func TestRole(t *testing.T) {
	r := as[rbacv1.Role](t, Role(server()))
	checkMeta(t, r)
	for _, rule := range r.Rules {
		for _, resource := range rule.Resources {
			switch resource {
			case "scimeventsinks/status":
				if strings.Join(rule.Verbs, " ") != "patch" {
					t.Errorf("the server may do this with statuses of event sinks: %+v", rule)
				}
			case "scimapikeys", "scimcredentials", "scimroles", "scimeventsinks":
				if strings.Join(rule.Verbs, " ") != "get list watch" {
					t.Errorf("the server may do this with keys, credentials, roles and event sinks: %+v", rule)
				}
			case "scimtenants":
				if !reflect.DeepEqual(rule.ResourceNames, []string{"acme"}) || strings.Join(rule.Verbs, " ") != "get list watch" {
					t.Errorf("the server may do this with tenants: %+v", rule)
				}
			case "events":
				if strings.Join(rule.Verbs, " ") != "create patch" {
					t.Errorf("the server may do this with events: %+v", rule)
				}
			case "scimusers", "scimgroups", "scimgroupmembers", "leases":
			default:
				t.Errorf("the server may write %s", resource)
			}
			for _, verb := range rule.Verbs {
				if verb == "*" || verb == "deletecollection" {
					t.Errorf("the server may %s %s", verb, resource)
				}
			}
		}
	}
}

func TestAccess(t *testing.T) {
	checkMeta(t, as[corev1.ServiceAccount](t, ServiceAccount(server())))
	b := as[rbacv1.RoleBinding](t, RoleBinding(server()))
	checkMeta(t, b)
	if b.RoleRef.Kind != "Role" || b.RoleRef.Name != "acme-scim" || len(b.Subjects) != 1 ||
		b.Subjects[0] != (rbacv1.Subject{Kind: "ServiceAccount", Name: "acme-scim", Namespace: "team"}) {
		t.Errorf("the binding is %+v", b)
	}
}

func environment(c corev1.Container) map[string]string {
	env := map[string]string{}
	for _, e := range c.Env {
		env[e.Name] = e.Value
	}
	return env
}

func TestImagePullSecrets(t *testing.T) {
	settings := Settings{Image: "kubescim:1", ImagePullSecrets: []string{"registry", "mirror"}}
	own := func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Server.ImagePullSecrets = []scimv1alpha1.ImagePullSecret{{Name: "mirror"}, {Name: "mine"}}
	}
	for name, tc := range map[string]struct {
		settings Settings
		change   []func(*scimv1alpha1.ScimTenant)
		want     []string
	}{
		"none":            {Settings{}, nil, nil},
		"of the operator": {settings, nil, []string{"registry", "mirror"}},
		"of the tenant":   {Settings{}, []func(*scimv1alpha1.ScimTenant){own}, []string{"mirror", "mine"}},
		"of both":         {settings, []func(*scimv1alpha1.ScimTenant){own}, []string{"registry", "mirror", "mine"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, secret := range as[appsv1.Deployment](t, Deployment(server(tc.change...), tc.settings)).Spec.Template.Spec.ImagePullSecrets {
				got = append(got, secret.Name)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("imagePullSecrets are %q", got)
			}
		})
	}
}

func TestRoleBindingsOfAGroup(t *testing.T) {
	b := &scimv1alpha1.ScimRoleBinding{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "viewers", UID: "uid"}}
	b.Spec.RoleRef = scimv1alpha1.BoundRoleReference{Kind: scimv1alpha1.BoundClusterRole, Name: "view"}
	inNamespace := as[rbacv1.RoleBinding](t, GroupRoleBinding(b, 3, []string{"oidc:a", "oidc:b"}))
	if inNamespace.Namespace != "team" || inNamespace.Name != "scim:viewers:3" || !RoleBindingOwner(b).Controls(inNamespace) || !RoleBindingOwner(b).Made(inNamespace) {
		t.Errorf("%+v", inNamespace.ObjectMeta)
	}
	if inNamespace.RoleRef.Name != "view" || len(inNamespace.Subjects) != 2 || inNamespace.Subjects[1].Name != "oidc:b" || inNamespace.Subjects[1].Kind != rbacv1.UserKind {
		t.Errorf("%+v %+v", inNamespace.RoleRef, inNamespace.Subjects)
	}
	b.Spec.Scope = scimv1alpha1.ScopeCluster
	inCluster := as[rbacv1.ClusterRoleBinding](t, GroupClusterRoleBinding(b, 0, []string{"oidc:a"}))
	if inCluster.Namespace != "" || inCluster.Name != "scim:team:viewers:0" || len(inCluster.OwnerReferences) > 0 || !RoleBindingOwner(b).Made(inCluster) {
		t.Errorf("%+v", inCluster.ObjectMeta)
	}
	for name, want := range map[string]bool{"scim:team:viewers:12": true, "scim:team:viewers:": false, "scim:viewers:1": false, "scim:team:viewers:01": false, "scim:team:viewers:-1": false} {
		if _, ok := ChunkOf(b, name); ok != want {
			t.Errorf("that %s is one of it: %t", name, ok)
		}
	}
}
