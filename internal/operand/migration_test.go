package operand

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

func TestMigratedCredentials(t *testing.T) {
	created, delivered := metav1.NewTime(time.Unix(1_700_000_000, 0).UTC()), metav1.NewTime(time.Unix(1_700_000_100, 0).UTC())
	hash := hex.EncodeToString(make([]byte, sha256.Size))
	verifiers := map[string][]byte{
		"aaaaaaaaaaaaaaaa": []byte(`{"sha256":"` + hash + `"}`),
		"bbbbbbbbbbbbbbbb": []byte(`{"sha256":"` + hash + `"}`), // of no key
		"cccccccccccccccc": []byte("damaged"),
	}
	key := func(id string, change ...func(*scimv1alpha1.ScimApiKey)) scimv1alpha1.ScimApiKey {
		k := scimv1alpha1.ScimApiKey{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "okta", CreationTimestamp: created}}
		k.Status.KeyID, k.Status.DeliveredTime = id, delivered
		for _, c := range change {
			c(&k)
		}
		return k
	}
	credential := func(issued metav1.Time, annotations map[string]string) *scimv1alpha1.ScimCredential {
		return &scimv1alpha1.ScimCredential{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "team", Name: "aaaaaaaaaaaaaaaa", Labels: map[string]string{LabelManagedBy: ManagedBy}, Annotations: annotations,
			},
			Spec: scimv1alpha1.ScimCredentialSpec{APIKeyRef: scimv1alpha1.APIKeyReference{Name: "okta"}, SHA256: hash, IssueTime: issued},
		}
	}
	for name, tc := range map[string]struct {
		key  scimv1alpha1.ScimApiKey
		want *scimv1alpha1.ScimCredential
	}{
		"a key whose token was handed over": {key("aaaaaaaaaaaaaaaa"), credential(delivered, nil)},
		"one whose token perhaps never was": {
			key("aaaaaaaaaaaaaaaa", func(k *scimv1alpha1.ScimApiKey) { k.Status.DeliveredTime = metav1.Time{} }),
			credential(created, map[string]string{scimv1alpha1.AnnotationUndelivered: "true"}),
		},
		"one that is being deleted": {key("aaaaaaaaaaaaaaaa", func(k *scimv1alpha1.ScimApiKey) { k.DeletionTimestamp = &delivered }), nil},
		"one whose credential was made, and taken away": {key("aaaaaaaaaaaaaaaa", func(k *scimv1alpha1.ScimApiKey) {
			k.Status.Credentials = []scimv1alpha1.APIKeyCredential{{KeyID: "aaaaaaaaaaaaaaaa"}}
		}), nil},
		"one that has lost its credential": {key("aaaaaaaaaaaaaaaa", func(k *scimv1alpha1.ScimApiKey) {
			k.Status.Conditions = []metav1.Condition{{Type: scimv1alpha1.ConditionDelivered, Reason: scimv1alpha1.ReasonCredentialLost}}
		}), nil},
		"one that has no token yet":         {key(""), nil},
		"one whose token is not there":      {key("dddddddddddddddd"), nil},
		"one whose token is beyond reading": {key("cccccccccccccccc"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]*scimv1alpha1.ScimCredential{}
			if tc.want != nil {
				want["okta"] = tc.want
			}
			if got := MigratedCredentials([]scimv1alpha1.ScimApiKey{tc.key}, verifiers); !equality.Semantic.DeepEqual(want, got) {
				t.Errorf("the credentials are %+v, want %+v", got["okta"], tc.want)
			}
		})
	}
}

func TestTheRightsOfAServerThatIsMigrated(t *testing.T) {
	role, binding := MigrationRole(server()), MigrationRoleBinding(server())
	if !reflect.DeepEqual(role.Rules, Role(server()).Rules) {
		t.Errorf("they are not those of any server: %+v", role.Rules)
	}
	if *binding.Name != "acme-scim-credentials" || *binding.RoleRef.Name != *role.Name || *binding.Subjects[0].Name != "acme-scim" {
		t.Errorf("the RoleBinding is %+v", binding)
	}
}
