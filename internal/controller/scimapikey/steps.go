package scimapikey

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

// perform does the step that was decided on.
func (r *Reconciler) perform(ctx context.Context, s *scope) error {
	switch s.decision.step {
	case stepIssue:
		return r.issue(ctx, s)
	case stepHandOver:
		return r.handOver(ctx, s)
	case stepConfirm:
		return r.confirm(ctx, s)
	case stepDiscard:
		return r.discard(ctx, s)
	case stepRestore:
		return r.restore(ctx, s)
	case stepFollowURL:
		return r.followURL(ctx, s)
	case stepShorten:
		return r.shorten(ctx, s)
	case stepRetire:
		return r.retire(ctx, s)
	case stepWithdraw:
		return r.withdraw(ctx, s)
	case stepForget:
		return r.forget(ctx, s)
	case stepRevoke:
		return r.revoke(ctx, s)
	case stepRemove:
		return r.remove(ctx, s)
	case stepRelease:
		return r.release(ctx, s)
	case stepWriteVerifiers:
		return r.writeVerifiers(ctx, s)
	case stepNone:
	}
	return nil
}

// issue makes a token, and lets the servers know its hash. A key id that exists already,
// by a chance of one to 2^80, is not used.
func (r *Reconciler) issue(ctx context.Context, s *scope) error {
	issued, err := r.issued.issue(s.key.UID)
	if err != nil {
		return err
	}
	credential := operand.Credential(issued.verifier, s.key, s.now)
	credential.Annotations = map[string]string{scimv1alpha1.AnnotationUndelivered: "true"}
	if before := supersede(s); before != "" {
		credential.Annotations[scimv1alpha1.AnnotationSupersedes] = before
	}
	if s.maxLifetime > 0 {
		credential.Spec.ExpirationTime = metav1.NewTime(credential.Spec.IssueTime.Add(s.maxLifetime))
	}
	err = r.Live.Create(ctx, credential, apply.FieldManager)
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("creating the credential of a new token: %w", err)
	}
	return nil
}

// handOver writes the hand-over Secret, or writes another token into it.
func (r *Reconciler) handOver(ctx context.Context, s *scope) error {
	if s.handover != nil {
		return r.rewrite(ctx, s)
	}
	secret := operand.HandoverSecret(s.key, s.issued.plaintext, s.url())
	if err := r.Live.Create(ctx, secret, apply.FieldManager); err != nil {
		if apierrors.IsAlreadyExists(err) {
			return apierrors.NewConflict(corev1.Resource("secrets"), secret.Name, err)
		}
		return fmt.Errorf("writing Secret %s: %w", secret.Name, err)
	}
	return nil
}

// confirm takes the annotation from a credential whose token is handed over. It fails if
// the credential has changed meanwhile.
func (r *Reconciler) confirm(ctx context.Context, s *scope) error {
	credential := s.decision.credential.DeepCopy()
	delete(credential.Annotations, scimv1alpha1.AnnotationUndelivered)
	if err := r.Live.Update(ctx, credential, apply.FieldManager); err != nil {
		return fmt.Errorf("recording that the token of credential %s is handed over: %w", credential.Name, err)
	}
	r.issued.forget(s.key.UID)
	r.recordDelivered(s.key, credential.Name)
	return nil
}

// discard deletes a credential that lets nobody in. It fails if the credential has changed
// meanwhile: somebody may have taken it over.
func (r *Reconciler) discard(ctx context.Context, s *scope) error {
	r.issued.forget(s.key.UID)
	return r.deleteCredential(ctx, s.decision.credential)
}

// restore creates the credential of a token that was handed over once more.
func (r *Reconciler) restore(ctx context.Context, s *scope) error {
	credential := s.decision.credential
	err := r.Live.Create(ctx, credential, apply.FieldManager)
	if apierrors.IsAlreadyExists(err) {
		s.taken = credential.Name
		return nil
	}
	if err != nil {
		return fmt.Errorf("restoring credential %s: %w", credential.Name, err)
	}
	return nil
}

// followURL keeps the URL in the hand-over Secret right.
func (r *Reconciler) followURL(ctx context.Context, s *scope) error {
	secret := operand.HandoverAt(s.handover, s.key, s.url())
	if err := r.Live.Update(ctx, secret, apply.FieldManager); err != nil {
		return fmt.Errorf("writing the URL into Secret %s: %w", secret.Name, err)
	}
	return nil
}

// revoke brings the expirationTime of the credentials forward.
func (r *Reconciler) revoke(ctx context.Context, s *scope) error {
	r.issued.forget(s.key.UID)
	for i := range s.credentials {
		credential := s.credentials[i].DeepCopy()
		revoked, at := revocation(credential, s.now)
		if revoked {
			continue
		}
		credential.Spec.ExpirationTime = at
		err := r.Live.Update(ctx, credential, apply.FieldManager)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("revoking credential %s: %w", credential.Name, err)
		}
	}
	return nil
}

// remove deletes the credentials, which no replica accepts any more.
func (r *Reconciler) remove(ctx context.Context, s *scope) error {
	for i := range s.credentials {
		if err := r.deleteCredential(ctx, &s.credentials[i]); err != nil {
			return err
		}
	}
	r.recordRevoked(s.key, s.credentials)
	return nil
}

// release lets the key go, and forgets its token.
func (r *Reconciler) release(ctx context.Context, s *scope) error {
	if err := s.pass.Release(ctx); err != nil {
		return err
	}
	r.issued.forget(s.key.UID)
	return nil
}

// deleteCredential deletes a credential, unless it has changed since it was read.
func (r *Reconciler) deleteCredential(ctx context.Context, credential *scimv1alpha1.ScimCredential) error {
	err := r.Live.Delete(ctx, credential, client.Preconditions(metav1.Preconditions{
		UID: ptr.To(credential.UID), ResourceVersion: ptr.To(credential.ResourceVersion),
	}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting credential %s: %w", credential.Name, err)
	}
	return nil
}
