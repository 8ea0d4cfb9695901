package scimtenant

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/moving"
)

// A tenant whose traffic is led to its new server is waited for while clients call the former one all
// the same, and be it for ever. Who they are, only the pods that they call know.

const (
	// callersAfter is for how many times IdleBeforeOff the traffic must have been led elsewhere before they
	// are named: most moves are over by then.
	callersAfter = 2
	// callersInterval is how often what is said of them changes at the most.
	callersInterval = time.Minute
	// adviceAfter is for how long they must have been waited for until somebody has to do something.
	adviceAfter = 10 * time.Minute
	// namedCallers bounds how many pods a message names.
	namedCallers = 3
)

// gatherCallers finds who keeps a move waiting, by what those pods of the former server have answered that
// were asked.
func (r *Reconciler) gatherCallers(
	ctx context.Context, s *scope, situation *moving.Situation, pods []coordinationv1.Lease, answers map[string]contract.ServerUsage,
) error {
	wait, _ := moving.Waits(s.listed, situation.Goal())
	if wait != moving.WaitIdle || situation.Led < callersAfter*r.IdleBeforeOff || !slices.Equal(s.next, s.listed) {
		return nil
	}
	keys, err := r.keysOf(ctx, s.tenant)
	if err != nil {
		return err
	}
	callers := r.traffic.stated(s.tenant.UID, callersIn(s.tenant.Name, pods, answers, keys, r.IdleBeforeOff), time.Now())
	s.callers = advised(callers, situation.Led, urlOf(s))
	return nil
}

// advised adds to who the callers are what to do about them, once they have been waited for long.
func advised(callers string, waited time.Duration, url string) string {
	if callers == "" || waited < adviceAfter {
		return callers
	}
	return fmt.Sprintf("%s: have whoever has that key call %s, or suspend the key (its spec.state); "+
		"the logs of these pods say at which hosts and from where they are called", callers, url)
}

// callersIn says which pods still get requests to a tenant, and which of the tenant's keys the last of these
// came with. It is empty when no pod says that it gets any.
func callersIn(
	tenant string, pods []coordinationv1.Lease, answers map[string]contract.ServerUsage, keys []scimv1alpha1.ScimApiKey, idleBeforeOff time.Duration,
) string {
	var all []string
	for i := range pods {
		pod := pods[i].Name
		answer, answered := answers[pod]
		said := answer.Tenants[tenant]
		key := keyOf(said.LastKeyID, keys)
		switch idle := time.Duration(ptr.Deref(said.IdleSeconds, 0)) * time.Second; {
		case !answered:
			all = append(all, fmt.Sprintf("pod %s does not answer the operator at port %d", pod, contract.PortHealth))
		case idle >= idleBeforeOff:
		case key != "":
			all = append(all, fmt.Sprintf("pod %s still gets some, the last with ScimApiKey %q", pod, key))
		default:
			all = append(all, fmt.Sprintf("pod %s still gets some", pod))
		}
	}
	if more := len(all) - namedCallers; more > 0 {
		all = append(all[:namedCallers], fmt.Sprintf("and so on for %d more", more))
	}
	return strings.Join(all, ", ")
}

// keyOf returns the name of the key of which one has the id that requests have; "" when there is none.
func keyOf(id string, keys []scimv1alpha1.ScimApiKey) string {
	at := slices.IndexFunc(keys, func(key scimv1alpha1.ScimApiKey) bool {
		return id != "" && (key.Status.KeyID == id || slices.ContainsFunc(key.Status.Credentials,
			func(credential scimv1alpha1.APIKeyCredential) bool { return credential.KeyID == id }))
	})
	if at < 0 {
		return ""
	}
	return keys[at].Name
}
