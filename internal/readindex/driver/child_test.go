package driver_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/readindex/driver"
)

// A child is a replica in a process of its own, which can be killed and stopped.
// It is this test binary, told by the environment what to be.
const (
	childName       = "BARRIER_TEST_NAME"
	childNamespace  = "BARRIER_TEST_NAMESPACE"
	childKubeconfig = "BARRIER_TEST_KUBECONFIG"
)

// runChild is the child. A number on its input is told to a client; an empty line
// asks at which revision it reads. It says so whenever it becomes a member or stops being one.
func runChild() int {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(childKubeconfig))
	if err != nil {
		return childFailed(err)
	}
	live, err := newClient(config)
	if err != nil {
		return childFailed(err)
	}
	name, namespace := os.Getenv(childName), os.Getenv(childNamespace)
	log := newRecord(live, namespace)
	b, err := driver.New(driver.Options{
		Client: live, Tenant: tenantName, Listen: "127.0.0.1:0", Log: log, Marks: log.marks, Timing: hasty,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)).With("at", name), Metrics: prometheus.NewRegistry(),
		Pod: driver.Pod{Namespace: namespace, Name: name, UID: "uid-of-" + name, IP: "127.0.0.1"},
	})
	if err != nil {
		return childFailed(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := make(chan string)
	go func() {
		input := bufio.NewScanner(os.Stdin)
		for input.Scan() {
			lines <- input.Text()
		}
		cancel()
	}()
	go func() {
		member := false
		for ctx.Err() == nil {
			if now := b.Member(); now != member {
				member = now
				fmt.Println("member", member)
			}
			select {
			case line := <-lines:
				childDo(ctx, b, log, line)
			case <-time.After(time.Millisecond):
			}
		}
	}()
	followed := &replica{Replica: b}
	followed.follows.Store(ptr.To("1"))
	go followed.follow(ctx)
	if err := b.Run(ctx); err != nil {
		return childFailed(err)
	}
	return 0
}

func childDo(ctx context.Context, b *driver.Replica, log *record, line string) {
	if revision, err := strconv.ParseUint(line, 10, 64); err == nil {
		log.acknowledge(revision)
		if err := b.Disclose(ctx, tenantOfTest); err != nil {
			fmt.Println("disclosing failed:", err)
			return
		}
		fmt.Println("acknowledged", revision)
		return
	}
	revisions, err := b.ReadIndex(ctx, tenantOfTest)
	if err != nil {
		fmt.Println("reading failed:", err)
		return
	}
	fmt.Println("reads at", revisions[readindex.Users])
}

func childFailed(err error) int {
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// child is a child as its parent sees it.
type child struct {
	process *os.Process
	input   io.Writer
	lines   chan string
}

// startChild starts a child and waits until it is a member. It is killed after the
// test.
func (w *world) startChild(name string) *child {
	GinkgoHelper()
	kubeconfig, err := w.user.KubeConfig()
	Expect(err).NotTo(HaveOccurred())
	path := filepath.Join(GinkgoT().TempDir(), "kubeconfig")
	Expect(os.WriteFile(path, kubeconfig, 0o600)).To(Succeed())

	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), childName+"="+name, childNamespace+"="+w.namespace, childKubeconfig+"="+path)
	command.Stderr = GinkgoWriter
	input, err := command.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	output, err := command.StdoutPipe()
	Expect(err).NotTo(HaveOccurred())
	Expect(command.Start()).To(Succeed())
	c := &child{process: command.Process, input: input, lines: make(chan string, 100)}
	go func() {
		defer close(c.lines)
		for scanner := bufio.NewScanner(output); scanner.Scan(); {
			c.lines <- scanner.Text()
		}
	}()
	DeferCleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	c.says("member true")
	return c
}

// says waits until the child says something that begins so, and returns the rest.
func (c *child) says(prefix string) string {
	GinkgoHelper()
	var rest string
	Eventually(func(g Gomega) {
		var line string
		g.Expect(c.lines).To(Receive(&line))
		var found bool
		rest, found = strings.CutPrefix(line, prefix)
		g.Expect(found).To(BeTrue(), "it said %q", line)
	}).Should(Succeed())
	return strings.TrimSpace(rest)
}

// acknowledges makes the child tell a client of a user with the resourceVersion.
func (c *child) acknowledges(revision uint64) {
	GinkgoHelper()
	_, err := fmt.Fprintln(c.input, revision)
	Expect(err).NotTo(HaveOccurred())
	c.says("acknowledged " + strconv.FormatUint(revision, 10))
}

// readsAt returns at which revision the child reads of the users.
func (c *child) readsAt() uint64 {
	GinkgoHelper()
	_, err := fmt.Fprintln(c.input)
	Expect(err).NotTo(HaveOccurred())
	revision, err := strconv.ParseUint(c.says("reads at"), 10, 64)
	Expect(err).NotTo(HaveOccurred())
	return revision
}
