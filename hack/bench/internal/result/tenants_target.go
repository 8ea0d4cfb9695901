package result

import (
	"fmt"
	"slices"
)

// fullTenants is how many tenants of a server the targets are for.
const fullTenants = 1000

// Verdicts judges a run with many tenants by the targets, which are for the largest number of tenants of one server.
func (r *TenantsRun) Verdicts() []Verdict {
	s := r.Largest(true)
	if s == nil {
		return nil
	}
	verdicts := []Verdict{
		s.most("memory of a server pod", s.Servers.Resident, goal{bound: 400, unit: " MB"}),
		s.most("memory of the operator", s.Operator.Resident, goal{bound: 150, unit: " MB"}),
	}
	verdicts = append(verdicts, s.atRest()...)
	verdicts = append(verdicts, s.median("apply of one more tenant until it is Ready", s.NextReady, goal{bound: 3, unit: " s"}))
	for _, name := range []string{Get, UserNameEq} {
		verdicts = append(verdicts, s.compare(name+", all tenants at random", s.Find(name), All, Alone, Rate, perSecond, goal{atLeast: true, bound: 0.9}))
	}
	verdicts = append(verdicts,
		s.median("deleted pod until the next is Ready", s.ColdStarts, goal{bound: 20, unit: " s"}),
		s.restarted())
	for _, name := range []string{FloodedGet, FloodedUpdate} {
		verdicts = append(verdicts, s.compare("p99 of "+name, s.Find(name), FloodOfOne, FloodOfMany, P99, inMilliseconds, goal{bound: 2}))
	}
	return append(verdicts, s.undisturbed())
}

// Largest returns the setup with the most tenants of one server, or of a server each; nil when there is none.
func (r *TenantsRun) Largest(shared bool) *Setup {
	var largest *Setup
	for i := range r.Setups {
		if s := &r.Setups[i]; s.Shared == shared && (largest == nil || s.Tenants > largest.Tenants) {
			largest = s
		}
	}
	return largest
}

// verdict is one about the setup that is not measured yet.
func (s *Setup) verdict(target string, g goal) Verdict {
	return Verdict{Target: target, Size: s.Tenants, Wanted: g.String(), Outcome: NotMeasured}
}

// full reports whether the targets are for as many tenants.
func (s *Setup) full() bool { return s.Tenants == fullTenants }

// most judges the largest of sizes in bytes.
func (s *Setup) most(target string, sizes []float64, g goal) Verdict {
	v := s.verdict(target, g)
	if len(sizes) > 0 {
		largest := slices.Max(sizes)
		v.Kubescim = inMegabytes(largest)
		v.Value, v.Outcome = v.Kubescim, g.judge(largest/1e6, s.full())
	}
	return v
}

// median judges the median of times in seconds.
func (s *Setup) median(target string, seconds []float64, g goal) Verdict {
	v := s.verdict(target, g)
	if len(seconds) > 0 {
		v.Kubescim = inSeconds(Median(seconds))
		v.Value, v.Outcome = v.Kubescim, g.judge(Median(seconds), s.full())
	}
	return v
}

// atRest judges writes while nobody asks for anything.
func (s *Setup) atRest() []Verdict {
	few, none := goal{bound: 2, unit: "/s"}, goal{bound: 0}
	all := s.verdict("writes at rest of operator and servers", few)
	operator := s.verdict("writes at rest of the operator, but for Leases", none)
	if s.Rest != nil && len(s.Rest.By) > 0 && s.Rest.Seconds > 0 {
		rate := float64(s.Rest.Of(Operator).Count()+s.Rest.Of(Servers).Count()) / s.Rest.Seconds
		all.Kubescim = Figure(rate) + "/s"
		all.Value, all.Outcome = all.Kubescim, few.judge(rate, s.full())
		other := s.Rest.Of(Operator).ButLeases()
		operator.Kubescim = Thousands(other)
		operator.Value, operator.Outcome = operator.Kubescim, none.judge(float64(other), s.full())
	}
	return []Verdict{all, operator}
}

// restarted judges what the operator wrote after it was restarted.
func (s *Setup) restarted() Verdict {
	g := goal{bound: 0}
	v := s.verdict("objects rewritten after a restart of the operator", g)
	if s.Restart != nil {
		v.Kubescim = fmt.Sprintf("%s of %s", Thousands(s.Restart.Count), Thousands(s.Restart.Objects))
		v.Value, v.Outcome = Thousands(s.Restart.Count), g.judge(float64(s.Restart.Count), s.full())
		if writes := s.Restart.Of(Operator).ButLeases(); writes > 0 {
			v.Note = fmt.Sprintf("it sent %s writes of other things than Leases and Events", Thousands(writes))
		}
	}
	return v
}

// compare judges a quantity of one subject against that of another.
func (s *Setup) compare(target string, m *Measurement, of, by string, q Quantity, write func(float64) string, g goal) Verdict {
	return comparison{
		target: target, users: s.Tenants, judged: s.full(), of: m.Of(of, 0), by: m.Of(by, 0), quantity: q, write: write, goal: g,
	}.verdict()
}

// undisturbed judges whether any request to a tenant failed while another one was flooded.
func (s *Setup) undisturbed() Verdict {
	g := goal{bound: 0}
	v := s.verdict("failures at other tenants than the one that is flooded", g)
	failures, measured := 0, false
	for _, name := range []string{FloodedGet, FloodedUpdate} {
		if series := s.Find(name).Of(FloodOfOne, 0); series != nil {
			count, example := series.Failures()
			failures, measured = failures+count, true
			if count > 0 {
				v.Note = example
			}
		}
	}
	if measured {
		v.Kubescim = Thousands(failures)
		v.Value, v.Outcome = v.Kubescim, g.judge(float64(failures), s.full())
	}
	return v
}
