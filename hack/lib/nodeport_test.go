// Package lib_test tries the functions that scripts of the checkout share.
package lib_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// What waits for a tenant to answer leaves no refused request behind, in which somebody would look for a fault.
func TestWaitingForATenantIsNoRequestWithoutAToken(t *testing.T) {
	var mu sync.Mutex
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, r.Header.Get("Authorization")+" "+r.URL.Path)
		if len(asked) == 1 { // as a pod that has just begun
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	script := `set -euo pipefail
source nodeport.sh
kubectl() { if [[ $2 == service ]]; then echo ` + port + `; else echo 127.0.0.1; fi; }
base_url acme quickstart /scim/v2 secret`
	out, err := exec.CommandContext(t.Context(), "bash", "-c", script).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if got, want := strings.TrimSpace(string(out)), server.URL+"/scim/v2"; got != want {
		t.Errorf("it prints %q, and not %q", got, want)
	}
	for _, request := range asked {
		if request != "Bearer secret /scim/v2/Users" {
			t.Errorf("it asks: %q", request)
		}
	}
	if len(asked) != 2 {
		t.Errorf("it asks %d times, and not until it is answered", len(asked))
	}
}
