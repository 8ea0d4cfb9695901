package e2e

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

var _ = Describe("A provisioning session", Ordered, ContinueOnFailure, func() {
	var t *tenant

	BeforeAll(func(ctx SpecContext) {
		t = serve(ctx, "session", scimv1alpha1.IdentityProviderGeneric)
	})

	It("loses nothing when server pods and the operator are killed, and needs nobody to mend it", func(ctx SpecContext) {
		const steps = 60
		started := time.Now()
		operator := operatorPods(ctx)[0].Name
		kill := func(namespace string, pods ...string) {
			kubectl(append([]string{"delete", "pod", "-n", namespace, "--force", "--grace-period=0", "--wait=false"}, pods...)...)
		}
		kills := map[int]func(){
			steps / 4:     func() { kill(t.namespace, t.pods(ctx)[0].Name) },
			steps / 2:     func() { kill(operatorKey.Namespace, operator) },
			steps * 3 / 4: func() { kill(t.namespace, namesOf(t.pods(ctx))...) }, // No replica is left.
		}
		var (
			sessions []*session
			running  sync.WaitGroup
		)
		for i := range 3 {
			s := &session{client: t.service, prefix: fmt.Sprintf("killed-%d", i)}
			sessions = append(sessions, s)
			running.Go(func() {
				defer GinkgoRecover()
				pace := time.NewTicker(50 * time.Millisecond)
				defer pace.Stop()
				for n := range steps {
					if do := kills[n]; do != nil && i == 0 {
						do()
					}
					s.step(n)
					<-pace.C
				}
			})
		}
		running.Wait()

		recovered(ctx, t)
		for _, pod := range t.pods(ctx) {
			Expect(pod.CreationTimestamp.Time).To(BeTemporally(">=", started.Truncate(time.Second)), "all pods are new")
		}
		Eventually(func(g Gomega) {
			deployment := &appsv1.Deployment{}
			g.Expect(cluster.Get(ctx, operatorKey, deployment)).To(Succeed())
			g.Expect(isAvailable(deployment)).To(BeTrue())
			g.Expect(namesOf(operatorPods(ctx))).NotTo(ContainElement(operator))
		}).WithTimeout(time.Minute).Should(Succeed())
		t.expose(ctx)
		nothingLost(t, sessions...)

		By("asking the new operator for something")
		apply(newKey(t.namespace, "after", t.name))
		waitFor(t.namespace, "condition=Ready", "scimapikey/after")
		token, _ := tokenOf(t.namespace, "after")
		t.everyReplica(func(c *scimClient) { c.withToken(token).get(users + "?count=0").has(http.StatusOK) })
	})

	It("has no failed request while the server is rolled", func(ctx SpecContext) {
		before := namesOf(t.pods(ctx))
		clients := &steadyClients{}
		clients.start(t, 3, 150*time.Millisecond)
		defer clients.stop()
		Eventually(clients.sent).Should(BeNumerically(">", 10))

		kubectl("patch", "scimtenant", "-n", t.namespace, t.name, "--type=merge", "-p",
			`{"spec":{"server":{"resources":{"requests":{"cpu":"20m","memory":"48Mi"},"limits":{"memory":"192Mi"}}}}}`)
		Eventually(func(g Gomega) {
			pods := &corev1.PodList{}
			g.Expect(cluster.List(ctx, pods, client.InNamespace(t.namespace), client.MatchingLabels(t.labels()))).To(Succeed())
			g.Expect(namesOf(pods.Items)).NotTo(ContainElements(before), "both pods are to be replaced")
			g.Expect(pods.Items).To(HaveLen(2))
			for _, pod := range pods.Items {
				g.Expect(before).NotTo(ContainElement(pod.Name))
				g.Expect(isReady(&pod)).To(BeTrue())
				g.Expect(pod.Spec.Containers[0].Resources.Limits.Memory().String()).To(Equal("192Mi"))
			}
		}).WithTimeout(2 * time.Minute).Should(Succeed())
		atEnd := clients.sent()
		Eventually(clients.sent).Should(BeNumerically(">", atEnd+10))
		clients.stop()
		GinkgoWriter.Printf("%d requests\n", clients.sent())
		Expect(clients.failures).To(BeEmpty())
		recovered(ctx, t)
	})
})

