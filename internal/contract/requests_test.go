package contract

import (
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/kubescim/kubescim/internal/requestlog"
)

// Whatever a pod remembers, the operator reads: many small requests, or fewer with long texts.
func TestAllThatAPodRemembersIsRead(t *testing.T) {
	long := strings.Repeat("<ä>", 200)
	for name, record := range map[string]requestlog.Record{
		"small": {Status: http.StatusOK},
		"usual": {Status: http.StatusBadRequest, RequestID: uuid.NewString(), ID: uuid.NewString(), Method: http.MethodPatch, Resource: "Users", Detail: long[:100]},
		"long":  {Status: http.StatusBadRequest, RequestID: uuid.NewString(), Hint: long, Detail: long},
	} {
		t.Run(name, func(t *testing.T) {
			log := (&requestlog.Memory{}).New()
			for i := range 3000 {
				for _, one := range []requestlog.Record{
					{}, {KeyID: "k", Reason: "Mismatch", Status: http.StatusUnauthorized}, {KeyID: "k", Status: http.StatusOK}, {KeyID: "k", Status: http.StatusBadRequest},
				} {
					next := record
					next.Time, next.KeyID, next.Reason = time.Unix(int64(i), 0).UTC(), one.KeyID, one.Reason
					if one.Status != 0 {
						next.Status = one.Status
					}
					log.Add(next)
				}
			}
			want := log.Records()
			text, err := json.Marshal(RequestLog{Requests: want})
			if err != nil {
				t.Fatal(err)
			}
			found, err := DecodePodRequests(strings.NewReader(string(text)))
			if err != nil || len(found) != len(want) {
				t.Errorf("of %d requests in %d bytes, %d are read: %v", len(want), len(text), len(found), err)
			}
			t.Logf("%d requests, %d bytes", len(want), len(text))
		})
	}
	for _, text := range []string{`{}`, `{"requests":null}`, `{"requests":[]}`, `{"new":[{"a":1}],"requests":[],"newer":{}}`} {
		if found, err := DecodePodRequests(strings.NewReader(text)); err != nil || len(found) != 0 {
			t.Errorf("of %s, %v is read, and %v", text, found, err)
		}
	}
}

// endless repeats a text for ever.
type endless string

func (e endless) Read(to []byte) (n int, err error) {
	for n < len(to) {
		n += copy(to[n:], e)
	}
	return n, nil
}

// Whoever runs pods in the place of a server's answers at will, and costs the operator little memory.
func TestNoPodCostsTheOperatorMuchMemory(t *testing.T) {
	for _, answer := range []struct {
		begins string
		goesOn endless
	}{
		{`{"requests":[{}`, ",{}"}, {`{"requests":[{"detail":"`, "a"}, {`{"other":[[]`, ",[]"}, {`{"other":`, "["}, {"", " "}, {"[", "{},"}, {`{"requests":{`, `"a":{},`}, {`{"requests":[[`, "1,"},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		_, err := DecodePodRequests(io.MultiReader(strings.NewReader(answer.begins), answer.goesOn))
		runtime.ReadMemStats(&after)
		if taken := after.TotalAlloc - before.TotalAlloc; err == nil || taken > 8<<20 {
			t.Errorf("of %s%s…, %d KiB were taken: %v", answer.begins, answer.goesOn, taken>>10, err)
		}
	}
}
