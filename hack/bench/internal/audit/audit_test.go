package audit

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/kubescim/kubescim/hack/bench/internal/result"
)

// line is a line of a log as the API server writes it.
func line(user, verb, resource, subresource string) string {
	return `{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata","stage":"ResponseComplete","verb":"` + verb +
		`","user":{"username":"` + user + `","groups":["system:authenticated"]},"objectRef":{"resource":"` + resource +
		`","subresource":"` + subresource + `","namespace":"bench","name":"a"},"responseStatus":{"code":200}}` + "\n"
}

func TestSince(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	write := func(text string) {
		t.Helper()
		file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(text); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(path); err == nil {
		t.Error("a log that is not there was opened")
	}
	write(line("before", "get", "pods", ""))
	log, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	mark, err := log.Mark()
	if err != nil {
		t.Fatal(err)
	}
	write(line("alice", "patch", "scimusers", "") + `{"kind":"Event","half`)
	got, err := log.Since(mark)
	if err != nil || len(got) != 1 || got[0].User.Username != "alice" || got[0].what() != "patch scimusers" {
		t.Errorf("got %+v and %v, want the one request that has ended", got, err)
	}
	if err := os.Truncate(path, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := log.Since(mark); err == nil {
		t.Error("no error although another log was begun")
	}
}

func TestCount(t *testing.T) {
	account := func(namespace string) string { return "system:serviceaccount:" + namespace + ":kubescim" }
	var text string
	for _, r := range [][4]string{
		{account("kubescim-system"), "update", "leases", ""},
		{account("kubescim-system"), "patch", "scimtenants", "status"},
		{account("kubescim-system"), "patch", "scimtenants", "status"},
		{account("kubescim-system"), "create", "tokenreviews", ""},
		{account("bench"), "create", "scimusers", ""},
		{account("bench"), "list", "scimusers", ""},
		{account("elsewhere"), "delete", "scimusers", ""},
		{account("kube-system"), "update", "endpointslices", ""},
		{"system:node:one", "create", "serviceaccounts", "token"},
		{"system:kube-controller-manager", "watch", "pods", ""},
		{"system:kube-scheduler", "watch", "pods", ""},
	} {
		text += line(r[0], r[1], r[2], r[3])
	}
	path := filepath.Join(t.TempDir(), "audit.log")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	requests, err := log.Since(0)
	if err != nil {
		t.Fatal(err)
	}
	got := Programs{Operator: "kubescim-system", Servers: "bench"}.Count(requests)
	want := []result.Requests{
		{Who: result.Operator, Requests: 4, Writes: map[string]int{"update leases": 1, "patch scimtenants/status": 2}},
		{Who: result.Servers, Requests: 2, Writes: map[string]int{"create scimusers": 1}},
		{Who: result.Controllers, Requests: 2, Writes: map[string]int{"update endpointslices": 1}},
		{Who: result.Kubelet, Requests: 1, Writes: map[string]int{}},
		{Who: result.Others, Requests: 2, Writes: map[string]int{"delete scimusers": 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
