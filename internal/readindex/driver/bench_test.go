package driver_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// BenchmarkReadIndex measures a reader's wait on one replica of three, over TLS on the
// loopback interface.
func BenchmarkReadIndex(b *testing.B) {
	stop, err := startEnvironment()
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		if err := stop(); err != nil {
			b.Error(err)
		}
	}()
	ctx := context.Background()
	w, err := makeWorld(ctx, patient, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	var reader *replica
	for i := range 3 {
		if reader, err = w.newReplica(fmt.Sprintf("acme-scim-%d", i)); err != nil {
			b.Fatal(err)
		}
		reader.run()
		defer reader.leave()
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if _, err := reader.ReadIndex(ctx, tenantOfTest); err == nil && reader.Members() == 3 {
			break
		}
		if time.Now().After(deadline) {
			b.Fatal("the replicas have not joined each other")
		}
	}
	for _, callers := range []int{1, 64} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			b.ReportAllocs()
			rounds := reader.Rounds()
			defer func() { b.ReportMetric(float64(b.N)/float64(reader.Rounds()-rounds), "calls/round") }()
			left := make(chan struct{}, callers)
			calls := b.N
			b.ResetTimer()
			for i := range callers {
				share := calls / callers
				if i < calls%callers {
					share++
				}
				go func() {
					defer func() { left <- struct{}{} }()
					for range share {
						if _, err := reader.ReadIndex(ctx, tenantOfTest); err != nil {
							b.Error(err)
							return
						}
					}
				}()
			}
			for range callers {
				<-left
			}
		})
	}
}
