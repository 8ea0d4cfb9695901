// Package consistency tests, on a real cluster, what a SCIM server promises that
// has several replicas: that they answer as if they were one, whatever happens to
// them. `make consistency` brings up the cluster, installs the operator and runs
// it.
//
// These environment variables change the amount of work:
//
//	CONSISTENCY_NAMES       userNames that a hundred clients want at once (40)
//	CONSISTENCY_ROUNDS      writes that are read at once at another replica (300)
//	CONSISTENCY_CHANGES     members added to or removed from one group (1000)
//	CONSISTENCY_OPERATIONS  requests of the history that nothing disturbs (4000)
//
// A history that no single server could have had is drawn in the folder out.
package consistency

import (
	"os"
	"strconv"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/kubescim/kubescim/test/internal/requests"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

func TestConsistency(t *testing.T) { RunSuite(t, "Kubescim under concurrency and faults") }

var _ = BeforeSuite(func(ctx SpecContext) { Connect(ctx, "make consistency") })

var _ = JustAfterEach(ReportFailure)

// What is to be seen of a server that has many tenants is to be seen of one that has one. Where the two differ, specs
// run for both; what else is repeated for tenants with a server each is a drill.
var _ = Describe("Tenants", func() {
	for _, f := range []*fleet{
		{hosted: "of one server", server: "shared", size: 5, clients: 1},
		{hosted: "with a server each", size: 2, clients: 2, repeated: Label("drill")},
	} {
		Describe(f.hosted, Ordered, ContinueOnFailure, func() {
			BeforeAll(f.serve)
			BeforeEach(f.recovered)
			describeUserNames(f)
			describeFreshness(f)
			describeGroups(f)
			describeKeys(f)
			describePeers(f)
			describeHistories(f)
			describeChanges(f)
			describeMoves(f)
		})
	}
})

// size is a number from the environment.
func size(variable string, otherwise int) int {
	GinkgoHelper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	Expect(err).NotTo(HaveOccurred(), "%s=%q is to be a number", variable, text)
	Expect(number).To(BeNumerically(">", 0), variable)
	return number
}

// isLocal tells whether the cluster is one of plain processes on this machine,
// which hack/cluster started: there, faults can be made that need the machine.
func isLocal() bool {
	config, err := clientcmd.LoadFromFile(os.Getenv("KUBECONFIG"))
	return err == nil && config.CurrentContext == "kubescim-local"
}

// insist sends a request until it gets an answer other than 429 and 503, as
// identity providers do.
func insist(c *Client, method, path, body string) *Response {
	GinkgoHelper()
	r, _ := insistOn(c, method, path, body)
	return r
}

// insistOn is insist, and reports whether the request was refused before, and may have
// been carried out nevertheless.
func insistOn(c *Client, method, path, body string) (r *Response, refused bool) {
	GinkgoHelper()
	for deadline := time.Now().Add(2 * time.Minute); ; {
		r, err := c.Try(method, path, body)
		wait := 100 * time.Millisecond
		switch {
		case err != nil:
			Expect(requests.NeverSent(err)).To(BeTrue(), "it is not known whether this was carried out: %v", err)
		case !requests.IsRefusal(r):
			return r, refused
		default:
			refused = true
			r.IsError(r.Status, "")
			wait = requests.RetryAfter(r)
		}
		Expect(time.Now()).To(BeTemporally("<", deadline), "%s %s gets no other answer than: %v %v", method, path, r, err)
		time.Sleep(wait)
	}
}
