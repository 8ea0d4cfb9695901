package kubernetes

import (
	"fmt"
	"net/http"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/google/uuid"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/store"
	"github.com/kubescim/kubescim/internal/store/kubernetes/codec"
)

var _ = Describe("A user who is too large, since somebody made it by hand", func() {
	It("can be made smaller, be deactivated and go, and not become larger", func(ctx SpecContext) {
		s, id := newStore(live, newNamespace(ctx)), uuid.NewString()
		user := &scimv1alpha1.ScimUser{ObjectMeta: metav1.ObjectMeta{
			Namespace: s.tenant.Namespace, Name: id, Labels: map[string]string{scimv1alpha1.LabelTenant: s.tenant.Name},
		}}
		user.Spec.TenantRef.Name, user.Spec.UserName = s.tenant.Name, "babs@example.com"
		user.Spec.Meta = codec.Stamp(metav1.NowMicro(), metav1.NowMicro(), codec.WriterOf(ctx))
		for i := range 40 {
			user.Spec.Photos = append(user.Spec.Photos, scimv1alpha1.MultiValue{Value: ptr.To(fmt.Sprint(i, strings.Repeat("x", 3000)))})
		}
		Expect(live.Create(ctx, user)).To(Succeed())

		change := func(alter func(scim.Complex)) error {
			_, err := s.Update(ctx, registry.User(), id, func(current *scim.Resource) (*scim.Resource, error) {
				next := current.Clone()
				alter(next.Attributes())
				return next, nil
			}, store.UpdateOptions{Policy: store.Policy{StorageLimit: 50_000}})
			return err
		}
		photos := func(attributes scim.Complex) []any { return attributes["photos"].([]any) }
		err := change(func(a scim.Complex) { a["title"] = strings.Repeat("x", 100) })
		Expect(err).To(MatchError(ContainSubstring(fmt.Sprint(http.StatusRequestEntityTooLarge))))
		Expect(change(func(a scim.Complex) { a["active"] = false })).To(Succeed())
		Expect(change(func(a scim.Complex) { a["photos"] = photos(a)[:30] })).To(Succeed())
		Expect(s.Delete(ctx, registry.User(), id, store.DeleteOptions{})).To(Succeed())
	})
})
