package usage

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
)

var shared = Server{Namespace: "team", Label: scimv1alpha1.LabelServer, Name: "shared"}

func lease(pod, address string) *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: "team", Name: pod,
			Labels:      map[string]string{scimv1alpha1.LabelServer: "shared", scimv1alpha1.LabelLease: scimv1alpha1.LeaseReplica},
			Annotations: map[string]string{contract.AnnotationPeerAddress: address},
		},
		Spec: coordinationv1.LeaseSpec{RenewTime: ptr.To(metav1.NowMicro()), LeaseDurationSeconds: ptr.To[int32](3600)},
	}
}

// world is what a poller asks.
type world struct {
	mu       sync.Mutex
	answers  map[string]contract.ServerUsage
	asked    map[string]int
	reported map[string]int
}

func (w *world) ask(_ context.Context, address netip.Addr, _ int) (contract.ServerUsage, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked[address.String()]++
	answer, ok := w.answers[address.String()]
	if !ok {
		return answer, errors.New("it does not answer")
	}
	return answer, nil
}

func (w *world) report(tenant types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reported[tenant.Name]++
}

func tenants(names ...string) contract.ServerUsage {
	usage := contract.ServerUsage{Tenants: map[string]contract.TenantUsage{}}
	for _, name := range names {
		usage.Tenants[name] = contract.TenantUsage{State: contract.ServingMemory, Usage: &contract.Usage{Users: 3}}
	}
	return usage
}

func newPoller(t *testing.T, leases ...client.Object) (*Poller, *world, client.Client) {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, scimv1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{answers: map[string]contract.ServerUsage{}, asked: map[string]int{}, reported: map[string]int{}}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(leases...).Build()
	p := NewPoller(c, w.ask)
	p.Notify(w.report)
	return p, w, c
}

// How much a pod may answer depends on the tenants that there are in its namespace.
func TestPodsAnswerForTheTenantsOfTheirNamespace(t *testing.T) {
	var objects []client.Object
	for _, one := range []types.NamespacedName{{Namespace: "team", Name: "acme"}, {Namespace: "team", Name: "globex"}, {Namespace: "other", Name: "initech"}} {
		objects = append(objects, &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: one.Namespace, Name: one.Name}})
	}
	pod := lease("a", "192.0.2.1:8082")
	p, w, _ := newPoller(t, append(objects, pod)...)
	w.answers["192.0.2.1"] = tenants("acme")
	var counted []int
	p.ask = func(ctx context.Context, address netip.Addr, tenants int) (contract.ServerUsage, error) {
		counted = append(counted, tenants)
		return w.ask(ctx, address, tenants)
	}
	if err := p.Round(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	p.Ask(t.Context(), []coordinationv1.Lease{*pod})
	if !slices.Equal(counted, []int{2, 2}) {
		t.Errorf("tenants were counted: %v", counted)
	}
}

