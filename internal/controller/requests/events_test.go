package requests_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/requests"
)

var _ = Describe("What was refused", func() {
	It("is an event for each reason, with what to do, as long as there is more of it", func() {
		recorder := events.NewFakeRecorder(200)
		refusals := requests.NewRefusals(env.Client, recorder)
		recorded := func() (all []string) {
			for len(recorder.Events) > 0 {
				all = append(all, <-recorder.Events)
			}
			return all
		}
		pod := types.NamespacedName{Namespace: "acme", Name: "acme-scim-0"}
		// hear lets the pod say what it has refused so far.
		var before *contract.ServerUsage
		hear := func(tenant string, counted map[string]int64) []string {
			answer := contract.ServerUsage{Refusals: map[string]map[string]int64{tenant: counted}}
			refusals.Hear(pod, before, answer)
			before = &answer
			return recorded()
		}
		Expect(hear("acme", map[string]int64{"NameTaken": 3})).To(BeEmpty(), "before this operator began")
		Expect(hear("acme", map[string]int64{"NameTaken": 3})).To(BeEmpty(), "no more than before")
		Expect(hear("acme", map[string]int64{"NameTaken": 5, "ValueInvalid": 200})).To(HaveExactElements(
			And(HavePrefix("Warning NameTaken "), ContainSubstring("rename or delete"), ContainSubstring("kubectl scim log acme -n acme --refused")),
			HavePrefix("Warning ValueInvalid ")))
		Expect(hear("acme", map[string]int64{"NameTaken": 1})).To(HaveExactElements(HavePrefix("Warning NameTaken ")), "of a pod that began anew")
		Expect(hear("acme", map[string]int64{"NameTaken": 1, "MadeUp %s": 7})).To(BeEmpty(), "no reason that there is")
		counted := int64(1)
		for range 100 {
			counted++
			refusals.Hear(pod, before, contract.ServerUsage{Refusals: map[string]map[string]int64{"acme": {"NameTaken": counted}}})
			Expect(len(recorder.Events)).To(BeNumerically("<=", 60), "whatever pods say")
		}
		recorded()
		Expect(hear("nobody", map[string]int64{"NameTaken": 9})).To(BeEmpty(), "no tenant that there is")
	})
})
