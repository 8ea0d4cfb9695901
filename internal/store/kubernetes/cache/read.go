package cache

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/readindex"
	"github.com/kubescim/kubescim/internal/scim/schema"
	"github.com/kubescim/kubescim/internal/store/index"
)

// catchUp is how long a read waits for the cache before it goes to the API
// server. A watch is some milliseconds behind, more on a busy machine.
const catchUp = 300 * time.Millisecond

// bookmarkPatience is how long a read waits for bookmarks that it has asked for. One
// comes within a second, and those who ask meanwhile get the next.
const bookmarkPatience = 3 * time.Second

// latestPatience bounds the asking for the latest revisions for those who wait for it.
const latestPatience = 5 * time.Second

var errBehind = errors.New("memory has not caught up in time")

// Synced reports whether the cache can answer reads.
func (c *Cache) Synced() bool {
	_, complete := c.now().from()
	return complete && c.streams.Synced()
}

// Applied is up to which revisions the cache goes; 0 for a kind that is not in step with the API server.
func (c *Cache) Applied() readindex.Revisions { return c.streams.progress.reached() }

// Counts returns how many users and groups the cache shows.
func (c *Cache) Counts() index.Counts { return c.Index().Counts() }

// Unselectable returns the names of objects of a kind that selectors do not find by what these
// should have, at most so many.
func (c *Cache) Unselectable(kind readindex.Kind, most int) (names []string) {
	a := c.now()
	if a == nil {
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for name := range a.parts[kind].unselectable {
		if len(names) == most {
			break
		}
		names = append(names, name)
	}
	return names
}

// Current waits until the cache is at least as new as everything that any
// replica has acknowledged to a client before the call. An error means that the cache
// cannot know, and that the API server is to be asked instead.
func (c *Cache) Current(ctx context.Context, t *schema.ResourceType, members Members) error {
	if !c.now().follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	revisions, err := members.ReadIndex(ctx, c.id)
	if err != nil {
		return err
	}
	return c.Reach(ctx, revisions)
}

// CatchUp waits until the cache is as new as the API server is now, which the
// watches are asked to say. It is for when the other replicas cannot be asked. What
// it asks with is what requests use, who do not wait for an API server that is away.
func (c *Cache) CatchUp(ctx context.Context, t *schema.ResourceType, with client.Reader, members Members) error {
	a := c.now()
	if !a.follows(t) {
		return fmt.Errorf("the schema of %ss has changed: %w", t.Name, errBehind)
	}
	from, complete := a.from()
	if !complete {
		return errBehind
	}
	latest, err := c.streams.asking.do(ctx, func() (readindex.Revisions, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), latestPatience)
		defer cancel()
		return c.latestOf(ctx, with, members)
	})
	if err != nil {
		return err
	}
	return c.streams.progress.reachSoon(ctx, latest, from, bookmarkPatience)
}

// Read answers a read from the cache. ready waits until memory is new enough, and
// reports whether it is. What read returns counts only if memory went on without a break
// from before ready until after it: it may begin anew at any moment, as it does for other
// schemas, and then is empty, or holds a part. known is false when there is no such
// answer, and the API server is to be asked instead.
func Read[T any](c *Cache, ready func() bool, read func(*index.Index) (T, error)) (answer T, known bool, err error) {
	var none T
	if c == nil {
		return none, false, nil
	}
	for range 2 {
		a, incarnation := c.now(), c.streams.progress.current()
		if a == nil || !ready() {
			return none, false, nil
		}
		answer, err = read(a.index)
		if c.now() == a && c.streams.progress.current() == incarnation {
			return answer, true, err
		}
	}
	return none, false, nil
}

// Reach waits until the cache has reached the revisions, or fails.
func (c *Cache) Reach(ctx context.Context, revisions readindex.Revisions) error {
	from, complete := c.now().from()
	if !complete {
		return errBehind
	}
	return c.streams.progress.reach(ctx, revisions, from, catchUp, c.streams.waited)
}
