package scimtenant

import (
	"context"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
	"github.com/kubescim/kubescim/internal/operand"
)

// The traffic of a tenant follows the first server in its status: its Ingress or HTTPRoute leads to that one's
// Service, and the tenant's own Service, where there is one, to that one's pods. A tenant that has
// had a server of its own keeps that Service, and so its URL inside the cluster.

// keepsService reports whether the tenant has a Service of its own, or had one.
func (s *scope) keepsService() bool {
	return s.own.hasService || s.isListed(s.own) || s.tenant.Host() == "" && s.tenant.Status.URL == contract.URL(s.tenant)
}

// traffic is where the tenant's own Service leads to instead of its own server's pods; nil while these
// get the traffic, or there is no port for the tenant alone where it goes: no answer is better than that
// of a server which does not know whom a request is for.
func (s *scope) traffic() *operand.Traffic {
	port := moving.PortAt(s.listed, s.first().operand().Name)
	if port == 0 {
		return nil
	}
	return &operand.Traffic{Selector: s.first().operand().Selector, Port: port}
}

// keepService applies the tenant's own Service where its server is not kept running, with which it
// is applied.
func (r *Reconciler) keepService(ctx context.Context, s *scope) error {
	if s.wantsOwn() || !s.keepsService() {
		return nil
	}
	return r.Keeper.ApplyService(ctx, s.own.Server)
}

// traffic remembers, of tenants that are moved, which server it has seen their traffic led to, and
// since when.
type traffic struct {
	mu  sync.Mutex
	led map[types.UID]led
}

type led struct {
	to    string
	since time.Time
	// callers is what was said last of who calls the former server all the same, and said is when.
	callers string
	said    time.Time
}

// gatherLed returns for how long the traffic has been seen to be led to the first server; 0 while it
// is not.
func (r *Reconciler) gatherLed(ctx context.Context, s *scope) (time.Duration, error) {
	first := s.first().operand().Name
	leads := s.endpoint.LeadsTo(first)
	if leads && s.ownsService() {
		var err error
		if leads, err = r.Keeper.Applier.IsApplied(ctx, s.own.Owner, operand.Service(s.own.operand())); err != nil {
			return 0, err
		}
	}
	if !leads {
		first = ""
	}
	return r.traffic.note(s.tenant.UID, first, time.Now()), nil
}

// note takes note of where the traffic of a tenant is led to, "" for nobody knows, and returns for
// how long that has been so.
func (t *traffic) note(tenant types.UID, to string, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.led == nil {
		t.led = map[types.UID]led{}
	}
	if t.led[tenant].to != to || t.led[tenant].since.IsZero() {
		t.led[tenant] = led{to: to, since: now}
	}
	if to == "" {
		return 0
	}
	return now.Sub(t.led[tenant].since)
}

// stated returns what is said of who calls the former server of a tenant, by what is known now, "" for
// nothing. What was said less than a minute ago stays: each change of the text is one of the tenant, which
// all pods have to acknowledge again before they are asked.
func (t *traffic) stated(tenant types.UID, callers string, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	known := t.led[tenant]
	if callers != "" && (known.callers == "" || now.Sub(known.said) >= callersInterval) {
		known.callers, known.said = callers, now
		t.led[tenant] = known
	}
	return known.callers
}

func (t *traffic) forget(tenant types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.led, tenant)
}
