package failure

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	validation "k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/kubescim/kubescim/internal/scim"
)

// Who exceeds a limit learns which, and no value is told.
func TestInvalidFieldsNameTheirLimits(t *testing.T) {
	g := NewWithT(t)
	spec := validation.NewPath("spec")
	for want, cause := range map[string]*validation.Error{
		"userName is longer than the 1024 characters":       validation.TooLong(spec.Child("userName"), "", 1024),
		"title is longer than the 256 characters":           validation.TooLongCharacters(spec.Child("title"), "", 256),
		"emails has more than the 100 values":               validation.TooMany(spec.Child("emails"), 101, 100),
		"title is too long; shorten it":                     validation.TooLong(spec.Child("title"), "", -1),
		"emails has too many values; send fewer":            validation.TooMany(spec.Child("emails"), 101, -1),
		"emails[0].value has a value that cannot be stored": validation.Invalid(spec.Child("emails").Index(0).Child("value"), "secret 7", "at most 7"),
	} {
		err := translate(apierrors.NewInvalid(schema.GroupKind{Kind: "ScimUser"}, "x", validation.ErrorList{cause}))
		var answer *scim.Error
		g.Expect(errors.As(err, &answer)).To(BeTrue())
		g.Expect(answer.Detail).To(And(HavePrefix(want), Not(ContainSubstring("secret"))))
	}
}