func TestPodsAreAskedNowAndThen(t *testing.T) {
	p, w, c := newPoller(t, lease("a", "192.0.2.1:8082"), lease("b", "192.0.2.2:8082"))
	w.answers["192.0.2.1"] = tenants("acme", "globex")
	now := time.Now()
	round := func(after time.Duration) {
		t.Helper()
		if err := p.Round(t.Context(), now.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	for second := range 16 { // at the beginning, and 15 s later if it has answered
		round(time.Duration(second) * time.Second)
	}
	if !maps.Equal(w.asked, map[string]int{"192.0.2.1": 2, "192.0.2.2": 1}) {
		t.Errorf("in 15 s, they were asked %v times", w.asked)
	}
	if !maps.Equal(w.reported, map[string]int{"acme": 1, "globex": 1}) {
		t.Errorf("of the same answer, it was told %v times", w.reported)
	}
	if answers := p.Answers(shared); len(answers) != 1 || len(p.Answers(Server{Namespace: "other", Label: shared.Label, Name: shared.Name})) != 0 {
		t.Errorf("the answers are %v", answers)
	}

	w.answers["192.0.2.1"] = tenants("acme")
	round(30 * time.Second)
	if !maps.Equal(w.reported, map[string]int{"acme": 1, "globex": 2}) {
		t.Errorf("that a tenant is gone was reported: %v", w.reported)
	}
	if err := c.Delete(t.Context(), lease("a", "")); err != nil {
		t.Fatal(err)
	}
	round(31 * time.Second)
	if answers := p.Answers(shared); len(answers) != 0 {
		t.Errorf("a pod that is gone says %v", answers)
	}
}

func TestPodsAreAskedEverySecondWhileSomebodyWaits(t *testing.T) {
	p, w, _ := newPoller(t, lease("a", "192.0.2.1:8082"))
	now := time.Now()
	for second := range 3 {
		if err := p.Round(t.Context(), now.Add(time.Duration(second)*time.Second)); err != nil {
			t.Fatal(err)
		}
		p.Hurry(shared)
	}
	if w.asked["192.0.2.1"] != 3 {
		t.Errorf("it was asked %d times", w.asked["192.0.2.1"])
	}
}

// Whoever may write Leases in a namespace must not have the operator call itself or its node.
func TestOnlyPodsAreAsked(t *testing.T) {
	for address, want := range map[string]bool{
		"192.0.2.1:8082": true, "[2001:db8::1]:8082": true, "[::ffff:192.0.2.1]:8082": true,
		"127.0.0.1:8082": false, "[::1]:8082": false, "[::ffff:127.0.0.1]:8082": false, "169.254.169.254:8082": false,
		"[fe80::1%eth0]:8082": false, "0.0.0.0:8082": false, "224.0.0.1:8082": false, "kubernetes.default:8082": false, "": false,
	} {
		if _, ok := AddressOf(lease("a", address)); ok != want {
			t.Errorf("%q is asked: %t", address, ok)
		}
	}
}

func TestHosting(t *testing.T) {
	p, w, _ := newPoller(t)
	w.answers["192.0.2.1"], w.answers["192.0.2.2"] = tenants("acme"), tenants("acme", "globex")
	pods := []coordinationv1.Lease{*lease("a", "192.0.2.1:8082"), *lease("b", "192.0.2.2:8082")}
	for name, tc := range map[string]struct {
		pods   []coordinationv1.Lease
		tenant string
		want   string
	}{
		"one of two":             {pods, "globex", "b"},
		"none":                   {pods, "initech", ""},
		"one that does not say":  {slices.Concat(pods, []coordinationv1.Lease{*lease("c", "192.0.2.3:8082")}), "initech", "c"},
		"one without an address": {[]coordinationv1.Lease{*lease("d", "")}, "initech", "d"},
		"no pods":                {nil, "acme", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := p.Hosting(t.Context(), tc.pods, tc.tenant); got != tc.want {
				t.Errorf("%q hosts it", got)
			}
		})
	}
}

func TestAsk(t *testing.T) {
	first, silent, nowhere := lease("shared-0", "192.0.2.1:8082"), lease("shared-1", "192.0.2.2:8082"), lease("shared-2", "nowhere")
	p, w, _ := newPoller(t, first, silent, nowhere)
	w.answers["192.0.2.1"] = tenants("acme")
	if err := p.Round(t.Context(), time.Now()); err != nil {
		t.Fatal(err)
	}
	w.answers["192.0.2.1"] = tenants("acme", "globex")
	answers := p.Ask(t.Context(), []coordinationv1.Lease{*first, *silent, *nowhere})
	if len(answers) != 1 || len(answers["shared-0"].Tenants) != 2 {
		t.Errorf("the pods answer %v", answers)
	}
	if remembered := p.Answers(shared); len(remembered) != 1 || len(remembered[0].Tenants) != 2 {
		t.Errorf("what they said is remembered as %v", remembered)
	}
}

// Pods that hold Leases and do not answer, however many, keep a caller waiting once, and then the next
// one after a while.
func TestAskDoesNotWaitForPodsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pods := []coordinationv1.Lease{*lease("shared-0", "192.0.2.100:8082")}
		known := []client.Object{&pods[0]}
		for i := 1; i < 40; i++ {
			pods = append(pods, *lease(fmt.Sprintf("shared-%d", i), fmt.Sprintf("192.0.2.%d:8082", i)))
			known = append(known, &pods[i])
		}
		p, w, _ := newPoller(t, known...)
		w.answers["192.0.2.100"] = tenants("acme")
		if err := p.Round(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		p.ask = func(ctx context.Context, address netip.Addr, tenants int) (contract.ServerUsage, error) {
			answer, err := w.ask(ctx, address, tenants)
			if err != nil {
				<-ctx.Done()
			}
			return answer, err
		}
		ask := func() time.Duration {
			begun := time.Now()
			if answers := p.Ask(t.Context(), pods); len(answers) != 1 {
				t.Errorf("the pods answer %v", answers)
			}
			return time.Since(begun)
		}
		if took := ask(); took != askTimeout {
			t.Errorf("it takes %v the first time", took)
		}
		for range 5 {
			if took := ask(); took != 0 {
				t.Errorf("it takes %v again", took)
			}
		}
		time.Sleep(hangInterval)
		if took := ask(); took != askTimeout {
			t.Errorf("it takes %v after a while", took)
		}
	})
}

func TestServersOf(t *testing.T) {
	own := Server{Namespace: "team", Label: scimv1alpha1.LabelTenant, Name: "acme"}
	for name, tc := range map[string]struct {
		listed []string
		want   []Server
	}{
		"one of its own":     {nil, []Server{own}},
		"one that is shared": {[]string{"shared-scim-server"}, []Server{shared}},
		"both":               {[]string{"acme-scim", "shared-scim-server"}, []Server{own, shared}},
	} {
		t.Run(name, func(t *testing.T) {
			tenant := &scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme"}}
			for _, server := range tc.listed {
				tenant.Status.Servers = append(tenant.Status.Servers, scimv1alpha1.TenantServer{Name: server})
			}
			got := ServersOf(tenant)
			if !slices.Equal(got, tc.want) {
				t.Errorf("the tenant is served by %v", got)
			}
			for i, server := range got {
				if len(tc.listed) > 0 && server.Service() != tc.listed[i] {
					t.Errorf("%v is called %s", server, server.Service())
				}
			}
		})
	}
}
