package restore

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anishathalye/porcupine"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/test/internal/history"
	"github.com/kubescim/kubescim/test/internal/requests"
	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

const (
	// familiesOfTenant is the number of prefixes of userNames at each tenant.
	familiesOfTenant = 3
	// pace is the least time between two requests of a client.
	pace = 40 * time.Millisecond
	// checkLimit bounds the search for an order of the requests.
	checkLimit = time.Minute
	// drawings is the folder of the histories that no single server could have had.
	drawings = "out"
)

// workload is a client at each pod of the tenants, with all that they were told.
type workload struct {
	recorder *history.Recorder
	families []*family
	actors   []*actor
	// keepsNames is set while nobody is to take a name, and away while the API server is
	// stopped.
	keepsNames, away atomic.Bool

	cancel  context.CancelFunc
	running sync.WaitGroup

	lock     sync.Mutex
	answered map[string]int // by pod
	problems []string       // what no server should answer, whatever happens to it
}

// family is one of a tenant.
type family struct {
	requests.Family
	tenant  *tenant
	revives bool
}

// actor is a client of a pod.
type actor struct {
	*workload
	client   *history.Client
	pod      *pod
	families []*family
	random   *rand.Rand
	// wary is set while it only reads, since of its last write it knows nothing: very many
	// such writes could be put into a history in very many ways.
	wary bool
}

// startWorkload lets the clients begin. At the first tenant, users come back who were deleted.
func startWorkload(tenants ...*tenant) *workload {
	GinkgoHelper()
	ctx, cancel := context.WithCancel(context.Background())
	w := &workload{recorder: history.NewRecorder(), cancel: cancel, answered: map[string]int{}}
	DeferCleanup(w.stop)
	for i, t := range tenants {
		var families []*family
		for range familiesOfTenant {
			families = append(families, &family{tenant: t, revives: i == 0, Family: requests.Family{Prefix: Unique("n") + "-"}})
		}
		w.families = append(w.families, families...)
		for _, p := range t.pods {
			w.answered[p.name] = 0
			w.actors = append(w.actors, &actor{
				workload: w, client: w.recorder.NewClient(), pod: p, families: families,
				random: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), uint64(len(w.actors)))),
			})
		}
	}
	for _, a := range w.actors {
		w.running.Go(func() { a.run(ctx) })
	}
	return w
}

// stop ends the clients. It may be called again.
func (w *workload) stop() {
	w.cancel()
	w.running.Wait()
}

// run sends one request after the other until the context is done.
func (a *actor) run(ctx context.Context) {
	for ctx.Err() == nil {
		f := a.families[a.random.IntN(len(a.families))]
		request := requests.Next(a.random, f.Names(), f.Known(a.random), f.revives)
		if a.leavesOut(request.Kind) {
			request = history.Request{Kind: history.List}
		}
		pause := pace
		switch outcome := a.do(f, request).Outcome; {
		case outcome == history.Unknown:
			pause = time.Second // As the answer asks for.
			a.wary = a.wary || !request.Kind.IsRead()
		case request.Kind.IsRead():
			a.wary = a.wary && a.away.Load()
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// leavesOut reports whether no such request is to be sent at the moment.
func (a *actor) leavesOut(kind history.Kind) bool {
	takesName := kind == history.Create || kind == history.Rename
	return takesName && a.keepsNames.Load() || a.wary && !kind.IsRead()
}

// do sends a request about a family and writes it into the history.
func (a *actor) do(f *family, request history.Request) history.Answer {
	request.Prefix = f.Prefix
	answer := a.client.Do(request, func() (history.Answer, string) {
		method, path, body, statuses := requests.Message(request)
		r, err := a.pod.Try(method, path, body)
		if err != nil {
			return history.Answer{}, a.pod.name
		}
		note := fmt.Sprintf("%s: %d, request %s", a.pod.name, r.Status, r.Header.Get("X-Request-Id"))
		problem := requests.Fault(r, statuses)
		a.note(problem, requests.IsRefusal(r))
		if problem != "" || requests.IsRefusal(r) {
			return history.Answer{}, note
		}
		return requests.AnswerOf(r), note
	})
	f.Met(answer.Users)
	return answer
}

// note writes down how a request ended.
func (a *actor) note(problem string, refused bool) {
	a.lock.Lock()
	defer a.lock.Unlock()
	if problem != "" && len(a.problems) < 20 {
		a.problems = append(a.problems, problem)
	}
	if !refused {
		a.answered[a.pod.name]++
	}
}

// progress waits until every pod has answered so many more requests.
func (w *workload) progress(more int) {
	GinkgoHelper()
	answers := func() map[string]int {
		w.lock.Lock()
		defer w.lock.Unlock()
		return maps.Clone(w.answered)
	}
	before := answers()
	Eventually(answers).Should(Satisfy(func(now map[string]int) bool {
		for name := range now {
			if now[name] < before[name]+more {
				return false
			}
		}
		return true
	}), "each pod is to answer %d more requests than these: %v", more, before)
}

// finish ends the clients, reads everything at each pod, and returns the history.
func (w *workload) finish() []porcupine.Operation {
	GinkgoHelper()
	w.stop()
	for _, f := range w.families {
		for _, p := range f.tenant.pods {
			last := &actor{workload: w, client: w.recorder.NewClient(), pod: p}
			for _, request := range f.Everything() {
				Eventually(func() history.Outcome { return last.do(f, request).Outcome }).ShouldNot(Equal(history.Unknown))
			}
		}
	}
	Expect(w.problems).To(BeEmpty())
	return w.recorder.Operations()
}

// expectOneServer checks that a single server could have answered so.
func expectOneServer(operations []porcupine.Operation, about string) {
	GinkgoHelper()
	began := time.Now()
	drawing, err := filepath.Abs(filepath.Join(drawings, strings.ReplaceAll(about, " ", "-")+".html"))
	Expect(err).NotTo(HaveOccurred())
	Expect(os.MkdirAll(drawings, 0o755)).To(Succeed())
	err = history.Check(operations, checkLimit, drawing)
	AddReportEntry(about, fmt.Sprintf("a history of %d requests, checked in %s", len(operations), time.Since(began).Round(time.Millisecond)))
	Expect(err).NotTo(HaveOccurred(), about)
}

// of are the operations about a family.
func of(f *family, operations []porcupine.Operation) []porcupine.Operation {
	var about []porcupine.Operation
	for _, operation := range operations {
		if operation.Input.(history.Request).Prefix == f.Prefix {
			about = append(about, operation)
		}
	}
	return about
}
