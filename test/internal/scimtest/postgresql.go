package scimtest

import (
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// PostgreSQL is a server that runs on this machine.
type PostgreSQL struct {
	// URL is where clients connect.
	URL  string
	psql string
}

// StartPostgreSQL runs a server with a new database until the spec has ended. It refuses to be run by root, so that for
// root it is run by the user that its package makes.
func StartPostgreSQL() *PostgreSQL {
	GinkgoHelper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	Expect(err).NotTo(HaveOccurred())
	Expect(found).NotTo(BeEmpty(), "PostgreSQL is not installed: run `make postgresql`")
	programs := filepath.Dir(found[len(found)-1])
	folder, err := os.MkdirTemp("", "postgresql-")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(os.RemoveAll, folder)
	host, port, err := net.SplitHostPort(freeAddress())
	Expect(err).NotTo(HaveOccurred())

	run := func(program string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(programs, program), args...)
		cmd.Dir = folder
		return cmd
	}
	as := func(cmd *exec.Cmd) *exec.Cmd { return cmd }
	if os.Getuid() == 0 {
		account, err := user.Lookup("postgres")
		Expect(err).NotTo(HaveOccurred())
		uid, err := strconv.ParseUint(account.Uid, 10, 32)
		Expect(err).NotTo(HaveOccurred())
		gid, err := strconv.ParseUint(account.Gid, 10, 32)
		Expect(err).NotTo(HaveOccurred())
		Expect(os.Chown(folder, int(uid), int(gid))).To(Succeed())
		as = func(cmd *exec.Cmd) *exec.Cmd {
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
			return cmd
		}
	}
	data := filepath.Join(folder, "data")
	output, err := as(run("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--pgdata="+data)).CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(output))
	server := as(run("postgres", "-D", data, "-h", host, "-p", port, "-k", folder, "-F"))
	server.Stderr = GinkgoWriter
	Expect(server.Start()).To(Succeed())
	DeferCleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT) // At once, but not without removing its shared memory.
		_ = server.Wait()
	})
	p := &PostgreSQL{URL: "postgres://postgres@" + net.JoinHostPort(host, port) + "/postgres?sslmode=disable", psql: filepath.Join(programs, "psql")}
	Eventually(func() string { return p.Query("SELECT 1") }).WithTimeout(30 * time.Second).Should(Equal("1"))
	return p
}

// Query returns what a query does, as text; what the server says where it refuses.
func (p *PostgreSQL) Query(query string) string {
	output, _ := exec.Command(p.psql, "--no-psqlrc", "--tuples-only", "--no-align", "--command", query, p.URL).CombinedOutput()
	return strings.TrimSpace(string(output))
}
