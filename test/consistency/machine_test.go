package consistency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

// What follows is done to the processes of a local cluster, as root.

const (
	// serverProgram is the program in the server's image.
	serverProgram = "/scim-server"
	// peerPort is where the replicas of a server talk to each other.
	peerPort = "8082"
)

// killServer ends the server in a pod with SIGKILL, of which it hears nothing.
func killServer(pod corev1.Pod) {
	GinkgoHelper()
	pid := processIn(pod, func(executable string) bool { return executable == serverProgram })
	Expect(syscall.Kill(pid, syscall.SIGKILL)).To(Succeed(), "process %d of the pod %s", pid, pod.Name)
}

// processIn is a process in a pod that runs such a program.
func processIn(pod corev1.Pod, runs func(executable string) bool) int {
	GinkgoHelper()
	groups, err := filepath.Glob("/proc/[0-9]*/cgroup")
	Expect(err).NotTo(HaveOccurred())
	for _, path := range groups {
		content, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(content, []byte("/pod"+string(pod.UID)+"/")) {
			continue // The process ended, or is another's.
		}
		executable, err := os.Readlink(filepath.Join(filepath.Dir(path), "exe"))
		if err != nil || !runs(executable) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		Expect(err).NotTo(HaveOccurred())
		return pid
	}
	Fail(fmt.Sprintf("no process on this machine is in the pod %s", pod.Name))
	return 0
}

// cutOff keeps what one pod sends to the peer port of another from arriving there,
// by a rule in the network namespace of the other. The function that it returns
// takes the rule away, as does the end of the spec.
func cutOff(from, to corev1.Pod) (mend func()) {
	GinkgoHelper()
	rule := func(verb string) error {
		return inNetworkOf(to, "iptables", "--wait", "10", verb, "INPUT", "--source", from.Status.PodIP,
			"--protocol", "tcp", "--dport", peerPort, "--jump", "DROP")
	}
	Expect(reaches(from, to, 5*time.Second)).To(BeTrue(), "%s is to reach %s before it is cut off", from.Name, to.Name)
	mend = sync.OnceFunc(func() { Expect(rule("--delete")).To(Succeed()) })
	DeferCleanup(mend)
	Expect(rule("--insert")).To(Succeed())
	Expect(reaches(from, to, 300*time.Millisecond)).To(BeFalse(), "%s is to be cut off from %s", from.Name, to.Name)
	return mend
}

// cutOffFromAPIServer keeps what a pod and the API server send each other from arriving. The
// function that it returns ends that, as does the end of the spec.
func cutOffFromAPIServer(pod corev1.Pod) (mend func()) {
	GinkgoHelper()
	address := Kubectl("get", "service", "-n", "default", "kubernetes", "-o", "jsonpath={.spec.clusterIP}")
	rules := func(verb string) {
		GinkgoHelper()
		Expect(inNetworkOf(pod, "iptables", "--wait", "10", verb, "OUTPUT", "--destination", address, "--jump", "DROP")).To(Succeed())
		Expect(inNetworkOf(pod, "iptables", "--wait", "10", verb, "INPUT", "--source", address, "--jump", "DROP")).To(Succeed())
	}
	mend = sync.OnceFunc(func() { rules("--delete") })
	DeferCleanup(mend)
	rules("--insert")
	return mend
}

// reaches reports whether the peer port of a pod answers another pod within the
// limit, if only by refusing the connection.
func reaches(from, to corev1.Pod, limit time.Duration) bool {
	GinkgoHelper()
	err := inNetworkOf(from, "timeout", fmt.Sprint(limit.Seconds()), "bash", "-c",
		fmt.Sprintf("exec 3<>/dev/tcp/%s/%s", to.Status.PodIP, peerPort))
	var exit *exec.ExitError
	const timedOut = 124
	return err == nil || errors.As(err, &exit) && exit.ExitCode() != timedOut
}

// inNetworkOf runs a command in the network namespace of a pod.
func inNetworkOf(pod corev1.Pod, command ...string) error {
	GinkgoHelper()
	pid := processIn(pod, func(string) bool { return true })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	output, err := exec.CommandContext(ctx, "nsenter", append([]string{"--target", strconv.Itoa(pid), "--net"}, command...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, output)
	}
	return nil
}

// stopAPIServer stops the process of the API server. The function that it returns
// lets it go on, as does the end of the spec.
func stopAPIServer() (goOn func()) {
	GinkgoHelper()
	folder := os.Getenv("KUBESCIM_CLUSTER_DIR")
	if folder == "" {
		folder = "/var/lib/kubescim-cluster"
	}
	content, err := os.ReadFile(filepath.Join(folder, "run", "kube-apiserver.pid"))
	Expect(err).NotTo(HaveOccurred(), "reading which process is the API server; KUBESCIM_CLUSTER_DIR says where the local cluster lives")
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	Expect(err).NotTo(HaveOccurred())
	executable, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", pid))
	Expect(err).NotTo(HaveOccurred())
	Expect(filepath.Base(executable)).To(Equal("kube-apiserver"), "process %d", pid)

	goOn = sync.OnceFunc(func() { Expect(syscall.Kill(pid, syscall.SIGCONT)).To(Succeed()) })
	DeferCleanup(goOn)
	Expect(syscall.Kill(pid, syscall.SIGSTOP)).To(Succeed())
	return goOn
}
