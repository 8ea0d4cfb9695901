package measure

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// contender is one subject of a measurement.
type contender struct {
	subject string
	// size is how many users it has, or members the group.
	size    int
	window  load.Window
	workers func() (load.Worker, error)
	// missing says why it cannot be measured; nil when it can.
	missing error
	// patience is how long one operation may take for it to be measured at all; usual when it is 0.
	patience time.Duration
}

// usualPatience is how long one operation may take where thousands are expected.
const usualPatience = 2 * time.Second

// rounds measures the contenders in turn. The results go into the run.
func (b *bench) rounds(ctx context.Context, m result.Measurement, contenders ...contender) error {
	if err := takeTurns(ctx, b.Rounds, &m, contenders...); err != nil {
		return err
	}
	b.run.Measurements = append(b.run.Measurements, m)
	b.Log("%s users, %d pods: %s: %s", result.Thousands(m.Users), m.Replicas, m.Name, summary(m))
	return nil
}

// takeTurns measures the contenders in turn, in short windows, so that what the machine does beside hits all alike. Each
// round begins with another one.
func takeTurns(ctx context.Context, rounds int, m *result.Measurement, contenders ...contender) error {
	for _, c := range contenders {
		series := result.Series{Subject: c.subject, Size: c.size}
		if err := c.try(ctx); err != nil {
			series.NotMeasured = err.Error()
		}
		m.Series = append(m.Series, series)
	}
	for round := range rounds {
		for i := range contenders {
			at := (i + round) % len(contenders)
			if m.Series[at].NotMeasured != "" {
				continue
			}
			sample, err := contenders[at].window.Run(ctx, contenders[at].workers)
			if err != nil {
				return fmt.Errorf("measuring %s of %s: %w", m.Name, contenders[at].subject, err)
			}
			m.Series[at].Windows = append(m.Series[at].Windows, sample)
		}
	}
	return ctx.Err()
}

// try does one operation, to find out whether there is any use in measuring more.
func (c *contender) try(ctx context.Context) error {
	if c.missing != nil {
		return c.missing
	}
	worker, err := c.workers()
	if err != nil {
		return err
	}
	defer worker.Close()
	took, err := worker.Do(ctx)
	if err != nil {
		return err
	}
	patience := c.patience
	if patience == 0 {
		patience = usualPatience
	}
	if took > patience {
		return fmt.Errorf("one operation takes %s, which is too long to measure many", took.Round(time.Millisecond))
	}
	return nil
}

// summary is a measurement in one line.
func summary(m result.Measurement) string {
	var parts []string
	for _, s := range m.Series {
		name := s.Subject
		if s.Size > 0 {
			name += " (" + result.Thousands(s.Size) + ")"
		}
		switch {
		case s.NotMeasured != "":
			parts = append(parts, name+" not measured: "+s.NotMeasured)
		default:
			if m.Concurrency > 1 { // A single client does more than what is measured.
				name += " " + result.Figure(s.Median(result.Rate)) + "/s,"
			}
			parts = append(parts, fmt.Sprintf("%s p50 %s ms, p99 %s ms", name,
				result.Figure(s.Median(result.P50)), result.Figure(s.Median(result.P99))))
		}
		if count, example := s.Failures(); count > 0 {
			parts = append(parts, fmt.Sprintf("%d failures such as: %s", count, example))
		}
	}
	return strings.Join(parts, "; ")
}
