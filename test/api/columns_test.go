package api

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/discovery"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// table returns what `kubectl get` prints of an object, without -o wide: its cells
// by their columns. It fails unless the columns are as given.
func table(ctx context.Context, object *unstructured.Unstructured, resource string, columns ...string) map[string]string {
	GinkgoHelper()
	config := rest.CopyConfig(restConfig)
	config.NegotiatedSerializer = clientgoscheme.Codecs.WithoutConversion()
	config.GroupVersion, config.APIPath = &scimv1alpha1.GroupVersion, "/apis"
	c, err := rest.RESTClientFor(config)
	Expect(err).NotTo(HaveOccurred())
	text, err := c.Get().Namespace(object.GetNamespace()).Resource(resource).Name(object.GetName()).
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").DoRaw(ctx)
	Expect(err).NotTo(HaveOccurred())
	printed := &metav1.Table{}
	Expect(json.Unmarshal(text, printed)).To(Succeed())

	var names []string
	cells := map[string]string{}
	for i, column := range printed.ColumnDefinitions {
		if column.Priority != 0 {
			continue
		}
		names = append(names, column.Name)
		cell, _ := json.Marshal(printed.Rows[0].Cells[i])
		cells[column.Name] = strings.Trim(string(cell), `"`)
	}
	Expect(names).To(Equal(columns))
	return cells
}

var _ = Describe("kubectl get", func() {
	It("shows of a tenant whether it serves, why, and who uses it", func(ctx SpecContext) {
		tenant := parse("ScimTenant", "shown", "identityProvider: Entra")
		Expect(live.Create(ctx, tenant)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, tenant)).To(Succeed()) })
		setStatus(tenant, `
observedGeneration: 1
conditions:
- {type: Ready, status: "True", reason: Paused, message: paused, lastTransitionTime: "2026-01-01T00:00:00Z"}
state: Paused
users: 9
activeUsers: 7
seats: 7/7
lastRequestTime: "2026-01-01T00:00:00Z"
`)
		Expect(live.Status().Update(ctx, tenant)).To(Succeed())
		Expect(table(ctx, tenant, "scimtenants",
			"Name", "Ready", "Reason", "State", "IdP", "Users", "Seats", "Last Request", "Age")).
			To(And(HaveKeyWithValue("Ready", "True"), HaveKeyWithValue("Reason", "Paused"), HaveKeyWithValue("State", "Paused"),
				HaveKeyWithValue("Seats", "7/7"), HaveKeyWithValue("Last Request", Not(BeEmpty()))))
	})

	It("shows of a key what it is, and whether it works", func(ctx SpecContext) {
		key := parse("ScimApiKey", "shown", "tenantRef: {name: acme}\naccess: ReadOnly\noauthClient: {}")
		Expect(live.Create(ctx, key)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, key)).To(Succeed()) })
		setStatus(key, "{observedGeneration: 1, type: OAuthClient, keyID: 6i3kyoluoc4o2yfp}")
		Expect(live.Status().Update(ctx, key)).To(Succeed())
		Expect(table(ctx, key, "scimapikeys", "Name", "Tenant", "Type", "Ready", "Key ID", "Secret", "Expires", "Age")).
			To(And(HaveKeyWithValue("Tenant", "acme"), HaveKeyWithValue("Type", "OAuthClient"), HaveKeyWithValue("Key ID", "6i3kyoluoc4o2yfp")))
	})

	It("shows of a user that it was deleted and is kept", func(ctx SpecContext) {
		user := parse("ScimUser", "2819c223-7f76-453a-919d-413861904646", `
tenantRef: {name: acme}
userName: bjensen@example.com
active: false
meta:
  createdTime: '2026-01-01T00:00:00.000000Z'
  lastModifiedTime: '2026-01-01T00:00:00.000000Z'
  deletedTime: '2026-01-01T00:00:00.000000Z'
`)
		Expect(live.Create(ctx, user)).To(Succeed())
		DeferCleanup(func(ctx SpecContext) { Expect(live.Delete(ctx, user)).To(Succeed()) })
		Expect(table(ctx, user, "scimusers", "Name", "UserName", "Active", "Deleted", "Tenant", "Modified", "Age")).
			To(HaveKeyWithValue("Deleted", MatchRegexp("[0-9]+[dy]")))
	})

	It("shows tenants, servers, keys, credentials, roles, role bindings and event sinks as scim, and no personal data", func() {
		c, err := discovery.NewDiscoveryClientForConfig(restConfig)
		Expect(err).NotTo(HaveOccurred())
		resources, err := c.ServerResourcesForGroupVersion(scimv1alpha1.GroupVersion.String())
		Expect(err).NotTo(HaveOccurred())
		var shown []string
		for _, resource := range resources.APIResources {
			if slices.Contains(resource.Categories, "scim") {
				shown = append(shown, resource.Name)
			}
		}
		Expect(shown).To(ConsistOf("scimtenants", "scimservers", "scimapikeys", "scimcredentials", "scimroles", "scimrolebindings", "scimeventsinks"))
	})
})

// setStatus replaces the status of an object.
func setStatus(object *unstructured.Unstructured, text string) {
	GinkgoHelper()
	status := map[string]any{}
	Expect(yaml.Unmarshal([]byte(text), &status)).To(Succeed())
	object.Object["status"] = status
}
