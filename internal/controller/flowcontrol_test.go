package controller_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// TestFlowSchema asks the API server itself, which names the FlowSchema of a
// request in its answer, which requests the FlowSchema of the chart is about.
func TestFlowSchema(t *testing.T) {
	g := NewWithT(t)
	ctx := context.Background()
	env := startEnvironment(t)
	schema := &flowcontrolv1.FlowSchema{}
	g.Expect(env.Client.Get(ctx, client.ObjectKey{Name: "kubescim"}, schema)).To(Succeed())

	const (
		users  = "/apis/scim.kubescim.dev/v1alpha1/namespaces/acme/scimusers"
		slices = "/apis/scim.kubescim.dev/v1alpha1/namespaces/acme/scimgroupmembers"
		leases = "/apis/coordination.k8s.io/v1/namespaces/acme/leases"
		server = "system:serviceaccount:acme:acme-scim"
	)
	ofServiceAccounts := []string{"system:authenticated", "system:serviceaccounts"}
	// chosen reports whether the FlowSchema is about a request.
	chosen := func(user string, groups []string, method, path string) func() (bool, error) {
		return func() (bool, error) {
			config := rest.CopyConfig(env.Config)
			config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
			httpClient, err := rest.HTTPClientFor(config)
			if err != nil {
				return false, err
			}
			request, err := http.NewRequestWithContext(ctx, method, config.Host+path, nil)
			if err != nil {
				return false, err
			}
			answer, err := httpClient.Do(request)
			if err != nil {
				return false, err
			}
			return answer.Header.Get(flowcontrolv1.ResponseHeaderMatchedFlowSchemaUID) == string(schema.UID), answer.Body.Close()
		}
	}
	// The API server takes a moment to go by a new FlowSchema.
	g.Eventually(chosen(server, ofServiceAccounts, http.MethodGet, users)).WithTimeout(20 * time.Second).Should(BeTrue())

	for name, tc := range map[string]struct {
		user         string
		groups       []string
		method, path string
		want         bool
	}{
		"a server creates a user":     {server, ofServiceAccounts, http.MethodPost, users, true},
		"a server deletes a slice":    {server, ofServiceAccounts, http.MethodDelete, slices + "/a", true},
		"a server claims a name":      {server, ofServiceAccounts, http.MethodPost, leases, false},
		"a person lists users":        {"jane@example.com", []string{"system:authenticated"}, http.MethodGet, users, false},
		"a controller elects":         {"system:serviceaccount:apps:elector", ofServiceAccounts, http.MethodPut, leases + "/a", false},
		"the cluster collects slices": {"system:serviceaccount:kube-system:generic-garbage-collector", append([]string{"system:serviceaccounts:kube-system"}, ofServiceAccounts...), http.MethodDelete, slices + "/a", false},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := chosen(tc.user, tc.groups, tc.method, tc.path)()
			if err != nil {
				t.Fatal(err)
			}
			if got != tc.want {
				t.Errorf("the FlowSchema is about it: %v", got)
			}
		})
	}
}
