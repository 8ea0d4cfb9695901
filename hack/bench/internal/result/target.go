package result

import (
	"fmt"
	"slices"
	"strconv"
)

// Outcome says whether a target was met.
type Outcome string

// Outcomes.
const (
	Met    Outcome = "met"
	NotMet Outcome = "not met"
	// NotJudged is for a value that was measured at another size than the target is for.
	NotJudged   Outcome = "not judged"
	NotMeasured Outcome = "not measured"
)

// Verdict is one target with what was measured of it.
type Verdict struct {
	// Target says what is wanted to be fast or small.
	Target string
	// Size is the number of users of the tenant, or of tenants of the server.
	Size int
	// Kubescim and Other are the figures that are compared; Other is empty when the target is an absolute one.
	Kubescim, Other string
	// Value is the ratio with its range, or the figure itself.
	Value string
	// Wanted is what the value should be.
	Wanted  string
	Outcome Outcome
	// Note says why there is no value, or what went wrong beside it.
	Note string
}

// Sizes that targets are for.
const (
	fullUsers      = 100_000
	fullGroup      = 100_000
	smallGroup     = 10
	putGroup       = 10_000
	serverReplicas = 3
)

// goal is a bound for a value.
type goal struct {
	atLeast bool
	bound   float64
	unit    string
}

// met tells whether a value is within the bound.
func (g goal) met(value float64) bool {
	if g.atLeast {
		return value >= g.bound
	}
	return value <= g.bound
}

// String is how the bound is written, for example "≥ 0.6".
func (g goal) String() string {
	sign := "≤ "
	if g.atLeast {
		sign = "≥ "
	}
	return sign + strconv.FormatFloat(g.bound, 'f', -1, 64) + g.unit
}

// judge makes the outcome of a value; judged is false when the target is for another size.
func (g goal) judge(value float64, judged bool) Outcome {
	switch {
	case !judged:
		return NotJudged
	case g.met(value):
		return Met
	default:
		return NotMet
	}
}

// Verdicts judges a run by the targets.
func (r *Run) Verdicts() []Verdict {
	var verdicts []Verdict
	for _, users := range r.Sizes {
		verdicts = append(verdicts, r.creates(users)...)
		verdicts = append(verdicts, r.reads(users)...)
	}
	largest := r.Largest()
	full := largest == fullUsers
	verdicts = append(verdicts, r.tail(largest, full))
	verdicts = append(verdicts, r.page(largest, full))
	verdicts = append(verdicts, r.addMember(largest))
	verdicts = append(verdicts, r.put(largest, FromEmpty), r.put(largest, OneChanged))
	return append(verdicts, r.footprint(largest, full)...)
}

// creates judges the creation of users. That includes the claim of the userName, which is an object of its own.
func (r *Run) creates(users int) []Verdict {
	m := r.Find(Create, users, serverReplicas)
	return []Verdict{comparison{
		target: "create users, 3 replicas", users: users, judged: true,
		of: m.Of(Kubescim, 0), by: m.Of(Raw, 0), quantity: Rate, write: perSecond, goal: goal{atLeast: true, bound: 0.6},
	}.verdict()}
}

// reads judges strong reads on one replica of three.
func (r *Run) reads(users int) []Verdict {
	var verdicts []Verdict
	for _, read := range []struct{ name, target string }{
		{Get, "GET by id, one replica of 3"}, {UserNameEq, "userName eq, one replica of 3"},
	} {
		m := r.Find(read.name, users, serverReplicas)
		for _, other := range []struct {
			subject string
			goal    goal
		}{
			{Elimity, goal{atLeast: true, bound: 1}},
			{Raw, goal{atLeast: true, bound: 10}},
		} {
			verdicts = append(verdicts, comparison{
				target: read.target, users: users, judged: true,
				of: m.Of(Kubescim, 0), by: m.Of(other.subject, 0), quantity: Rate, write: perSecond, goal: other.goal,
			}.verdict())
		}
	}
	return verdicts
}

// tail judges the p99 of searches among many users against that among few.
func (r *Run) tail(users int, full bool) Verdict {
	m := r.Find(UserNameEqTail, users, serverReplicas)
	var few *Series
	if m != nil && len(m.Series) > 1 {
		few = &m.Series[1]
	}
	return comparison{
		target: "p99 of userName eq", users: users, judged: full && few != nil && few.Size == 1000,
		of: m.Of(Kubescim, users), by: few, quantity: P99, write: inMilliseconds, goal: goal{bound: 1.5},
	}.verdict()
}

