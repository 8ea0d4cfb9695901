package upkeep

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/store/index"
	"github.com/kubescim/kubescim/internal/store/kubernetes/cache"
)

const (
	// slicesAtOnce is of how many slices strays are moved in a pass, and groupsAtOnce from how
	// many groups' own objects members are.
	slicesAtOnce = 100
	groupsAtOnce = 20
	// settleAge is longer than any request takes. Groups and slices come to memory by different
	// streams: who has left the one must be shown by the other to every reader, and those know
	// how new that must be who have begun since.
	settleAge = time.Minute
)

// Gatherer moves members of large groups to the slices that they are for.
type Gatherer interface {
	// Gathers reports whether members may be moved now, and what else pods of an older release do not
	// know may be written: that none of these may be alive.
	Gathers(ctx context.Context) (bool, error)
	// Few is how many members a group has in its own object at the most.
	Few() int
	// GatherStrays moves those in a slice who are for others.
	GatherStrays(ctx context.Context, from *index.Slice) error
	// CopyInline copies those in a group's own object to their slices.
	CopyInline(ctx context.Context, group uuid.UUID) error
	// EmptyInline takes those out of a group's own object that are in slices.
	EmptyInline(ctx context.Context, group uuid.UUID) error
}

// gather moves members of large groups to the slices that they are for, some at a time.
func (u *Upkeep) gather(ctx context.Context) error {
	defer u.copied.end()
	var inline []index.Inline
	strayed, known, _ := cache.Read(u.Cache, u.Cache.Synced, func(x *index.Index) ([]*index.Slice, error) {
		inline = x.Members().Inline(u.Store.Few())
		return x.Members().Strayed(), nil
	})
	if !known || len(strayed)+len(inline) == 0 {
		return nil
	}
	if may, err := u.Store.Gathers(ctx); err != nil || !may {
		return err
	}
	var err error
	moved := min(slicesAtOnce, len(strayed))
	for _, slice := range strayed[:moved] {
		err = errors.Join(err, u.Store.GatherStrays(ctx, slice))
	}
	for _, one := range inline[:min(groupsAtOnce, len(inline))] {
		switch {
		case !one.Copied:
			err = errors.Join(err, u.Store.CopyInline(ctx, one.Group))
			moved++
		case u.copied.missing(one.Group.String(), u.Now()) >= settleAge:
			err = errors.Join(err, u.Store.EmptyInline(ctx, one.Group))
			moved++
		}
	}
	if err != nil {
		return fmt.Errorf("moving members of large groups: %w", err)
	}
	if moved > 0 {
		u.Log.Info("members of large groups were moved to other objects", slog.Int("from", moved))
	}
	return nil
}
