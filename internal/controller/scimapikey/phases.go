package scimapikey

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/apply"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// recognizeDelivery finds a delivery that a crash kept from being recorded: the
// hand-over Secret of this very key is there, with a token in it.
func (r *Reconciler) recognizeDelivery(_ context.Context, s *scope) error {
	if s.delivered() {
		return nil
	}
	if v, ok := s.handedOver(); ok {
		s.markDelivered(v.KeyID, s.handover.CreationTimestamp)
		r.minted.forget(s.key.UID)
	}
	return nil
}

// provideToken makes sure that the key has a verifier: it mints a token for a
// new key, and restores a lost verifier from the hand-over Secret.
func (r *Reconciler) provideToken(_ context.Context, s *scope) error {
	if s.expired() {
		r.minted.forget(s.key.UID)
		return nil
	}
	if s.problem = obstacle(s); s.problem != nil {
		return nil
	}
	if s.delivered() {
		// The list and the minted tokens were read before the delivery was
		// recognized, which may have changed the id.
		delete(s.known, s.key.UID)
		recordIn(s.siblings, s.key)
		if _, ok := operand.VerifierIn(s.verifiersData(), s.key.Status.KeyID); ok {
			return nil
		}
		v, ok := s.handedOver()
		if !ok || v.KeyID != s.key.Status.KeyID {
			s.problem = lost(s.key)
			return nil
		}
		s.known[s.key.UID] = v
		return nil
	}
	if s.tenant == nil || !s.tenant.DeletionTimestamp.IsZero() {
		return nil
	}
	token, v, err := r.minted.provide(s.key.UID)
	if err != nil {
		return err
	}
	s.token, s.known[s.key.UID] = token, v
	s.key.Status.KeyID = v.KeyID
	return nil
}

// writeVerifiers makes the verifiers Secret hold what it should for all keys of
// the tenant. Nothing is written when it does so already.
func (r *Reconciler) writeVerifiers(ctx context.Context, s *scope) error {
	if !s.verifiersAreOurs() {
		return nil
	}
	tenant := s.key.Spec.TenantRef.Name
	data, err := operand.Verifiers(s.siblings, s.verifiersData(), s.known, s.now)
	if err != nil {
		return err
	}
	wanted := operand.VerifiersSecret(s.key.Namespace, tenant, s.siblings, data)
	switch {
	case s.verifiers == nil && len(data) == 0:
		return nil
	case s.verifiers == nil:
		err = r.Live.Create(ctx, wanted, apply.FieldManager)
		if apierrors.IsAlreadyExists(err) {
			return apierrors.NewConflict(corev1.Resource("secrets"), wanted.Name, err)
		}
	default:
		if wanted = amend(s.verifiers, wanted); wanted == nil {
			return nil
		}
		if ptr.Deref(wanted.Immutable, false) {
			s.problem = immutable(wanted)
			return nil
		}
		err = r.Live.Update(ctx, wanted, apply.FieldManager)
	}
	if err != nil {
		return fmt.Errorf("writing Secret %s: %w", wanted.Name, err)
	}
	s.verifiers = wanted
	return r.gatherReplicas(ctx, s)
}

// amend returns existing with the labels, owners and data of wanted; nil if it
// has them already. An update of it fails if the Secret has changed meanwhile.
func amend(existing, wanted *corev1.Secret) *corev1.Secret {
	amended := existing.DeepCopy()
	if amended.Labels == nil {
		amended.Labels = map[string]string{}
	}
	maps.Copy(amended.Labels, wanted.Labels)
	amended.OwnerReferences = wanted.OwnerReferences
	amended.Data = wanted.Data
	if equality.Semantic.DeepEqual(existing, amended) {
		return nil
	}
	return amended
}

// handOver writes the hand-over Secret once every live replica accepts the token.
func (r *Reconciler) handOver(ctx context.Context, s *scope) error {
	if s.token == "" || s.problem != nil || waitsFor(s) != "" {
		return nil
	}
	secret := operand.HandoverSecret(s.key, s.token, s.url())
	if err := r.Live.Create(ctx, secret, apply.FieldManager); err != nil {
		if apierrors.IsAlreadyExists(err) {
			return apierrors.NewConflict(corev1.Resource("secrets"), secret.Name, err)
		}
		return fmt.Errorf("writing Secret %s: %w", secret.Name, err)
	}
	s.handover = secret
	s.markDelivered(s.key.Status.KeyID, metav1.NewTime(s.now))
	r.minted.forget(s.key.UID)
	r.recordDelivered(s.key)
	return nil
}

