package contract_test

import (
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

// roleOf is a ScimRole that is so many seconds old.
func roleOf(name, value string, age int) *scimv1alpha1.ScimRole {
	created := metav1.NewTime(time.Unix(1_000_000-int64(age), 0))
	return &scimv1alpha1.ScimRole{ObjectMeta: metav1.ObjectMeta{Name: name, CreationTimestamp: created}, Spec: scimv1alpha1.ScimRoleSpec{Value: value}}
}

func TestWhichRolesAreServed(t *testing.T) {
	g := NewWithT(t)
	younger, entitlement, leaving := roleOf("a", "Admin", 1), roleOf("c", "admin", 1), roleOf("e", "gone", 9)
	entitlement.Spec.ResourceType = scimv1alpha1.RoleTypeEntitlement
	leaving.DeletionTimestamp = ptr.To(metav1.Now())
	served, refused := contract.Roles([]*scimv1alpha1.ScimRole{
		younger, roleOf("b", "admin", 2), entitlement, roleOf("d", "viewer", 0), roleOf("first", "viewer", 0), leaving,
	})
	var names []string
	for _, role := range served {
		names = append(names, role.Name)
	}
	g.Expect(names).To(Equal([]string{"b", "c", "d"}))
	g.Expect(refused).To(Equal(map[string]contract.RoleRefusal{
		"a": {Reason: "ValueTaken", Holder: "b"}, "first": {Reason: "ValueTaken", Holder: "d"},
	}))
}

func TestNoMoreRolesAreServedThanMayBe(t *testing.T) {
	g := NewWithT(t)
	var all []*scimv1alpha1.ScimRole
	for i := range scimv1alpha1.MaxRoles + 2 {
		all = append(all, roleOf(fmt.Sprint("role-", i), fmt.Sprint("value-", i), i))
	}
	served, refused := contract.Roles(all)
	g.Expect(served).To(HaveLen(scimv1alpha1.MaxRoles))
	g.Expect(refused).To(Equal(map[string]contract.RoleRefusal{
		"role-0": {Reason: "TooManyRoles"}, "role-1": {Reason: "TooManyRoles"},
	}), "the youngest are not")
}
