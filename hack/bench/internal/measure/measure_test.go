package measure

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kubescim/kubescim/hack/bench/internal/load"
	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

func TestUserBody(t *testing.T) {
	names := map[string]bool{}
	for n := range int64(2000) {
		names[strings.ToLower(userName(n))] = true
	}
	if len(names) != 2000 {
		t.Errorf("2000 users have %d names", len(names))
	}
	var user map[string]any
	body := userBody(7)
	if err := json.Unmarshal(body, &user); err != nil {
		t.Fatal(err)
	}
	if user["userName"] != userName(7) || len(body) < 600 || len(body) > 1000 {
		t.Errorf("got %d bytes: %s", len(body), body)
	}
}

func TestDataset(t *testing.T) {
	d := &dataset{}
	for _, body := range []string{`{}`, `{"id":"1"}`, `{"userName":"a"}`, `nonsense`} {
		if d.created([]byte(body)) == nil {
			t.Errorf("%s was taken for a user", body)
		}
	}
	for _, id := range []string{"1", "2", "3"} {
		if err := d.created([]byte(`{"id":"` + id + `","userName":"user` + id + `"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if got := d.ids(2); d.size() != 3 || !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("of %d users, the first two are %v", d.size(), got)
	}
	if u := d.any(); u.name != "user"+u.id {
		t.Errorf("got %+v, want an id with its own name", u)
	}
	var names []string
	for range 4 {
		names = append(names, d.inTurn().name)
	}
	if want := []string{"user1", "user2", "user3", "user1"}; !slices.Equal(names, want) {
		t.Errorf("in turn they are %v, want %v", names, want)
	}
	first, second := d.create(), d.create()
	if string(first.Body) == string(second.Body) {
		t.Error("two requests are for the same user")
	}
}

// recorder notes whose windows were measured, in order.
type recorder struct {
	mutex sync.Mutex
	order []string
}

// contender is one whose operations take no time.
func (r *recorder) contender(name string, fails error, takes time.Duration) contender {
	return contender{
		subject: name,
		window:  load.Window{Concurrency: 1},
		workers: func() (load.Worker, error) {
			return worker(func() (time.Duration, error) {
				r.mutex.Lock()
				defer r.mutex.Unlock()
				r.order = append(r.order, name)
				return takes, fails
			}), nil
		},
	}
}

type worker func() (time.Duration, error)

func (w worker) Do(context.Context) (time.Duration, error) { return w() }
func (w worker) Close()                                    {}

// quiet is a run with three rounds that says nothing.
func quiet() *bench {
	return &bench{Options: Options{Rounds: 3, Log: func(string, ...any) {}}, run: &result.Run{}}
}

func TestRoundsTakeTurns(t *testing.T) {
	b, r := quiet(), &recorder{}
	absent := r.contender("absent", nil, 0)
	absent.missing = errors.New("not installed")
	err := b.rounds(t.Context(), result.Measurement{Name: "x"},
		r.contender("a", nil, 0), r.contender("b", nil, 0),
		r.contender("broken", errors.New("501"), 0), r.contender("slow", nil, time.Minute), absent)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"a", "b", "broken", "slow", "a", "b", "b", "a", "a", "b"} // a try of each; then in turn
	if !slices.Equal(r.order, want) {
		t.Errorf("measured in the order %v, want %v", r.order, want)
	}
	m := b.run.Measurements[0]
	for i, reason := range []string{"", "", "501", "takes 1m0s", "not installed"} {
		s := m.Series[i]
		if !strings.Contains(s.NotMeasured, reason) || (reason == "") != (len(s.Windows) == 3) {
			t.Errorf("%s has %d windows and the reason %q", s.Subject, len(s.Windows), s.NotMeasured)
		}
	}
}

func TestRoundsEndWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := quiet().rounds(ctx, result.Measurement{}, (&recorder{}).contender("a", nil, 0))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that the context was canceled", err)
	}
}

func TestFillGoesOnAfterFailures(t *testing.T) {
	var mutex sync.Mutex
	requests, users := 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		if requests++; requests%5 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		users++
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"id":"x",`+string(body[1:]))
	}))
	defer server.Close()
	data := &dataset{}
	if err := quiet().fill(t.Context(), load.Target{Base: server.URL}, data, 300); err != nil {
		t.Fatal(err)
	}
	if data.size() != 300 || users != 300 {
		t.Errorf("there are %d users, of which %d are known; want 300", users, data.size())
	}
}

func TestFillGivesUp(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
	defer server.Close()
	if err := quiet().fill(t.Context(), load.Target{Base: server.URL}, &dataset{}, 3); err == nil {
		t.Error("no error although nothing could be created")
	}
}