// followURL keeps the URL in the hand-over Secret right, if the Secret is there. While
// the tenant has none, it is empty: whoever is told of a host that belongs to somebody
// else by then sends the token there.
func (r *Reconciler) followURL(ctx context.Context, s *scope) error {
	url := s.url()
	if _, ok := s.handedOver(); !ok || !s.urlKnown() || string(s.handover.Data[operand.HandoverURL]) == url {
		return nil
	}
	if ptr.Deref(s.handover.Immutable, false) {
		return nil
	}
	secret := s.handover.DeepCopy()
	secret.Data[operand.HandoverURL] = []byte(url)
	if err := r.Live.Update(ctx, secret, apply.FieldManager); err != nil {
		return fmt.Errorf("writing the URL into Secret %s: %w", secret.Name, err)
	}
	return nil
}

// waitsFor says what a token that is to be handed over still waits for; nothing
// when it may be handed over now.
func waitsFor(s *scope) string {
	accepting, live := contract.Accepting(s.replicas, s.verifiersVersion()), len(s.replicas)
	switch {
	case s.recorded() != s.key.Status.KeyID:
		return "the token has been made and is being recorded"
	case live == 0:
		return fmt.Sprintf("waiting for a server replica of ScimTenant %q to run", s.key.Spec.TenantRef.Name) + tenantStalled(s)
	case accepting < live:
		return fmt.Sprintf("%d of %d server replicas accept the token", accepting, live) + tenantStalled(s)
	case s.url() == "":
		return fmt.Sprintf("waiting until ScimTenant %q has a URL of its own: see its conditions", s.key.Spec.TenantRef.Name) + tenantStalled(s)
	default:
		return ""
	}
}

// tenantStalled says that the tenant goes no further until somebody acts; nothing when it does.
func tenantStalled(s *scope) string {
	if s.tenant == nil {
		return ""
	}
	stalled := meta.FindStatusCondition(s.tenant.Status.Conditions, scimv1alpha1.ConditionStalled)
	if stalled == nil || stalled.Status != metav1.ConditionTrue {
		return ""
	}
	return fmt.Sprintf("; the tenant is Stalled until somebody acts (%s): %s", stalled.Reason, stalled.Message)
}

// obstacle finds Secrets of others that are in the way.
func obstacle(s *scope) *problem {
	if !s.verifiersAreOurs() {
		return conflict(fmt.Sprintf("Secret %q exists already and does not hold the verifiers of ScimTenant %q: delete or rename it",
			s.verifiers.Name, s.key.Spec.TenantRef.Name))
	}
	if s.delivered() || s.handover == nil {
		return nil
	}
	if operand.IsLeftoverOf(s.handover, s.key) {
		return &problem{
			reason:  scimv1alpha1.ReasonProgressing,
			message: fmt.Sprintf("waiting until Secret %q of the earlier key of this name is gone", s.handover.Name),
			passing: true,
		}
	}
	return conflict(fmt.Sprintf("Secret %q exists already and was not made for this key: delete or rename it, "+
		"or create another ScimApiKey with another spec.secretName", s.handover.Name))
}

func conflict(message string) *problem {
	return &problem{reason: scimv1alpha1.ReasonObjectConflict, message: message}
}

// immutable is the problem of hashes that cannot be written: nobody, the operator
// included, can change such a Secret, and whoever only deletes it loses the hashes.
func immutable(secret *corev1.Secret) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonObjectInvalid,
		message: fmt.Sprintf("Secret %q is immutable, and has to be changed: replace it by one with the same content that is not; "+
			"save it with kubectl get secret %s -n %s -o yaml, take out immutable: true, and give the file to kubectl replace --force -f",
			secret.Name, secret.Name, secret.Namespace),
	}
}

// lost is the problem of a key whose hash is gone, and whose token nobody can
// tell the operator.
func lost(key *scimv1alpha1.ScimApiKey) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonVerifierLost,
		message: fmt.Sprintf("the server no longer knows this token, since its entry in Secret %q was removed: "+
			"create another ScimApiKey and delete this one", contract.VerifiersName(key.Spec.TenantRef.Name)),
	}
}

// recordIn replaces a key in a list by its newer state.
func recordIn(keys []scimv1alpha1.ScimApiKey, key *scimv1alpha1.ScimApiKey) {
	for i := range keys {
		if keys[i].UID == key.UID {
			keys[i] = *key
		}
	}
}
