package scimapikey

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/operand"
)

// rewrite gives the hand-over Secret of the key another token. It fails if the Secret has
// changed meanwhile.
func (r *Reconciler) rewrite(ctx context.Context, s *scope) error {
	secret := operand.RewrittenHandover(s.handover, s.key, s.issued.plaintext, s.url())
	if err := r.Live.Update(ctx, secret, apply.FieldManager); err != nil {
		return fmt.Errorf("writing another token into Secret %s: %w", secret.Name, err)
	}
	return nil
}

// shorten lets a credential end at the time that was decided on. It fails if the credential
// has changed meanwhile.
func (r *Reconciler) shorten(ctx context.Context, s *scope) error {
	credential := s.decision.credential.DeepCopy()
	credential.Spec.ExpirationTime = metav1.NewTime(s.decision.until.UTC().Truncate(time.Second))
	if err := r.Live.Update(ctx, credential, apply.FieldManager); err != nil {
		return fmt.Errorf("setting the end of credential %s: %w", credential.Name, err)
	}
	return nil
}

// retire deletes a credential that has been superseded and has ended.
func (r *Reconciler) retire(ctx context.Context, s *scope) error {
	if err := r.deleteCredential(ctx, s.decision.credential); err != nil {
		return err
	}
	r.recordRevoked(s.key, []scimv1alpha1.ScimCredential{*s.decision.credential})
	return nil
}

// withdraw deletes the hand-over Secret, unless it has changed since it was read, and says
// why.
func (r *Reconciler) withdraw(ctx context.Context, s *scope) error {
	err := r.Live.Delete(ctx, s.handover, client.Preconditions(metav1.Preconditions{
		UID: ptr.To(s.handover.UID), ResourceVersion: ptr.To(s.handover.ResourceVersion),
	}))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting Secret %s, which has been read or is over: %w", s.handover.Name, err)
	}
	token, _ := s.handedOver()
	state := scimv1alpha1.DeliveryExpired
	if acknowledged(s.key, token.KeyID) {
		state = scimv1alpha1.DeliveryAcknowledged
	}
	s.key.Status.Delivery = stateSince(state, token.KeyID, s.now)
	r.recordWithdrawn(s.key, state)
	return nil
}

// forget takes the annotation away that acknowledges a delivery.
func (r *Reconciler) forget(ctx context.Context, s *scope) error {
	return s.pass.RemoveAnnotation(ctx, scimv1alpha1.AnnotationDeliveryAcknowledged)
}
