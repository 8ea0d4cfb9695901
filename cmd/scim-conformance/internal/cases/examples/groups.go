// Package examples sends the examples of RFC 7643 and RFC 7644 section 3 as they stand
// there.
package examples

import (
	"slices"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
)

// Groups are the cases of this package.
func Groups() []suite.Group {
	return []suite.Group{
		{Name: "rfc7644-examples", About: "the examples of RFC 7644 section 3, and the resources of RFC 7643 section 8", Cases: slices.Concat(rfcCreate(), rfcRetrieve(), rfcFilter(), rfcQuery(), rfcSearch(), rfcReplace(), rfcPatchAdd(), rfcPatchRemove(), rfcPatchReplace(), rfcBulk(), rfcErrors(), rfcVersions())},
	}
}
