// Command etcd is the etcd server, built from its Go module because the one that Debian 12 ships (3.4)
// is too old for the API server's consistent reads from cache.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
