package patch_test

import (
	"testing"

	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/scim"
	"github.com/kubescim/kubescim/internal/scim/patch"
	"github.com/kubescim/kubescim/internal/scim/schema"
)

func TestMemberChanges(t *testing.T) {
	add, remove := func(id string) scim.MemberChange { return scim.MemberChange{ID: id, Add: true} },
		func(id string) scim.MemberChange { return scim.MemberChange{ID: id} }
	for operations, want := range map[string]struct {
		changes []scim.MemberChange
		ok      bool
		name    string
	}{
		`[{"op":"Add","path":"members","value":[{"$ref":null,"value":"a"},{"value":"b"}]}]`:                           {[]scim.MemberChange{add("a"), add("b")}, true, "X"},
		`[{"op":"Remove","path":"members","value":[{"value":"A"}]},{"op":"add","value":{"members":[{"value":"c"}]}}]`: {[]scim.MemberChange{remove("a"), add("c")}, true, "X"},
		`[{"op":"remove","path":"members[value eq \"a\"]"},{"op":"replace","value":{"id":"g-1","displayName":"Y"}}]`:  {[]scim.MemberChange{remove("a")}, true, "Y"},
		`[{"op":"replace","path":"displayName","value":"Y"}]`:                                                         {nil, true, "Y"},
		`[{"op":"replace","path":"members","value":[{"value":"a"}]}]`:                                                 {ok: false},
		`[{"op":"remove","path":"members"}]`:                                                                          {ok: false},
		`[{"op":"remove","path":"members[value eq \"a\" and type eq \"User\"]"}]`:                                     {ok: false},
		`[{"op":"remove","path":"members[value eq \"a\" or value eq \"b\"]"}]`:                                        {ok: false},
		`[{"op":"remove","path":"members[value eq \"a\"].type"}]`:                                                     {ok: false},
	} {
		t.Run(operations, func(t *testing.T) {
			g := NewWithT(t)
			registry, err := schema.NewRegistry()
			g.Expect(err).NotTo(HaveOccurred())
			patch, err := patch.Parse(registry.Group(), []byte(`{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":`+operations+`}`),
				scim.Leniency{OperationCase: true, RemoveValues: true, IgnoreReadOnly: true})
			g.Expect(err).NotTo(HaveOccurred())
			changes, rest, ok := patch.MemberChanges()
			g.Expect(ok).To(Equal(want.ok))
			g.Expect(changes).To(Equal(want.changes))
			if !ok {
				return
			}
			next, _, err := rest.Apply(scim.NewResource(registry.Group(), scim.Complex{"displayName": "X"}))
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(next.DisplayName()).To(Equal(want.name))
			g.Expect(next.Members().IDs()).To(BeEmpty())
		})
	}
}
