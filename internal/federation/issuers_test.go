package federation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// world is an issuer and who asks it. It lives in a bubble of synctest, where time passes
// when nobody has anything to do.
type world struct {
	*Issuers
	t       *testing.T
	origin  Origin
	signers []signer
	down    atomic.Bool
	slow    time.Duration
	asked   atomic.Int64
	busy    atomic.Int64 // issuers that are being asked
	log     bytes.Buffer
	metrics *prometheus.Registry
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, origin: Origin{Issuer: idp}, signers: []signer{newSigner(t, "a", jose.EdDSA)}, metrics: prometheus.NewRegistry()}
	w.Issuers = NewIssuers(w.fetchKeys, slog.New(slog.NewTextHandler(&w.log, nil)), NewMetrics(w.metrics, "acme"))
	return w
}

func (w *world) fetchKeys(ctx context.Context, from Origin) (KeySet, error) {
	w.asked.Add(1)
	defer w.busy.Add(-1)
	if busy := w.busy.Add(1); busy > mostAsked {
		w.t.Errorf("%d are asked at a time", busy)
	}
	select {
	case <-time.After(w.slow):
	case <-ctx.Done():
		return KeySet{}, ctx.Err()
	}
	if w.down.Load() {
		return KeySet{}, errors.New("it does not answer " + strings.Repeat("a", 1000))
	}
	keys := published(w.t, w.signers...)
	if from.Cluster {
		keys.Issuer = "https://kubernetes.default.svc"
	}
	return keys, nil
}

// expect sends an assertion that a key has signed, and checks what becomes of it and how often
// the issuer has been asked for keys so far.
func (w *world) expect(s signer, want Fault, asked int64) {
	w.t.Helper()
	if got := w.send(w.t.Context(), w.origin, s); got != want || w.asked.Load() != asked {
		w.t.Errorf("it is %q, and the issuer was asked %d times, want %q and %d", got, w.asked.Load(), want, asked)
	}
}

func (w *world) send(ctx context.Context, origin Origin, s signer) Fault {
	assertion, fault := Parse(s.sign(w.t, claims(nil)))
	if fault != "" {
		w.t.Fatal(fault)
	}
	keys, fault := w.Keys(ctx, origin, assertion)
	if fault == "" {
		_, fault = assertion.Verify(keys)
	}
	return fault
}

func TestKeysAreFetchedAndRotate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		first, second, unknown := w.signers[0], newSigner(t, "b", jose.EdDSA), newSigner(t, "c", jose.EdDSA)
		w.expect(first, "", 1)
		w.expect(first, "", 1)
		w.signers = append(w.signers, second)
		w.expect(second, UnknownSigner, 1)
		time.Sleep(askedAgainAfter)
		w.expect(second, "", 2)
		for range 100 {
			w.expect(unknown, UnknownSigner, 2)
		}
		w.signers = w.signers[1:]
		time.Sleep(refreshAge - 1)
		w.expect(first, "", 2)
		time.Sleep(time.Nanosecond)
		w.expect(first, UnknownSigner, 3)
		w.expect(second, "", 3)
	})
}

func TestAnOutageIsRiddenOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s, next := w.signers[0], newSigner(t, "b", jose.EdDSA)
		w.expect(s, "", 1)
		w.down.Store(true)
		w.slow = time.Minute // longer than anybody waits
		time.Sleep(refreshAge)
		began := time.Now()
		w.expect(s, "", 2)
		if waited := time.Since(began); waited != askTimeout {
			t.Errorf("it took %s", waited)
		}
		for range 10 {
			w.expect(s, "", 2)
		}
		w.expect(next, UnknownSigner, 2)
		time.Sleep(maxAge - refreshAge - time.Minute)
		w.expect(s, "", 3)
		time.Sleep(time.Minute)
		w.expect(s, Unavailable, 4)
		w.expect(s, Unavailable, 4)
		w.down.Store(false)
		w.slow = 0
		time.Sleep(triedAgainAfter)
		w.expect(s, "", 5)
		if text := w.log.String(); strings.Contains(text, strings.Repeat("a", maxErrorLength)) || !strings.Contains(text, "lastFetched") {
			t.Errorf("the log has %s", text)
		}
		if err := testutil.GatherAndCompare(w.metrics, strings.NewReader(`
# HELP kubescim_issuer_key_fetches_total How often the keys of an issuer of assertions were fetched, by whether that succeeded.
# TYPE kubescim_issuer_key_fetches_total counter
kubescim_issuer_key_fetches_total{result="failure",tenant="acme"} 3
kubescim_issuer_key_fetches_total{result="success",tenant="acme"} 2
`), "kubescim_issuer_key_fetches_total"); err != nil {
			t.Error(err)
		}
	})
}

