package scimapikey

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// inTheWay is the problem of a Secret that has the name of the hand-over Secret, and does
// not have the token that is to be handed over.
func inTheWay(s *scope) *problem {
	if !s.handover.DeletionTimestamp.IsZero() {
		return &problem{
			reason:  scimv1alpha1.ReasonProgressing,
			message: fmt.Sprintf("waiting until Secret %q is gone, which is being deleted: see its finalizers", s.handover.Name),
			passing: true,
		}
	}
	if operand.IsLeftoverOf(s.handover, s.key) {
		return &problem{
			reason:  scimv1alpha1.ReasonProgressing,
			message: fmt.Sprintf("waiting until Secret %q of the earlier key of this name is gone", s.handover.Name),
			passing: true,
		}
	}
	return &problem{
		reason: scimv1alpha1.ReasonObjectConflict,
		message: fmt.Sprintf("Secret %q exists already and has no %s of this key that works: delete or rename it, "+
			"or create another ScimApiKey with another spec.secretName", s.handover.Name, secretWord(s.key)),
	}
}

// waitingForCredential is the problem of a key whose token is made elsewhere.
func waitingForCredential(key *scimv1alpha1.ScimApiKey) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonWaitingForCredential,
		message: fmt.Sprintf("the operator makes no %s for this key, since its issuer is Offline: make one with "+
			"kubectl scim key generate, and apply the ScimCredential that it prints, which names ScimApiKey %q", secretWord(key), key.Name),
	}
}

// lost is the problem of a key whose token was handed over, whose ScimCredential is gone,
// and whose hash nobody can tell the operator.
func lost(key *scimv1alpha1.ScimApiKey) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonCredentialLost,
		message: fmt.Sprintf("the %s was handed over, and is refused, since its ScimCredential %q is gone: "+
			"create another ScimApiKey and delete this one", secretWord(key), key.Status.KeyID),
	}
}

// kept is the problem of a credential that the operator has deleted, and that does not go.
func kept(credential *scimv1alpha1.ScimCredential) *problem {
	return &problem{
		reason:  scimv1alpha1.ReasonProgressing,
		message: fmt.Sprintf("waiting until ScimCredential %q is gone: see its finalizers", credential.Name),
		passing: true,
	}
}

// tooEarly is the problem of a tenant that refuses what is made now.
func tooEarly(s *scope) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonCredentialsNotBefore,
		message: fmt.Sprintf("the %s is made at %s, since spec.credentialsNotBefore of ScimTenant %q refuses those that are made before",
			secretWord(s.key), s.tenant.Spec.CredentialsNotBefore.UTC().Format(time.RFC3339), s.tenant.Name),
		passing: true,
	}
}

// immutable is the problem of hashes that cannot be written for servers of the release
// before: nobody, the operator included, can change such a Secret, and whoever only deletes
// it loses the hashes. Servers of this release do not read it, whoever has made it.
func immutable(secret *corev1.Secret) *problem {
	return &problem{
		reason: scimv1alpha1.ReasonObjectInvalid,
		message: fmt.Sprintf("servers of the release before, if any still run, go by Secret %q, which is immutable and must be changed for them: "+
			"replace it by one with the same content that is not; "+
			"save it with kubectl get secret %s -n %s -o yaml, take out immutable: true, and give the file to kubectl replace --force -f",
			secret.Name, secret.Name, secret.Namespace),
	}
}
