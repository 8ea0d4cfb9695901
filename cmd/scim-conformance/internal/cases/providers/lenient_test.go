package providers

import (
	"reflect"
	"slices"
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/cmd/scim-conformance/internal/suite"
	"github.com/kubescim/kubescim/internal/idp"
	"github.com/kubescim/kubescim/internal/scim"
)

// What the cases expect of which provider's server is what this project's profiles
// have, and every leniency has a case.
func TestLenientCasesAgreeWithTheProfiles(t *testing.T) {
	g := NewWithT(t)
	cases := map[string]lenience{}
	for _, l := range slices.Concat(lenientValues(), lenientElements(), lenientNames()) {
		cases[l.field] = l
	}
	fields := reflect.TypeFor[scim.Leniency]()
	g.Expect(fields.NumField()).To(BeNumerically(">", 0))
	for i := range fields.NumField() {
		field := fields.Field(i).Name
		l, there := cases[field]
		g.Expect(there).To(BeTrue(), "no case for %s", field)
		for _, profile := range idp.Profiles() {
			g.Expect(suite.Profiles).To(ContainElement(profile.Name))
			on := reflect.ValueOf(profile.Leniency).Field(i).Bool()
			switch {
			case profile.Name != "Generic":
				g.Expect(slices.Contains(l.by, profile.Name)).To(Equal(on), "%s of %s", field, profile.Name)
			case on:
				g.Expect(l.strictly).NotTo(Equal(mustRefuse), "%s of Generic", field)
			}
		}
	}
}
