package directory

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

const (
	// savePause is how soon after one the next cursor is saved, and saveLimit how long that may take at the end.
	savePause = time.Second
	saveLimit = 5 * time.Second
	// idlePause is how soon it is saved although nothing has changed: it says until when the program was there.
	idlePause = time.Hour
)

// keepSaving saves how far the program is, and once more when the context is done.
func (d *Directory) keepSaving(ctx context.Context, saved cursor) {
	pause := wait.Backoff{Duration: savePause, Factor: 2, Steps: 10, Cap: longestPause}
	failing := pause
	for {
		next := savePause
		if err := d.save(ctx, &saved); err != nil && ctx.Err() == nil {
			d.log.Warn("the cursor could not be saved, which is tried again", slog.Any("error", err))
			next = failing.Step()
		} else {
			failing = pause
		}
		if sleep(ctx, next); ctx.Err() != nil {
			break
		}
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer cancel()
	if err := d.save(last, &saved); err != nil {
		d.log.Warn("the last cursor could not be saved, so that some changes are reported again", slog.Any("error", err))
	}
}

// save saves how far the program is, if that is not saved yet.
func (d *Directory) save(ctx context.Context, saved *cursor) error {
	next, known := d.cursor()
	if !known || next.Tenant == saved.Tenant && next.Revisions == saved.Revisions && next.Time.Sub(saved.Time) < idlePause {
		return nil
	}
	if err := d.options.Cursor.Save(ctx, next.text()); err != nil {
		return fmt.Errorf("saving the cursor: %w", err)
	}
	*saved = next
	return nil
}

// cursor is how far the program is, if it knows: all that it has seen, up to the first that it has not reported.
func (d *Directory) cursor() (c cursor, known bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.lost != "" || d.tenant == nil {
		return c, d.lost != "" // None, so that a program which is killed before its Resync does it when it starts again.
	}
	c = cursor{Tenant: d.tenant.UID, Time: d.now(), Stay: d.tenant.Tombstones(), Most: d.tenant.MostTombstones()}
	for kind, seen := range d.seen {
		c.Revisions[kind] = seen.revision
		c.Time = earlier(c.Time, seen.at)
	}
	d.pending.each(func(e *entry) {
		for kind, revision := range e.since {
			if revision != 0 {
				c.Revisions[kind] = min(c.Revisions[kind], revision-1)
			}
		}
		c.Time = earlier(c.Time, e.at)
	})
	return c, true
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
