// Package result is what a run of the benchmark measured, and what that says about the targets. It only computes.
package result

import (
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// Run is everything that one run measured.
type Run struct {
	// Started is when the run began.
	Started time.Time `json:"started"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
	// Machine is what it ran on.
	Machine Machine `json:"machine"`
	// Sizes are the numbers of users at which was measured, ascending.
	Sizes []int `json:"sizes"`
	// Measurements are those with requests.
	Measurements []Measurement `json:"measurements"`
	// Footprints say what the servers and Kubernetes need, one for each size.
	Footprints []Footprint `json:"footprints"`
}

// Machine is where a run took place.
type Machine struct {
	CPUs       int    `json:"cpus"`
	MemoryMB   int    `json:"memoryMB"`
	System     string `json:"system"`
	Kubernetes string `json:"kubernetes"`
	// Kubescim is the commit of the checkout.
	Kubescim string `json:"kubescim"`
}

// Names of measurements.
const (
	// Create is POST of users, and create of the same objects with client-go.
	Create = "create"
	// Get is GET of a user by id, on one replica.
	Get = "get"
	// UserNameEq is a search for a user by `userName eq`, on one replica.
	UserNameEq = "userName eq"
	// UserNameEqTail is the same with few clients, against a tenant of the smallest size, for its p99.
	UserNameEqTail = "userName eq, p99"
	// Page is a page of 100 users from the middle of the list, on one replica.
	Page = "page"
	// AddMember is a PATCH that adds one member to a group.
	AddMember = "add a member"
	// PutGroup is a PUT of a group with its members.
	PutGroup = "PUT of a group"
)

// Names of what is measured.
const (
	Kubescim = "Kubescim"
	Elimity  = "elimity"
	Scimmy   = "scimmy"
	Raw      = "client-go"
	// RawWithClaims is client-go that creates a Lease too for each user, as a claim of its name.
	RawWithClaims = "client-go, with claims"
	// FromEmpty and OneChanged tell PUTs of a group apart: of one that has no members yet, and of one that has all
	// but one of them.
	FromEmpty  = "from empty"
	OneChanged = "one member changed"
)

// Measurement is the same thing measured on several subjects in turn, in rounds: the i-th windows of all series
// belong together.
type Measurement struct {
	Name string `json:"name"`
	// Users is the number of users that the tenant had.
	Users int `json:"users"`
	// Replicas is the number of pods of the tenant's server.
	Replicas int `json:"replicas"`
	// Concurrency is the number of clients.
	Concurrency int      `json:"concurrency"`
	Series      []Series `json:"series"`
}

// Series is what a measurement found about one subject.
type Series struct {
	Subject string `json:"subject"`
	// Size is how many users the subject had, or members the group.
	Size int `json:"size,omitempty"`
	// NotMeasured says why there are no windows; empty when there are.
	NotMeasured string   `json:"notMeasured,omitempty"`
	Windows     []Sample `json:"windows,omitempty"`
}

// Sample is what one window measured. Latencies are in milliseconds.
type Sample struct {
	Operations int `json:"operations"`
	// Rate is operations per second.
	Rate float64 `json:"rate"`
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	Max  float64 `json:"max"`
	// Failures is how many operations failed, and Failure says how one of them did.
	Failures int    `json:"failures,omitempty"`
	Failure  string `json:"failure,omitempty"`
}

// Footprint is what the tenant's server and Kubernetes need at one size. A zero was not measured.
type Footprint struct {
	// Users is the number of users that the tenant had.
	Users int `json:"users"`
	// Servers is the resident memory of each server pod, in bytes, after users were created.
	Servers []float64 `json:"servers"`
	// ServersLater is the same at the end of all measurements of this size.
	ServersLater []float64 `json:"serversLater"`
	// APIServer and Etcd are the resident memory of these processes, in bytes.
	APIServer float64 `json:"apiServer"`
	Etcd      float64 `json:"etcd"`
	// Database is the size of etcd's database, in bytes.
	Database float64 `json:"database"`
	// ColdStarts are the times from the deletion of a pod until the one that takes its place is Ready, in seconds.
	ColdStarts []float64 `json:"coldStarts"`
}

// Write writes a run as JSON.
func (r *Run) Write(w io.Writer) error { return write(w, r) }

// Read reads a run that Write wrote.
func Read(r io.Reader) (*Run, error) { return read[Run](r) }

// Write writes a run as JSON.
func (r *TenantsRun) Write(w io.Writer) error { return write(w, r) }

// ReadTenants reads a run that Write wrote.
func ReadTenants(r io.Reader) (*TenantsRun, error) { return read[TenantsRun](r) }

func write(w io.Writer, run any) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(run); err != nil {
		return fmt.Errorf("writing the results: %w", err)
	}
	return nil
}

func read[T any](r io.Reader) (*T, error) {
	run := new(T)
	if err := json.NewDecoder(r).Decode(run); err != nil {
		return nil, fmt.Errorf("reading the results: %w", err)
	}
	return run, nil
}

// Find returns the measurement of that name, number of users and replicas; nil when there is none.
func (r *Run) Find(name string, users, replicas int) *Measurement {
	for i := range r.Measurements {
		m := &r.Measurements[i]
		if m.Name == name && m.Users == users && m.Replicas == replicas {
			return m
		}
	}
	return nil
}

// Largest returns the largest number of users.
func (r *Run) Largest() int {
	if len(r.Sizes) == 0 {
		return 0
	}
	return r.Sizes[len(r.Sizes)-1]
}

// Of returns the series of a subject, with that size unless it is 0; nil when there is none.
func (m *Measurement) Of(subject string, size int) *Series {
	if m == nil {
		return nil
	}
	for i := range m.Series {
		if s := &m.Series[i]; s.Subject == subject && (size == 0 || s.Size == size) {
			return s
		}
	}
	return nil
}
