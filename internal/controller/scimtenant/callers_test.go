package scimtenant

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

func TestCallers(t *testing.T) {
	keys := []scimv1alpha1.ScimApiKey{
		{ObjectMeta: metav1.ObjectMeta{Name: "entra"}, Status: scimv1alpha1.ScimApiKeyStatus{Credentials: []scimv1alpha1.APIKeyCredential{{KeyID: "newer"}, {KeyID: "older"}}}},
		{ObjectMeta: metav1.ObjectMeta{Name: "workload"}, Status: scimv1alpha1.ScimApiKeyStatus{KeyID: "federated"}},
		{ObjectMeta: metav1.ObjectMeta{Name: "fresh"}},
	}
	saying := func(idle int64, key string) contract.ServerUsage {
		return contract.ServerUsage{Tenants: map[string]contract.TenantUsage{"acme": {IdleSeconds: ptr.To(idle), LastKeyID: key}}}
	}
	for name, tc := range map[string]struct {
		answers map[string]contract.ServerUsage
		want    string
	}{
		"none":              {map[string]contract.ServerUsage{"a": saying(15, "older"), "b": saying(20, "")}, ""},
		"one, with a token": {map[string]contract.ServerUsage{"a": saying(3, "older"), "b": saying(20, "")}, `pod a still gets some, the last with ScimApiKey "entra"`},
		"one, with an assertion of another issuer": {
			map[string]contract.ServerUsage{"a": saying(3, "federated"), "b": saying(20, "")}, `pod a still gets some, the last with ScimApiKey "workload"`,
		},
		"one, with a key that is gone": {map[string]contract.ServerUsage{"a": saying(0, "gone"), "b": saying(20, "")}, "pod a still gets some"},
		"two, one without a key":       {map[string]contract.ServerUsage{"a": saying(0, ""), "b": saying(14, "newer")}, `pod a still gets some, pod b still gets some, the last with ScimApiKey "entra"`},
		"one that does not say":        {map[string]contract.ServerUsage{"a": saying(15, "")}, "pod b does not answer the operator at port 8081"},
	} {
		t.Run(name, func(t *testing.T) {
			pods := []coordinationv1.Lease{{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, {ObjectMeta: metav1.ObjectMeta{Name: "b"}}}
			if got := callersIn("acme", pods, tc.answers, keys, contract.IdleBeforeOff); got != tc.want {
				t.Errorf("the callers are %q", got)
			}
		})
	}
}

func TestWhatToDoAboutCallers(t *testing.T) {
	const pod = "pod a still gets some"
	for _, tc := range []struct {
		callers string
		waited  time.Duration
		want    string
	}{
		{pod, adviceAfter - time.Second, pod},
		{"", adviceAfter, ""},
		{pod, adviceAfter, pod + ": have whoever has that key call https://acme.example.com/scim/v2, or suspend the key (its spec.state); " +
			"the logs of these pods say at which hosts and from where they are called"},
	} {
		if got := advised(tc.callers, tc.waited, "https://acme.example.com/scim/v2"); got != tc.want {
			t.Errorf("after %v, it is %q", tc.waited, got)
		}
	}
}

// What is said of callers changes seldom, and does not go while pods have to acknowledge that it was said.
func TestCallersAreStated(t *testing.T) {
	var remembered traffic
	now := time.Now()
	remembered.note("acme", "shared", now)
	for _, step := range []struct {
		after       time.Duration
		known, want string
	}{
		{0, "", ""}, {time.Second, "pod a", "pod a"}, {2 * time.Second, "", "pod a"}, {3 * time.Second, "pod b", "pod a"},
		{callersInterval + time.Second, "pod b", "pod b"},
	} {
		if got := remembered.stated("acme", step.known, now.Add(step.after)); got != step.want {
			t.Errorf("after %v, when %q is known, %q is stated", step.after, step.known, got)
		}
	}
	remembered.note("acme", "globex", now)
	if got := remembered.stated("acme", "", now); got != "" {
		t.Errorf("of another move, %q is stated", got)
	}
}
