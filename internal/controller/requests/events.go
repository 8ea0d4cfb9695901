package requests

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/requestlog"
)

const (
	// readTimeout bounds the reading of a tenant in the cache.
	readTimeout = time.Second
	// eventsPerSecond is how many events there may be of all tenants, and eventsAtOnce how many after a
	// quiet time. One that is left out is recorded when there is more of it.
	eventsPerSecond = 2
	eventsAtOnce    = 50
	// ownPerSecond and ownAtOnce are the same of the tenants of one namespace: whoever runs pods there in the place of a
	// server's says at will what was refused, and is not to use up what is for all.
	ownPerSecond = 0.5
	ownAtOnce    = 20
	// mostNamespaces is of how many namespaces it is remembered how many events they had lately.
	mostNamespaces = 1000
)

// Refusals records what was refused as events of the tenant: one series for each reason, whichever pods
// have refused how much. That a series goes on is recorded once for each answer of a pod; how often it
// is written is up to the recorder.
//
// Requests of which no key is known make no events: anybody could have them made. Make it with
// NewRefusals.
type Refusals struct {
	cached   client.Reader
	recorder events.EventRecorder
	limit    *rate.Limiter

	mu sync.Mutex
	// own are the limits of namespaces that have had events lately.
	own map[string]*rate.Limiter
}

// NewRefusals returns what records refusals, of tenants that it reads in a cache.
func NewRefusals(cached client.Reader, recorder events.EventRecorder) *Refusals {
	return &Refusals{cached: cached, recorder: recorder, limit: rate.NewLimiter(eventsPerSecond, eventsAtOnce), own: map[string]*rate.Limiter{}}
}

// Hear records what a pod has refused since its answer before. Of a pod that has answered for the first
// time, it is not known when that was.
func (r *Refusals) Hear(pod types.NamespacedName, before *contract.ServerUsage, after contract.ServerUsage) {
	if before == nil {
		return
	}
	for name, counted := range after.Refusals {
		var grown []string
		for reason, count := range counted {
			if count != before.Refusals[name][reason] {
				grown = append(grown, reason)
			}
		}
		if len(grown) > 0 {
			r.record(types.NamespacedName{Namespace: pod.Namespace, Name: name}, grown)
		}
	}
}

// record records an event for each reason that there is: a pod says others at will.
func (r *Refusals) record(key types.NamespacedName, reasons []string) {
	ctx, cancel := context.WithTimeout(context.Background(), readTimeout)
	defer cancel()
	tenant := &scimv1alpha1.ScimTenant{}
	if err := r.cached.Get(ctx, key, tenant); err != nil {
		return // It is being deleted, or the pod makes it up.
	}
	// Without a resourceVersion, which would begin a series of its own.
	regarding := &scimv1alpha1.ScimTenant{
		TypeMeta:   metav1.TypeMeta{APIVersion: scimv1alpha1.GroupVersion.String(), Kind: "ScimTenant"},
		ObjectMeta: metav1.ObjectMeta{Namespace: tenant.Namespace, Name: tenant.Name, UID: tenant.UID},
	}
	for _, reason := range slices.Sorted(slices.Values(reasons)) {
		if advice, known := requestlog.AdviceFor(reason); known && r.allow(key.Namespace, time.Now()) {
			r.recorder.Eventf(regarding, nil, corev1.EventTypeWarning, advice.Reason, "Serve",
				"Requests are refused: %s. 'kubectl scim log %s -n %s --refused' shows them", advice.Do, tenant.Name, tenant.Namespace)
		}
	}
}

// allow reports whether there may be one more event of a tenant in a namespace.
func (r *Refusals) allow(namespace string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	own := r.own[namespace]
	if own == nil {
		if len(r.own) == mostNamespaces {
			maps.DeleteFunc(r.own, func(_ string, other *rate.Limiter) bool { return other.TokensAt(now) >= ownAtOnce })
		}
		own = rate.NewLimiter(ownPerSecond, ownAtOnce)
		if len(r.own) < mostNamespaces { // More cannot have events at the rate of all.
			r.own[namespace] = own
		}
	}
	return own.TokensAt(now) >= 1 && r.limit.AllowN(now, 1) && own.AllowN(now, 1)
}
