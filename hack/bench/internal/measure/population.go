package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// grow lets tenants become as many, and gives each its users.
func (b *tenantsBench) grow(ctx context.Context, p *population, size int) error {
	b.Log("making %s tenants (shared: %t)", result.Thousands(size), p.shared)
	began := time.Now()
	if err := p.Grow(ctx, size); err != nil {
		return err
	}
	b.Log("all are served after %s", time.Since(began).Round(time.Second))
	for len(p.users) < size {
		p.users = append(p.users, &dataset{})
	}
	began = time.Now()
	for range attempts {
		lacking := p.lacking(b.UsersEach)
		if len(lacking) == 0 {
			b.Log("they have their users after %s", time.Since(began).Round(time.Second))
			return nil
		}
		if err := b.fill(ctx, p, lacking); err != nil {
			return err
		}
	}
	return errFillFailed
}

// lacking has the index of each tenant as often as it has users to get, in any order.
func (p *population) lacking(each int) []int {
	var lacking []int
	for i, d := range p.users {
		for range each - d.size() {
			lacking = append(lacking, i)
		}
	}
	rand.Shuffle(len(lacking), func(i, j int) { lacking[i], lacking[j] = lacking[j], lacking[i] })
	return lacking
}

// fill creates a user at each tenant of the list. Those that fail are to be tried again.
func (b *tenantsBench) fill(ctx context.Context, p *population, tenants []int) error {
	for len(tenants) > 0 {
		part := tenants[:min(portion, len(tenants))]
		tenants = tenants[len(part):]
		// Each client begins with one operation that is not counted.
		w := load.Window{Concurrency: min(creators, len(part))}
		if len(part) > creators {
			w.Count, w.Duration = len(part)-creators, 10*time.Minute
		}
		var turn atomic.Int64
		next := func() (int, load.Request) {
			// The last ones of a window may ask for more than there is.
			i := part[int(turn.Add(1)-1)%len(part)]
			return i, p.users[i].create()
		}
		sample, err := w.Run(ctx, load.RequestsToMany(p.All, next, func(i int, body []byte) error { return p.users[i].created(body) }))
		if err != nil {
			return fmt.Errorf("creating users: %w", err)
		}
		if sample.Operations > 1000 {
			b.Log("%s users created, at %.0f/s", result.Thousands(p.size()), sample.Rate)
		}
		if sample.Failures > 0 {
			b.Log("%d creations failed, and others take their place: %s", sample.Failures, sample.Failure)
		}
	}
	return nil
}

// size is how many users all tenants have.
func (p *population) size() int {
	sum := 0
	for _, d := range p.users {
		sum += d.size()
	}
	return sum
}

// among are requests at some of the tenants, by chance. request says what to send, of the users of one.
func (p *population) among(targets []load.Target, tenants []int, request func(*dataset) load.Request) func() (load.Worker, error) {
	return load.RequestsToMany(targets, func() (int, load.Request) {
		i := tenants[rand.IntN(len(tenants))]
		return i, request(p.users[i])
	}, nil)
}

// span has the numbers from one up to, but without, another.
func span(from, to int) []int {
	var numbers []int
	for i := from; i < to; i++ {
		numbers = append(numbers, i)
	}
	return numbers
}
