package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// reading is a command that reads a token.
var reading = regexp.MustCompile(`kubectl get secret .* \| base64 -d`)

// pastServers are the flags by which one writes users and groups past the servers (docs/break-glass.md).
var pastServers = []string{"--as=" + BreakGlassGroup, "--as-group=" + BreakGlassGroup}

// lines returns the lines of what a command has printed.
func lines(text string) []string { return strings.Split(strings.TrimSuffix(text, "\n"), "\n") }

// resourcesOf returns what a tenant answers of each resource, without where it is.
func resourcesOf(c *Client, endpoint string) (all []string) {
	GinkgoHelper()
	list, _ := c.Get(endpoint + "?count=500").Has(http.StatusOK).At("Resources").([]any)
	for _, resource := range list {
		members, _ := Dig(resource, "members").([]any)
		ids := []any{}
		for _, member := range members {
			ids = append(ids, Dig(member, "value"))
		}
		all = append(all, fmt.Sprint(Dig(resource, "id"), Dig(resource, "userName"), Dig(resource, "displayName"), Dig(resource, "active"), ids))
	}
	return all
}

var _ = Describe("kubectl scim", Ordered, ContinueOnFailure, func() {
	var (
		t *Tenant
		// users are the userNames of many, by their ids.
		users map[string]string
	)

	// scim runs a command of the plugin in the tenant's namespace. What it prints must have no secret in it.
	scim := func(args ...string) (string, error) {
		GinkgoHelper()
		printed, err := RunKubectl("", append(append([]string{"scim"}, args...), "-n", t.Namespace)...)
		See("kubectl scim "+args[0], printed)
		return printed, err
	}
	succeeds := func(args ...string) string {
		GinkgoHelper()
		printed, err := scim(args...)
		Expect(err).NotTo(HaveOccurred(), printed)
		return printed
	}
	// about runs a command that prints what is known about users.
	about := func(args ...string) string {
		GinkgoHelper()
		return Kubectl(append(append([]string{"scim"}, args...), "-n", t.Namespace)...)
	}

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "plugin", scimv1alpha1.IdentityProviderGeneric, OneReplica)
		users = CreateUsers(t.Service, 120)
	})

	It("shows a tenant on one screen, and what to do", func() {
		screen := succeeds("status", t.Name)
		for _, text := range []string{"Ready:        yes", "http://plugin-scim." + t.Namespace + ".svc/scim/v2", "its own, 1/1 pods ready", t.KeyID} {
			Expect(screen).To(ContainSubstring(text))
		}
		Expect(screen).NotTo(ContainSubstring("\x1b"), "no colours where there is no terminal")
		Expect(succeeds("status", t.Name, "-o", "wide")).To(MatchRegexp(`(?s)Conditions.*ServerAvailable +True.*Pods.*plugin-scim-\S+ +true +Running`))
		report := map[string]any{}
		Expect(json.Unmarshal([]byte(succeeds("status", t.Name, "-o", "json")), &report)).To(Succeed())
		Expect(report).To(And(HaveKeyWithValue("ready", true), HaveKeyWithValue("tenant", t.Name)))

		By("objects that are about it")
		ApplyText(fmt.Sprintf(roleBinding, "viewers", t.Namespace, t.Name, "Not there yet"))
		Apply(NewSink(t.Namespace, "app", t.Name, "https://app.example.com/events")) // which is not allowed
		WaitFor(t.Namespace, "condition=Reconciling", "scimrolebinding/viewers")
		WaitFor(t.Namespace, "condition=Stalled", "scimeventsink/app")
		Expect(succeeds("status", t.Name)).To(MatchRegexp(
			`Bindings: +1, 1 of them not ready\nEvent sinks: +1, 1 of them not ready\n(?s:.*)To do\n` +
				`(?s:.*)- role binding viewers is not Ready \(GroupNotFound\): nobody has the role(?s:.*)\n- event sink app is not Ready \(NotAllowed\): `))
		Kubectl("delete", "-n", t.Namespace, "scimrolebinding/viewers", "scimeventsink/app", "--timeout=60s")

		By("a tenant that nobody serves")
		Apply(NewTenant(t.Namespace, "broken", scimv1alpha1.IdentityProviderOkta, On("nowhere")))
		WaitFor(t.Namespace, "condition=Stalled", "scimtenant/broken")
		printed, err := scim("status", "broken")
		Expect(err).To(MatchError(And(ContainSubstring("exit status 1"), ContainSubstring(`"broken" is not Ready`))))
		Expect(printed).To(MatchRegexp(`Ready: +no, ServerNotFound(?s:.*)To do\n(?s:.*)create that ScimServer`))
		_, err = scim("status", "nobody")
		Expect(err).To(MatchError(ContainSubstring("but broken, plugin")), "those that there are")
		Kubectl("delete", "scimtenant", "broken", "-n", t.Namespace, "--timeout=60s")
	})

	It("finds users, groups and members, those of large groups too", func() {
		inside := slices.Sorted(maps.Keys(users))
		alice := t.Service.Do(http.MethodPost, Users, NamedUser("Alice.Martin@example.com", "Alice Martin")).Has(http.StatusCreated).ID()
		t.Service.Do(http.MethodPatch, Users+"/"+inside[0], Replace("active", false)).Has(http.StatusOK)
		everybody := t.Service.Do(http.MethodPost, Groups, PlainGroup("Everybody", inside...)).Has(http.StatusCreated).ID()
		t.Service.Do(http.MethodPost, Groups, PlainGroup("All of Example", alice, everybody)).Has(http.StatusCreated)
		Expect(KubectlList(t.Namespace, "scimgroupmembers")).NotTo(BeEmpty())

		Expect(lines(about("users", t.Name))).To(HaveLen(1 + 121))
		Expect(about("users", t.Name, "--name=ALICE*")).To(And(ContainSubstring("Alice.Martin@example.com"), ContainSubstring(alice)))
		Expect(lines(about("users", t.Name, "--inactive"))).To(HaveExactElements(ContainSubstring("USERNAME"), ContainSubstring(inside[0])))
		Expect(about("groups", t.Name, "--name=every*")).To(MatchRegexp(`Everybody +120 .*` + everybody))
		members := about("members", "EVERYBODY")
		Expect(lines(members)).To(HaveLen(1 + 120))
		Expect(members).To(And(ContainSubstring(users[inside[7]]), Not(ContainSubstring("missing"))))
		Expect(lines(about("members", "all of example"))).To(HaveLen(1 + 2))
		nested := about("members", "all of example", "--nested")
		Expect(lines(nested)).To(HaveLen(1 + 121))
		Expect(nested).To(MatchRegexp(users[inside[7]] + ` .* Everybody `))

		By("as objects, for other programs")
		list := struct{ Items []scimv1alpha1.ScimUser }{}
		Expect(json.Unmarshal([]byte(about("users", t.Name, "--name=alice*", "-o", "json")), &list)).To(Succeed())
		Expect(list.Items).To(HaveLen(1))
		Expect(list.Items[0].Name).To(Equal(alice))
		_, err := RunKubectl(about("users", t.Name, "--name=alice*", "-o", "yaml"), "get", "-f", "-", "-n", t.Namespace)
		Expect(err).NotTo(HaveOccurred())

		By("as somebody who may not see users")
		_, err = RunKubectl("", "scim", "users", t.Name, "-n", t.Namespace, "--as=mallory@example.com")
		Expect(err).To(MatchError(ContainSubstring("ClusterRole kubescim-user-viewer")))
	})

	It("says when and by which key a user was changed", func() {
		history := about("history", "alice.martin@EXAMPLE.com")
		Expect(history).To(And(
			MatchRegexp(`By key: +plugin, by the token of key id `+t.KeyID), ContainSubstring("scim/"+t.KeyID), MatchRegexp(`Request: +\S+`)))
	})

	It("makes, rotates, lists and revokes keys", func() {
		file := filepath.Join(GinkgoT().TempDir(), "token")
		token := func() string {
			GinkgoHelper()
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			Expect(os.Remove(file)).To(Succeed())
			NoteToken(string(text))
			return string(text)
		}
		Expect(succeeds("key", "create", t.Name, "partner", "--once", "--overlap-hours=1", "--token-file", file)).To(ContainSubstring("delete that file once it is pasted"))
		first := token()
		answers(t, first, http.StatusOK)
		Eventually(func() any { return KubectlGet(t.Namespace, "secret", "partner") }).Should(BeNil(), "it was acknowledged")

		rotated := succeeds("key", "rotate", "partner", "--token-file", file)
		second := token()
		Expect(rotated).To(ContainSubstring(CredentialOf(second)))
		Expect(second).NotTo(Equal(first))
		answers(t, second, http.StatusOK)
		answers(t, first, http.StatusOK)
		Expect(lines(succeeds("key", "list", t.Name))).To(ContainElements(
			ContainSubstring(CredentialOf(first)), ContainSubstring(CredentialOf(second)), ContainSubstring(t.KeyID)))

		By("revoking both")
		Expect(succeeds("key", "revoke", "partner")).To(ContainSubstring("no replica accepts a token"))
		answers(t, first, http.StatusUnauthorized)
		answers(t, second, http.StatusUnauthorized)

		By("saying how to read a token that stays in its Secret")
		printed := succeeds("key", "create", t.Name, "other")
		command := reading.FindString(printed)
		Expect(command).NotTo(BeEmpty(), printed)
		kept, _ := TokenOf(t.Namespace, "other")
		Expect(Shell(command)).To(Equal(kept))
		answers(t, kept, http.StatusOK)

		By("applying one that was written for Git")
		ApplyText(succeeds("key", "create", t.Name, "git", "--offline", "--read-only", "--dry-run"))
		answersWithinASecond(t, newToken(t, "git"), http.StatusOK)
	})

	It("pauses a tenant and resumes it", func() {
		Expect(succeeds("pause", t.Name)).To(ContainSubstring("is paused"))
		Eventually(func() int { return t.Service.Get(Users).Status }).Should(Equal(http.StatusServiceUnavailable))
		Expect(succeeds("status", t.Name)).To(ContainSubstring("kubectl scim resume " + t.Name))
		Expect(succeeds("resume", t.Name)).To(ContainSubstring("is active"))
		Eventually(func() int { return t.Service.Get(Users).Status }).Should(Equal(http.StatusOK))
	})

	It("says what to enter in an identity provider, and writes a sheet for its administrator", func() {
		Expect(succeeds("connect", t.Name, "--key", t.Name)).To(And(
			ContainSubstring("http://plugin-scim."+t.Namespace+".svc/scim/v2"), ContainSubstring("leads to the tenant inside the cluster alone"),
			ContainSubstring("what this prints: kubectl get secret plugin -n "+t.Namespace)))
		for _, provider := range []string{"Okta", "JumpCloud", "OneLogin", "Authentik", "Keycloak", "Entra", "PingOne"} {
			Expect(succeeds("connect", t.Name, "--key", t.Name, "--provider", provider)).To(ContainSubstring("1. "))
		}
		_, err := scim("connect", t.Name, "--key", t.Name, "--hand-over")
		Expect(err).To(MatchError(ContainSubstring("spec.endpoint.host")))
	})

	It("plays the session of each provider against a tenant for it", func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "sessions")
		Apply(NewServer(namespace, "shared", 1))
		providers := []scimv1alpha1.IdentityProvider{"Entra", "Okta", "JumpCloud", "OneLogin", "PingOne", "Authentik", "Keycloak", "Generic"}
		var objects []*scimv1alpha1.ScimTenant
		for _, provider := range providers {
			objects = append(objects, NewTenant(namespace, strings.ToLower(string(provider)), provider, On("shared")))
		}
		served := ServeIn(ctx, namespace, objects...)
		for _, tenant := range served {
			printed, err := RunKubectl("", "scim", "test", tenant.Name, "-n", namespace, "--url", tenant.Service.Base)
			See("kubectl scim test", printed)
			Expect(err).NotTo(HaveOccurred(), printed)
			table, left, _ := strings.Cut(printed, "\n\n")
			Expect(lines(table)).To(HaveEach(Or(HavePrefix("STEP"), HaveSuffix(" ok"))))
			Expect(left).To(And(HavePrefix("1 user is kept"), ContainSubstring("kubectl scim erase kubescim-test@example.com -n "+namespace+" --yes")))
		}
		By("the same again: the user who is kept comes back")
		for _, tenant := range served {
			_, err := RunKubectl("", "scim", "test", tenant.Name, "-n", namespace, "--url", tenant.Service.Base)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(KubectlList(namespace, "scimusers")).To(HaveLen(len(served)), "one of each tenant is kept")

		By("a provider that sends what the tenant does not put up with")
		printed, err := RunKubectl("", "scim", "test", "generic", "-n", namespace, "--provider", "OneLogin", "--url", served[len(served)-1].Service.Base)
		Expect(err).To(MatchError(ContainSubstring("where it makes the user, by POST /Users: answered 400")), printed)
		Expect(printed).To(ContainSubstring("400"))
	})

	It("checks the cluster, and what somebody may do", func() {
		checked := succeeds("check")
		for _, line := range []string{`Kubernetes +OK`, `Kinds +OK`, `Operator +OK +kubescim-system/kubescim runs`, `Admission policies +OK`, `Your rights +OK +you may read tokens`} {
			Expect(checked).To(MatchRegexp(line))
		}
		Expect(Kubectl("scim", "check", "-n", t.Namespace+"-nowhere")).To(And(
			MatchRegexp(`Namespace +Warning +there is no namespace `+t.Namespace+`-nowhere: make it`), Not(ContainSubstring("Your rights"))))
		printed := Kubectl("scim", "check", "-n", t.Namespace, "--as=mallory@example.com")
		Expect(printed).To(MatchRegexp(`Operator +Unknown(?s:.*)you may not see users and groups .* kubescim-user-viewer permits it`))
	})

	It("completes names when a shell asks kubectl", func() {
		Expect(lines(Kubectl("__complete", "scim", "status", "-n", t.Namespace, ""))).To(ContainElement(t.Name))
		Expect(lines(Kubectl("__complete", "scim", ""))).To(ContainElement(HavePrefix("status\t")))
	})

	It("exports users and groups, and makes them again elsewhere, with their ids", func(ctx SpecContext) {
		file := filepath.Join(GinkgoT().TempDir(), "plugin.ndjson")
		counted := len(KubectlList(t.Namespace, "scimusers,scimgroupmembers")) + len(KubectlList(t.Namespace, "scimgroups", "-l", "!"+scimv1alpha1.LabelDeleted))
		Expect(succeeds("export", t.Name, "--file", file)).To(ContainSubstring(fmt.Sprintf("has %d objects", counted)))
		_, err := scim("import", t.Name, "--file", file)
		Expect(err).To(MatchError(ContainSubstring("kubectl scim pause")), "not while it is served")

		fresh := NewNamespace(ctx, "imported")
		bring := func() string {
			GinkgoHelper()
			return Kubectl(append([]string{"scim", "import", "acme", "-n", fresh, "--file", file}, pastServers...)...)
		}
		Expect(bring()).To(ContainSubstring(fmt.Sprintf("%d objects were made", counted)))
		Expect(bring()).To(ContainSubstring(fmt.Sprintf("0 objects were made for the tenant acme, and %d were there already", counted)))
		imported := ServeIn(ctx, fresh, NewTenant(fresh, "acme", scimv1alpha1.IdentityProviderGeneric, OneReplica))[0]
		for _, endpoint := range []string{Users, Groups} {
			before := resourcesOf(t.Service, endpoint)
			Expect(before).NotTo(BeEmpty())
			Expect(resourcesOf(imported.Service, endpoint)).To(ConsistOf(before))
		}
	})

	It("erases a user whom the identity provider has deleted, and nobody else", func() {
		carol := t.Service.Do(http.MethodPost, Users, PlainUser("carol@example.com")).Has(http.StatusCreated).ID()
		group := t.Service.Do(http.MethodPost, Groups, PlainGroup("Choir", carol)).Has(http.StatusCreated).ID()
		erase := func(flags ...string) (string, error) {
			flags = append(flags, pastServers...)
			return RunKubectl("", append([]string{"scim", "erase", "carol@example.com", "-n", t.Namespace}, flags...)...)
		}
		_, err := erase("--yes")
		Expect(err).To(MatchError(ContainSubstring("have it deleted there first")))
		t.Service.Do(http.MethodDelete, Users+"/"+carol, "").Has(http.StatusNoContent)

		report, err := erase()
		Expect(err).NotTo(HaveOccurred())
		Expect(report).To(MatchRegexp("the object +ScimUser " + carol + " of the tenant plugin\n(?s:.*)- the object: --yes deletes it"))
		Expect(KubectlGet(t.Namespace, "scimuser", carol)).NotTo(BeNil(), "a report changes nothing")
		report, err = erase("--yes")
		Expect(err).NotTo(HaveOccurred(), report)
		Expect(report).To(ContainSubstring("it is deleted"))
		Expect(KubectlGet(t.Namespace, "scimuser", carol)).To(BeNil())
		Eventually(func() any { return Dig(KubectlGet(t.Namespace, "scimgroup", group), "spec/members") }).WithTimeout(3 * time.Minute).Should(BeNil())
		_, err = erase()
		Expect(err).To(MatchError(ContainSubstring("there is no user")))
	})

	It("moves a tenant to a ScimServer and back, and follows that", func() {
		_, err := scim("move", t.Name, "--to", "shared")
		Expect(err).To(MatchError(ContainSubstring("there is no ScimServer")))
		Apply(NewServer(t.Namespace, "shared", 1))
		WaitFor(t.Namespace, "condition=Ready", "scimserver/shared")
		_, err = scim("move", t.Name, "--to", "shared")
		Expect(err).To(MatchError(ContainSubstring("--discard-server-spec")))

		By("one that would lose its URL stays as it is")
		Apply(NewTenant(t.Namespace, "born", scimv1alpha1.IdentityProviderGeneric, On("shared")))
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/born")
		_, err = scim("move", "born", "--own")
		Expect(err).To(MatchError(And(ContainSubstring("has no URL but that of ScimServer shared"), ContainSubstring("spec.endpoint.host"))))
		Expect(Dig(KubectlGet(t.Namespace, "scimtenant", "born"), "spec/serverRef/name")).To(Equal("shared"))

		By("one that has a Service of its own is moved")
		began := time.Now()
		Expect(succeeds("move", t.Name, "--to", "shared", "--discard-server-spec")).To(ContainSubstring("is served by ScimServer shared, at http://plugin-scim."))
		AddReportEntry("moved", time.Since(began).Round(time.Second).String())
		Expect(succeeds("status", t.Name)).To(ContainSubstring("ScimServer shared, 1/1 pods ready"))
		Expect(succeeds("move", t.Name, "--own")).To(ContainSubstring("is served by its own server"))
	})
})
