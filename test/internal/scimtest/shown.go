package scimtest

import (
	"context"
	"fmt"
	"os"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client/config"

	"github.com/kubescim/kubescim/test/internal/planted"
)

// inSight is what the first process of a suite sees of the cluster.
var inSight *sight

// NewFolder makes the folder in which all processes of a suite write down what is secret, and
// what is seen. ExpectNothingShown removes it.
func NewFolder() []byte {
	GinkgoHelper()
	folder, err := os.MkdirTemp("", "kubescim-planted-")
	Expect(err).NotTo(HaveOccurred())
	return []byte(folder)
}

// NoteSecrets begins to write down, in the folder, what is secret; and in the first process
// what is seen of the cluster.
func NoteSecrets(folder []byte) {
	GinkgoHelper()
	var err error
	notes, err = planted.OpenNotes(string(folder))
	Expect(err).NotTo(HaveOccurred())
	seen, err = planted.OpenSightings(string(folder))
	Expect(err).NotTo(HaveOccurred())
	if GinkgoParallelProcess() != 1 {
		return
	}
	settings, err := config.GetConfig()
	Expect(err).NotTo(HaveOccurred())
	settings.QPS, settings.WarningHandler = -1, rest.NoWarnings{}
	inSight = &sight{follows: map[string]bool{}}
	Expect(inSight.begin(settings)).To(Succeed())
}

// EndNotes ends what this process writes down, but for what the first one sees.
func EndNotes() {
	GinkgoHelper()
	if seen == nil {
		return // The suite has not begun.
	}
	Expect(notes.Close()).To(Succeed())
	if inSight == nil {
		Expect(seen.Close()).To(Succeed())
	}
}

// places are those at which there must be something that is no secret, such as the id of a
// key, where a spec has made it known: otherwise nothing would be found there.
var places = []string{
	"log of manager", "log of scim-server", "metrics of a server", "events note", "events metadata", "pods spec", "deployments spec",
	"scimapikeys status", "scimapikeys managedFields", "scimapikeys metadata", "scimtenants metadata", "scimcredentials metadata",
	"leases metadata", "secrets metadata", planted.OfUsers + "scimusers spec",
}

// ExpectNothingShown searches what was seen for what is secret, once all processes have ended
// their notes, and removes the folder.
func ExpectNothingShown(folder []byte) {
	GinkgoHelper()
	defer func() { Expect(os.RemoveAll(string(folder))).To(Succeed()) }()
	if inSight == nil {
		return // The suite has not begun.
	}
	inSight.stop()
	Expect(seen.Close()).To(Succeed())
	found, visibleAt, err := planted.Search(string(folder))
	Expect(err).NotTo(HaveOccurred())
	var text strings.Builder
	for _, f := range found {
		fmt.Fprintln(&text, f)
	}
	Expect(found).To(BeEmpty(), "what is secret was shown:\n%s", text.String())
	if len(visibleAt) > 0 {
		Expect(visibleAt).To(ContainElements(places), "the search finds nothing at some places")
	}
}

// seeMetrics writes down the metrics of all servers in a namespace. It is called before that
// is deleted.
func seeMetrics(ctx context.Context, namespace string) {
	if seen == nil {
		return
	}
	pods, err := listPods(ctx, namespace, map[string]string{"app.kubernetes.io/name": "kubescim-server"})
	if err != nil {
		return // The namespace is going already.
	}
	for _, pod := range pods {
		metrics, err := RunKubectl("", "get", "--raw", "/api/v1/namespaces/"+namespace+"/pods/"+pod.Name+":8081/proxy/metrics")
		if err == nil { // A spec may have broken the pod.
			See("metrics of a server", metrics)
		}
	}
}
