// Package apply writes the objects of a tenant or a server with server-side apply: nothing
// is sent when nothing would change, and nothing is taken from anybody else.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/lru"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/kubescim/kubescim/internal/operand"
)

// FieldManager is the name under which the operator owns fields.
const FieldManager = client.FieldOwner("kubescim-operator")

// remembered bounds how many objects an Applier remembers having applied. Each
// takes some hundred bytes, and a tenant has seven objects.
const remembered = 1 << 15

// Intent is an apply configuration of client-go: an object with only those
// fields that the operator wants to own.
type Intent interface {
	runtime.ApplyConfiguration
	GetName() *string
	GetNamespace() *string
	GetKind() *string
	GetAPIVersion() *string
}

// Applier applies intents.
type Applier struct {
	// cached reads through informers that hold the operator's own objects only.
	cached client.Client
	// live asks the API server, and sees everybody's objects.
	live client.Reader
	// applied remembers, for each object, its state after the last apply and
	// what was applied then.
	applied *lru.Cache
	// rewrites bounds, for each object, how often it is put right.
	rewrites *lru.Cache
	now      func() time.Time
}

// New returns an Applier that reads and writes with cached, and asks live
// before it makes an object which cached does not know.
func New(cached client.Client, live client.Reader) *Applier {
	return &Applier{
		cached: cached, live: live, now: time.Now,
		applied: lru.New(remembered), rewrites: lru.New(remembered),
	}
}

// Apply makes the object be as intended, and returns it. When it is so already,
// no request is sent. An object that exists and is not the owner's is left
// alone: the error is a ConflictError then, or a LeftoverError if it is about
// to go by itself. One that the API server refuses as invalid is an InvalidError. One
// that somebody else changes as often as it is put right is returned as it is, with a
// ContestedError.
func (a *Applier) Apply(ctx context.Context, owner operand.Owner, intent Intent) (client.Object, error) {
	id, err := identify(intent)
	if err != nil {
		return nil, err
	}
	wanted, err := hashOf(intent)
	if err != nil {
		return nil, err
	}
	existing, err := a.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if existing != nil {
		if err := mayWrite(owner, id, existing); err != nil {
			return nil, err
		}
		if a.isApplied(id, existing, wanted) {
			return existing, nil
		}
	}
	if err := a.mayRewrite(id, wanted); err != nil {
		return existing, err
	}
	return a.send(ctx, id, intent, wanted, existing)
}

// IsApplied reports whether the object is as intended, so that Apply would send
// nothing.
func (a *Applier) IsApplied(ctx context.Context, owner operand.Owner, intent Intent) (bool, error) {
	id, err := identify(intent)
	if err != nil {
		return false, err
	}
	wanted, err := hashOf(intent)
	if err != nil {
		return false, err
	}
	existing, err := a.newObject(id.gvk)
	if err != nil {
		return false, err
	}
	if err := a.cached.Get(ctx, id.key, existing); err != nil {
		return false, client.IgnoreNotFound(err)
	}
	return mayWrite(owner, id, existing) == nil && a.isApplied(id, existing, wanted), nil
}

// Delete deletes an object of the owner. One that is not there, or is not the
// owner's, is left alone without an error.
func (a *Applier) Delete(ctx context.Context, owner operand.Owner, obj client.Object) error {
	err := a.cached.Get(ctx, client.ObjectKeyFromObject(obj), obj)
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", obj.GetName(), err)
	}
	if !obj.GetDeletionTimestamp().IsZero() || !owner.Made(obj) {
		return nil
	}
	uid := obj.GetUID()
	err = a.cached.Delete(ctx, obj,
		client.Preconditions{UID: &uid},
		client.PropagationPolicy(metav1.DeletePropagationBackground))
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("deleting %s: %w", obj.GetName(), err)
	}
	return nil
}

// find returns the object as it is; nil when there is none. Only the live
// reader knows whether somebody else's object has the name.
func (a *Applier) find(ctx context.Context, id identity) (client.Object, error) {
	for _, reader := range []client.Reader{a.cached, a.live} {
		obj, err := a.newObject(id.gvk)
		if err != nil {
			return nil, err
		}
		err = reader.Get(ctx, id.key, obj)
		if err == nil {
			return obj, nil
		}
		if !apierrors.IsNotFound(err) {
			return nil, fmt.Errorf("reading %s: %w", id, err)
		}
	}
	return nil, nil
}

func (a *Applier) send(
	ctx context.Context, id identity, intent Intent, wanted uint64, before client.Object,
) (client.Object, error) {
	content, err := toMap(intent)
	if err != nil {
		return nil, err
	}
	result := &unstructured.Unstructured{Object: content}
	err = a.cached.Apply(ctx, client.ApplyConfigurationFromUnstructured(result), FieldManager, client.ForceOwnership)
	if apierrors.IsInvalid(err) {
		return nil, &InvalidError{Kind: id.gvk.Kind, Name: id.key.Name, Err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("applying %s: %w", id, err)
	}
	obj, err := a.newObject(id.gvk)
	if err != nil {
		return nil, err
	}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(result.Object, obj); err != nil {
		return nil, fmt.Errorf("reading the answer about %s: %w", id, err)
	}
	a.countRewrite(id, before, obj, wanted)
	a.remember(id, obj, wanted)
	return obj, nil
}

func (a *Applier) newObject(gvk schema.GroupVersionKind) (client.Object, error) {
	obj, err := a.cached.Scheme().New(gvk)
	if err != nil {
		return nil, err
	}
	typed, ok := obj.(client.Object)
	if !ok {
		return nil, fmt.Errorf("%s is not an object with metadata", gvk)
	}
	return typed, nil
}

// identity says which object an intent is about.
type identity struct {
	gvk schema.GroupVersionKind
	key client.ObjectKey
}

func (i identity) String() string { return i.gvk.Kind + " " + i.key.Name }

func identify(intent Intent) (identity, error) {
	kind, version, name := intent.GetKind(), intent.GetAPIVersion(), intent.GetName()
	if kind == nil || version == nil || name == nil {
		return identity{}, fmt.Errorf("%T needs a kind, a version and a name", intent)
	}
	return identity{
		gvk: schema.FromAPIVersionAndKind(*version, *kind),
		key: client.ObjectKey{Namespace: ptr.Deref(intent.GetNamespace(), ""), Name: *name}, // Some kinds are in no namespace.
	}, nil
}

func toMap(intent Intent) (map[string]any, error) {
	text, err := json.Marshal(intent)
	if err != nil {
		return nil, err
	}
	content := map[string]any{}
	return content, json.Unmarshal(text, &content)
}
