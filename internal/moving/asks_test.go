package moving_test

import (
	"testing"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
)

// Replicas are asked only while the next step needs what they say, and those only that it is about:
// one that hangs keeps no other step waiting.
func TestAsks(t *testing.T) {
	memory := func(name string) moving.Server {
		return moving.Server{Name: name, Mode: scimv1alpha1.HostingModeMemory}
	}
	live := func(name string) moving.Server {
		return moving.Server{Name: name, Mode: scimv1alpha1.HostingModeLive}
	}
	all := []moving.Replica{{Server: "a", Acknowledged: true}, {Server: "b", Acknowledged: true}}
	for name, tc := range map[string]struct {
		situation moving.Situation
		want      string
	}{
		"nobody serves it":        {moving.Situation{Target: "b"}, ""},
		"it is where it is to be": {moving.Situation{Servers: []moving.Server{memory("b")}, Target: "b", Replicas: all}, ""},
		"it is to be moved":       {moving.Situation{Servers: []moving.Server{memory("a")}, Target: "b", Replicas: all}, ""},
		"memory":                  {moving.Situation{Servers: []moving.Server{live("a")}, Target: "b", Replicas: all}, ""},
		"serving":                 {moving.Situation{Servers: []moving.Server{live("a"), live("b")}, Target: "b", Replicas: all}, "b"},
		"serving, unacknowledged": {moving.Situation{
			Servers: []moving.Server{live("a"), live("b")}, Target: "b", Replicas: []moving.Replica{{Server: "b"}},
		}, ""},
		"it cannot be moved any more": {moving.Situation{
			Servers: []moving.Server{live("a"), live("b")}, Target: "b", Obstructed: true, Replicas: all, Led: contract.IdleBeforeOff,
		}, "b"},
		"idle": {moving.Situation{
			Servers: []moving.Server{live("b"), live("a")}, Target: "b", Replicas: all, Led: contract.IdleBeforeOff,
		}, "a"},
		"idle, led a moment ago": {moving.Situation{
			Servers: []moving.Server{live("b"), live("a")}, Target: "b", Replicas: all, Led: contract.IdleBeforeOff - 1,
		}, ""},
		"off": {moving.Situation{Servers: []moving.Server{live("b")}, Target: "b", Replicas: all}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			tc.situation.IdleBeforeOff = contract.IdleBeforeOff
			if got := tc.situation.Asks(); got != tc.want {
				t.Errorf("those of %q are asked, want %q", got, tc.want)
			}
		})
	}
}
