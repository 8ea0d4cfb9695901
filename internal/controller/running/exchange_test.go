package running

import (
	"slices"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	scimv1alpha1 "github.com/kubescim/kubescim/api/v1alpha1"
	"github.com/kubescim/kubescim/internal/contract"
	"github.com/kubescim/kubescim/internal/operand"
)

// exchange is where servers of tenant acme exchange keys.
type exchange struct {
	*testing.T

	keeper *Keeper
}

func newExchange(t *testing.T) exchange {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	return exchange{T: t, keeper: &Keeper{Live: fake.NewClientBuilder().WithScheme(scheme).Build()}}
}

// move does what a move does with keys: before it begins, and while both servers serve the tenant.
func (e exchange) move(from, to operand.Server) {
	e.Helper()
	e.pass(from, to, false)
	e.pass(from, to, true)
	e.pass(to, from, true)
}

// pass exchanges the keys of the server with the traffic and another one.
func (e exchange) pass(first, second operand.Server, bothServe bool) {
	e.Helper()
	if _, _, err := e.keeper.ExchangeKeys(e.Context(), "acme", first, second, bothServe); err != nil {
		e.Fatal(err)
	}
}

// sign makes the Secret of a server anew, and returns the id of its key.
func (e exchange) sign(s operand.Server) (id string) {
	e.Helper()
	made, id := secretWith(e.T, time.Now())
	secret := operand.SigningSecret(s, made.Data[contract.SigningKeysFile])
	if err := client.IgnoreNotFound(e.keeper.Live.Delete(e.Context(), secret.DeepCopy())); err != nil {
		e.Fatal(err)
	}
	if err := e.keeper.Live.Create(e.Context(), secret); err != nil {
		e.Fatal(err)
	}
	return id
}

// clear takes the keys of other servers out of the Secret of one.
func (e exchange) clear(s operand.Server) {
	e.Helper()
	secret := e.secret(s)
	delete(secret.Data, contract.VerifyingKeysFile)
	if err := e.keeper.Live.Update(e.Context(), secret); err != nil {
		e.Fatal(err)
	}
}

func (e exchange) secret(s operand.Server) *corev1.Secret {
	e.Helper()
	secret, _, err := e.keeper.readSigning(e.Context(), s)
	if err != nil || secret == nil {
		e.Fatalf("the Secret of %s: %v, %v", s.Name, secret, err)
	}
	return secret
}

// checks reports whether a server checks access tokens with a key of another one.
func (e exchange) checks(s operand.Server, id string) bool {
	e.Helper()
	return slices.Contains(idsOf(operand.VerifyingKeys(e.secret(s)).For("acme")), id)
}

func ownServer() operand.Server {
	return operand.DedicatedServer(&scimv1alpha1.ScimTenant{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: "acme", UID: "acme"}})
}

func sharedServer(name string) operand.Server {
	return operand.SharedServer(&scimv1alpha1.ScimServer{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name}})
}

// An access token of each server that a tenant was at is good at the one that it comes to, also if
// that is the first one again, which has been made anew.
func TestAccessTokensOutlastTwoMoves(t *testing.T) {
	own, shared := ownServer(), sharedServer("shared")
	for name, last := range map[string]operand.Server{"elsewhere": sharedServer("other"), "back": own} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			ofOwn, ofShared := e.sign(own), e.sign(shared)
			e.move(own, shared)
			e.sign(last)
			ends := operand.VerifyingKeys(e.secret(shared)).For("acme")[0].Ends
			e.move(shared, last)
			if !e.checks(last, ofOwn) || !e.checks(last, ofShared) {
				t.Errorf("access tokens are checked with %v", operand.VerifyingKeys(e.secret(last)))
			}
			for _, key := range operand.VerifyingKeys(e.secret(last)).For("acme") {
				if key.ID == ofOwn && !key.Ends.Equal(ends) {
					t.Errorf("the key of a former server is good until %v, want %v", key.Ends, ends)
				}
			}
		})
	}
}

// A key that has leaked is gone at the server whose Secret was deleted for it, and everywhere once it
// was taken out of the Secret of the other one.
func TestLeakedKeyDoesNotComeBack(t *testing.T) {
	own, shared := ownServer(), sharedServer("shared")
	for name, tc := range map[string]struct {
		leaked, other operand.Server
		bothServe     bool
	}{
		"of the server with the tenant, before the move begins": {own, shared, false},
		"of the target, before the move begins":                 {shared, own, false},
		"of the server with the tenant, in the middle":          {own, shared, true},
		"of the target, in the middle":                          {shared, own, true},
	} {
		t.Run(name, func(t *testing.T) {
			e := newExchange(t)
			e.sign(own)
			e.sign(shared)
			leaked := e.secret(tc.leaked)
			id := operand.SigningKeys(leaked)[0].ID
			e.pass(own, shared, false)
			e.pass(own, shared, tc.bothServe)
			if !e.checks(tc.other, id) {
				t.Fatal("the other server does not check access tokens with it")
			}
			next := e.sign(tc.leaked)
			e.pass(own, shared, tc.bothServe)
			if e.checks(tc.leaked, id) || !e.checks(tc.other, next) {
				t.Errorf("it came back: access tokens are checked with %v", operand.VerifyingKeys(e.secret(tc.leaked)))
			}
			e.clear(tc.other)
			e.pass(own, shared, tc.bothServe)
			if e.checks(own, id) || e.checks(shared, id) {
				t.Error("it came back after it was taken out by hand")
			}
		})
	}
}
