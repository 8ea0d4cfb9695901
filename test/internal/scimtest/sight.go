package scimtest

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/planted"
)

// lastApplied has what kubectl, and so a spec, has applied.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// startTime is how long it may take until all resources are watched.
const startTime = 30 * time.Second

// sight writes down all that can be seen of what Kubescim does, but for what users, groups
// and Secrets are for: every version of every object in the namespaces of the specs and the
// operator, and the logs of all their pods.
type sight struct {
	client  kubernetes.Interface
	ctx     context.Context //nolint:containedctx // It is that of all goroutines.
	end     context.CancelFunc
	running sync.WaitGroup
	mu      sync.Mutex
	follows map[string]bool // containers, by pod and the container's own id
}

// begin watches all resources that have namespaces.
func (s *sight) begin(settings *rest.Config) error {
	objects, err := dynamic.NewForConfig(settings)
	if err != nil {
		return fmt.Errorf("make a client of all resources: %w", err)
	}
	if s.client, err = kubernetes.NewForConfig(settings); err != nil {
		return fmt.Errorf("make a client of logs: %w", err)
	}
	resources, err := watchable(s.client.Discovery())
	if err != nil {
		return err
	}
	s.ctx, s.end = context.WithCancel(context.Background())
	informers := dynamicinformer.NewDynamicSharedInformerFactory(objects, 0)
	for _, resource := range resources {
		if err := s.watch(informers.ForResource(resource).Informer(), resource); err != nil {
			return err
		}
	}
	informers.Start(s.ctx.Done())
	soon, cancel := context.WithTimeout(s.ctx, startTime)
	defer cancel()
	for resource, synced := range informers.WaitForCacheSync(soon.Done()) {
		if !synced {
			return fmt.Errorf("%s cannot be watched", resource)
		}
	}
	return nil
}

// watchable returns the resources in namespaces that can be watched.
func watchable(server discovery.DiscoveryInterface) ([]schema.GroupVersionResource, error) {
	lists, err := server.ServerPreferredNamespacedResources()
	if err != nil && !discovery.IsGroupDiscoveryFailedError(err) { // Of an API that somebody else serves.
		return nil, fmt.Errorf("find out which resources there are: %w", err)
	}
	watched := discovery.FilteredBy(discovery.SupportsAllVerbs{Verbs: []string{"list", "watch"}}, lists)
	found, err := discovery.GroupVersionResources(watched)
	var resources []schema.GroupVersionResource
	for resource := range found {
		if resource != corev1.SchemeGroupVersion.WithResource("events") { // They are those of events.k8s.io.
			resources = append(resources, resource)
		}
	}
	return resources, err
}

func (s *sight) watch(informer cache.SharedIndexInformer, resource schema.GroupVersionResource) error {
	see := func(obj any) {
		if gone, isGone := obj.(cache.DeletedFinalStateUnknown); isGone {
			obj = gone.Obj
		}
		if object, ok := obj.(*unstructured.Unstructured); ok && ofSpecs(object.GetNamespace()) {
			s.see(resource, object.DeepCopy())
		}
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: see, UpdateFunc: func(_, obj any) { see(obj) }, DeleteFunc: see,
	})
	return err
}

// ofSpecs reports whether a namespace is one of a spec, or the operator's.
func ofSpecs(namespace string) bool {
	return strings.HasPrefix(namespace, prefixOfSpecs) || namespace == OperatorKey.Namespace
}

// see writes down what an object shows, part by part.
func (s *sight) see(resource schema.GroupVersionResource, object *unstructured.Unstructured) {
	forUsers := resource.Group == scimv1alpha1.GroupVersion.Group && (resource.Resource == "scimusers" ||
		resource.Resource == "scimgroups" || resource.Resource == "scimgroupmembers")
	isSecret := resource.Group == "" && resource.Resource == "secrets"
	if isSecret {
		data, _ := object.Object["data"].(map[string]any)
		kind, _, _ := unstructured.NestedString(object.Object, "type")
		noteSecret(object.GetName(), kind, data)
		delete(object.Object, "data")
	}
	if forUsers || isSecret { // It was the spec that wrote it.
		annotations := object.GetAnnotations()
		delete(annotations, lastApplied)
		object.SetAnnotations(annotations)
	}
	managed, _, _ := unstructured.NestedFieldNoCopy(object.Object, "metadata", "managedFields")
	unstructured.RemoveNestedField(object.Object, "metadata", "managedFields")
	s.add(resource.Resource+" managedFields", managed)
	for part, content := range object.Object {
		place := resource.Resource + " " + part
		if forUsers && part == "spec" {
			place = planted.OfUsers + place
		}
		s.add(place, content)
	}
	if resource.Group == "" && resource.Resource == "pods" {
		s.follow(object)
	}
}

func (s *sight) add(place string, content any) {
	text, _ := json.Marshal(content) // It was read from JSON.
	seen.Add(place, text)
}

// podOf returns a pod as what it is.
func podOf(object *unstructured.Unstructured) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, pod); err != nil {
		return nil, fmt.Errorf("read the pod %s: %w", object.GetName(), err)
	}
	return pod, nil
}

// stop ends the sight.
func (s *sight) stop() {
	s.end()
	s.running.Wait()
}
