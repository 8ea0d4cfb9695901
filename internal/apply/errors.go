package apply

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/operand"
)

// ConflictError says that an object which the operator has to write exists and
// belongs to somebody else. Somebody has to act; the message says what to do.
type ConflictError struct {
	Kind, Name string
	// Owner is the object of Kubescim that it would have to belong to.
	Owner operand.Owner
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("%s %q exists already and was not made for this %s: delete or rename it, "+
		"or use another name for %s %q", e.Kind, e.Name, e.Owner.Noun(), e.Owner.Kind, e.Owner.Name)
}

// LeftoverError says that an object is still there which belongs to a tenant or
// a server of the same name that is gone. It will be collected; nobody has to act.
type LeftoverError struct {
	Kind, Name string
	// Owner is what has the same name now.
	Owner operand.Owner
}

func (e *LeftoverError) Error() string {
	return fmt.Sprintf("waiting until %s %q of the earlier %s of this name is gone", e.Kind, e.Name, e.Owner.Noun())
}

// InvalidError says that the API server refuses an object as invalid, most often since the
// spec asks for what cannot be. Somebody has to act; the message says what to do.
type InvalidError struct {
	Kind, Name string
	Err        error
}

func (e *InvalidError) Error() string {
	return fmt.Sprintf("the API server refuses %s %q as invalid: correct in the spec what it names or, where it says that "+
		"a field cannot be changed, delete the object; a policy of the cluster has to allow it: %v", e.Kind, e.Name, e.Err)
}

// Unwrap returns the answer of the API server.
func (e *InvalidError) Unwrap() error { return e.Err }

// mayWrite returns nil if the object that exists may be written for the owner.
func mayWrite(owner operand.Owner, id identity, existing client.Object) error {
	if !owner.Made(existing) {
		return &ConflictError{Kind: id.gvk.Kind, Name: id.key.Name, Owner: owner}
	}
	controller := metav1.GetControllerOf(existing)
	switch {
	case controller == nil || controller.UID == owner.UID:
		return nil
	case controller.Kind == owner.Kind && controller.Name == owner.Name:
		return &LeftoverError{Kind: id.gvk.Kind, Name: id.key.Name, Owner: owner}
	default:
		return &ConflictError{Kind: id.gvk.Kind, Name: id.key.Name, Owner: owner}
	}
}

// ProblemOf sorts an error of Apply: what a retry may mend is returned as a failure, the
// rest as a problem.
func ProblemOf(err error) (problem, failure error) {
	var conflict *ConflictError
	if errors.As(err, &conflict) || IsLeftover(err) || IsContested(err) || IsInvalid(err) {
		return err, nil
	}
	return nil, err
}

// ReasonOf returns the reason of the condition that tells about a problem.
func ReasonOf(problem error) string {
	switch {
	case IsLeftover(problem):
		return scimv1alpha1.ReasonProgressing
	case IsContested(problem):
		return scimv1alpha1.ReasonObjectContested
	case IsInvalid(problem):
		return scimv1alpha1.ReasonObjectInvalid
	default:
		return scimv1alpha1.ReasonObjectConflict
	}
}

// IsContested reports whether an error is a ContestedError.
func IsContested(err error) bool {
	var contested *ContestedError
	return errors.As(err, &contested)
}

// IsInvalid reports whether an error is an InvalidError.
func IsInvalid(err error) bool {
	var invalid *InvalidError
	return errors.As(err, &invalid)
}

// IsLeftover reports whether an error is a LeftoverError.
func IsLeftover(err error) bool {
	var leftover *LeftoverError
	return errors.As(err, &leftover)
}
