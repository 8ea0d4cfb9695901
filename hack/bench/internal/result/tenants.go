package result

import (
	"strings"
	"time"
)

// TenantsRun is what a run measured of servers with many tenants, and of many tenants with servers of their own.
type TenantsRun struct {
	// Started is when the run began.
	Started time.Time `json:"started"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Machine is what it ran on.
	Machine Machine `json:"machine"`
	// UsersEach is how many users each tenant has.
	UsersEach int     `json:"usersEach"`
	Setups    []Setup `json:"setups"`
}

// Setup is tenants that are served in one way. What is zero was not measured.
type Setup struct {
	// Shared tells tenants of one server from tenants that each have a server of their own.
	Shared bool `json:"shared"`
	// Tenants is how many tenants there are.
	Tenants int `json:"tenants"`
	// Replicas is the number of pods of a server.
	Replicas int `json:"replicas"`
	// Servers is what all server pods need, and Operator what the operator needs.
	Servers  Need `json:"servers"`
	Operator Need `json:"operator"`
	// Restarts is how often containers of server pods had to be started again.
	Restarts int `json:"restarts"`
	// APIServer and Etcd are the resident memory of these processes, in bytes.
	APIServer float64 `json:"apiServer"`
	Etcd      float64 `json:"etcd"`
	// Database is the size of etcd's database, in bytes.
	Database float64 `json:"database"`
	// Settled is how long it took after the load until the operator wrote no more, in seconds.
	Settled float64 `json:"settled"`
	// Rest says who asked the API server for what while nobody asked the servers for anything.
	Rest *Interval `json:"rest,omitempty"`
	// NextReady are the times from the apply of another tenant until it is Ready, and NextServed until it answers
	// a client with a token, in seconds.
	NextReady  []float64 `json:"nextReady"`
	NextServed []float64 `json:"nextServed"`
	// Measurements are those with requests. Users is the number of users of all tenants.
	Measurements []Measurement `json:"measurements"`
	// Refused is how many requests of a flood were answered 429, of how many, for each subject of Floods.
	Refused map[string]Share `json:"refused,omitempty"`
	// ColdStarts are the times from the deletion of a pod until the one that takes its place is Ready, in seconds.
	ColdStarts []float64 `json:"coldStarts"`
	// Restart says what the operator did after it was restarted.
	Restart *Restart `json:"restart,omitempty"`
}

// Need is what processes need. Memory is in bytes and CPU in processors.
type Need struct {
	// Resident is the resident memory of each process.
	Resident []float64 `json:"resident"`
	// CPU is what all of them used at rest.
	CPU float64 `json:"cpu"`
	// RequestedMemory and RequestedCPU are what all of their pods request.
	RequestedMemory float64 `json:"requestedMemory"`
	RequestedCPU    float64 `json:"requestedCPU"`
}

// Share is a part of a number.
type Share struct {
	Part int `json:"part"`
	Of   int `json:"of"`
}

// Who makes requests of the API server.
const (
	Operator    = "operator"
	Servers     = "servers"
	Controllers = "controller manager"
	Kubelet     = "kubelet"
	Others      = "others"
)

// Programs are all that are told apart.
var Programs = []string{Operator, Servers, Controllers, Kubelet, Others}

// Requests is what one of Programs asked the API server for.
type Requests struct {
	Who string `json:"who"`
	// Requests is how many there were, and Writes how many of them were writes, by verb and resource.
	Requests int            `json:"requests"`
	Writes   map[string]int `json:"writes,omitempty"`
}

// Interval is who asked for what in a time.
type Interval struct {
	Seconds float64    `json:"seconds"`
	By      []Requests `json:"by"`
}

// Restart is what the operator did from its end until it had looked at everything again.
type Restart struct {
	Interval
	// Count is how many of how many Objects have another resourceVersion afterwards, Leases and Events aside, and
	// Rewritten names some of them.
	Count     int      `json:"count"`
	Objects   int      `json:"objects"`
	Rewritten []string `json:"rewritten,omitempty"`
}

// Of returns what one of Programs asked for; nothing where nothing was counted.
func (i *Interval) Of(who string) Requests {
	if i != nil {
		for _, r := range i.By {
			if r.Who == who {
				return r
			}
		}
	}
	return Requests{Who: who}
}

// Count is how many of the requests were writes.
func (r Requests) Count() int {
	count := 0
	for _, n := range r.Writes {
		count += n
	}
	return count
}

// ButLeases is how many of the writes were of other things than Leases and Events.
func (r Requests) ButLeases() int {
	count := 0
	for what, n := range r.Writes {
		if !strings.HasSuffix(what, " leases") && !strings.HasSuffix(what, " events") {
			count += n
		}
	}
	return count
}

// Names of measurements of many tenants, besides Get and UserNameEq.
const (
	// Update is a PATCH of a user.
	Update = "update"
	// FloodedGet and FloodedUpdate are requests to other tenants than those that are flooded.
	FloodedGet    = "get, beside a flood"
	FloodedUpdate = "update, beside a flood"
)

// Subjects of measurements of many tenants.
const (
	// Alone is the only tenant of a server that is like the one that is measured.
	Alone = "only tenant of a server"
	// One is one of the tenants, and All are all of them at random.
	One = "one tenant"
	All = "all tenants at random"
	// FloodOfOne and FloodOfMany are the same flood, at one tenant and spread over many.
	FloodOfOne  = "flood at one tenant"
	FloodOfMany = "flood spread over tenants"
)

// Find returns the measurement of that name; nil when there is none.
func (s *Setup) Find(name string) *Measurement {
	for i := range s.Measurements {
		if s.Measurements[i].Name == name {
			return &s.Measurements[i]
		}
	}
	return nil
}

// Name says what kind of tenants these are, and how many.
func (s *Setup) Name() string {
	if s.Shared {
		return Thousands(s.Tenants) + " shared"
	}
	return Thousands(s.Tenants) + " dedicated"
}

// Pods is the number of server pods.
func (s *Setup) Pods() int { return len(s.Servers.Resident) }
