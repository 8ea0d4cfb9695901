package hosting

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/eventsink"
	"github.com/kubescim/kubescim/internal/eventsink/sender"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

const (
	// sinksInterval is how soon this process notices that it is to send events, or no more.
	sinksInterval = 500 * time.Millisecond
	// refusalInterval is how soon it is stated of a sink that it is not served.
	refusalInterval = 2 * time.Second
	// hearingTime is how long a deletion can be seen at least by a receiver that has not heard of it. One that is not away
	// has by then, and its status says so.
	hearingTime = time.Minute
	// mostSinks is how many sinks of a tenant are served.
	mostSinks = 8
)

// SendTo makes the sinks those that the events of all tenants are sent to from now on.
func (p *Process) SendTo(all []*scimv1alpha1.ScimEventSink) {
	slices.SortFunc(all, func(a, b *scimv1alpha1.ScimEventSink) int { return cmp.Compare(a.Name, b.Name) })
	sinks := map[string][]*scimv1alpha1.ScimEventSink{}
	for _, sink := range all {
		if sink.DeletionTimestamp.IsZero() {
			sinks[sink.Spec.TenantRef.Name] = append(sinks[sink.Spec.TenantRef.Name], sink)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sinks = sinks
	for name, one := range p.tenants {
		one.SendEvents(urisOf(served(sinks[name])))
	}
}

// served are those sinks of a tenant that are served, of all in the order of their names.
func served(sinks []*scimv1alpha1.ScimEventSink) []*scimv1alpha1.ScimEventSink {
	return sinks[:min(len(sinks), mostSinks)]
}

// urisOf are those of the events that sinks get; nil without sinks.
func urisOf(sinks []*scimv1alpha1.ScimEventSink) (uris []string) {
	for _, sink := range sinks {
		of := []string{eventsink.PutNotice, eventsink.Activate, eventsink.Deactivate, eventsink.Delete}
		if sink.Content() == scimv1alpha1.EventContentFull {
			of = append(of, eventsink.PutFull)
		}
		if sink.RevokesSessions() {
			of = append(of, eventsink.SessionRevoked)
		}
		uris = append(uris, of...)
	}
	slices.Sort(uris)
	return slices.Compact(uris)
}

// sending is a sink that events are sent to.
type sending struct {
	*sender.Sender
	stop context.CancelFunc
}

// RunSinks sends the events of all tenants whose replica this is to do so, until the context is done.
func (p *Process) RunSinks(ctx context.Context, options sender.Options) {
	var running sync.WaitGroup
	defer running.Wait()
	ticker := time.NewTicker(sinksInterval)
	defer ticker.Stop()
	running.Go(func() { p.refuseSinks(ctx, options) })
	senders := map[types.UID]*sending{}
	for {
		wanted := p.wantedSinks()
		for uid, one := range senders {
			if _, still := wanted[uid]; !still {
				one.stop()
				delete(senders, uid)
			}
		}
		for uid, want := range wanted {
			one := senders[uid]
			if one == nil {
				one = p.newSending(ctx, &running, options, want)
				senders[uid] = one
			}
			one.Update(want.sink)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (p *Process) newSending(ctx context.Context, running *sync.WaitGroup, options sender.Options, want wantedSink) *sending {
	options.Log = options.Log.With(slog.String("tenant", want.tenant.name), slog.String("eventSink", want.sink.Name))
	own, stop := context.WithCancel(ctx)
	one := &sending{Sender: sender.New(options, memory{want.tenant.cache}, want.tenant.Signer, want.sink), stop: stop}
	running.Go(func() {
		defer stop()
		one.Run(own)
	})
	return one
}

// refuseSinks states of sinks beyond those that are served that they are not, once and again when they have
// changed, until the context is done.
func (p *Process) refuseSinks(ctx context.Context, options sender.Options) {
	why := fmt.Sprintf("a tenant has no more than %d event sinks, the first ones by name: delete another one", mostSinks)
	said := map[types.UID]*scimv1alpha1.ScimEventSink{}
	for {
		excess := p.excessSinks()
		maps.DeleteFunc(said, func(uid types.UID, _ *scimv1alpha1.ScimEventSink) bool { return excess[uid] == nil })
		for uid, sink := range excess {
			if said[uid] == sink {
				continue
			}
			if err := sender.Refuse(ctx, options.Client, sink, why); err != nil {
				options.Log.Warn("it could not be stated of an event sink that it is not served, and is tried again",
					slog.String("eventSink", sink.Name), slog.Any("error", err))
				break
			}
			said[uid] = sink
		}
		if !sleep.For(ctx, refusalInterval) {
			return
		}
	}
}

// wantedSink is a sink of a tenant that is served here.
type wantedSink struct {
	tenant *tenant
	sink   *scimv1alpha1.ScimEventSink
}

// wantedSinks are those that this process is to send events to.
func (p *Process) wantedSinks() map[types.UID]wantedSink {
	wanted := map[types.UID]wantedSink{}
	p.eachSinks(func(one *tenant, sinks []*scimv1alpha1.ScimEventSink) {
		for _, sink := range served(sinks) {
			wanted[sink.UID] = wantedSink{tenant: one, sink: sink}
		}
	})
	return wanted
}

// excessSinks are those that it would send events to if their tenants had not as many as are served.
func (p *Process) excessSinks() map[types.UID]*scimv1alpha1.ScimEventSink {
	excess := map[types.UID]*scimv1alpha1.ScimEventSink{}
	p.eachSinks(func(_ *tenant, sinks []*scimv1alpha1.ScimEventSink) {
		for _, sink := range sinks[len(served(sinks)):] {
			excess[sink.UID] = sink
		}
	})
	return excess
}

// eachSinks calls back with the sinks of all tenants that this process alone has in memory, if it is the
// replica that does what one of them is to do. Of one that is being deleted, the operator states that nobody
// serves its sinks.
func (p *Process) eachSinks(yield func(*tenant, []*scimv1alpha1.ScimEventSink)) {
	if !p.Members.Lead() {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, sinks := range p.sinks {
		if one := p.tenants[name]; one != nil && !one.deleted.Load() && one.hosting() == scimv1alpha1.HostingModeMemory {
			yield(one, sinks)
		}
	}
}

// forget reports whether the last trace of a deletion may go, and states before of sinks whose receivers have not heard
// of it that they will not. It fails while it is not known which sinks there are.
func (p *Process) forget(ctx context.Context, tenant string, deletion sender.Deletion) (may bool, err error) {
	p.mu.Lock()
	known, sinks := p.sinks != nil, slices.Clone(p.sinks[tenant])
	p.mu.Unlock()
	if !known {
		return false, errors.New("it is not known yet which event sinks there are")
	}
	for _, sink := range sinks {
		if !deletion.MissedBy(sink) {
			continue
		}
		if time.Since(deletion.Time) < hearingTime {
			return false, nil
		}
		stated, err := sender.StateMissed(ctx, p.Client, sink)
		if err != nil {
			return false, err
		}
		if stated != nil { // For the next one that goes, which may do so before the watch brings this.
			p.restate(tenant, sink, stated)
		}
	}
	return true, nil
}

// restate puts a sink in the place of what it was.
func (p *Process) restate(tenant string, former, sink *scimv1alpha1.ScimEventSink) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if at := slices.Index(p.sinks[tenant], former); at >= 0 {
		p.sinks[tenant][at] = sink
	}
}

// memory is what a tenant has in memory, for senders.
type memory struct{ cache *cache.Cache }

var _ sender.Memory = memory{}

// Read implements sender.Memory.
func (m memory) Read(read func(*index.Index)) bool {
	_, known, _ := cache.Read(m.cache, m.cache.Synced, func(x *index.Index) (struct{}, error) {
		read(x)
		return struct{}{}, nil
	})
	return known
}

// Applied implements sender.Memory.
func (m memory) Applied() index.Position { return index.Position(m.cache.Applied()) }

// Registry implements sender.Memory.
func (m memory) Registry() *schema.Registry { return m.cache.Registry() }
