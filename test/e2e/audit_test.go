package e2e

import (
	"cmp"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// localAuditLog is that of the API server of the local cluster. AUDIT_LOG names that of another one.
const localAuditLog = "/var/lib/kubescim-cluster/logs/audit.log"

var auditLog = cmp.Or(os.Getenv("AUDIT_LOG"), localAuditLog)

// trail are the commands of docs/audit.md, for one request in one namespace.
type trail struct{ namespace, request string }

// run runs the commands with the text, and returns what they print.
func (a trail) run(text string) string {
	GinkgoHelper()
	const request, namespace, key = "c7291d4a-2bf5-4e55-9ea5-6f19fba9699f", "-n acme", `"entra"`
	commands := strings.NewReplacer(request, a.request, namespace, "-n "+a.namespace, key, `"acme"`, localAuditLog, auditLog).Replace(Documented(checkout, "audit.md", text))
	printed, err := RunShell(commands)
	Expect(err).NotTo(HaveOccurred(), commands)
	return printed
}

// changes are the lines of changes that the server's log has of the request.
func (a trail) changes() (changes []map[string]any) {
	GinkgoHelper()
	for line := range strings.Lines(a.run(`--tail=-1 | grep "$request"`)) {
		var fields map[string]any
		Expect(json.Unmarshal([]byte(line), &fields)).To(Succeed(), line)
		if fields["log"] == "audit" {
			changes = append(changes, fields)
		}
	}
	return changes
}

// expectTrail changes a user whom a provider has made, and follows that through all places that know of it.
func expectTrail(t *Tenant, user string) {
	GinkgoHelper()
	value := Plant("title", Unique("Planted-title"))
	a := trail{namespace: t.Namespace, request: t.Send(http.MethodPatch, Users+"/"+user, Replace("title", value)).Has(http.StatusOK).Header.Get("X-Request-Id")}

	Expect(a.changes()).To(HaveExactElements(And(
		HaveKeyWithValue("namespace", t.Namespace), HaveKeyWithValue("tenant", t.Name), HaveKeyWithValue("key", t.Name), HaveKeyWithValue("keyID", t.KeyID),
		HaveKeyWithValue("operation", "Modify"), HaveKeyWithValue("resource", Users[1:]), HaveKeyWithValue("id", user),
		HaveKeyWithValue("changed", HaveExactElements("title")), HaveKeyWithValue("result", "Succeeded"),
		HaveKeyWithValue("requestID", a.request), HaveKeyWithValue("auditID", a.request), HaveKey("source"),
	)))
	server := "system:serviceaccount:" + t.Namespace + ":" + t.Name + "-scim"
	Expect(a.run(".auditID, .verb")).To(MatchRegexp(a.request + `\tupdate\tscimusers\t` + user + `\t200\t` + server))
	Expect(a.run("--show-managed-fields")).To(And(ContainSubstring(user), ContainSubstring(`"scim/`+t.KeyID+`"`)))
	Expect(a.run("kubectl scim history")).To(And(ContainSubstring(a.request), MatchRegexp(`scim/%s +%s `, t.KeyID, t.Name)))
	Expect(a.run("select(.key ==")).To(ContainSubstring("\tCreate\tUsers\t" + user + "\tSucceeded"))

	By("a request that changes nothing")
	a.request = t.Send(http.MethodPatch, Users+"/"+user, Replace("title", value)).Has(http.StatusOK).Header.Get("X-Request-Id")
	Expect(a.changes()).To(HaveExactElements(And(HaveKeyWithValue("result", "Unchanged"), Not(HaveKey("changed")), Not(HaveKey("auditID")))))

	By("one that is refused")
	a.request = t.Send(http.MethodPost, Users, PlainUser("bob.keller@acme.example.com")).IsError(http.StatusConflict, "uniqueness").Header.Get("X-Request-Id")
	Expect(a.changes()).To(HaveExactElements(And(
		HaveKeyWithValue("operation", "Create"), HaveKeyWithValue("result", "Refused"), HaveKeyWithValue("scimType", "uniqueness"))))
}

// expectExpiry expects a line about a user who was deleted and is kept no longer.
func expectExpiry(t *Tenant, user string) {
	GinkgoHelper()
	Eventually(func() string { return serverLogs(t) }).WithTimeout(90 * time.Second).WithPolling(2 * time.Second).
		Should(MatchRegexp(`"log":"audit",.*"operation":"Expire","resource":"Users","id":"` + user + `","result":"Succeeded"`))
}

// seeAuditLog notes what the API server's audit log has about a namespace, for the search for what must not be shown. Who has
// looked for a user by name has written that name into the URL, which is in the log, as the document says.
func seeAuditLog(namespace string) {
	GinkgoHelper()
	content, err := os.ReadFile(auditLog)
	Expect(err).NotTo(HaveOccurred(), "without the audit log of the API server, leave these specs out, with --label-filter='!audit-log'")
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, `"namespace":"`+namespace+`"`) && !strings.Contains(line, "fieldSelector=spec.userName") {
			See("audit log of the API server", line)
		}
	}
}