// recovered waits until all replicas of a tenant are ready again.
func recovered(ctx SpecContext, t *tenant) {
	GinkgoHelper()
	Eventually(func(g Gomega) {
		object := &scimv1alpha1.ScimTenant{}
		g.Expect(cluster.Get(ctx, client.ObjectKey{Namespace: t.namespace, Name: t.name}, object)).To(Succeed())
		g.Expect(object.Status.ServerReplicas).To(Equal("2/2"))
		g.Expect(conditionsOf(object)).To(HaveKeyWithValue(scimv1alpha1.ConditionReady, "True"))
		pods := t.pods(ctx)
		g.Expect(pods).To(HaveLen(2))
		for _, pod := range pods {
			g.Expect(isReady(&pod)).To(BeTrue(), pod.Name)
		}
	}).WithTimeout(90 * time.Second).Should(Succeed())
}

// conditionsOf are the statuses of a tenant's conditions.
func conditionsOf(t *scimv1alpha1.ScimTenant) map[string]string {
	statuses := map[string]string{}
	for _, condition := range t.Status.Conditions {
		statuses[condition.Type] = string(condition.Status)
	}
	return statuses
}

// steadyClients send requests over connections that they keep open, at a modest
// rate, and never try one again: every failure counts.
type steadyClients struct {
	quit chan struct{}
	done sync.WaitGroup
	once sync.Once

	lock     sync.Mutex
	count    int
	failures []string
}

func (s *steadyClients) start(t *tenant, clients int, every time.Duration) {
	s.quit = make(chan struct{})
	for i := range clients {
		c := newClient(t.service.base, t.token)
		c.http.Transport = &countingTransport{next: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 2 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 1,
		}}
		s.done.Go(func() { s.run(c, fmt.Sprintf("rolled-%d", i), every) })
	}
}

func (s *steadyClients) run(c *scimClient, name string, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	defer c.http.CloseIdleConnections()
	id := ""
	for n := 0; ; n++ {
		method, path, body, expected := http.MethodGet, users+"?count=1", "", http.StatusOK
		switch {
		case id == "":
			method, path, body, expected = http.MethodPost, users, plainUser(name+"@example.com"), http.StatusCreated
		case n%3 == 1:
			method, path, body = http.MethodPatch, users+"/"+id, patch(fmt.Sprintf(`{"op":"replace","path":"displayName","value":"%d"}`, n))
		case n%3 == 2:
			path = filter(users, "userName eq %q", name+"@example.com")
		}
		r, err := c.try(method, path, body)
		s.note(r, err, expected)
		if err == nil && id == "" {
			id, _ = r.at("id").(string)
		}
		select {
		case <-s.quit:
			return
		case <-tick.C:
		}
	}
}

func (s *steadyClients) note(r *response, err error, expected int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.count++
	switch {
	case err != nil:
		s.failures = append(s.failures, fmt.Sprintf("%s: %v", time.Now().Format(time.StampMilli), err))
	case r.status != expected:
		s.failures = append(s.failures, fmt.Sprintf("%s: %s", time.Now().Format(time.StampMilli), r))
	}
}

func (s *steadyClients) sent() int {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.count
}

// stop ends the requests. It may be called again.
func (s *steadyClients) stop() {
	s.once.Do(func() {
		close(s.quit)
		s.done.Wait()
	})
}

// countingTransport makes an error of what Go's own client would hide: that it
// sent a request a second time, because the connection that it used first was
// closed under it.
type countingTransport struct{ next http.RoundTripper }

func (c *countingTransport) RoundTrip(request *http.Request) (*http.Response, error) {
	var lock sync.Mutex
	connections := 0
	trace := &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) {
		lock.Lock()
		defer lock.Unlock()
		connections++
	}}
	answer, err := c.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(context.WithoutCancel(request.Context()), trace)))
	lock.Lock()
	defer lock.Unlock()
	if err == nil && connections > 1 {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("the connection was closed under the request, which took %d connections", connections)
	}
	return answer, err
}
