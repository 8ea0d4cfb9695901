// Package requests shows the last requests of a tenant to those who may see them: it asks the pods
// that serve the tenant, puts their answers together, and has the API server say who asks and whether
// they may. And it records what was refused as events of the tenant.
package requests

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/controller/usage"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/signingkey"
)

const (
	// askTimeout bounds the wait for pods, of which so many are asked at the same time.
	askTimeout = 3 * time.Second
	atOnce     = 8
	// mostPods is how many pods are asked, and mostGathered how much of what they say is kept, in bytes of
	// memory. Of the others, it is said that they are missing.
	mostPods     = 64
	mostGathered = 8 << 20
	// recordBytes is what a record takes beside its texts.
	recordBytes = 256
)

// Fetch asks the pod at an address for the last requests of a tenant, with a pass.
type Fetch func(ctx context.Context, address netip.Addr, tenant, pass string) ([]requestlog.Record, error)

// HTTP returns a Fetch that asks pods where they answer (contract.PathRequests).
func HTTP() Fetch {
	caller := usage.NewCaller()
	return func(ctx context.Context, address netip.Addr, tenant, pass string) (found []requestlog.Record, err error) {
		path := contract.PathRequests + "?" + url.Values{contract.ParameterTenant: {tenant}}.Encode()
		err = caller.Get(ctx, address, path, pass, func(body io.Reader) (err error) {
			found, err = contract.DecodePodRequests(body)
			return err
		})
		return found, err
	}
}

// Gatherer gathers the last requests of tenants.
type Gatherer struct {
	// Cached has the Leases of the pods, and Live reads the signing keys of servers.
	Cached, Live client.Reader
	Fetch        Fetch
}

// Gather returns the last requests of a tenant, of all pods that serve it.
func (g *Gatherer) Gather(ctx context.Context, tenant *scimv1alpha1.ScimTenant) (contract.RequestLog, error) {
	gathered := &gathered{}
	asking, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	group := errgroup.Group{}
	group.SetLimit(atOnce)
	asked := 0
	for _, server := range usage.ServersOf(tenant) {
		leases, err := usage.Leases(ctx, g.Cached, server.Namespace, client.MatchingLabels{server.Label: server.Name})
		if err != nil {
			return contract.RequestLog{}, err
		}
		keys, err := g.signingKeys(ctx, server)
		if err != nil {
			return contract.RequestLog{}, err
		}
		for i := range leases {
			if asked++; asked > mostPods {
				gathered.add(leases[i].Name, nil, errTooMany)
				continue
			}
			group.Go(func() error {
				found, err := g.ask(asking, &leases[i], keys, tenant)
				if err != nil {
					log.FromContext(ctx).V(1).Info("A server pod does not say what the last requests of a tenant were",
						"pod", leases[i].Name, "namespace", leases[i].Namespace, "error", err.Error())
				}
				gathered.add(leases[i].Name, found, err)
				return nil
			})
		}
	}
	_ = group.Wait() // None returns an error.
	return gathered.log(), nil
}

func (g *Gatherer) ask(ctx context.Context, lease *coordinationv1.Lease, keys signingkey.Set, tenant *scimv1alpha1.ScimTenant) ([]requestlog.Record, error) {
	address, ok := usage.AddressOf(lease)
	if !ok {
		return nil, fmt.Errorf("the Lease of pod %s has no address of a pod", lease.Name)
	}
	pass, err := keys.Pass(contract.PassAudience(lease.Namespace, lease.Name, tenant.Name), time.Now())
	if err != nil {
		return nil, fmt.Errorf("asking pod %s: %w", lease.Name, err)
	}
	return g.Fetch(ctx, address, tenant.Name, pass)
}

// signingKeys reads the keys of a server, with which passes are signed; none when there are none.
func (g *Gatherer) signingKeys(ctx context.Context, server usage.Server) (signingkey.Set, error) {
	secret := &corev1.Secret{}
	name := contract.SigningName(server.Service())
	err := g.Live.Get(ctx, client.ObjectKey{Namespace: server.Namespace, Name: name}, secret)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the Secret %s with the keys by which pods know the operator: %w", name, err)
	}
	return operand.SigningKeys(secret), nil
}

// errTooMany says that a pod is left out.
var errTooMany = errors.New("there are too many pods")

// gathered is what pods have answered so far.
type gathered struct {
	mu     sync.Mutex
	answer contract.RequestLog
	size   int
}

func (g *gathered) add(pod string, records []requestlog.Record, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := sizeOf(records)
	if err != nil || g.size+size > mostGathered {
		g.answer.SilentPods = append(g.answer.SilentPods, pod)
		return
	}
	g.size += size
	g.answer.Pods = append(g.answer.Pods, pod)
	for i := range records {
		records[i].Pod = pod
	}
	g.answer.Requests = append(g.answer.Requests, records...)
}

// sizeOf is about how many bytes records take in memory.
func sizeOf(records []requestlog.Record) (size int) {
	for i := range records {
		r := &records[i]
		size += recordBytes + len(r.RequestID) + len(r.KeyID) + len(r.Method) + len(r.Operation) + len(r.Resource) +
			len(r.ID) + len(r.ScimType) + len(r.Reason) + len(r.Hint) + len(r.Detail) + len(r.Pod)
	}
	return size
}

// log is all of it, in order.
func (g *gathered) log() contract.RequestLog {
	slices.Sort(g.answer.Pods)
	slices.Sort(g.answer.SilentPods)
	requestlog.Sort(g.answer.Requests)
	return g.answer
}
