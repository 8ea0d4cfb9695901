package hosting

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/eventsink"
	"github.com/kubescim/kubescim/internal/eventsink/sender"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

const (
	// sinksInterval is how soon this process notices that it is to send events, or no more.
	sinksInterval = 500 * time.Millisecond
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
		one.SendEvents(urisOf(sinks[name]))
	}
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
			one.Update(want.sink, want.excess)
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

// wantedSink is a sink of a tenant that is served here.
type wantedSink struct {
	tenant *tenant
	sink   *scimv1alpha1.ScimEventSink
	excess string
}

// wantedSinks are those that this process is to send events to: all of the tenants that it alone has in
// memory, if it is the replica that does what one of them is to do.
func (p *Process) wantedSinks() map[types.UID]wantedSink {
	if !p.Members.Lead() {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	wanted := map[types.UID]wantedSink{}
	for name, sinks := range p.sinks {
		one := p.tenants[name]
		if one == nil || one.hosting() != scimv1alpha1.HostingModeMemory {
			continue
		}
		for i, sink := range sinks {
			want := wantedSink{tenant: one, sink: sink}
			if i >= mostSinks {
				want.excess = fmt.Sprintf("a tenant has no more than %d event sinks, the first ones by name: delete another one", mostSinks)
			}
			wanted[sink.UID] = want
		}
	}
	return wanted
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
