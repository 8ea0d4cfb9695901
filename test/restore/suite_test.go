// Package restore has what clients are told while what a tenant has is put back under its
// pods: by etcd, and object by object. It needs an etcd of its own, which it stops, and no
// cluster: the pods run in the test, put together as cmd/scim-server does.
package restore

import (
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/kubescim/kubescim/test/internal/scimtest"
)

func TestRestore(t *testing.T) { RunSuite(t, "Restores") }

// The pods, the API server and etcd share the machine with other tests.
var _ = BeforeSuite(func() { SetDefaultEventuallyTimeout(2 * time.Minute) })
