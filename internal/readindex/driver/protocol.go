package driver

import (
	"errors"
	"slices"
	"strconv"
	"strings"
)

var errNoProtocol = errors.New("the replicas have no protocol in common")

// protocol is a version of what replicas say to each other. Two of them agree by ALPN on
// the newest that both speak, so that an update can roll through replicas of the last
// release and of this one.
type protocol byte

const (
	// protocol1 has Revisions and nothing else.
	protocol1 protocol = 1
	// protocol2 says with each question and each answer how often history was rewritten.
	protocol2 protocol = 2
	// protocol3 has reports of what replicas have let through, too.
	protocol3 protocol = 3
	// protocol4 keeps tenants apart, has promises, and frames with a longer length.
	protocol4 protocol = 4
)

// protocols are those that this release speaks, the newest first.
var protocols = []protocol{protocol4, protocol3, protocol2, protocol1}

const protocolPrefix = "kubescim-barrier/"

func (p protocol) String() string { return strconv.Itoa(int(p)) }

// offers returns the names by which ALPN knows the protocols.
func offers(spoken []protocol) []string {
	names := make([]string, len(spoken))
	for i, p := range spoken {
		names[i] = protocolPrefix + p.String()
	}
	return names
}

// agreed returns the protocol that ALPN has agreed on.
func agreed(name string) (protocol, error) {
	for _, p := range protocols {
		if name == protocolPrefix+p.String() {
			return p, nil
		}
	}
	return 0, errNoProtocol
}

// stated returns the protocols as they stand in a Lease.
func stated(spoken []protocol) string {
	versions := make([]string, len(spoken))
	for i, p := range spoken {
		versions[i] = p.String()
	}
	slices.Sort(versions)
	return strings.Join(versions, ",")
}