// While an issuer that has not answered is asked again, one waits, and not everybody.
func TestOneWaitsInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.expect(w.signers[0], "", 1)
		w.slow = time.Hour
		time.Sleep(refreshAge)
		w.expect(w.signers[0], "", 2)
		time.Sleep(triedAgainAfter)
		var group sync.WaitGroup
		group.Go(func() { w.expect(w.signers[0], "", 3) })
		synctest.Wait()
		began := time.Now()
		w.expect(w.signers[0], "", 3)
		if waited := time.Since(began); waited > 0 {
			t.Errorf("it took %s", waited)
		}
		group.Wait()
	})
}

func TestAnIssuerIsAskedOnceAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = time.Second
		var group sync.WaitGroup
		for range 50 {
			group.Go(func() { w.expect(w.signers[0], "", 1) })
		}
		group.Wait()
	})
}

// Who goes away does not keep others from the keys, and does not wait for them.
func TestWhoWaitsMayGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = time.Second
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { w.send(ctx, w.origin, w.signers[0]) }) // asks
		synctest.Wait()
		group.Go(func() {
			if fault := w.send(ctx, w.origin, w.signers[0]); fault != Unavailable {
				t.Errorf("who has gone gets %q", fault)
			}
		})
		synctest.Wait()
		cancel()
		w.expect(w.signers[0], "", 1)
		group.Wait()
	})
}

// What nobody is known by any more is forgotten, and who waits for it goes on.
func TestIssuersAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.expect(w.signers[0], "", 1)
		w.Keep("acme", map[Origin]struct{}{w.origin: {}})
		w.Keep("globex", map[Origin]struct{}{w.origin: {}})
		w.Keep("globex", nil)
		w.expect(w.signers[0], "", 1)
		w.slow = time.Second
		w.Keep("acme", nil)
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { w.expect(w.signers[0], "", 2) })
		}
		synctest.Wait()
		w.Keep("acme", nil)
		group.Wait()
		if len(w.known) != 0 {
			t.Errorf("%d are known", len(w.known))
		}
	})
}

// Of very many issuers, those last used are known, and none is asked more often for that.
func TestManyIssuers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = 0
		origin := func(i int) Origin { return Origin{Issuer: idp, CABundle: fmt.Sprint(i)} }
		for i := range mostIssuers {
			if fault := w.send(t.Context(), origin(i), w.signers[0]); fault != "" {
				t.Fatal(fault)
			}
		}
		if fault := w.send(t.Context(), origin(mostIssuers), w.signers[0]); fault != Unavailable {
			t.Errorf("one more is %q", fault)
		}
		time.Sleep(askedAgainAfter)
		for i := 1; i < mostIssuers; i++ {
			_ = w.send(t.Context(), origin(i), w.signers[0])
		}
		asked := w.asked.Load()
		if fault := w.send(t.Context(), origin(mostIssuers), w.signers[0]); fault != "" || len(w.known) != mostIssuers || w.asked.Load() != asked+1 {
			t.Errorf("one more, a minute later, is %q, of %d", fault, len(w.known))
		}
		if _, known := w.known[origin(0)]; known {
			t.Error("it was not the one that was used the longest time ago")
		}
	})
}

// Issuers that do not answer do not take more than their share, whatever their number is.
func TestIssuersThatDoNotAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.slow = time.Hour
		var group sync.WaitGroup
		began := time.Now()
		for i := range 2 * mostAsked {
			group.Go(func() {
				if fault := w.send(t.Context(), Origin{Issuer: idp, CABundle: fmt.Sprint(i)}, w.signers[0]); fault != Unavailable {
					t.Errorf("it is %q", fault)
				}
			})
		}
		group.Wait()
		if took := time.Since(began); took != askTimeout {
			t.Errorf("they were asked for %s", took)
		}
	})
}

// What the cluster's issuer is called is known with its keys, and assertions of others do not
// make it be asked.
func TestTheClusterIsAskedForItsOwnAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.origin = Origin{Cluster: true}
		w.expect(w.signers[0], UnknownIssuer, 1)
		time.Sleep(askedAgainAfter)
		w.expect(newSigner(t, "b", jose.EdDSA), UnknownIssuer, 1)
		time.Sleep(refreshAge)
		w.expect(w.signers[0], UnknownIssuer, 2)
	})
}

func TestADefectEndsWithItsRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.fetch = func(context.Context, Origin) (KeySet, error) { panic("a defect") }
		func() {
			defer func() {
				if recover() == nil {
					t.Error("nobody hears of it")
				}
			}()
			w.send(t.Context(), w.origin, w.signers[0])
		}()
		w.fetch = w.fetchKeys
		w.expect(w.signers[0], Unavailable, 0)
		time.Sleep(triedAgainAfter)
		w.expect(w.signers[0], "", 1)
	})
}
