package measure

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"time"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// get is a GET of a user by chance, search a search for one by userName.
func get(d *dataset) load.Request    { return byID(d.any()) }
func search(d *dataset) load.Request { return byName(d.any()) }

// retitle is a PATCH of a user that changes something (RFC 7644 section 3.5.2).
func retitle(d *dataset) load.Request {
	u := d.inTurn()
	body := marshal(map[string]any{"schemas": []string{urnPatch}, "Operations": []any{
		map[string]any{"op": "replace", "path": "title", "value": "Member of staff " + strconv.Itoa(rand.IntN(1_000_000))},
	}})
	return load.Request{Method: http.MethodPatch, Path: "/Users/" + u.id, Body: body, Status: http.StatusOK, Contains: u.name}
}

// updaters is how many clients change users at the same time.
const updaters = 8

// reads measures reads at one pod.
func (b *tenantsBench) reads(ctx context.Context, p *population, s *result.Setup) error {
	window := load.Window{Concurrency: readers, Warmup: warmup, Duration: b.Window}
	targets := func(p *population) []load.Target { return p.First }
	if err := b.compare(ctx, p, s, result.Get, window, targets, get); err != nil {
		return err
	}
	return b.compare(ctx, p, s, result.UserNameEq, window, targets, search)
}

// updates measures changes of users at all pods.
func (b *tenantsBench) updates(ctx context.Context, p *population, s *result.Setup) error {
	window := load.Window{Concurrency: updaters, Warmup: warmup, Duration: b.Window}
	return b.compare(ctx, p, s, result.Update, window, func(p *population) []load.Target { return p.All }, retitle)
}

// compare measures requests to one tenant, to all of them at random, and to the only tenant of another server.
func (b *tenantsBench) compare(ctx context.Context, p *population, s *result.Setup, name string, window load.Window,
	targets func(*population) []load.Target, request func(*dataset) load.Request,
) error {
	m := result.Measurement{Name: name, Users: p.size(), Replicas: p.replicas, Concurrency: window.Concurrency}
	contend := func(subject string, p *population, tenants []int) contender {
		return contender{subject: subject, size: p.Size(), window: window, workers: p.among(targets(p), tenants, request)}
	}
	contenders := []contender{contend(result.One, p, []int{0})}
	if p.Size() > 1 {
		contenders = append(contenders, contend(result.All, p, span(0, p.Size())))
	}
	if p.shared && p != b.alone {
		contenders = append(contenders, contend(result.Alone, b.alone, []int{0}))
	}
	if err := takeTurns(ctx, b.Rounds, &m, contenders...); err != nil {
		return err
	}
	s.Measurements = append(s.Measurements, m)
	b.Log("%s: %s: %s", s.Name(), name, summary(m))
	return nil
}

// floodLimit is the limit of the tenant that is flooded. Four of five requests of a flood at it are too many. One of twenty
// is a write, so that the same flood, spread over tenants that may send it, leaves processors idle.
var floodLimit = scimv1alpha1.RateLimit{RequestsPerSecond: 200, WritesPerSecond: 10}

const (
	// floodFactor is how many times its limit a flood sends, and floodClients how many clients there are of it.
	floodFactor  = 5
	floodClients = 16
	// floodWidth is over how many tenants the same flood is spread at the most.
	floodWidth = 100
	// readsBeside and updatesBeside are how many requests a second are sent to the other tenants, by so many clients each.
	readsBeside, updatesBeside = 100, 20
	clientsBeside              = 4
	// limitTimeout bounds the wait until a limit is in force.
	limitTimeout = time.Minute
)

