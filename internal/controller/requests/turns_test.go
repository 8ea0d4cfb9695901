package requests

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kubescim/kubescim/internal/requestlog"
)

// Whoever reads slowly holds up those of the same namespace, and nobody else.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := newTurns()
		begin := func(namespace string) (func(), error) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			return all.begin(ctx, namespace)
		}
		slow, err := begin("slow")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := begin("slow"); err == nil {
			t.Error("two read in one namespace at a time")
		}
		var reading, most, read atomic.Int32
		for i := range 100 {
			go func() {
				end, err := begin(fmt.Sprint(i % 10))
				if err != nil {
					t.Error(err)
					return
				}
				if now := reading.Add(1); now > most.Load() {
					most.Store(now)
				}
				time.Sleep(time.Millisecond)
				reading.Add(-1)
				read.Add(1)
				end()
			}()
		}
		synctest.Wait()
		time.Sleep(time.Minute)
		if read.Load() != 100 || most.Load() != mostTurns-1 {
			t.Errorf("%d have read, %d at a time", read.Load(), most.Load())
		}
		slow()
		if end, err := begin("slow"); err != nil {
			t.Error(err)
		} else {
			end()
		}
		if len(all.busy) != 0 || len(all.all) != 0 {
			t.Error("something is left of turns that have ended")
		}
	})
}

// Pods that say more than servers do take no more memory than these.
func TestWhatIsGatheredIsBounded(t *testing.T) {
	g, long := &gathered{}, strings.Repeat("x", 100<<10)
	for i := range 1000 {
		g.add(fmt.Sprint("pod-", i), []requestlog.Record{{Detail: long}}, nil)
	}
	log := g.log()
	if len(log.Requests) != len(log.Pods) || len(log.Pods)+len(log.SilentPods) != 1000 || len(log.Requests) != mostGathered/(len(long)+recordBytes) {
		t.Errorf("%d requests of %d pods are kept, and %d are missing", len(log.Requests), len(log.Pods), len(log.SilentPods))
	}
}

// A pod that says at will what was refused uses up what is for its namespace, and not what is for all.
func TestEventsOfOneNamespaceLeaveRoomForOthers(t *testing.T) {
	r, now := NewRefusals(nil, nil), time.Unix(1_777_636_800, 0)
	for second := range 600 {
		now = now.Add(time.Second)
		for range 40 {
			r.allow("hostile", now)
		}
		if second%60 == 59 && !r.allow(fmt.Sprint("customer-", second), now) {
			t.Errorf("after %d s, there is no event of others", second)
		}
	}
	for i := range 3 * mostNamespaces {
		r.allow(fmt.Sprint("namespace-", i), now)
	}
	if len(r.own) > mostNamespaces {
		t.Errorf("%d namespaces are remembered", len(r.own))
	}
}
