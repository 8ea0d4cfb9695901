package usage

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What a pod answers in headers, or compressed, takes the operator no memory and no time either.
func TestPodsAnswerWithFewHeadersAndPlainly(t *testing.T) {
	ask := func(handler http.HandlerFunc) (*http.Response, error) {
		pod := httptest.NewServer(handler)
		t.Cleanup(pod.Close)
		request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, pod.URL, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		return NewCaller().http.Do(request)
	}
	answer, err := ask(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X-Long", strings.Repeat("a", 1<<20)) })
	if err == nil {
		_ = answer.Body.Close()
		t.Error("headers of a MiB are read")
	}
	answer, err = ask(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			t.Error("compression is asked for")
		}
		w.Header().Set("Content-Encoding", "gzip")
		compressed := gzip.NewWriter(w)
		_, _ = compressed.Write(make([]byte, 64<<20))
		_ = compressed.Close()
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close()
	if err != nil || len(body) > 1<<20 {
		t.Errorf("%d bytes are read: %v", len(body), err)
	}
}
