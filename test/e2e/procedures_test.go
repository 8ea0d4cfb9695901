package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/test/internal/backup"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// The commands are those of the documents, run as an administrator types them. Only the namespace is another one, and
// the old cluster and the new one are the same, in which the namespace is deleted in between.
var _ = Describe("What the documents say to type", Ordered, func() {
	var (
		t *Tenant
		// offline is a token that the operator has not made.
		offline string
		// folder is where the commands are typed.
		folder string
		// before are the users and groups, as clients see them.
		before map[string][]string
	)

	documented := func(document, text string) string {
		GinkgoHelper()
		return strings.NewReplacer(" --context=old", "", " --context=new", "", "-n acme", "-n "+t.Namespace,
			"namespace acme", "namespace "+t.Namespace).Replace(Documented(checkout, document, text))
	}
	run := func(commands string) string {
		GinkgoHelper()
		printed, err := RunShell("cd " + folder + "\n" + commands)
		See("the commands of a document", printed)
		Expect(err).NotTo(HaveOccurred(), printed)
		return printed
	}
	answer := func(c *Client) map[string][]string {
		GinkgoHelper()
		found := map[string][]string{Users: resourcesOf(c, Users), Groups: resourcesOf(c, Groups)}
		for _, list := range found {
			slices.Sort(list)
		}
		return found
	}
	// sameAsBefore expects that a tenant that was put back has the users, groups and tokens of before.
	sameAsBefore := func(ctx SpecContext) {
		GinkgoHelper()
		t = backup.Reconnect(ctx, t)
		Expect(answer(t.Service)).To(Equal(before))
		answers(t, offline, http.StatusOK)
	}
	clusterLoses := func() {
		GinkgoHelper()
		Kubectl("delete", "namespace", t.Namespace, "--timeout=170s")
	}
	// isPrivate expects that nobody else on the machine can read a file that a command has written.
	isPrivate := func(file string) {
		GinkgoHelper()
		about, err := os.Stat(filepath.Join(folder, file))
		Expect(err).NotTo(HaveOccurred())
		Expect(about.Mode().Perm()).To(Equal(os.FileMode(0o600)), file)
	}
	idOf := func(userName string) string {
		GinkgoHelper()
		return t.Service.Get(Users + `?filter=userName+eq+"` + userName + `"`).IsList(1)[0]["id"].(string)
	}

	BeforeAll(func(ctx SpecContext) {
		namespace := NewNamespace(ctx, "procedures")
		folder = GinkgoT().TempDir()
		Apply(NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderEntra, OneReplica),
			NewKey(namespace, "entra", "acme"), NewKey(namespace, "git", "acme", Offline))
		WaitFor(namespace, "condition=Ready", "scimtenant/acme", "scimapikey/entra")
		t = TenantOf(NewTenant(namespace, "acme", scimv1alpha1.IdentityProviderEntra), "entra")
		t.Expose(ctx)
		offline = newToken(t, "git")
		WaitFor(namespace, "condition=Ready", "scimapikey/git")
		users := slices.Sorted(maps.Keys(CreateUsers(t.Service, 120)))
		t.Service.Do(http.MethodPost, Groups, PlainGroup("Everybody", users...)).Has(http.StatusCreated)
		t.Service.Do(http.MethodPost, Groups, PlainGroup("Few", users[:3]...)).Has(http.StatusCreated)
		Expect(KubectlList(namespace, "scimgroupmembers")).NotTo(BeEmpty())
		before = answer(t.Service)
	})

	It("backs up a namespace, and restores it with the same users, members, ids and tokens", func(ctx SpecContext) {
		run("umask 022\n" + documented("backup.md", ">acme-users.json"))
		isPrivate("acme-users.json")
		clusterLoses()
		run(documented("backup.md", "create namespace acme"))
		sameAsBefore(ctx)
		Expect(Kubectl("get", "secrets", "-n", t.Namespace, "-o", "name")).To(Equal("secret/acme-scim-signing\n"), "no token is made again")
	})

	It("puts back users who are lost, and leaves the others as they are", func() {
		lost := []string{idOf("user-3@example.com"), idOf("user-4@example.com")}
		for _, id := range lost {
			Kubectl("delete", "scimuser", id, "-n", t.Namespace, "--as="+BreakGlassGroup, "--as-group="+BreakGlassGroup)
		}
		functions, _, _ := strings.Cut(documented("backup.md", "fresh() {"), "\n\n")
		commands := documented("backup.md", `"state":"Paused"`)
		printed, err := RunShell("cd " + folder + "\n" + functions + "\nset +e\n" + commands)
		Expect(err).NotTo(HaveOccurred(), printed)
		WaitFor(t.Namespace, "condition=Ready", "scimtenant/acme")
		Eventually(func() map[string][]string { return answer(t.Service) }).Should(Equal(before))
	})

	It("moves a tenant to another cluster, with the same users, members, ids and tokens", func(ctx SpecContext) {
		run(documented("backup.md", "kubectl scim export"))
		t.Service.Get(Users).Has(http.StatusServiceUnavailable)
		clusterLoses()
		run(documented("backup.md", "kubectl scim import"))
		sameAsBefore(ctx)
	})

	It("erases a person, in backups too", func() {
		const alice = "alice.martin@acme.example.com"
		const example = "ffb243e7-9d4c-4ea8-a733-193ff944904e"
		id := t.Service.Do(http.MethodPost, Users, PlainUser(alice)).Has(http.StatusCreated).ID()
		run(documented("backup.md", ">acme-users.json"))
		run("kubectl scim export acme -n " + t.Namespace + " --file=acme-with.ndjson && mv acme-with.ndjson acme.ndjson")

		t.Service.Do(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
		report := run(documented("erasing.md", "kubectl scim erase "+alice+" -n acme\n"))
		Expect(report).To(ContainSubstring("ScimUser " + id + " of the tenant acme"))
		Expect(KubectlGet(t.Namespace, "scimuser", id)).NotTo(BeNil(), "a report changes nothing")
		Expect(run(documented("erasing.md", "--yes"))).To(ContainSubstring("it is deleted"))
		Expect(run(documented("erasing.md", "--name="))).NotTo(ContainSubstring("alice"))

		for file, without := range map[string]string{"acme-users.json": "acme-users-without.json", "acme.ndjson": "acme-without.ndjson"} {
			run("umask 022\n" + strings.ReplaceAll(documented("erasing.md", ">"+without), example, id))
			isPrivate(without)
			with, err := os.ReadFile(filepath.Join(folder, file))
			Expect(err).NotTo(HaveOccurred())
			text, err := os.ReadFile(filepath.Join(folder, without))
			Expect(err).NotTo(HaveOccurred())
			Expect(string(with)).To(ContainSubstring(alice))
			Expect(string(text)).NotTo(Or(ContainSubstring(alice), ContainSubstring(id)))
			Expect(string(text)).To(ContainSubstring("user-1@example.com"), "the others are there")
		}
	})

	It("refuses the tokens of a backup, where that is said before it is put back", func() {
		run(documented("backup.md", "credentialsNotBefore) = (now"))
		list := struct{ Items []map[string]any }{}
		text, err := os.ReadFile(filepath.Join(folder, "acme-tenants-new.json"))
		Expect(err).NotTo(HaveOccurred())
		Expect(json.Unmarshal(text, &list)).To(Succeed())
		at := slices.IndexFunc(list.Items, func(item map[string]any) bool { return item["kind"] == "ScimTenant" })
		notBefore, err := time.Parse(time.RFC3339, fmt.Sprint(Dig(list.Items[at], "spec/credentialsNotBefore")))
		Expect(err).NotTo(HaveOccurred())
		tenantNotBefore(t, `"`+notBefore.Format(time.RFC3339)+`"`)
		for _, refused := range []string{offline, t.Token} {
			answersWithinASecond(t, refused, http.StatusUnauthorized)
		}
	})
})
