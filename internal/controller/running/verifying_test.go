package running

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
	"github.com/kubescim/kubescim/internal/signingkey"
)

// secretWith returns the Secret of a server with one key of its own, and its id.
func secretWith(t *testing.T, now time.Time) (secret *corev1.Secret, id string) {
	t.Helper()
	key, err := signingkey.New(now, now)
	if err != nil {
		t.Fatal(err)
	}
	data, err := signingkey.Set{key}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return &corev1.Secret{Data: map[string][]byte{contract.SigningKeysFile: data}}, key.ID
}

// A key of another server is good for as long as an access token that is signed now, is written anew
// before that is no longer so, and ends by itself.
func TestKeysOfOtherServersEnd(t *testing.T) {
	begin := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	one, id := secretWith(t, begin)
	other, _ := secretWith(t, begin)
	write := func(now time.Time) (changed bool) {
		keys := merged(current(operand.VerifyingKeys(other), now), ownKeys(one, "acme", true, now), now)
		before := slices.Clone(other.Data[contract.VerifyingKeysFile])
		if err := operand.SetVerifyingKeys(other, keys); err != nil {
			t.Fatal(err)
		}
		return !slices.Equal(before, other.Data[contract.VerifyingKeysFile])
	}
	if !write(begin) || !slices.Equal(idsOf(operand.VerifyingKeys(other).For("acme")), []string{id}) {
		t.Errorf("the other server checks access tokens of acme with %v", operand.VerifyingKeys(other))
	}
	for after, want := range map[time.Duration]bool{time.Minute: false, verifyingFor - verifyingLeast: false, verifyingFor - verifyingLeast + time.Minute: true} {
		kept := slices.Clone(other.Data[contract.VerifyingKeysFile])
		if write(begin.Add(after)) != want {
			t.Errorf("after %v, it is written anew: %t", after, !want)
		}
		other.Data[contract.VerifyingKeysFile] = kept
	}
	if keys, ended := otherKeys(other, begin.Add(verifyingFor-time.Second)); ended || len(keys) != 1 {
		t.Error("it ends before its time")
	}
	if keys, ended := otherKeys(other, begin.Add(verifyingFor)); !ended || len(keys) != 0 {
		t.Error("it does not end")
	}
}
