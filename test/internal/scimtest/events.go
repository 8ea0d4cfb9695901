package scimtest

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/receiver"
)

// EventsPort is that of receivers of events.
const EventsPort = "9443"

// ReceiverOf makes a receiver of all events of a tenant at an address of this machine, and a sink that is called
// app. Its host must be allowed.
func ReceiverOf(t *Tenant, address string) *receiver.Receiver {
	GinkgoHelper()
	events, err := receiver.New(address, EventsPort)
	Expect(err).NotTo(HaveOccurred())
	url := Dig(KubectlGet(t.Namespace, "scimtenant", t.Name), "status/url").(string)
	keys := t.Service.Do(http.MethodGet, "/oauth2/keys", "")
	Expect(keys.Status).To(Equal(http.StatusOK))
	Expect(events.Trust(url, keys.Body)).To(Succeed())
	Expect(events.Start()).To(Succeed())
	DeferCleanup(func() { _ = events.Stop() }) // It may be away.
	sink := NewSink(t.Namespace, "app", t.Name, events.URL)
	sink.Spec.CABundle, sink.Spec.Content = events.CABundle, scimv1alpha1.EventContentFull
	sink.Spec.AdditionalEvents = []scimv1alpha1.AdditionalEvent{scimv1alpha1.AdditionalEventSessionRevoked}
	Apply(sink)
	WaitFor(t.Namespace, "condition=Ready", "scimeventsink/app")
	return events
}

// NewSink returns a sink for the events of a tenant of its namespace.
func NewSink(namespace, name, tenant, url string) *scimv1alpha1.ScimEventSink {
	return &scimv1alpha1.ScimEventSink{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimEventSink"},
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       scimv1alpha1.ScimEventSinkSpec{TenantRef: scimv1alpha1.TenantReference{Name: tenant}, URL: url},
	}
}

// ExpectHeard expects a receiver to know of just what the tenant has: the last state of each user and group,
// and that others were deleted.
func (t *Tenant) ExpectHeard(g Gomega, events *receiver.Receiver) {
	there := map[string]bool{}
	for _, endpoint := range []string{Users, Groups} {
		for _, resource := range t.all(g, endpoint) {
			path := endpoint + "/" + resource["id"].(string)
			there[path] = true
			delete(resource, "groups") // They change without the user.
			g.Expect(withoutPlaces(events.Known()[path].Data)).To(Equal(withoutPlaces(resource)), path)
		}
	}
	for path, known := range events.Known() {
		if !there[path] {
			g.Expect(known.Data).To(BeNil(), path+" was deleted")
		}
	}
	g.Expect(events.Bad()).To(BeEmpty())
}

// all are the resources of an endpoint.
func (t *Tenant) all(g Gomega, endpoint string) (resources []map[string]any) {
	for total := 1; len(resources) < total; {
		page, err := t.Service.Try(http.MethodGet, fmt.Sprintf("%s?count=1000&startIndex=%d", endpoint, len(resources)+1), "")
		g.Expect(err).NotTo(HaveOccurred())
		g.Expect(page.Status).To(Equal(http.StatusOK))
		found, _ := page.Document["Resources"].([]any)
		for _, one := range found {
			resources = append(resources, one.(map[string]any))
		}
		if total = int(page.Document["totalResults"].(float64)); len(found) == 0 {
			return resources
		}
	}
	return resources
}

// withoutPlaces is a resource without what depends on the URL that it was asked for at.
func withoutPlaces(value any) any {
	switch value := value.(type) {
	case map[string]any:
		all := map[string]any{}
		for name, one := range value {
			if name != "location" && !strings.HasPrefix(name, "$ref") {
				all[name] = withoutPlaces(one)
			}
		}
		return all
	case []any:
		var all []any
		for _, one := range value {
			all = append(all, withoutPlaces(one))
		}
		return all
	default:
		return value
	}
}
