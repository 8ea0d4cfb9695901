package requestlog_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	. "github.com/onsi/gomega"

	"github.com/kubescim/kubescim/internal/requestlog"
	"github.com/kubescim/kubescim/internal/server/auth"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// answer is a request that got what it asked for, and refusal one that did not.
func answer(number int) requestlog.Record {
	return requestlog.Record{
		Time: noon.Add(time.Duration(number) * time.Second), RequestID: uuid.NewString(), KeyID: "abcdefghjkmnpqrs", Method: http.MethodGet,
		Operation: requestlog.Get, Resource: "Users", ID: uuid.NewString(), Status: http.StatusOK,
	}
}

func refusal(number int) requestlog.Record {
	r := answer(number)
	r.Method, r.Operation, r.Status, r.ScimType = http.MethodPatch, requestlog.Modify, http.StatusBadRequest, "invalidValue"
	r.Detail = "operation 1: \"name.givenName\" must be a string; it is a number; correct the attribute mapping of the identity provider"
	return r
}

func unauthenticated(number int) requestlog.Record {
	return requestlog.Record{
		Time: noon.Add(time.Duration(number) * time.Second), RequestID: uuid.NewString(), Method: http.MethodGet, Status: http.StatusUnauthorized,
		Reason: "Missing", Detail: "the bearer token is missing, unknown, expired or revoked",
	}
}

func TestRecordsAreKeptAsTheyAre(t *testing.T) {
	g := NewWithT(t)
	memory := &requestlog.Memory{}
	log := memory.New()
	operation := refusal(2)
	operation.RequestID += ".17"
	claimed := unauthenticated(3)
	claimed.KeyID, claimed.Reason, claimed.Hint = "abcdefghjkmnpqrs", "OtherClaims", "sub is system:serviceaccount:hr:sync"
	dropped := answer(4)
	dropped.Dropped, dropped.ID = 3, ""
	want := []requestlog.Record{answer(0), unauthenticated(1), operation, claimed, dropped}
	for i := range want {
		log.Add(want[len(want)-1-i])
	}
	g.Expect(log.Records()).To(Equal(want), "in the order of time")
}

func TestLongTextsAreCut(t *testing.T) {
	g := NewWithT(t)
	log := (&requestlog.Memory{}).New()
	long := refusal(0)
	long.Detail, long.KeyID, long.RequestID = strings.Repeat("ä", 1000), strings.Repeat("k", 1000), strings.Repeat("r", 1000)
	log.Add(long)
	kept := log.Records()
	g.Expect(kept).To(HaveLen(1))
	g.Expect(kept[0].Detail).To(Equal(strings.Repeat("ä", 256)))
	g.Expect(kept[0].KeyID).To(HaveLen(64))
	long.Detail = strings.Repeat("\x80", 1000) // no beginning of a character in it
	log.Add(long)
	g.Expect(log.Records()).To(HaveLen(2))
}

// A provider that asks every second, and somebody who tries tokens, do not push out why a user was
// refused yesterday.
func TestRefusalsStayWhateverElseComes(t *testing.T) {
	g := NewWithT(t)
	log := (&requestlog.Memory{}).New()
	first := refusal(0)
	log.Add(first)
	for i := range 20_000 {
		log.Add(answer(i))
		log.Add(unauthenticated(i))
	}
	records := log.Records()
	g.Expect(records).To(ContainElement(first))
	g.Expect(len(records)).To(BeNumerically(">", 300))
	g.Expect(records[len(records)-1].Time).To(Equal(noon.Add(19_999*time.Second)), "the newest stay")
	for i := range 2000 {
		log.Add(refusal(i))
	}
	refused := 0
	for _, r := range log.Records() {
		if r.Refused() && r.KeyID != "" {
			refused++
		}
	}
	g.Expect(log.Records()).NotTo(ContainElement(first), "of refusals, the oldest make way")
	g.Expect(refused).To(BeNumerically(">", 80))
}

// The id of a key is in logs and statuses: whoever knows one and has no token pushes out nothing but the like.
func TestRefusalsStayWhoeverNamesAKey(t *testing.T) {
	g := NewWithT(t)
	log := (&requestlog.Memory{}).New()
	pasted := unauthenticated(0)
	pasted.KeyID, pasted.Reason = "abcdefghjkmnpqrs", "Expired" // which only the right token can be
	first, answered := refusal(0), answer(0)
	for _, r := range []requestlog.Record{first, answered, pasted} {
		log.Add(r)
	}
	for _, reason := range []auth.Reason{auth.Mismatch, auth.UnknownSigner, auth.IssuerUnavailable} {
		for i := range 5000 {
			guess := unauthenticated(i)
			guess.KeyID, guess.Reason = pasted.KeyID, string(reason)
			log.Add(guess)
		}
	}
	g.Expect(log.Records()).To(ContainElements(first, answered, pasted))
	g.Expect(log.Records()).To(ContainElement(HaveField("Reason", "IssuerUnavailable")), "the last of them are seen, too")
}

