package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/kubescim/kubescim/internal/readindex"
)

// reach waits until what began with the revisions from has reached others, for the patience at
// the most, and calls waited with how long, if it had to. For some time it does not wait for what has
// been waited for in vain: a watch on which nothing happens learns only by a bookmark how far it is.
func (p *progress) reach(
	ctx context.Context, revisions, from readindex.Revisions, patience time.Duration, waited func(time.Duration),
) error {
	p.mu.Lock()
	behind, hopeless := p.behind(revisions, from)
	p.mu.Unlock()
	switch {
	case len(behind) == 0:
		return nil
	case hopeless:
		return errBehind
	}
	began := time.Now()
	err := p.waitFor(ctx, revisions, from, patience)
	waited(time.Since(began))
	if errors.Is(err, errBehind) {
		p.giveUp(revisions, from)
	}
	if err != nil {
		return fmt.Errorf("waiting for the watch: %w", err)
	}
	return nil
}

// reachSoon waits like reach, but begins with asking the watches that are behind for a
// bookmark.
func (p *progress) reachSoon(ctx context.Context, revisions, from readindex.Revisions, patience time.Duration) error {
	if !p.synced() {
		return errBehind
	}
	p.mu.Lock()
	kinds, _ := p.behind(revisions, from)
	p.ask(kinds)
	p.mu.Unlock()
	if err := p.waitFor(ctx, revisions, from, patience); err != nil {
		return fmt.Errorf("waiting for bookmarks: %w", err)
	}
	return nil
}

// waitFor waits until no kind is behind the revisions.
func (p *progress) waitFor(ctx context.Context, revisions, from readindex.Revisions, patience time.Duration) error {
	return p.wait(ctx, patience, func() bool {
		behind, _ := p.behind(revisions, from)
		return len(behind) == 0
	})
}

// awaitSynced waits until the stream of a kind shows a state of the API server.
func (p *progress) awaitSynced(ctx context.Context, kind readindex.Kind, patience time.Duration) error {
	return p.wait(ctx, patience, func() bool { return p.applied[kind] > 0 })
}

// behind returns the kinds that have not reached the revisions, of what began with from, and
// whether there is no use in waiting for one of them. The mutex is held.
func (p *progress) behind(revisions, from readindex.Revisions) (kinds []readindex.Kind, hopeless bool) {
	for kind, revision := range revisions {
		if p.applied[kind] == 0 || max(p.applied[kind], from[kind]) < revision {
			kinds = append(kinds, readindex.Kind(kind))
			vain := p.inVain[kind]
			hopeless = hopeless || p.applied[kind] == 0 || revision <= vain.revision && time.Now().Before(vain.until)
		}
	}
	return kinds, hopeless
}

// giveUp notes that the revisions were waited for in vain, and asks the watches
// that are behind for a bookmark.
func (p *progress) giveUp(revisions, from readindex.Revisions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	kinds, _ := p.behind(revisions, from)
	for _, kind := range kinds {
		p.inVain[kind] = futility{revision: revisions[kind], until: time.Now().Add(keepUpPeriod)}
	}
	p.ask(kinds)
}

// ask asks the watches of the kinds for a bookmark. The mutex is held.
func (p *progress) ask(kinds []readindex.Kind) {
	for _, kind := range kinds {
		select {
		case p.wanted(kind) <- struct{}{}:
		default:
		}
	}
}

// bookmarks asks the watch of a kind for a bookmark.
func (p *progress) bookmarks(kind readindex.Kind) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wanted(kind)
}

// wanted is the channel behind bookmarks. The mutex is held.
func (p *progress) wanted(kind readindex.Kind) chan struct{} {
	if p.bookmark[kind] == nil {
		p.bookmark[kind] = make(chan struct{}, 1)
	}
	return p.bookmark[kind]
}

// wait waits until the condition holds, which is asked with the mutex held.
func (p *progress) wait(ctx context.Context, patience time.Duration, holds func() bool) error {
	p.mu.Lock()
	if holds() {
		p.mu.Unlock()
		return nil
	}
	p.mu.Unlock()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		p.mu.Lock()
		if holds() {
			p.mu.Unlock()
			return nil
		}
		if p.changed == nil {
			p.changed = make(chan struct{})
		}
		changed := p.changed
		p.mu.Unlock()
		select {
		case <-changed:
		case <-timer.C:
			return errBehind
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
