package moving_test

import (
	"slices"
	"testing"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/moving"
)

// The port of the tenant stands in the list as soon as a server does, and stays there. A server that
// has been without one gets it before anything else happens.
func TestPorts(t *testing.T) {
	const memory, live = scimv1alpha1.HostingModeMemory, scimv1alpha1.HostingModeLive
	in := func(name string, mode scimv1alpha1.HostingMode, port int32) moving.Server {
		return moving.Server{Name: name, Mode: mode, Port: port}
	}
	own, ports := in("own", live, 0), map[string]int32{"a": 10000, "b": 10001}
	acknowledged := []moving.Replica{{Server: "own", Acknowledged: true}, {Server: "a", Acknowledged: true}, {Server: "b", Acknowledged: true}}
	for name, tc := range map[string]struct {
		servers []moving.Server
		target  string
		ports   map[string]int32
		want    []moving.Server
	}{
		"nobody has served the tenant":    {nil, "a", ports, []moving.Server{in("a", memory, 10000)}},
		"it has no Service":               {nil, "a", nil, []moving.Server{in("a", memory, 0)}},
		"it gets a Service":               {[]moving.Server{in("a", memory, 0)}, "a", ports, []moving.Server{in("a", memory, 10000)}},
		"it gets one in a move":           {[]moving.Server{in("a", live, 0)}, "own", ports, []moving.Server{in("a", live, 10000)}},
		"both servers get theirs":         {[]moving.Server{in("a", live, 0), in("b", live, 0)}, "b", ports, []moving.Server{in("a", live, 10000), in("b", live, 10001)}},
		"a server comes":                  {[]moving.Server{own}, "a", ports, []moving.Server{own, in("a", live, 10000)}},
		"another one comes":               {[]moving.Server{in("a", live, 10000)}, "b", ports, []moving.Server{in("a", live, 10000), in("b", live, 10001)}},
		"the move ends":                   {[]moving.Server{in("a", live, 10000)}, "a", ports, []moving.Server{in("a", memory, 10000)}},
		"nothing is known of ports":       {[]moving.Server{in("a", live, 10000)}, "a", nil, []moving.Server{in("a", memory, 10000)}},
		"it is where it is to be already": {[]moving.Server{in("a", memory, 10000)}, "a", ports, []moving.Server{in("a", memory, 10000)}},
	} {
		t.Run(name, func(t *testing.T) {
			got := moving.Decide(moving.Situation{Servers: tc.servers, Target: tc.target, Ports: tc.ports, Replicas: acknowledged})
			if !slices.Equal(got, tc.want) {
				t.Errorf("the next list is %v, want %v", got, tc.want)
			}
		})
	}
}
