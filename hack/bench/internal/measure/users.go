package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// warmup is how long a window of reads goes on before it counts.
const warmup = 300 * time.Millisecond

// createsInWindow is how many users a window of creation makes at the most.
const createsInWindow = 400

// creates compares the creation of users with that of the same objects by client-go. What Kubescim creates is part of
// the growth of its tenant, except where there is a single pod.
func (b *bench) creates(ctx context.Context, size int) error {
	if b.raw == nil {
		if err := b.fill(ctx, b.tenant.All, b.data, 1); err != nil {
			return err
		}
		var err error
		if b.raw, err = b.cluster.NewRaw(ctx, b.tenant, b.data.any().id); err != nil {
			return err
		}
	}
	count := createsInWindow
	if len(b.tenant.Replicas) == replicas {
		// A window has an operation more for each client, and there is one before all windows.
		count = min(count, (size-b.data.size()-1)/b.Rounds-creators)
		if count <= 0 {
			return fmt.Errorf("from %d users to %d there is no room for %d windows of creation; choose sizes further apart",
				b.data.size(), size, b.Rounds)
		}
		if err := b.grow(ctx, size-b.Rounds*(count+creators)-1); err != nil {
			return err
		}
	}
	window := load.Window{Concurrency: creators, Duration: time.Minute, Count: count}
	var rawNames dataset
	rawName := func() string { return userName(rawNames.next.Add(1)) }
	err := b.rounds(ctx, b.measurement(result.Create, size, creators),
		contender{subject: result.Kubescim, window: window, workers: load.Requests(b.tenant.All, b.data.create, b.data.created)},
		contender{subject: result.Raw, window: window, workers: b.raw.Creates(rawName)},
		contender{subject: result.RawWithClaims, window: window, workers: b.raw.CreatesWithClaims(rawName)},
	)
	if err != nil {
		return err
	}
	return b.raw.Clear(ctx)
}

// measurement is one that is to be measured.
func (b *bench) measurement(name string, size, concurrency int) result.Measurement {
	return result.Measurement{Name: name, Users: size, Replicas: len(b.tenant.Replicas), Concurrency: concurrency}
}

// reading is a window of reads.
func (b *bench) reading() load.Window {
	return load.Window{Concurrency: readers, Warmup: warmup, Duration: b.Window}
}

// read compares one kind of request for one user, on one replica of Kubescim, with the other servers and with GET of
// the same objects by client-go.
func (b *bench) read(ctx context.Context, name string, size int, request func(user) load.Request) error {
	from := func(d *dataset) func() load.Request { return func() load.Request { return request(d.any()) } }
	return b.rounds(ctx, b.measurement(name, size, readers),
		contender{
			subject: result.Kubescim, size: size, window: b.reading(),
			workers: load.Requests(b.tenant.Replicas[0], from(b.data), nil),
		},
		contender{
			subject: result.Elimity, size: baselineUsers, window: b.reading(), missing: b.elimity.missing,
			workers: load.Requests(b.elimity.target, from(b.elimity.data), nil),
		},
		contender{
			subject: result.Scimmy, size: baselineUsers, window: b.reading(), missing: b.scimmy.missing,
			workers: load.Requests(b.scimmy.target, from(b.scimmy.data), nil),
		},
		contender{
			subject: result.Raw, size: size, window: b.reading(),
			workers: b.cluster.Gets(b.tenant, func() string { return b.data.any().id }),
		},
	)
}

// gets measures GET by id.
func (b *bench) gets(ctx context.Context, size int) error {
	return b.read(ctx, result.Get, size, byID)
}

// byID is a GET of a user.
func byID(u user) load.Request {
	return load.Request{Method: http.MethodGet, Path: "/Users/" + u.id, Status: http.StatusOK, Contains: u.name}
}

// byName is the search that identity providers send before they create a user.
func byName(u user) load.Request {
	query := url.QueryEscape(`userName eq "` + u.name + `"`)
	return load.Request{Method: http.MethodGet, Path: "/Users?filter=" + query, Status: http.StatusOK, Contains: u.id}
}

// searches measures `userName eq`.
func (b *bench) searches(ctx context.Context, size int) error {
	return b.read(ctx, result.UserNameEq, size, byName)
}

// tail compares the latencies of searches with those at a second tenant, which keeps the smallest number of users.
// There is none where that is the number of users.
func (b *bench) tail(ctx context.Context, size int) error {
	smallest := b.Sizes[0]
	if size == smallest {
		return nil
	}
	if b.few == nil {
		b.Log("making a tenant that keeps %s users", result.Thousands(smallest))
		var err error
		if b.few, err = b.cluster.NewTenant(ctx, "few", replicas, b.ServerMemory); err != nil {
			return err
		}
		b.fewUsers = &dataset{}
		if err := b.fill(ctx, b.few.All, b.fewUsers, smallest); err != nil {
			return err
		}
	}
	window := b.reading()
	window.Concurrency = tailReaders
	return b.rounds(ctx, b.measurement(result.UserNameEqTail, size, tailReaders),
		contender{
			subject: result.Kubescim, size: size, window: window,
			workers: load.Requests(b.tenant.Replicas[0], func() load.Request { return byName(b.data.any()) }, nil),
		},
		contender{
			subject: result.Kubescim, size: smallest, window: window,
			workers: load.Requests(b.few.Replicas[0], func() load.Request { return byName(b.fewUsers.any()) }, nil),
		},
	)
}

// pageSize is the number of users in a page.
const pageSize = 100

// pages compares pages from the middle of the list.
func (b *bench) pages(ctx context.Context, size int) error {
	middle := func(users int) func() load.Request {
		return func() load.Request {
			start := users/2 - rand.IntN(pageSize)
			return load.Request{
				Method: http.MethodGet, Status: http.StatusOK,
				Path:     "/Users?startIndex=" + strconv.Itoa(start) + "&count=" + strconv.Itoa(pageSize),
				Contains: `"itemsPerPage":` + strconv.Itoa(pageSize),
			}
		}
	}
	return b.rounds(ctx, b.measurement(result.Page, size, readers),
		contender{
			subject: result.Kubescim, size: size, window: b.reading(),
			workers: load.Requests(b.tenant.Replicas[0], middle(size), nil),
		},
		contender{
			subject: result.Elimity, size: baselineUsers, window: b.reading(), missing: b.elimity.missing,
			workers: load.Requests(b.elimity.target, middle(baselineUsers), nil),
		},
	)
}
