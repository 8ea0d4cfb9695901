package running

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// A tenant that is moved has access tokens of two servers for a while. Each of the two checks
// them with the public keys of the other one, which the operator writes beside its own.
//
// It may have access tokens of servers that it was at before, too. The keys of these go along before
// a move begins, from the server with the tenant to the target and never the other way: what was
// deleted at the former, since it has leaked, does not come back there. Keys of the target itself
// that are Unused do not go along: the target may have dropped them meanwhile, for the same reason.
const (
	// verifyingFor is for how long such a key is written: it ends by itself, whatever becomes of
	// the move, and is written anew while this goes on.
	verifyingFor = 2 * signingkey.TokenLifetime
	// verifyingLeast is for how long it must be good from now on: as long as an access token that
	// is signed now.
	verifyingLeast = signingkey.TokenLifetime + 2*signingkey.Leeway
)

// ExchangeKeys has the server with the traffic of a tenant and a second one check access tokens of
// the tenant with the keys of each other. Unless both serve the tenant, the second one is about to,
// and gets the keys of servers that the tenant was at before, too. It returns the ids of the keys of
// the first one that the second must know by then, and the other way round. A server that has no
// keys, as one that is gone, is left out.
func (k *Keeper) ExchangeKeys(
	ctx context.Context, tenant string, first, second operand.Server, bothServe bool,
) (ofFirst, ofSecond []string, err error) {
	one, _, err := k.readSigning(ctx, first)
	if err != nil {
		return nil, nil, err
	}
	other, _, err := k.readSigning(ctx, second)
	if err != nil || one == nil || other == nil {
		return nil, nil, err
	}
	now := time.Now()
	toSecond, toFirst := ownKeys(one, tenant, true, now), ownKeys(other, tenant, bothServe, now)
	if !bothServe {
		toSecond = append(toSecond, formerKeys(one, tenant, now)...)
	}
	err = errors.Join(k.addVerifying(ctx, one, toFirst, now), k.addVerifying(ctx, other, toSecond, now))
	return idsOf(toSecond), idsOf(toFirst), err
}

// ownKeys returns the keys that a server with a Secret signs access tokens with, for those of a tenant
// that it serves, or is about to.
func ownKeys(secret *corev1.Secret, tenant string, serves bool, now time.Time) signingkey.VerifyingSet {
	keys := operand.SigningKeys(secret).Verifying(tenant, now.Add(verifyingFor))
	for i := range keys {
		keys[i].Unused = !serves
	}
	return keys
}

// formerKeys returns the keys of servers that a tenant was at before it came to the one with a Secret.
func formerKeys(secret *corev1.Secret, tenant string, now time.Time) signingkey.VerifyingSet {
	return slices.DeleteFunc(current(operand.VerifyingKeys(secret).For(tenant), now),
		func(key signingkey.VerifyingKey) bool { return key.Unused })
}

// current returns the keys that have not ended.
func current(keys signingkey.VerifyingSet, now time.Time) signingkey.VerifyingSet {
	return slices.DeleteFunc(slices.Clone(keys), func(key signingkey.VerifyingKey) bool { return !now.Before(key.Ends) })
}

// otherKeys returns the keys of other servers in a Secret, which is nil when it is not there, without
// those that have ended, and whether there are any of these.
func otherKeys(secret *corev1.Secret, now time.Time) (keys signingkey.VerifyingSet, ended bool) {
	if secret == nil {
		return nil, false
	}
	all := operand.VerifyingKeys(secret)
	keys = current(all, now)
	return keys, len(keys) < len(all)
}

func idsOf(keys signingkey.VerifyingSet) (ids []string) {
	for _, key := range keys {
		ids = append(ids, key.ID)
	}
	return ids
}

// addVerifying writes keys of another server into a Secret, unless they are there for long enough.
// The server's own keys need not be there twice.
func (k *Keeper) addVerifying(ctx context.Context, secret *corev1.Secret, keys signingkey.VerifyingSet, now time.Time) error {
	own := operand.SigningKeys(secret)
	keys = slices.DeleteFunc(slices.Clone(keys), func(key signingkey.VerifyingKey) bool {
		return slices.ContainsFunc(own, func(o signingkey.Key) bool { return o.ID == key.ID })
	})
	before := secret.DeepCopy()
	err := operand.SetVerifyingKeys(secret, merged(current(operand.VerifyingKeys(secret), now), keys, now))
	if errors.Is(err, operand.ErrTooManyKeys) { // until others have ended, the pods do not know these, and the move waits
		log.FromContext(ctx).Info("A tenant that has access tokens is not moved yet", "secret", secret.Name, "because", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	if maps.EqualFunc(before.Data, secret.Data, bytes.Equal) {
		return nil
	}
	if err := k.Live.Update(ctx, secret, apply.FieldManager); err != nil { // with its resourceVersion
		return fmt.Errorf("writing the keys of another server into Secret %s: %w", secret.Name, err)
	}
	return nil
}

// merged adds keys to those that are there. One that is there and good for long enough stays as it
// is, so that nothing is written, until it is used. One that was used once stays so.
func merged(there, keys signingkey.VerifyingSet, now time.Time) signingkey.VerifyingSet {
	for _, key := range keys {
		at := slices.IndexFunc(there, func(t signingkey.VerifyingKey) bool { return t.ID == key.ID && t.Tenant == key.Tenant })
		switch {
		case at < 0:
			there = append(there, key)
		case there[at].Ends.Before(now.Add(verifyingLeast)) && there[at].Ends.Before(key.Ends):
			key.Unused = key.Unused && there[at].Unused
			there[at] = key
		case there[at].Unused:
			there[at].Unused = key.Unused
		}
	}
	return there
}
