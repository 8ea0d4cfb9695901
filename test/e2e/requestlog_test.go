package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// loggedRequest is a request as kubectl scim log prints it.
type loggedRequest struct {
	Time                                                                time.Time
	RequestID, KeyID, Key, Operation, Resource, ID, ScimType, Class, Do string
	Pod                                                                 string
	Status                                                              int
}

var _ = Describe("The log of a tenant's requests", Ordered, func() {
	var t *Tenant

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "acme", scimv1alpha1.IdentityProviderGeneric, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Server.Replicas, spec.Users.Seats = 3, 3
		})
	})

	It("says why a user is refused and what to mend, of all replicas in the order of time", func() {
		var sent []string
		for i, replica := range t.Replicas {
			// Each pod refuses somebody whom it has made itself.
			name := fmt.Sprintf("alice.martin.%d@acme.example.com", i)
			replica.Do(http.MethodPost, Users, PlainUser(name)).Has(http.StatusCreated)
			refused := replica.Do(http.MethodPost, Users, PlainUser(name)).IsError(http.StatusConflict, "uniqueness")
			sent = append(sent, refused.Header.Get("X-Request-Id"))
		}
		t.Service.Do(http.MethodPost, Users, PlainUser("bob.martin@acme.example.com")).IsError(http.StatusForbidden, "")
		t.Replicas[0].Get(Filter(Users, `userName eq "%s"`, "alice.martin.0@acme.example.com")).Has(http.StatusOK)
		t.Service.WithToken("").Get(Users).Has(http.StatusUnauthorized)

		text := Kubectl("scim", "log", t.Name, "-n", t.Namespace, "-o", "json")
		See("kubectl scim log", text)
		var log struct {
			Requests   []loggedRequest
			Pods       []string
			SilentPods []string
		}
		Expect(json.Unmarshal([]byte(text), &log)).To(Succeed())
		Expect(log.Pods).To(HaveLen(3))
		Expect(log.SilentPods).To(BeEmpty())
		Expect(slices.IsSortedFunc(log.Requests, func(a, b loggedRequest) int { return a.Time.Compare(b.Time) })).To(BeTrue(), text)
		var refused []string
		pods := map[string]bool{}
		for _, r := range log.Requests {
			if r.Class == "NameTaken" {
				refused, pods[r.Pod] = append(refused, r.RequestID), true
				Expect(r).To(And(HaveField("KeyID", t.KeyID), HaveField("Key", t.Name), HaveField("Operation", "Create"), HaveField("Resource", "Users"),
					HaveField("ScimType", "uniqueness"), HaveField("Status", http.StatusConflict), HaveField("Do", ContainSubstring("rename or delete"))))
			}
		}
		Expect(log.Requests).To(ContainElement(And(HaveField("Class", "SeatsTaken"), HaveField("Do", ContainSubstring("raise its spec.users.seats")))))
		Expect(refused).To(Equal(sent), "those of all replicas, as they were sent")
		Expect(pods).To(HaveLen(3))
		Expect(text).NotTo(Or(ContainSubstring("alice"), ContainSubstring("userName eq"), ContainSubstring(t.Token)), "nothing personal, no filter and no token")

		table := Kubectl("scim", "log", t.Name, "-n", t.Namespace, "--refused", "--key", t.Name)
		See("kubectl scim log", table)
		Expect(lines(table)[1]).To(MatchRegexp(`Z +acme +Create +Users +409 +NameTaken$`))
		Expect(table).To(And(ContainSubstring("What to do\n- SeatsTaken: all seats of the tenant are taken"),
			ContainSubstring("\n- NameTaken: another user or group of the tenant has that name"), Not(ContainSubstring("TokenMissing"))))
		screen := Kubectl("scim", "status", t.Name, "-n", t.Namespace)
		See("kubectl scim status", screen)
		Expect(screen).To(MatchRegexp(`Refused in the last 24 hours\nREASON(?s:.*)SeatsTaken +1 .*\nNameTaken +3 `))
	})

	It("is one series of events for each reason", func() {
		of := func() (series []map[string]any) {
			for _, event := range KubectlList(t.Namespace, "events.events.k8s.io") {
				if Dig(event, "regarding/kind") == "ScimTenant" && Dig(event, "reason") == "NameTaken" {
					series = append(series, event)
				}
			}
			return series
		}
		// Pods are asked every 15 seconds, and each has refused somebody.
		Eventually(func(g Gomega) {
			series := of()
			g.Expect(series).To(HaveLen(1))
			g.Expect(Dig(series[0], "series/count")).To(BeNumerically(">=", 2))
		}).WithTimeout(time.Minute).Should(Succeed())
		note, _ := Dig(of()[0], "note").(string)
		Expect(note).To(And(ContainSubstring("rename or delete"), ContainSubstring("kubectl scim log acme -n "+t.Namespace+" --refused"), Not(ContainSubstring("alice"))))
	})

	It("is shown to those alone who may reach the operator and get scimtenants/log", func() {
		role := func(namespace, name string, arguments ...string) {
			GinkgoHelper()
			Kubectl(append([]string{"create", "rolebinding", t.Namespace + "-" + name, "-n", namespace, "--serviceaccount=" + t.Namespace + ":mallory"}, arguments...)...)
		}
		mallory := NewPerson(t.Namespace, "mallory")
		log := func() error { return mallory.Run("kubectl scim log " + t.Name + " -n " + t.Namespace) }
		DeferCleanup(func() {
			Kubectl("delete", "rolebinding", t.Namespace+"-reach", "-n", OperatorKey.Namespace, "--ignore-not-found")
		})
		Kubectl("create", "role", "tenants", "-n", t.Namespace, "--verb=get,list", "--resource=scimtenants.scim.kubescim.dev,scimapikeys.scim.kubescim.dev")
		role(t.Namespace, "tenants", "--role=tenants")
		Expect(log()).To(MatchError(ContainSubstring("bind you the Role kubescim-log-reader in the namespace " + OperatorKey.Namespace)))
		role(OperatorKey.Namespace, "reach", "--role=kubescim-log-reader")
		Eventually(log).Should(MatchError(And(ContainSubstring("you lack the right"), ContainSubstring("ClusterRole kubescim-tenant-viewer"), ContainSubstring("scimtenants/log"))))
		role(t.Namespace, "viewer", "--clusterrole=kubescim-tenant-viewer")
		Eventually(log).Should(Succeed())
	})
})