func TestWhatIsClosedKeepsNothing(t *testing.T) {
	g := NewWithT(t)
	log := (&requestlog.Memory{}).New()
	log.Add(refusal(0))
	log.Close()
	log.Add(refusal(1))
	g.Expect(log.Records()).To(BeEmpty())
}

func TestRefusalsAreCounted(t *testing.T) {
	g := NewWithT(t)
	log := (&requestlog.Memory{}).New()
	g.Expect(log.Refusals()).To(BeEmpty())
	for i := range 3 {
		log.Add(refusal(i))
		log.Add(answer(i))
		log.Add(unauthenticated(i)) // of whom nobody knows who it is, and who can come at any rate
	}
	paused := refusal(8)
	paused.Status, paused.ScimType, paused.TurnedAway = http.StatusServiceUnavailable, "", true
	log.Add(paused)
	taken := refusal(9)
	taken.Status, taken.ScimType = http.StatusConflict, "uniqueness"
	log.Add(taken)
	g.Expect(log.Refusals()).To(Equal(map[string]int64{"ValueInvalid": 3, "NameTaken": 1}))
}

// heap is how much memory is in use.
func heap() int64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

func TestTheLogOfATenantIsBounded(t *testing.T) {
	const tenants, most = 100, 64 << 10
	before := heap()
	memory := &requestlog.Memory{}
	logs := make([]*requestlog.Log, tenants)
	for i := range logs {
		logs[i] = memory.New()
		for j := range 2000 {
			logs[i].Add(answer(j))
			logs[i].Add(refusal(j))
			logs[i].Add(unauthenticated(j))
		}
	}
	if taken := (heap() - before) / tenants; taken > most || taken < most/2 {
		t.Errorf("each takes %d bytes", taken)
	}
	runtime.KeepAlive(logs)
}

// A thousand tenants of one process share 16 MiB: each has the last of what came, and a tenant that
// comes late has as much as the others.
func TestTheLogsOfAProcessAreBounded(t *testing.T) {
	const tenants, most = 1000, 16 << 20
	g := NewWithT(t)
	before := heap()
	memory := &requestlog.Memory{}
	logs := make([]*requestlog.Log, tenants)
	for i := range logs {
		logs[i] = memory.New()
		for j := range 200 {
			logs[i].Add(answer(j))
			logs[i].Add(refusal(j))
			logs[i].Add(unauthenticated(j))
		}
	}
	taken := heap() - before
	g.Expect(taken).To(BeNumerically("<=", most), "all of them")
	g.Expect(taken).To(BeNumerically(">", most/2), "the memory is made use of")
	least := 1000
	for i, log := range logs {
		refused := 0
		for _, r := range log.Records() {
			if r.Refused() && r.KeyID != "" {
				refused++
			}
		}
		if least = min(least, refused); refused == 0 {
			t.Fatalf("tenant %d of %d has lost all", i, tenants)
		}
	}
	t.Logf("%d tenants take %d KiB; each has %d refusals or more", tenants, taken>>10, least)
	for _, log := range logs {
		log.Close()
	}
	g.Expect(heap()-before).To(BeNumerically("<", 1<<20), "and nothing is left")
}

func BenchmarkAdd(b *testing.B) {
	for name, record := range map[string]requestlog.Record{"answered": answer(0), "refused": refusal(0)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			log := (&requestlog.Memory{}).New()
			for b.Loop() {
				log.Add(record)
			}
		})
	}
	b.Run("of a thousand tenants", func(b *testing.B) {
		b.ReportAllocs()
		memory, record := &requestlog.Memory{}, answer(0)
		logs := make([]*requestlog.Log, 1000)
		for i := range logs {
			logs[i] = memory.New()
		}
		for i := 0; b.Loop(); i++ {
			logs[i%len(logs)].Add(record)
		}
	})
}

func ExampleAdviceOn() {
	fmt.Println(requestlog.AdviceOn(requestlog.Record{Status: http.StatusConflict, ScimType: "uniqueness"}).Reason)
	// Output: NameTaken
}
