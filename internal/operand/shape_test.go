package operand

import (
	"maps"
	"reflect"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func memory(amount string) *corev1.ResourceRequirements {
	return &corev1.ResourceRequirements{Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse(amount)}}
}

// apartFrom keeps pods away from those of an app.
func apartFrom(app string) scimv1alpha1.ServerAffinity {
	return scimv1alpha1.ServerAffinity{PodAntiAffinity: scimv1alpha1.ServerPodAffinity{
		RequiredDuringSchedulingIgnoredDuringExecution: []scimv1alpha1.ServerPodAffinityTerm{{
			LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}, TopologyKey: corev1.LabelHostname,
		}},
	}}
}

func TestWithDefaults(t *testing.T) {
	defaults := scimv1alpha1.ServerSpec{
		Resources: memory("1Gi"),
		Scheduling: scimv1alpha1.ServerScheduling{
			NodeSelector:      map[string]scimv1alpha1.NodeLabelValue{"pool": "scim", "zone": "a"},
			Tolerations:       []corev1.Toleration{{Key: "pool"}},
			PriorityClassName: "usual",
		},
		Pod: scimv1alpha1.ServerPod{
			Labels:      map[string]scimv1alpha1.PodLabelValue{"team": "identity"},
			Annotations: map[string]scimv1alpha1.PodAnnotationValue{"contact": "identity"},
			Affinity:    apartFrom("db"),
		},
	}
	own := scimv1alpha1.ServerSpec{
		Replicas:  3,
		Resources: memory("2Gi"),
		Scheduling: scimv1alpha1.ServerScheduling{
			NodeSelector:      map[string]scimv1alpha1.NodeLabelValue{"zone": "b", "disk": "ssd"},
			Tolerations:       []corev1.Toleration{{Key: "spot"}},
			PriorityClassName: "high",
		},
		Pod: scimv1alpha1.ServerPod{
			Labels:      map[string]scimv1alpha1.PodLabelValue{"team": "acme", "cost": "7"},
			Annotations: map[string]scimv1alpha1.PodAnnotationValue{"note": "x"},
			Affinity:    apartFrom("web"),
		},
	}
	both := own
	both.Scheduling.NodeSelector = map[string]scimv1alpha1.NodeLabelValue{"pool": "scim", "zone": "b", "disk": "ssd"}
	both.Pod.Annotations = map[string]scimv1alpha1.PodAnnotationValue{"contact": "identity", "note": "x"}
	withReplicas := defaults
	withReplicas.Replicas = 3
	for name, tc := range map[string]struct{ spec, defaults, want scimv1alpha1.ServerSpec }{
		"none of both":                 {scimv1alpha1.ServerSpec{}, scimv1alpha1.ServerSpec{}, scimv1alpha1.ServerSpec{}},
		"no defaults":                  {own, scimv1alpha1.ServerSpec{}, own},
		"nothing of its own":           {scimv1alpha1.ServerSpec{Replicas: 3}, defaults, withReplicas},
		"both":                         {own, defaults, both},
		"resources that are not to be": {scimv1alpha1.ServerSpec{Resources: &corev1.ResourceRequirements{}}, scimv1alpha1.ServerSpec{Resources: memory("1Gi")}, scimv1alpha1.ServerSpec{Resources: &corev1.ResourceRequirements{}}},
	} {
		t.Run(name, func(t *testing.T) {
			before := tc.defaults.DeepCopy()
			if got := WithDefaults(tc.spec, tc.defaults); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("it is %+v, want %+v", got, tc.want)
			}
			if !reflect.DeepEqual(*before, tc.defaults) {
				t.Error("the defaults have changed")
			}
		})
	}
}

func TestPodHasWhatItsServerAsksFor(t *testing.T) {
	d := as[appsv1.Deployment](t, Deployment(DedicatedServer(tenant(func(t *scimv1alpha1.ScimTenant) {
		t.Spec.Server.Pod = scimv1alpha1.ServerPod{
			Labels:      map[string]scimv1alpha1.PodLabelValue{"example.com/team": "identity", LabelInstance: "globex", scimv1alpha1.LabelTenant: "globex"},
			Annotations: map[string]scimv1alpha1.PodAnnotationValue{"example.com/contact": "a b", "kubectl.kubernetes.io/default-container": "x"},
			Affinity:    apartFrom("db"),
		}
	})), Settings{Image: "kubescim:1"}))
	want := Labels("acme")
	want["example.com/team"] = "identity"
	if got := d.Spec.Template.Labels; !maps.Equal(got, want) {
		t.Errorf("its labels are %v", got)
	}
	if got := d.Spec.Template.Annotations; !maps.Equal(got, map[string]string{"example.com/contact": "a b", "kubectl.kubernetes.io/default-container": ContainerName}) {
		t.Errorf("its annotations are %v", got)
	}
	if !maps.Equal(d.Labels, Labels("acme")) || !maps.Equal(d.Spec.Selector.MatchLabels, SelectorLabels("acme")) {
		t.Errorf("the Deployment has labels %v and selector %v", d.Labels, d.Spec.Selector.MatchLabels)
	}
	terms := d.Spec.Template.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution
	if len(terms) != 1 || terms[0].TopologyKey != corev1.LabelHostname || terms[0].LabelSelector.MatchLabels["app"] != "db" {
		t.Errorf("its affinity is %+v", terms)
	}
}

// A pod that states ids is refused where they are assigned.
func TestAssignedIDs(t *testing.T) {
	s := as[appsv1.Deployment](t, Deployment(DedicatedServer(tenant()), Settings{Image: "kubescim:1", AssignedIDs: true})).Spec.Template.Spec.SecurityContext
	if s.RunAsUser != nil || s.RunAsGroup != nil || s.FSGroup != nil {
		t.Errorf("it states ids: %+v", s)
	}
	if !*s.RunAsNonRoot || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("it is not restricted: %+v", s)
	}
}
