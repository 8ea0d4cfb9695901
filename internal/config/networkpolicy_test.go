package config

import (
	"slices"
	"strings"
	"testing"
)

func TestNetworkPolicy(t *testing.T) {
	policy := mustLoad(t, `
networkPolicy:
  enabled: true
  clients:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ingress-nginx}}
      podSelector: {}
    - ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.7/32]}
  scrapers: [{namespaceSelector: {matchExpressions: [{key: team, operator: In, values: [a]}]}}]
  apiServer: {networks: [198.51.100.7/32], ports: [443, 16443]}
`).NetworkPolicy
	if !policy.Enabled || len(policy.Clients) != 2 || len(policy.Scrapers) != 1 ||
		!slices.Equal(policy.APIServer.Ports, []int32{443, 16443}) || !slices.Equal(policy.APIServer.Networks, []string{"198.51.100.7/32"}) {
		t.Errorf("the file is read as %+v", policy)
	}
	usual := Default().NetworkPolicy
	if usual.Enabled || !slices.Equal(usual.APIServer.Ports, []int32{443, 6443}) || len(usual.APIServer.Networks) > 0 {
		t.Errorf("without a file, it is %+v", usual)
	}
}

func TestNetworkPolicyRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ text, says string }{
		"no clients":                  {"enabled: true", "clients: has no item"},
		"somebody who is nobody":      {"clients: [{}]", "clients[0]: has no"},
		"a network and pods":          {"scrapers: [{ipBlock: {cidr: 192.0.2.0/24}, podSelector: {}}]", "scrapers[0]: has an ipBlock and a selector"},
		"an address":                  {"clients: [{ipBlock: {cidr: 192.0.2.0}}]", `clients[0]: "192.0.2.0" must be a network`},
		"an address in a network":     {"clients: [{ipBlock: {cidr: 192.0.2.1/24}}]", `"192.0.2.1/24" must be a network`},
		"an exception that is none":   {"clients: [{ipBlock: {cidr: 192.0.2.0/24, except: [a]}}]", `"a" must be a network`},
		"an exception from elsewhere": {"clients: [{ipBlock: {cidr: 192.0.2.0/24, except: [10.0.0.0/8]}}]", "10.0.0.0/8 is no part of 192.0.2.0/24"},
		"an exception of everything":  {"clients: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.0/24]}}]", "is no part of"},
		"no label":                    {"clients: [{podSelector: {matchLabels: {a b: c}}}]", "clients[0]: podSelector"},
		"no operator":                 {"scrapers: [{namespaceSelector: {matchExpressions: [{key: a, operator: Is}]}}]", "scrapers[0]: namespaceSelector"},
		"no port":                     {"apiServer: {ports: [0]}", "apiServer.ports[0]: must be from 1"},
		"no ports":                    {"apiServer: {ports: []}", "apiServer.ports: has no item"},
		"no network":                  {"apiServer: {networks: [a]}", "apiServer.networks[0]"},
		"an unknown field":            {"from: []", "unknown field"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, "networkPolicy: {"+tc.text+"}"); err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("the file is refused with %v", err)
			}
		})
	}
}
