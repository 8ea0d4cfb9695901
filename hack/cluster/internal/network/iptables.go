package network

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/kubescim/kubescim/hack/cluster/internal/layout"
)

// kubePrefix starts the names of the chains of kubelet and kube-proxy. A machine has one kubelet, so all such
// chains are of this cluster.
const kubePrefix = "KUBE-"

// portmapChains are shared by all networks that use the portmap plugin, ours and others'.
var portmapChains = []string{"CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"}

// table is one table of iptables, as iptables-save prints it.
type table struct {
	name   string
	chains []string
	rules  []rule
}

// rule is a line "-A CHAIN ...".
type rule struct {
	line   string
	chain  string
	target string
}

// parseTables reads what iptables-save prints.
func parseTables(saved string) []table {
	var tables []table
	for line := range strings.Lines(saved) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "*"):
			tables = append(tables, table{name: line[1:]})
		case len(tables) == 0:
		case strings.HasPrefix(line, ":"):
			last := &tables[len(tables)-1]
			last.chains = append(last.chains, strings.Fields(line[1:])[0])
		case strings.HasPrefix(line, "-A "):
			last := &tables[len(tables)-1]
			last.rules = append(last.rules, parseRule(line))
		}
	}
	return tables
}

// parseRule finds the chain that a rule is in and the one that it jumps to.
func parseRule(line string) rule {
	fields := strings.Fields(line)
	parsed := rule{line: line, chain: fields[1]}
	for i, field := range fields[:len(fields)-1] {
		if field == "-j" || field == "-g" {
			parsed.target = fields[i+1]
		}
	}
	return parsed
}

// ours are the chains in a table that the cluster made: those of kubelet and kube-proxy, and of the CNI plugins
// those that rules with the name of our network lead to. Chains of other networks stay.
func (t table) ours() []string {
	var chains []string
	for _, chain := range t.chains {
		if strings.HasPrefix(chain, kubePrefix) || t.isOfNetwork(chain) {
			chains = append(chains, chain)
		}
	}
	if t.portmapIsOurs(chains) {
		chains = append(chains, slices.DeleteFunc(slices.Clone(portmapChains), func(chain string) bool {
			return !slices.Contains(t.chains, chain)
		})...)
	}
	return chains
}

// isOfNetwork reports whether a chain of the CNI plugins serves our network, by the comment of the rule that
// leads to it.
func (t table) isOfNetwork(chain string) bool {
	if !strings.HasPrefix(chain, "CNI-") || slices.Contains(portmapChains, chain) {
		return false
	}
	return slices.ContainsFunc(t.rules, func(r rule) bool {
		return r.target == chain && strings.Contains(r.line, layout.NetworkName)
	})
}

// portmapIsOurs reports whether nobody but us has a port mapped, so that the shared chains can go.
func (t table) portmapIsOurs(ours []string) bool {
	return !slices.ContainsFunc(t.rules, func(r rule) bool {
		return r.chain == portmapChains[0] && !slices.Contains(ours, r.target)
	})
}

// cleanupScript is what iptables-restore --noflush needs to remove exactly the cluster's own rules from the
// saved ones; empty if there are none.
func cleanupScript(saved string) string {
	var script strings.Builder
	for _, t := range parseTables(saved) {
		ours := t.ours()
		if len(ours) == 0 {
			continue
		}
		fmt.Fprintf(&script, "*%s\n", t.name)
		for _, r := range t.rules {
			if slices.Contains(ours, r.target) && !slices.Contains(ours, r.chain) {
				fmt.Fprintf(&script, "-D%s\n", strings.TrimPrefix(r.line, "-A"))
			}
		}
		for _, chain := range ours {
			fmt.Fprintf(&script, "-F %s\n", chain)
		}
		for _, chain := range ours {
			fmt.Fprintf(&script, "-X %s\n", chain)
		}
		script.WriteString("COMMIT\n")
	}
	return script.String()
}

// RemoveRules removes the cluster's rules from iptables and ip6tables, each table at one stroke.
func RemoveRules(ctx context.Context) error {
	for _, command := range []string{"iptables", "ip6tables"} {
		script, err := cleanup(ctx, command)
		if err != nil {
			return err
		}
		if script == "" {
			continue
		}
		cmd := exec.CommandContext(ctx, command+"-restore", "--noflush", "--wait", "10")
		cmd.Stdin = strings.NewReader(script)
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("remove the cluster's %s rules: %w: %s", command, err, bytes.TrimSpace(output))
		}
	}
	return nil
}

// cleanup is the script that would remove the cluster's rules. A machine without iptables, or without IPv6,
// has none.
func cleanup(ctx context.Context, command string) (string, error) {
	if path, _ := exec.LookPath(command + "-save"); path == "" {
		return "", nil
	}
	if command == "ip6tables" && !layout.Exists("/proc/sys/net/ipv6") {
		return "", nil
	}
	saved, err := exec.CommandContext(ctx, command+"-save").Output()
	if err != nil {
		return "", fmt.Errorf("list the %s rules: %w", command, err)
	}
	return cleanupScript(string(saved)), nil
}

// RulesLeft are commands of a script that would still find something to remove.
func RulesLeft(ctx context.Context) ([]string, error) {
	var left []string
	for _, command := range []string{"iptables", "ip6tables"} {
		script, err := cleanup(ctx, command)
		if err != nil {
			return nil, err
		}
		if script != "" {
			left = append(left, command+" rules:\n"+script)
		}
	}
	return left, nil
}
