package rollout

import (
	"fmt"
	"slices"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var now = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// A server of the old release, and the states that it goes through.
func old(uid string) Server {
	return Server{UID: types.UID(uid), Record: Record{Release: "old"}, Settled: true}
}

func moving(uid string) Server {
	return Server{UID: types.UID(uid), Record: Record{Release: "new", Staged: true}}
}

func failing(uid string) Server {
	s := moving(uid)
	s.Stuck = true
	return s
}

func running(uid string, since time.Duration) Server {
	s := moving(uid)
	s.Settled, s.SettledAt = true, now.Add(-since)
	return s
}

func change(s Server, by func(*Server)) Server {
	by(&s)
	return s
}

func TestStage(t *testing.T) {
	policy := Policy{MaxConcurrent: 2, Pause: time.Minute}
	for name, tc := range map[string]struct {
		servers []Server
		next    []types.UID
		halted  bool
		again   time.Time
	}{
		"none":                      {nil, []types.UID{}, false, time.Time{}},
		"all old":                   {[]Server{old("c"), old("a"), old("b")}, []types.UID{"a", "b"}, false, time.Time{}},
		"one on its way":            {[]Server{moving("a"), old("c"), old("b")}, []types.UID{"b"}, false, time.Time{}},
		"two on their way":          {[]Server{moving("a"), moving("b"), old("c")}, []types.UID{}, false, time.Time{}},
		"one that is ready":         {[]Server{running("a", time.Hour), moving("b"), old("c"), old("d")}, []types.UID{"c"}, false, time.Time{}},
		"one that is ready just so": {[]Server{running("a", time.Second), moving("b"), old("c")}, []types.UID{}, false, now.Add(59 * time.Second)},
		"all new":                   {[]Server{running("a", time.Hour), running("b", time.Hour)}, []types.UID{}, false, time.Time{}},
		"the first fail":            {[]Server{failing("a"), failing("b"), old("c")}, []types.UID{}, true, time.Time{}},
		"one fails, one moves":      {[]Server{failing("a"), moving("b"), old("c")}, []types.UID{}, false, time.Time{}},
		"as many fail as run":       {[]Server{failing("a"), failing("b"), running("c", time.Hour), running("d", time.Hour), old("e")}, []types.UID{}, true, time.Time{}},
		"more run than fail":        {[]Server{failing("a"), failing("b"), running("c", time.Hour), running("d", time.Hour), running("e", time.Hour), old("f")}, []types.UID{"f"}, false, time.Time{}},
		"an owner's change takes no place": {
			[]Server{change(moving("a"), func(s *Server) { s.Record.Staged = false }), old("b"), old("c"), old("d")},
			[]types.UID{"b", "c"}, false, time.Time{},
		},
		"what an owner has changed proves nothing": {
			[]Server{failing("a"), failing("b"), change(running("c", time.Hour), func(s *Server) { s.Record.Staged = false }), old("d")},
			[]types.UID{}, true, time.Time{},
		},
		"one without a pod neither waits nor takes a place": {
			[]Server{change(failing("a"), func(s *Server) { s.Idle = true }), change(old("b"), func(s *Server) { s.Idle = true }), old("c"), old("d"), old("e")},
			[]types.UID{"c", "d"}, false, time.Time{},
		},
		"one in the middle of another release keeps its place": {
			[]Server{change(failing("a"), func(s *Server) { s.Record.Release = "other" }), old("b"), old("c")},
			[]types.UID{"b"}, false, time.Time{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			stage := policy.StageOf("new", tc.servers, now)
			if next := stage.Next(); !slices.Equal(next, tc.next) {
				t.Errorf("the next are %q, want %q", next, tc.next)
			}
			for _, s := range tc.servers {
				turn := stage.TurnOf(s)
				waits := s.Record.Release != "new" && !slices.Contains(tc.next, s.UID) && !s.Idle && s.Settled
				if turn.Now == waits {
					t.Errorf("the turn of %s has come: %v", s.UID, turn.Now)
				}
				if waits && (turn.Halted != tc.halted || !turn.Again.Equal(tc.again)) {
					t.Errorf("%s is told %+v", s.UID, turn)
				}
			}
		})
	}
}

// However the servers take their turns, and however late an operator sees what it has
// written, no more than allowed are in the middle of it, and all get there.
func TestStageIsNeverExceeded(t *testing.T) {
	policy := Policy{MaxConcurrent: 3}
	var servers []Server
	for i := range 20 {
		servers = append(servers, old(fmt.Sprintf("%02d", (i*7)%20)))
	}
	for step := range 200 {
		seen := slices.Clone(servers) // what the cache has, for several workers
		inMiddle := 0
		for i := range servers {
			if servers[i].Record.Release == "old" && policy.StageOf("new", seen, now).TurnOf(seen[i]).Now {
				servers[i] = moving(string(servers[i].UID))
			}
			if !servers[i].Settled {
				inMiddle++
			}
		}
		if inMiddle > policy.MaxConcurrent {
			t.Fatalf("%d servers are in the middle of it", inMiddle)
		}
		for i := range servers {
			if !servers[i].Settled && (step+i)%3 == 0 {
				servers[i] = running(string(servers[i].UID), 0)
			}
		}
	}
	for _, s := range servers {
		if s.Record.Release != "new" || !s.Settled {
			t.Errorf("%s was forgotten", s.UID)
		}
	}
}

func TestDecide(t *testing.T) {
	was := Record{Release: "old", Shape: "s", Template: "t", Staged: true}
	for name, tc := range map[string]struct {
		exists bool
		edited bool
		was    Record
		wanted Record
		turn   bool
		write  bool
		asked  bool
		staged bool
	}{
		"a new server":                            {exists: false, wanted: Record{Release: "new", Shape: "s", Template: "u"}, write: true},
		"nothing is new":                          {exists: true, was: was, wanted: Record{Release: "old", Shape: "s", Template: "t"}, write: true, staged: true},
		"its owner changes it":                    {exists: true, was: was, wanted: Record{Release: "old", Shape: "r", Template: "u"}, write: true},
		"its turn has come":                       {exists: true, was: was, wanted: Record{Release: "new", Shape: "s", Template: "u"}, turn: true, write: true, asked: true, staged: true},
		"its turn has not come":                   {exists: true, was: was, wanted: Record{Release: "new", Shape: "s", Template: "u"}, asked: true},
		"the release is nothing new":              {exists: true, was: was, wanted: Record{Release: "new", Shape: "s", Template: "t"}, write: true},
		"its owner changes it, too":               {exists: true, was: was, wanted: Record{Release: "new", Shape: "r", Template: "u"}, write: true},
		"edited, and of a release without record": {exists: true, edited: true, wanted: Record{Release: "new", Shape: "s", Template: "u"}, write: true},
		"edited in what shapes no pod":            {exists: true, edited: true, was: was, wanted: Record{Release: "new", Shape: "s", Template: "u"}, asked: true},
		"of a release without record":             {exists: true, wanted: Record{Release: "new", Shape: "s", Template: "u"}, asked: true},
	} {
		t.Run(name, func(t *testing.T) {
			asked := false
			got := Decide(Deployment{Exists: tc.exists, Was: tc.was, Wanted: tc.wanted, Edited: tc.edited}, func() Turn { asked = true; return Turn{Now: tc.turn} })
			if got.Write != tc.write || asked != tc.asked || got.Record.Staged != tc.staged {
				t.Errorf("decided %+v, asked: %v", got, asked)
			}
		})
	}
}

func TestServerOf(t *testing.T) {
	settled := metav1.NewTime(now)
	deployment := func(change func(*appsv1.Deployment)) *appsv1.Deployment {
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{UID: "a", Generation: 3, Annotations: map[string]string{Annotation: Record{Release: "r", Staged: true}.String()}},
			Status: appsv1.DeploymentStatus{
				ObservedGeneration: 3, Replicas: 2, UpdatedReplicas: 2, ReadyReplicas: 2,
				Conditions: []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentProgressing, Status: corev1.ConditionTrue, Reason: reasonComplete, LastUpdateTime: settled,
				}},
			},
		}
		change(d)
		return d
	}
	for name, tc := range map[string]struct {
		change func(*appsv1.Deployment)
		want   Server
	}{
		"all pods are there":     {func(*appsv1.Deployment) {}, Server{Settled: true, SettledAt: now}},
		"a pod has failed since": {func(d *appsv1.Deployment) { d.Status.ReadyReplicas = 0 }, Server{Settled: true, SettledAt: now}},
		"not yet begun":          {func(d *appsv1.Deployment) { d.Generation = 4 }, Server{}},
		"an old pod is left":     {func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }, Server{}},
		"it is stuck": {func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Status, d.Status.Conditions[0].Reason = corev1.ConditionFalse, "ProgressDeadlineExceeded"
		}, Server{Stuck: true}},
		"it is stuck, and nothing runs": {func(d *appsv1.Deployment) {
			d.Status.Conditions[0].Status, d.Status.Conditions[0].Reason = corev1.ConditionFalse, "ProgressDeadlineExceeded"
			d.Status.ReadyReplicas = 0
		}, Server{Stuck: true, Idle: true}},
		"somebody has paused it": {func(d *appsv1.Deployment) { d.Spec.Paused = true }, Server{Settled: true, SettledAt: now, Idle: true}},
	} {
		t.Run(name, func(t *testing.T) {
			tc.want.UID, tc.want.Record = "a", Record{Release: "r", Staged: true}
			if got := ServerOf(deployment(tc.change)); got != tc.want {
				t.Errorf("it is %+v, want %+v", got, tc.want)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	want := Record{Release: "r", Shape: "s", Template: "t", Staged: true}
	if got := ReadRecord(map[string]string{Annotation: want.String()}); got != want {
		t.Errorf("read %+v", got)
	}
	for _, annotations := range []map[string]string{nil, {Annotation: "x"}, {Annotation: `{"release":1,"staged":true}`}} {
		if got := ReadRecord(annotations); got != (Record{}) {
			t.Errorf("read %+v from %v", got, annotations)
		}
	}
}

// The same in every process and release: else all servers seem to be changed by their owners.
func TestFingerprint(t *testing.T) {
	got, err := Fingerprint(map[string]string{"b": "2", "a": "1"}, nil)
	if err != nil || got != "3b93572ad837297e" {
		t.Errorf("the fingerprint is %q, %v", got, err)
	}
	if _, err := Fingerprint(func() {}); err == nil {
		t.Error("what has no JSON has a fingerprint")
	}
}
