package kubernetes

import (
	"errors"
	"testing"

	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The log has who refused a write, and nothing of what the API server was sent.
func TestErrorsAreUntold(t *testing.T) {
	g := NewWithT(t)
	users := schema.GroupResource{Group: "scim.kubescim.dev", Resource: "scimusers"}
	for _, test := range []struct {
		err  error
		says string
	}{
		{apierrors.NewInternalError(errors.New("etcd: bjensen@example.com")), "500 InternalError"},
		{apierrors.NewForbidden(users, "x", errors.New(`exceeded quota: small, requested: bjensen@example.com`)), "403 Forbidden: exceeded quota: small"},
		{&apierrors.StatusError{ErrStatus: apierrors.NewBadRequest(`admission webhook "names.example.com" denied the request: bjensen@example.com`).ErrStatus}, "admission webhook 'names.example.com'"},
		{apierrors.NewInvalid(schema.GroupKind{Kind: "bjensen@example.com"}, "x", nil), "422 Invalid"},
	} {
		told := wrap(test.err, "creating the user")
		g.Expect(told.Error()).To(And(ContainSubstring(test.says), Not(ContainSubstring("bjensen"))))
		g.Expect(errors.Is(told, test.err)).To(BeTrue(), "the error itself is there still")
	}
}