// floods measures requests to tenants while another one is flooded, in turn with the same flood spread over many.
func (b *tenantsBench) floods(ctx context.Context, p *population, s *result.Setup) error {
	width := min(floodWidth, (p.Size()-1)/2)
	if width < 2 {
		return nil
	}
	if err := p.Limit(ctx, 0, floodLimit); err != nil {
		return err
	}
	if err := b.awaitLimit(ctx, p); err != nil {
		return err
	}
	measured := map[string]*result.Measurement{}
	for _, name := range []string{result.FloodedGet, result.FloodedUpdate} {
		measured[name] = &result.Measurement{Name: name, Users: p.size(), Replicas: p.replicas, Concurrency: clientsBeside, Series: []result.Series{
			{Subject: result.FloodOfOne, Size: 1}, {Subject: result.FloodOfMany, Size: width},
		}}
	}
	s.Refused = map[string]result.Share{}
	others := span(1+width, p.Size())
	for round := range b.Rounds {
		for turn := range 2 {
			at := (turn + round) % 2
			flooded := [][]int{{0}, span(1, 1+width)}[at]
			samples, refused, err := b.floodOnce(ctx, p, flooded, others)
			if err != nil {
				return err
			}
			subject := []string{result.FloodOfOne, result.FloodOfMany}[at]
			s.Refused[subject] = result.Share{Part: s.Refused[subject].Part + refused.Part, Of: s.Refused[subject].Of + refused.Of}
			for name, m := range measured {
				m.Series[at].Windows = append(m.Series[at].Windows, samples[name])
			}
		}
	}
	for _, name := range []string{result.FloodedGet, result.FloodedUpdate} {
		s.Measurements = append(s.Measurements, *measured[name])
		b.Log("%s: %s: %s", s.Name(), name, summary(*measured[name]))
	}
	b.Log("%s: of the floods, refused: %v", s.Name(), s.Refused)
	return p.Unlimit(ctx, 0)
}

// flood makes windows with requests to some tenants, as many in a second as floodFactor says.
func (b *tenantsBench) flood(p *population, tenants []int, refusals *load.Refusals) map[*load.Window]func() (load.Worker, error) {
	window := load.Window{Concurrency: floodClients, Duration: b.FloodWindow + time.Second}
	gets, updates := window, window
	return map[*load.Window]func() (load.Worker, error){
		&gets: load.Paced(float64(floodFactor*(floodLimit.RequestsPerSecond-floodLimit.WritesPerSecond)),
			refusals.Of(p.among(p.All, tenants, get))),
		&updates: load.Paced(float64(floodFactor*floodLimit.WritesPerSecond),
			refusals.Of(p.among(p.All, tenants, retitle))),
	}
}

// floodOnce floods some tenants and measures requests to others meanwhile.
func (b *tenantsBench) floodOnce(ctx context.Context, p *population, flooded, others []int) (map[string]result.Sample, result.Share, error) {
	var refusals load.Refusals
	var mutex sync.Mutex
	var group sync.WaitGroup
	var broke error
	share, samples := result.Share{}, map[string]result.Sample{}
	run := func(w load.Window, workers func() (load.Worker, error), then func(result.Sample)) {
		group.Go(func() {
			sample, err := w.Run(ctx, workers)
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				broke = fmt.Errorf("measuring beside a flood: %w", err)
			}
			then(sample)
		})
	}
	for w, workers := range b.flood(p, flooded, &refusals) {
		run(*w, workers, func(s result.Sample) { share.Of += s.Operations + s.Failures })
	}
	beside := load.Window{Concurrency: clientsBeside, Warmup: time.Second, Duration: b.FloodWindow}
	run(beside, load.Paced(readsBeside, p.among(p.All, others, get)), func(s result.Sample) { samples[result.FloodedGet] = s })
	run(beside, load.Paced(updatesBeside, p.among(p.All, others, retitle)), func(s result.Sample) { samples[result.FloodedUpdate] = s })
	group.Wait()
	share.Part = refusals.Count()
	return samples, share, broke
}

// awaitLimit floods a tenant until it refuses requests: until its limit is in force.
func (b *tenantsBench) awaitLimit(ctx context.Context, p *population) error {
	for began := time.Now(); time.Since(began) < limitTimeout; {
		var refusals load.Refusals
		window := load.Window{Concurrency: floodClients, Duration: time.Second}
		_, err := window.Run(ctx, load.Paced(float64(floodFactor*floodLimit.RequestsPerSecond), refusals.Of(p.among(p.All, []int{0}, get))))
		if err != nil {
			return err
		}
		if refusals.Count() > 0 {
			return nil
		}
	}
	return fmt.Errorf("a tenant may send more than its limit %s after it was set", limitTimeout)
}
