package e2e

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// sessions is an application whose sessions can be ended, as examples/revoke-sessions wants it.
type sessions struct {
	lock sync.Mutex
	have map[string]bool
	// compared is how often all were compared.
	compared int
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.lock.Lock()
	defer s.lock.Unlock()
	if r.Method == http.MethodDelete {
		delete(s.have, strings.TrimPrefix(r.URL.Path, "/"))
		return
	}
	s.compared++
	for id := range s.have {
		if !strings.Contains(string(body), id) {
			delete(s.have, id)
		}
	}
}

// of reports whether a user has a session.
func (s *sessions) of(id string) bool {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.have[id]
}

var _ = Describe("The programs of docs/consuming.md", Ordered, ContinueOnFailure, func() {
	var (
		t        *Tenant
		programs string
	)
	// begin starts a program, which ends with the spec at the latest, and returns what ends it at once.
	begin := func(cmd *exec.Cmd, environment ...string) (kill func()) {
		GinkgoHelper()
		cmd.Env = append(append(os.Environ(), "NAMESPACE="+t.Namespace, "TENANT="+t.Name), environment...)
		cmd.Stderr = GinkgoWriter
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // With all that it starts.
		Expect(cmd.Start()).To(Succeed())
		kill = sync.OnceFunc(func() {
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait() // It says that it was killed.
		})
		DeferCleanup(kill)
		return kill
	}
	create := func(userName string) string {
		GinkgoHelper()
		return t.Send(http.MethodPost, Users, PlainUser(userName)).Has(http.StatusCreated).ID()
	}
	deactivate := func(id string) {
		GinkgoHelper()
		t.Send(http.MethodPatch, Users+"/"+id, Patch(`{"op":"replace","path":"active","value":false}`)).HasOneOf(http.StatusOK, http.StatusNoContent)
	}
	remove := func(id string) {
		GinkgoHelper()
		t.Send(http.MethodDelete, Users+"/"+id, "").Has(http.StatusNoContent)
	}

	BeforeAll(func(ctx SpecContext) {
		t = Serve(ctx, "consumed", scimv1alpha1.IdentityProviderGeneric, OneReplica, func(spec *scimv1alpha1.ScimTenantSpec) {
			spec.Users.OnDelete = scimv1alpha1.UserDeletionDelete
		})
		programs = GinkgoT().TempDir()
		build := exec.Command("go", "build", "-o", programs, "./...")
		build.Dir = filepath.Join(checkout, "examples")
		output, err := build.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(output))
	})

	It("revoke the sessions of whoever is deactivated or deleted, also while they were away", func() {
		blocked, deleted, gone, stays := create("a@consumed.example.com"), create("b@consumed.example.com"), create("c@consumed.example.com"), create("d@consumed.example.com")
		application := &sessions{have: map[string]bool{blocked: true, deleted: true, gone: true, stays: true, "long-gone": true}}
		server := httptest.NewServer(application)
		DeferCleanup(server.Close)
		environment := []string{"SESSIONS=" + server.URL, "CURSOR=" + filepath.Join(GinkgoT().TempDir(), "cursor")}
		kill := begin(exec.Command(filepath.Join(programs, "revoke-sessions")), environment...)
		Eventually(application.of).WithArguments("long-gone").Should(BeFalse(), "all are compared at first")
		deactivate(blocked)
		remove(deleted)
		for _, id := range []string{blocked, deleted} {
			Eventually(application.of).WithArguments(id).Should(BeFalse())
		}
		// The cursor is saved within a second or so.
		Eventually(func() error { _, err := os.Stat(strings.TrimPrefix(environment[1], "CURSOR=")); return err }).Should(Succeed())
		kill()
		remove(gone)
		begin(exec.Command(filepath.Join(programs, "revoke-sessions")), environment...)
		Eventually(application.of).WithArguments(gone).Should(BeFalse())
		Expect(application.of(stays)).To(BeTrue())
		Expect(application.compared).To(Equal(1), "it learned of the deletion by the marker")
	})

	It("keep a table of PostgreSQL as the users are, also while they were away", func() {
		database := StartPostgreSQL()
		blocked, deleted := create("blocked@consumed.example.com"), create("deleted@consumed.example.com")
		people := func() string {
			return database.Query(`SELECT string_agg(name || ' ' || active, ', ' ORDER BY name) FROM people WHERE name LIKE '%ed@consumed%'`)
		}
		kill := begin(exec.Command(filepath.Join(programs, "sync-postgres")), "DATABASE="+database.URL)
		Eventually(people).WithTimeout(20 * time.Second).Should(Equal("blocked@consumed.example.com true, deleted@consumed.example.com true"))
		Eventually(func() string { return database.Query("SELECT count(*) FROM seen") }).WithTimeout(10 * time.Second).Should(Equal("1"))
		kill()
		deactivate(blocked)
		remove(deleted)
		begin(exec.Command(filepath.Join(programs, "sync-postgres")), "DATABASE="+database.URL)
		Eventually(people).WithTimeout(20 * time.Second).Should(Equal("blocked@consumed.example.com false"))
	})

	It("print changes by kubectl get --watch", func() {
		printed := gbytes.NewBuffer()
		script := exec.Command(filepath.Join(checkout, "examples", "watch.sh"), t.Namespace, t.Name)
		script.Stdout = printed
		blocked, deleted := create("e@consumed.example.com"), create("f@consumed.example.com")
		begin(script)
		Eventually(printed).WithTimeout(10 * time.Second).Should(gbytes.Say(blocked + "\tactive\n"))
		deactivate(blocked)
		remove(deleted)
		for _, line := range []string{blocked + "\tinactive\n", deleted + "\tdeleted\n"} {
			Eventually(func() string { return string(printed.Contents()) }).WithTimeout(10 * time.Second).Should(ContainSubstring(line))
		}
	})
})
