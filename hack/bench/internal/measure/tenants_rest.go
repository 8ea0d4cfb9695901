package measure

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/audit"
	"github.com/kubescim/kubescim/hack/bench/internal/cluster"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// calm is for how long the operator must have written nothing but Leases for it to be at rest.
const calm = 30 * time.Second

// rest measures what the API server is asked for, and the processors, while no client sends anything.
func (b *tenantsBench) rest(ctx context.Context, p *population, s *result.Setup) error {
	if err := b.settle(ctx, p, s); err != nil {
		return err
	}
	beforeServers, beforeOperator, err := b.processes(ctx, p)
	if err != nil {
		return err
	}
	interval, err := b.count(ctx, p, func(ctx context.Context) error { return pause(ctx, b.Rest) })
	if err != nil {
		return err
	}
	s.Rest = interval
	servers, operator, err := b.processes(ctx, p)
	if err != nil {
		return err
	}
	s.Servers.Resident = larger(s.Servers.Resident, resident(servers))
	s.Operator.Resident = larger(s.Operator.Resident, resident(operator))
	if s.Restarts, err = p.Restarts(ctx); err != nil {
		return err
	}
	s.Servers.CPU = (spent(servers) - spent(beforeServers)) / b.Rest.Seconds()
	s.Operator.CPU = (spent(operator) - spent(beforeOperator)) / b.Rest.Seconds()
	for _, by := range []string{result.Operator, result.Servers} {
		b.Log("%s: in %s at rest, %s: %d requests, writes %v", s.Name(), b.Rest, by, interval.Of(by).Requests, interval.Of(by).Writes)
	}
	return nil
}

// settle waits until the operator has nothing to write any more, and no longer than there is time for.
func (b *tenantsBench) settle(ctx context.Context, p *population, s *result.Setup) error {
	if b.audit == nil {
		return pause(ctx, calm)
	}
	began := time.Now()
	for time.Since(began) < b.Settle {
		interval, err := b.count(ctx, p, func(ctx context.Context) error { return pause(ctx, calm) })
		if err != nil {
			return err
		}
		if interval.Of(result.Operator).ButLeases() == 0 {
			break
		}
	}
	s.Settled = time.Since(began).Seconds()
	b.Log("%s: at rest after %.0f s", s.Name(), s.Settled)
	return nil
}

// restart measures what the operator writes after it was restarted.
func (b *tenantsBench) restart(ctx context.Context, p *population, s *result.Setup) error {
	before, err := p.Versions(ctx)
	if err != nil {
		return err
	}
	interval, err := b.count(ctx, p, b.operator.Restart)
	if err != nil {
		return err
	}
	after, err := p.Versions(ctx)
	if err != nil {
		return err
	}
	s.Restart = &result.Restart{Objects: len(after), Rewritten: before.Changed(after)}
	slices.Sort(s.Restart.Rewritten)
	s.Restart.Rewritten = s.Restart.Rewritten[:min(len(s.Restart.Rewritten), mostNamed)]
	s.Restart.Count = len(before.Changed(after))
	if interval != nil {
		s.Restart.Interval = *interval
	}
	process, err := b.operator.Process(ctx)
	if err != nil {
		return err
	}
	s.Operator.Resident = larger(s.Operator.Resident, resident([]cluster.Process{process}))
	b.Log("%s: the operator, restarted, has looked at everything after %.0f s: %d of %d objects rewritten, writes %v", s.Name(),
		s.Restart.Seconds, s.Restart.Count, s.Restart.Objects, interval.Of(result.Operator).Writes)
	return nil
}

// mostNamed bounds how many rewritten objects are named.
const mostNamed = 20

// count counts who asks the API server for what while something is done. Without an audit log, it says how long it took.
func (b *tenantsBench) count(ctx context.Context, p *population, do func(context.Context) error) (*result.Interval, error) {
	var mark int64
	var err error
	if b.audit != nil {
		if mark, err = b.audit.Mark(); err != nil {
			return nil, err
		}
	}
	began := time.Now()
	if err := do(ctx); err != nil {
		return nil, err
	}
	interval := &result.Interval{Seconds: time.Since(began).Seconds()}
	if b.audit == nil {
		return interval, nil
	}
	requests, err := b.audit.Since(mark)
	if err != nil {
		return nil, err
	}
	interval.By = audit.Programs{Operator: cluster.OperatorNamespace, Servers: p.Namespace()}.Count(requests)
	return interval, nil
}

// pause waits.
func pause(ctx context.Context, wait time.Duration) error {
	select {
	case <-time.After(wait):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting: %w", ctx.Err())
	}
}

// spent is the processor time of processes, in seconds.
func spent(processes []cluster.Process) float64 {
	sum := 0.0
	for _, p := range processes {
		sum += p.CPU
	}
	return sum
}

// larger has the larger one of each two values.
func larger(a, b []float64) []float64 {
	if len(a) != len(b) {
		return b
	}
	most := make([]float64, len(a))
	for i := range a {
		most[i] = max(a[i], b[i])
	}
	return most
}