// page judges a page of 100 users.
func (r *Run) page(users int, full bool) Verdict {
	m := r.Find(Page, users, serverReplicas)
	return comparison{
		target: "page of 100 users, one replica of 3", users: users, judged: full,
		of: m.Of(Kubescim, 0), by: m.Of(Elimity, 0), quantity: Rate, write: perSecond, goal: goal{atLeast: true, bound: 2},
	}.verdict()
}

// addMember judges the addition of a member to the largest group against that to the smallest.
func (r *Run) addMember(users int) Verdict {
	m := r.Find(AddMember, users, serverReplicas)
	largest := 0
	if m != nil {
		for _, s := range m.Series {
			largest = max(largest, s.Size)
		}
	}
	return comparison{
		target: "add a member to a large group", users: users, judged: largest == fullGroup,
		of: m.Of(Kubescim, largest), by: m.Of(Kubescim, smallGroup), quantity: P50, write: inMilliseconds, goal: goal{bound: 1.5},
	}.verdict()
}

// put judges a PUT of a group with all its members.
func (r *Run) put(users int, subject string) Verdict {
	s := r.Find(PutGroup, users, serverReplicas).Of(subject, 0)
	v := Verdict{Target: "PUT of a group, " + subject, Size: users, Outcome: NotMeasured}
	g := goal{bound: 2, unit: " s"}
	v.Wanted = g.String()
	if s == nil {
		return v
	}
	v.Target = fmt.Sprintf("PUT of %s members, %s", Thousands(s.Size), subject)
	if v.Note = s.trouble(); len(s.Windows) == 0 || s.Median(P50) == 0 {
		return v
	}
	seconds := s.Median(P50) / 1000
	v.Kubescim = inSeconds(seconds)
	v.Value = v.Kubescim
	v.Outcome = g.judge(seconds, s.Size == putGroup)
	return v
}

// footprint judges the memory of a server pod, and how fast one starts.
func (r *Run) footprint(users int, full bool) []Verdict {
	memory := Verdict{Target: "memory of a server pod", Size: users, Outcome: NotMeasured}
	start := Verdict{Target: "deleted pod until the next is Ready", Size: users, Outcome: NotMeasured}
	small, quick := goal{bound: 250, unit: " MB"}, goal{bound: 15, unit: " s"}
	memory.Wanted, start.Wanted = small.String(), quick.String()
	for _, f := range r.Footprints {
		if f.Users != users {
			continue
		}
		if most := slices.Max(append([]float64{0}, append(f.Servers, f.ServersLater...)...)); most > 0 {
			memory.Kubescim = inMegabytes(most)
			memory.Value = memory.Kubescim
			memory.Outcome = small.judge(most/1e6, full)
		}
		if len(f.ColdStarts) > 0 {
			seconds := Median(f.ColdStarts)
			start.Kubescim = inSeconds(seconds)
			start.Value = start.Kubescim
			start.Outcome = quick.judge(seconds, full)
		}
	}
	return []Verdict{memory, start}
}

// comparison is a target that is a ratio.
type comparison struct {
	target   string
	users    int
	judged   bool
	of, by   *Series
	quantity Quantity
	write    func(float64) string
	goal     goal
}

// verdict compares the two.
func (c comparison) verdict() Verdict {
	v := Verdict{Target: c.target, Size: c.users, Wanted: c.goal.String(), Outcome: NotMeasured}
	if c.of == nil || c.by == nil {
		v.Note = "not part of this run"
		return v
	}
	v.Kubescim, v.Other = c.figure(c.of), c.by.label()+" "+c.figure(c.by)
	v.Note = c.of.trouble()
	if v.Note == "" {
		v.Note = c.by.trouble()
	}
	if ratio, ok := Compare(c.of, c.by, c.quantity); ok {
		v.Value = fmt.Sprintf("%s (%s to %s)", Figure(ratio.Median), Figure(ratio.Least), Figure(ratio.Most))
		v.Outcome = c.goal.judge(ratio.Median, c.judged)
	}
	return v
}

// figure writes the median of what is compared.
func (c comparison) figure(s *Series) string {
	if len(s.Windows) == 0 {
		return "–"
	}
	return c.write(s.Median(c.quantity))
}

// label names a subject that Kubescim is compared with.
func (s *Series) label() string {
	if s.Subject == Kubescim {
		return "at " + Thousands(s.Size)
	}
	return s.Subject
}

// trouble says what kept a series from being measured, or what failed in it.
func (s *Series) trouble() string {
	if s.NotMeasured != "" {
		return fmt.Sprintf("%s was not measured: %s", s.Subject, s.NotMeasured)
	}
	if count, example := s.Failures(); count > 0 {
		return fmt.Sprintf("%d requests to %s failed: %s", count, s.Subject, example)
	}
	return ""
}
