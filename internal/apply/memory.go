package apply

import (
	"encoding/json"
	"hash/maphash"

	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// applied is what an Applier remembers of one object.
type applied struct {
	// state is the hash of the object after the apply, and intent that of what
	// was applied. As long as neither changes, applying again changes nothing.
	state, intent uint64
	// version is the resourceVersion after the apply.
	version string
}

var seed = maphash.MakeSeed()

func (a *Applier) remember(id identity, obj client.Object, intent uint64) {
	if state, err := stateOf(obj); err == nil {
		a.applied.Add(id, applied{state: state, intent: intent, version: obj.GetResourceVersion()})
	}
}

func (a *Applier) isApplied(id identity, obj client.Object, intent uint64) bool {
	last, ok := a.lastOf(id)
	if !ok || last.intent != intent {
		return false
	}
	state, err := stateOf(obj)
	return err == nil && last.state == state
}

// lastOf returns what is remembered of an object.
func (a *Applier) lastOf(id identity) (last applied, ok bool) {
	value, ok := a.applied.Get(id)
	if !ok {
		return applied{}, false
	}
	last, ok = value.(applied)
	return last, ok
}

// stateOf hashes all of an object that an apply could change. The status, the
// record of managers and the version say nothing about that, and change often.
func stateOf(obj client.Object) (uint64, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return 0, err
	}
	delete(content, "status")
	delete(content, "kind")
	delete(content, "apiVersion")
	if metadata, ok := content["metadata"].(map[string]any); ok {
		delete(metadata, "managedFields")
		delete(metadata, "resourceVersion")
		delete(metadata, "generation")
	}
	return hashOf(content)
}

// hashOf hashes a value by its JSON, in which the keys of maps are sorted.
func hashOf(value any) (uint64, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return 0, err
	}
	return maphash.Bytes(seed, text), nil
}
