// Package sender sends events to the receivers of ScimEventSinks, from what a tenant has in memory. What
// a receiver is owed is what has a revision after the cursor of its sink, sent in that order, so that
// there is no queue: the cursor is in the status, and moves once a receiver has accepted an event. Whoever
// goes on from there sends some events again, and a receiver drops what is older than what it has. Two
// senders at once do no harm: of their writes of the status, one is of an object that has changed.
package sender

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/conditions"
	"github.com/kubescim/kubescim/internal/eventsink"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/signingkey"
	"github.com/kubescim/kubescim/internal/sleep"
	"github.com/kubescim/kubescim/internal/store/index"
)

const (
	// tick is how soon a change is noticed. To look costs nothing but a glance at memory.
	tick = 250 * time.Millisecond
	// batch is how many changes are looked up at a time, and gap is how long it is at least from one
	// delivery to the next, so that a receiver gets no more than 200 in a second.
	batch = 128
	gap   = 5 * time.Millisecond
)

// Memory is what a tenant has in memory.
type Memory interface {
	// Read calls back with all that there is, and reports whether that was so until it returned.
	Read(read func(*index.Index)) bool
	// Applied is up to which revisions it goes.
	Applied() index.Position
	// Registry has the types of what is in it; nil while that is not known.
	Registry() *schema.Registry
}

// Options are what the sinks of a process have in common.
type Options struct {
	// Client writes statuses.
	Client client.Client
	// Allows reports whether events may be sent to a URL, as far as the URL tells, and Networks are those
	// that its host may be in beside public ones.
	Allows   func(url string) bool
	Networks []netip.Prefix
	// Agent is what the sender calls itself.
	Agent string
	Log   *slog.Logger
}

// Sender sends the events of one sink. Make it with New.
type Sender struct {
	Options
	memory Memory
	// signer is the key to sign with at a time, and the base URL of the tenant.
	signer func(now time.Time) (key signingkey.Key, issuer string, signs bool)
	now    func() time.Time

	mu   sync.Mutex
	sink *scimv1alpha1.ScimEventSink // as it is known to be

	// What follows belongs to Run.
	post       *post
	generation int64 // of the spec that post is made of
	stated     scimv1alpha1.EventCursor
	position   index.Position
	begun      time.Time // when the cursor was moved, other than by what was delivered
	delivered  time.Time // last
	failures   int       // in a row
	retryAt    time.Time
	aheadSince [len(index.Position{})]time.Time // since when the cursor is ahead, for each kind
	summary    conditions.Summary
	written    time.Time // last, or found to be as it is to be
	settled    settled
}

// New returns what sends the events of a sink of a tenant.
func New(o Options, memory Memory, signer func(time.Time) (signingkey.Key, string, bool), sink *scimv1alpha1.ScimEventSink) *Sender {
	return &Sender{
		Options: o, memory: memory, signer: signer, now: time.Now, sink: sink, stated: sink.Status.Cursor, position: positionOf(sink.Status.Cursor),
		begun: time.Now(),
	}
}

// Update says what the sink is by now.
func (s *Sender) Update(sink *scimv1alpha1.ScimEventSink) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if newer(sink, s.sink) {
		s.sink = sink
	}
}

func (s *Sender) current() *scimv1alpha1.ScimEventSink {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sink
}

