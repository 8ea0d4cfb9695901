package directory

import (
	"context"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
)

// key is a user or group; the zero key is nobody.
type key struct {
	kind kind
	id   string
}

// entry is what is to be reported of a user or group.
type entry struct {
	// user or group is the state that was reported last; nil where that is not known.
	user  *scimv1alpha1.ScimUser
	group *Group
	// since are the revisions of the first change that was not reported, 0 of a kind in which there was none,
	// and at is when it was seen.
	since revisions
	at    time.Time
	// failed reports whether its callback has failed, which may have done all the same what it was asked to.
	failed bool
}

// pending is what is to be reported. Whoever uses it holds the lock of the directory.
type pending struct {
	waiting map[key]*entry
	// running is the one whose callback is under way.
	running *entry
}

// back puts an entry back whose callback has failed, in front of what came meanwhile.
func (p *pending) back(k key, failed *entry) {
	if later := p.waiting[k]; later != nil {
		for kind, revision := range later.since {
			if failed.since[kind] == 0 {
				failed.since[kind] = revision
			}
		}
	}
	failed.failed = true
	p.waiting[k] = failed
}

// each calls back for all entries.
func (p *pending) each(yield func(*entry)) {
	if p.running != nil {
		yield(p.running)
	}
	for _, e := range p.waiting {
		yield(e)
	}
}

// put takes an object in that has changed, and has that reported.
func (d *Directory) put(kind kind, o object, revision uint64) {
	of := key{kind, o.GetName()}
	if slice, is := o.(*scimv1alpha1.ScimGroupMembers); is {
		of = key{groups, slice.Spec.GroupRef.Name}
	}
	d.changes(of, kind, revision)
	d.content.put(kind, o)
}

// remove takes an object out that is gone, and has that reported of what was there.
func (d *Directory) remove(kind kind, name string, revision uint64) {
	of := key{kind, name}
	there := d.content.users[name] != nil
	switch kind {
	case groups:
		there = d.content.groups[name] != nil
	case members:
		of.kind = groups
		of.id, there = d.content.sliceOf[name]
	}
	if there {
		d.changes(of, kind, revision)
	}
	d.content.remove(kind, name)
}

// changes has a user or group reported that is about to change by an object of the kind.
func (d *Directory) changes(of key, by kind, revision uint64) {
	e := d.pending.waiting[of]
	if e == nil {
		e = &entry{at: d.now()}
		if of.kind == users {
			e.user = d.content.users[of.id]
		} else {
			e.group = d.content.group(of.id)
		}
		d.pending.waiting[of] = e
	}
	if e.since[by] == 0 {
		e.since[by] = revision
	}
	d.queue.Add(of)
}

// report calls the callbacks until the context is done.
func (d *Directory) report(ctx context.Context) {
	for {
		next, ended := d.queue.Get()
		if ended || ctx.Err() != nil {
			return
		}
		d.resync(ctx)
		if ctx.Err() != nil {
			return
		}
		if err := d.reportOne(ctx, next); err != nil {
			d.log.Warn("a callback failed and is repeated", slog.String("resource", next.kind.resource()), slog.String("id", next.id), slog.Any("error", err))
			d.queue.AddRateLimited(next)
		} else {
			d.queue.Forget(next)
		}
		d.queue.Done(next)
	}
}

// reportOne calls back for a user or group, if there is something to be reported.
func (d *Directory) reportOne(ctx context.Context, of key) error {
	d.mu.Lock()
	e := d.pending.waiting[of]
	if e == nil {
		d.mu.Unlock()
		return nil
	}
	delete(d.pending.waiting, of)
	d.pending.running = e
	user, group := d.content.users[of.id], (*Group)(nil)
	if of.kind == groups {
		group = d.content.group(of.id)
	}
	d.mu.Unlock()

	var err error
	switch {
	case of.kind == users:
		err = d.options.OnUser(ctx, Change[scimv1alpha1.ScimUser]{ID: of.id, Before: e.user, After: user})
	case d.options.OnGroup == nil, !e.failed && e.group != nil && group != nil && e.group.equal(group):
		// Nobody wants to know, or members were moved between objects.
	default:
		err = d.options.OnGroup(ctx, Change[Group]{ID: of.id, Before: e.group, After: group})
	}

	d.mu.Lock()
	defer d.mu.Unlock()
	d.pending.running = nil
	if err != nil {
		d.pending.back(of, e)
	}
	return err
}

// resync calls Resync, if deletions may have been missed, until it succeeds or the context is done.
func (d *Directory) resync(ctx context.Context) {
	pause := wait.Backoff{Duration: firstPause, Factor: 2, Jitter: 0.1, Steps: 10, Cap: longestPause}
	for ctx.Err() == nil {
		d.mu.Lock()
		reason, there := d.lost, IDs{}
		if reason != "" {
			there = d.content.ids()
		}
		d.mu.Unlock()
		if reason == "" {
			return
		}
		d.log.Info("deletions may have been missed: all is compared", slog.String("reason", reason))
		err := d.options.Resync(ctx, there)
		if err == nil {
			d.mu.Lock()
			d.lost = ""
			d.mu.Unlock()
			return
		}
		d.log.Warn("Resync failed and is repeated", slog.Any("error", err))
		sleep(ctx, pause.Step())
	}
}
