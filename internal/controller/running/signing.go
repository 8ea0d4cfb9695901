package running

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// signingInterval is how soon to look again whether the signing keys are there. No watch
// tells, since to watch Secrets is to get them all. Whoever deletes the Secret, for one that
// has leaked, has other keys by then.
const signingInterval = 10 * time.Minute

// signings remembers when to look at the signing keys of a server, by its owner's UID, so that not
// every reconciliation reads a Secret.
type signings struct {
	mu    sync.Mutex
	again map[types.UID]time.Time
}

// wait returns how long it is until the keys of a server are to be looked at; 0 or less when
// it is time.
func (m *signings) wait(owner types.UID, now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.again[owner].Sub(now)
}

func (m *signings) set(owner types.UID, again time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.again == nil {
		m.again = map[types.UID]time.Time{}
	}
	m.again[owner] = again
}

func (m *signings) forget(owner types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.again, owner)
}

// Sign keeps the keys that the access tokens of the server's tenants are signed with. They
// are there from the beginning, before its first pod, so that an OAuth client gets tokens as
// soon as there is one.
func (k *Keeper) Sign(ctx context.Context, s *Server) error {
	now := time.Now()
	if s.signingAfter = k.signings.wait(s.Owner.UID, now); s.signingAfter > 0 {
		return nil
	}
	secret, occupied, err := k.readSigning(ctx, s.Server)
	if err != nil {
		return err
	}
	if occupied {
		s.signingProblem = &apply.ConflictError{Kind: "Secret", Name: s.SigningSecretName(), Owner: s.Owner}
		return nil
	}
	again, err := k.rotateSigning(ctx, s, secret, now)
	if err != nil {
		return err
	}
	if latest := now.Add(signingInterval); again.After(latest) {
		again = latest
	}
	k.signings.set(s.Owner.UID, again)
	s.signingAfter = max(again.Sub(now), time.Second)
	return nil
}

// readSigning reads the Secret with the keys of a server; nil when there is none of its own, since the
// name is occupied by one of somebody else, or not at all.
func (k *Keeper) readSigning(ctx context.Context, s operand.Server) (secret *corev1.Secret, occupied bool, err error) {
	secret = &corev1.Secret{}
	err = k.Live.Get(ctx, client.ObjectKey{Namespace: s.Namespace(), Name: s.SigningSecretName()}, secret)
	switch {
	case apierrors.IsNotFound(err):
		return nil, false, nil
	case err != nil:
		return nil, false, fmt.Errorf("reading the signing keys of %s: %w", s.Name, err)
	case !operand.IsSigningSecret(secret, s):
		return nil, true, nil
	default:
		return secret, false, nil
	}
}

// rotateSigning writes the Secret, which is nil when it is not there, if it is to change. It
// returns when to look again. Keys that pods have never seen sign nothing: when the write is
// lost, so are they.
func (k *Keeper) rotateSigning(ctx context.Context, s *Server, secret *corev1.Secret, now time.Time) (again time.Time, err error) {
	var present signingkey.Set
	if secret != nil {
		present = operand.SigningKeys(secret)
	}
	decision := signingkey.Decide(present, now)
	changes := decision.Changes(present)
	others, ended := otherKeys(secret, now)
	if !changes && !ended && !operand.OwnSigningSecret(secret, s.Server) {
		return decision.Again, nil
	}
	keys, err := decision.Rotate(now)
	if err != nil {
		return time.Time{}, err
	}
	data, err := keys.Marshal()
	if err != nil {
		return time.Time{}, err
	}
	wanted := operand.SigningSecret(s.Server, data)
	if err := operand.SetVerifyingKeys(wanted, others); err != nil {
		return time.Time{}, err
	}
	if secret == nil {
		err = k.Live.Create(ctx, wanted, apply.FieldManager)
	} else {
		secret.OwnerReferences, secret.Data = wanted.OwnerReferences, wanted.Data
		err = k.Live.Update(ctx, secret, apply.FieldManager) // with its resourceVersion
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("writing the signing keys into Secret %s: %w", wanted.Name, err)
	}
	if changes {
		log.FromContext(ctx).Info("The keys that access tokens are signed with have changed",
			"secret", wanted.Name, "keys", len(keys), "reason", string(decision.Add))
	}
	return decision.Again, nil
}