// Run sends what is owed until the context is done, and then states how far it has come.
func (s *Sender) Run(ctx context.Context) {
	defer func() { s.post.close() }()
	for {
		sink := s.step(ctx)
		s.state(ctx, sink, false)
		if !sleep.For(ctx, tick) {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	sink := s.current()
	s.adopt(sink) // Somebody may have moved its cursor just now.
	s.state(last, sink, true)
}

// step sends some of what is owed, if any is, and returns the sink that it went by.
func (s *Sender) step(ctx context.Context) *scimv1alpha1.ScimEventSink {
	sink := s.current()
	s.adopt(sink)
	now := s.now()
	_, issuer, signs := s.signer(now)
	switch {
	case !s.Allows(sink.Spec.URL):
		s.summary = conditions.Summary{
			Outcome: conditions.Stalled, Reason: scimv1alpha1.ReasonNotAllowed,
			Message: "the host in `spec.url` is not one that the operator's configuration allows (allow.eventSinks.hosts): use another one, or ask whoever runs the operator to allow it",
		}
	case !signs:
		s.summary = conditions.Summary{
			Outcome: conditions.Reconciling, Reason: scimv1alpha1.ReasonNoSigningKey, Message: "the server has no key yet to sign events with, or no URL to sign them as",
		}
	case now.Before(s.retryAt):
	default:
		s.deliverAll(ctx, sink, issuer)
	}
	return sink
}

// adopt goes on from where the status says, if somebody else has written that.
func (s *Sender) adopt(sink *scimv1alpha1.ScimEventSink) {
	if sink.Status.Cursor != s.stated {
		s.stated, s.position = sink.Status.Cursor, positionOf(sink.Status.Cursor)
		s.begun, s.failures, s.retryAt = s.now(), 0, time.Time{}
	}
	if sink.Generation != s.generation {
		s.post.close()
		s.post, s.generation = nil, sink.Generation
		s.failures, s.retryAt = 0, time.Time{}
	}
}

// deliverAll sends the oldest changes that are owed.
func (s *Sender) deliverAll(ctx context.Context, sink *scimv1alpha1.ScimEventSink, issuer string) {
	var (
		pending []index.Change
		from    *index.Index
	)
	complete := s.memory.Read(func(x *index.Index) {
		if from = x; x.HasChanged(s.position) {
			pending, _ = x.Changes(s.position, batch)
		}
	})
	registry := s.memory.Registry()
	if !complete || registry == nil {
		return // It is about to be.
	}
	first := s.now()
	some, long := s.ahead(first)
	well := delivering()
	if long {
		well = cursorAhead()
	}
	if len(pending) == 0 {
		if long || !some {
			s.summary = well
		}
		return
	}
	for _, change := range pending {
		began := s.now()
		err := s.deliver(ctx, sink, from, registry, change, issuer)
		if err != nil {
			if ctx.Err() == nil { // Else it is not known whether it has arrived.
				s.fail(err)
			}
			return
		}
		s.position[change.Kind] = change.Revision
		s.failures, s.delivered, s.summary = 0, s.now(), well
		ended := s.now()
		if s.current() != sink || ended.Sub(first) >= statusGap || !sleep.For(ctx, gap-ended.Sub(began)) {
			return
		}
	}
}

// deliver sends what there is of what has changed. Of what has gone without a trace, nobody has heard that
// it was there, or is to hear that it is not.
func (s *Sender) deliver(
	ctx context.Context, sink *scimv1alpha1.ScimEventSink, from *index.Index, registry *schema.Registry, change index.Change, issuer string,
) (err error) {
	t := registry.User()
	if change.Group {
		t = registry.Group()
	}
	state, known := from.State(change, t, eventsink.MostMembers)
	if !known {
		return nil
	}
	if state.Deleted && change.Group { // An event may have gone before with the revision of a slice that is gone, too.
		state.Revision = max(state.Revision, s.memory.Applied()[index.SliceObjects])
	}
	if s.post == nil {
		if s.post, err = newPost(sink.Spec.URL, sink.Spec.CABundle, s.Agent, s.Networks); err != nil {
			return err
		}
	}
	event, err := eventsink.Of(t, change.ID.String(), state, sink.Content() == scimv1alpha1.EventContentFull, issuer)
	if err != nil {
		return err
	}
	if err := s.send(ctx, sink, event); err != nil {
		return err
	}
	if revocation, is := event.Revocation(s.now()); is && sink.RevokesSessions() {
		return s.send(ctx, sink, revocation)
	}
	return nil
}

// send sends an event, signed by the key of the moment.
func (s *Sender) send(ctx context.Context, sink *scimv1alpha1.ScimEventSink, event eventsink.Event) error {
	now := s.now()
	key, issuer, signs := s.signer(now)
	if !signs {
		return errors.New("the key to sign events with is gone")
	}
	encode := event.Token
	if sink.Format() == scimv1alpha1.EventFormatCloudEvent {
		encode = event.CloudEvent
	}
	message, err := encode(eventsink.Origin{Issuer: issuer, Audience: sink.Audience(), Key: key, Now: now})
	if err != nil {
		return err
	}
	return s.post.send(ctx, message)
}

// fail takes note that a delivery has failed, and how long it is until the next one.
func (s *Sender) fail(err error) {
	s.failures++
	now, retryAfter := s.now(), ""
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		retryAfter = refused.retryAfter
	}
	s.retryAt = now.Add(eventsink.Pause(s.failures, retryAfter, now))
	s.summary = conditions.Summary{
		Outcome: conditions.Reconciling, Reason: scimv1alpha1.ReasonDeliveryFailed,
		Message: fmt.Sprintf("the receiver gets nothing: %v; what it is owed is sent again and again, with pauses of up to a minute", err),
	}
	s.Log.Warn("an event could not be delivered and is sent again", slog.Int("failures", s.failures), slog.Any("error", err))
}

func delivering() conditions.Summary {
	return conditions.Summary{
		Outcome: conditions.Ready, Reason: scimv1alpha1.ReasonDelivering, Message: "the receiver accepts what it is sent, and what changes is sent as it comes",
	}
}
