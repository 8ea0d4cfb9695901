// Package cases is the one list of all cases of the conformance suite.
package cases

import (
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases/examples"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases/providers"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases/requirements"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/cases/safety"
	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// All are the groups in the order in which they run.
func All() []suite.Group {
	return slices.Concat(requirements.Groups(), examples.Groups(), providers.Groups(), safety.Groups())
}
