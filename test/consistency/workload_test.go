package consistency

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/test/internal/history"
	"github.com/kubescim/kubescim/test/internal/requests"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// familiesOfClient is the number of prefixes of userNames at each tenant for each client at
	// one of its replicas. Fewer make more requests meet.
	familiesOfClient = 2
	// pace is the least time between two requests of a client.
	pace = 25 * time.Millisecond
	// checkLimit bounds the search for an order of the requests.
	checkLimit = 2 * time.Minute
	// drawings is the folder of the histories that no single server could have had.
	drawings = "out"
)

// workload is a number of clients at the replicas of all tenants of a fleet, and of some more, who create,
// read, change and delete the same few users, with all that they were told.
type workload struct {
	way way
	// beside are tenants beside those of the fleet.
	beside []*tenant
	// disturbed are the tenants to which something happens that excuses a request that fails.
	disturbed []*tenant
	// absent is the one that is deleted at times, so that no token is good for it.
	absent *tenant

	fleet    *fleet
	recorder *history.Recorder
	families []*family
	cancel   context.CancelFunc
	running  sync.WaitGroup

	lock     sync.Mutex
	answered map[string]int // requests with an answer, by replica
	unsure   int            // requests without one
	problems []string       // what no server should answer, whatever happens to it
	kept     []*keptUser
	took     map[*tenant][]time.Duration // of requests with an answer
}

// family is one of a tenant.
type family struct {
	requests.Family
	tenant *tenant
}

// keptUser is a user whom one client alone writes, so that it is known without
// any search what must be there at the end.
type keptUser struct {
	tenant       *tenant
	id, userName string
	// displayNames are those that it may have: the last one that was acknowledged,
	// and any later one of which nothing is known.
	displayNames []string
}

// way is how the clients of a workload reach the servers.
type way int

const (
	// directly is one connection for each request to a certain replica.
	directly way = iota
	// throughService is one lasting connection to whatever replica the tenant's
	// Service chooses.
	throughService
)

// startWorkload lets the clients of a workload begin.
func (f *fleet) startWorkload(w *workload) *workload {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	w.fleet, w.recorder, w.cancel = f, history.NewRecorder(), cancel
	w.answered, w.took = map[string]int{}, map[*tenant][]time.Duration{}
	DeferCleanup(w.stop)
	var actors []*actor
	for _, t := range slices.Concat(f.tenants, w.beside) {
		var families []*family
		for range f.clients * familiesOfClient {
			families = append(families, &family{tenant: t, Family: requests.Family{Prefix: Unique("n") + "-"}})
		}
		w.families = append(w.families, families...)
		witness := &keptUser{tenant: t, userName: Unique("witness") + "@example.com", displayNames: []string{"Witness"}}
		witness.id = insist(t.Replicas[0], http.MethodPost, Users, NamedUser(witness.userName, "Witness")).Has(http.StatusCreated).ID()
		w.kept = append(w.kept, witness)
		for i := range replicas * f.clients {
			a := &actor{
				workload: w, tenant: t, client: w.recorder.NewClient(), families: families, witness: witness,
				http: t.Replicas[i%replicas], replica: fmt.Sprintf("%s %d", t.Name, i%replicas),
				random: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), uint64(len(w.families)*100+i))),
			}
			if w.way == throughService {
				lasting, closeIdle := t.Service.Lasting()
				DeferCleanup(closeIdle)
				a.http, a.replica = lasting, t.Name
			}
			w.answered[a.replica] = 0
			actors = append(actors, a)
		}
	}
	for _, a := range actors {
		w.running.Go(func() { a.run(ctx) })
	}
	return w
}

// stop ends the clients. It may be called again.
func (w *workload) stop() {
	w.cancel()
	w.running.Wait()
}

// progress waits until every replica has answered so many more requests.
func (w *workload) progress(requests int) {
	GinkgoHelper()
	before := w.answers()
	Eventually(w.answers).WithTimeout(3*time.Minute).Should(Satisfy(func(now map[string]int) bool {
		for replica := range now {
			if now[replica] < before[replica]+requests {
				return false
			}
		}
		return true
	}), "each replica is to answer %d more requests than these: %v", requests, before)
}

// answers is the number of answered requests of each replica.
func (w *workload) answers() map[string]int {
	w.lock.Lock()
	defer w.lock.Unlock()
	return maps.Clone(w.answered)
}

// excuses reports whether a request to a tenant may fail.
func (w *workload) excuses(t *tenant) bool { return slices.Contains(w.disturbed, t) }

// measure writes down how long an answer took.
func (w *workload) measure(t *tenant, took time.Duration) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.took[t] = append(w.took[t], took)
}

// note writes down how a request ended.
func (w *workload) note(replica string, answered bool, problem string) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if answered {
		w.answered[replica]++
	} else {
		w.unsure++
	}
	if problem != "" && len(w.problems) < 20 {
		w.problems = append(w.problems, time.Now().Format(time.StampMilli)+" "+problem)
	}
}

// finish ends the clients once all replicas are at work, reads everything at
// each, and checks all that was answered. The name is that of the drawing. A
// replica's own Service may still follow its pod, so that a read may need a second
// try.
func (w *workload) finish(ctx SpecContext, name string) {
	GinkgoHelper()
	w.fleet.recovered(ctx)
	w.stop()
	w.disturbed = slices.Concat(w.fleet.tenants, w.beside)
	w.readFamilies()

	answered := 0
	for _, count := range w.answers() {
		answered += count
	}
	operations := w.recorder.Operations()
	began := time.Now()
	drawing, err := filepath.Abs(filepath.Join(drawings, name+".html"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.MkdirAll(drawings, 0o755)).To(Succeed())
	err = history.Check(operations, checkLimit, drawing)
	AddReportEntry("history", fmt.Sprintf("%d requests answered %v, %d not; %d of a history, checked in %s",
		answered, w.answers(), w.unsure, len(operations), time.Since(began).Round(time.Millisecond)))
	Expect(w.problems).To(BeEmpty())
	Expect(err).NotTo(HaveOccurred())
	w.readKept()
}

// readFamilies reads the users of all families at every replica, so that the
// history says what has become of each.
func (w *workload) readFamilies() {
	GinkgoHelper()
	for _, f := range w.families {
		for i, c := range f.tenant.Replicas {
			a := &actor{workload: w, tenant: f.tenant, client: w.recorder.NewClient(), http: c, replica: fmt.Sprintf("%s %d", f.tenant.Name, i)}
			for _, request := range f.Everything() {
				Eventually(func() history.Outcome { return a.do(f, request).Outcome }).ShouldNot(BeElementOf(history.Unknown, history.Unsent))
			}
		}
	}
}

// readKept checks at every replica that the users are there whom one client wrote.
func (w *workload) readKept() {
	GinkgoHelper()
	for _, user := range w.kept {
		for _, c := range user.tenant.Replicas {
			user.expect(read(c, Users+"/"+user.id).Has(http.StatusOK).Document)
			user.expect(read(c, Filter(Users, "userName eq %q", user.userName)).IsList(1)[0])
		}
	}
}

// read gets an answer, if need be by several tries.
func read(c *Client, path string) (r *Response) {
	GinkgoHelper()
	Eventually(func() (err error) {
		r, err = c.Try(http.MethodGet, path, "")
		return err
	}).Should(Succeed())
	return r
}

// expect checks what an answer shows of the user.
func (u *keptUser) expect(document map[string]any) {
	GinkgoHelper()
	Want{"id": u.id, "userName": u.userName, "active": true, "displayName": BeElementOf(u.displayNames)}.
		In(document, fmt.Sprintf("an acknowledged user: %v", document))
}
